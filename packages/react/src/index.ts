'use client'
export { ConnectionStatus } from './ConnectionStatus.tsx'
/** What applications use in React: hooks, and components on the hooks. */
export { type Command, type CommandState, useCommand, useWaitingCommands } from './command.ts'
export { type Connection, type SignedOut, useConnection } from './connection.ts'
export type { Labels } from './labels.ts'
export { type NamespaceOptions, useEvent, useNamespace } from './namespace.ts'
export type { NotificationAction } from './notifications/ActionLinks.tsx'
export { NotificationBell, type NotificationBellProps } from './notifications/NotificationBell.tsx'
export { NotificationCentre, type NotificationCentreProps } from './notifications/NotificationCentre.tsx'
export { NotificationList, type NotificationListProps } from './notifications/NotificationList.tsx'
export { NotificationToasts, type NotificationToastsProps } from './notifications/NotificationToasts.tsx'
export type { Priority } from './notifications/priority.ts'
export { RelativeTime } from './notifications/RelativeTime.tsx'
export {
  type NotificationsInComponent,
  type UseNotificationsOptions,
  useNotifications,
} from './notifications/use-notifications.ts'
export { BelfryProvider, type BelfryProviderProps } from './provider.tsx'
export { type SnapshotInComponent, type UseSnapshotOptions, useSnapshot } from './snapshot.ts'
