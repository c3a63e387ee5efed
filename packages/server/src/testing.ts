/** What `@belfry/testing` is made of: a door for tests, and for nothing that runs for people. */

export { issueToken, type TokenClaims } from './adapters/tokens/issue-token.ts'
export type { RoomAuthority, ServedNamespace, UntypedHandlers } from './engine/namespace-handlers.ts'
export type { Clock } from './engine/ports/clock.ts'
export {
  createMemoryStore,
  type InMemoryBelfry,
  type InMemoryOptions,
  type MemoryStore,
  startInMemory,
} from './server/in-memory.ts'
export { type LoadedSettings, loadSettings } from './server/settings.ts'
