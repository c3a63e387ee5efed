/** What an application imports to say what travels over its sockets. */
export type { Answer, AnswerError, CommandMeta } from './answers.ts'
export { type Check, type Checked, checkCommand, checkEvent } from './checks.ts'
export type { EveryNamespace } from './every-namespace.ts'
export { type GoodbyeCode, type GoodbyeRow, goodbyes } from './goodbyes.ts'
export {
  type ConnectionId,
  type Id,
  idLengthMax,
  parseId,
  type SessionId,
  type TeamId,
  type UserId,
  type WorkspaceId,
} from './ids.ts'
export { cursorLengthMax, type EventMeta, formatCursor, type Position, parseCursor } from './meta.ts'
export {
  type CommandContract,
  type CommandData,
  type CommandInput,
  type CommandName,
  type CommandOutput,
  type Commands,
  command,
  commandBytesMax,
  commandDepthMax,
  defineNamespace,
  type EventContract,
  type EventData,
  type EventInput,
  type EventName,
  type Events,
  eventBytesMax,
  type Lane,
  type LogPolicy,
  latest,
  type NamespaceContract,
  type NoInput,
  type Publisher,
  pulse,
  stream,
} from './namespace.ts'
export {
  isRoomRef,
  type Room,
  type RoomKind,
  type RoomRef,
  roomIdLengthMax,
  roomName,
  roomRef,
} from './rooms.ts'
export type { InputOf, OutputOf, StandardSchema } from './standard-schema.ts'
