/** What a program that hosts Belfry uses. */
export { type Address, type Listening, listen } from './adapters/http/listening.ts'
export {
  type CommandContext,
  type NamespaceHandlers,
  type RoomAuthority,
  type ServedNamespace,
  type SessionView,
  serveNamespace,
} from './engine/namespace-handlers.ts'
export type { Queryable, Transaction } from './engine/ports/database.ts'
export type { Logger } from './engine/ports/logger.ts'
export type { Principal } from './engine/ports/token-verifier.ts'
export { type Statement, sql } from './engine/sql.ts'
export { StartRefusal, type StartRefusalCode } from './engine/start-refusal.ts'
export { type Belfry, type BelfryOptions, startBelfry, type TokenClaims } from './server/belfry.ts'
export type { AuthenticateHandshake, HandshakeClaims, HandshakeRequest } from './server/handshake-claims.ts'
export type { HostTables } from './server/host-tables.ts'
export type { HostNotifications } from './server/notification-service.ts'
export { type LoadedSettings, loadSettings, type Settings } from './server/settings.ts'
export type { NamedEvent, SocketService } from './server/socket-service.ts'
export type { PublishingTransaction, RunTransaction } from './server/transactions.ts'
