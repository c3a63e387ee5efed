/** What applications use of the client. */
export { type Client, type ClientOptions, createClient } from './client.ts'
export type { Clock } from './clock.ts'
export { CommandError } from './command-error.ts'
export type { CommandOptions, WaitingCommand } from './commands.ts'
export type { SocketOptions } from './connection.ts'
export type { MakeLinks, ResetReason } from './link.ts'
export type { Live, LiveAnswer, LiveCommand, LiveData, LiveEvent, LiveInput } from './live.ts'
export {
  createNotifications,
  type Notifications,
  type NotificationsOptions,
  type NotificationsState,
} from './notifications.ts'
export { keptOverReloads, type ReloadOptions, type ReloadStorage, type Reloads } from './reloads.ts'
export { enterRoom, type RoomOptions } from './rooms.ts'
export {
  createSnapshot,
  type LoadContext,
  type Loaded,
  type Snapshot,
  type SnapshotOptions,
  type SnapshotState,
} from './snapshot.ts'
export type {
  Connected,
  Connecting,
  ConnectionState,
  NamespaceState,
  Open,
  Refused,
  TokenReason,
  Waiting,
  WaitReason,
} from './states.ts'
export type { Readable } from './store.ts'
export { sharedBetweenTabs } from './tabs/shared-between-tabs.ts'
export type { TokenSource } from './token.ts'
