/** Every text that components show or say, in English. An application replaces what it wants to say differently. */
import type { Priority } from './notifications/priority.ts'

export interface Labels {
  // The bell.
  /** Its name for those who listen; those who look see the number. */
  readonly bell: (unread: number) => string

  // The centre.
  readonly notifications: string
  readonly filter: string
  readonly allCategories: string
  readonly category: (category: string) => string
  readonly markAllRead: string
  readonly markCategoryRead: (category: string) => string
  readonly loading: string
  readonly empty: string
  readonly emptyHint: string
  readonly failed: string
  readonly tryAgain: string
  readonly loadMore: string
  readonly notUpToDate: string
  /** What an action wanted, and why it did not come to be. */
  readonly notDone: (action: string, reason: string) => string
  readonly close: string

  // A notification.
  readonly unread: string
  readonly priority: (priority: Priority) => string
  readonly markRead: string
  readonly markUnread: string
  readonly dismiss: string
  readonly delete: string
  /** Pressed a second time, it is done. */
  readonly confirmDelete: string
  readonly showAll: string
  readonly showLess: string
  readonly justNow: string

  // What comes while the page is open.
  readonly newNotifications: string
  /** Said to those who listen: the newest one, and how many came at once. */
  readonly announcement: (title: string, count: number) => string

  // The connection.
  readonly online: string
  readonly onlineAgain: string
  /** Everything that was missed has come: that many events. */
  readonly recovered: (events: number) => string
  readonly connecting: string
  readonly offline: string
  readonly refused: string
  readonly signedOut: string
  readonly retryIn: (seconds: number) => string
  readonly trying: string
  readonly tryNow: string

  /** Why something is not as it should be: a code of Belfry's, and the server's own sentence for it. */
  readonly reason: (code: string, sentence: string) => string
}

export const english: Labels = {
  bell: (unread) => (unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`),

  notifications: 'Notifications',
  filter: 'Category',
  allCategories: 'All',
  category: (category) => category.charAt(0).toUpperCase() + category.slice(1),
  markAllRead: 'Mark all as read',
  markCategoryRead: (category) => `Mark all of ${category} as read`,
  loading: 'Reading notifications…',
  empty: 'Nothing here',
  emptyHint: 'What concerns you appears here at the moment it happens.',
  failed: 'The notifications could not be read.',
  tryAgain: 'Try again',
  loadMore: 'Show older ones',
  notUpToDate: 'No connection: this may be out of date.',
  notDone: (action, reason) => `“${action}” was not done. ${reason}`,
  close: 'Close',

  unread: 'Unread',
  priority: (priority) => (priority === 'critical' ? 'Critical' : 'Important'),
  markRead: 'Mark as read',
  markUnread: 'Mark as unread',
  dismiss: 'Dismiss',
  delete: 'Delete',
  confirmDelete: 'Really delete',
  showAll: 'Show all of it',
  showLess: 'Show less',
  justNow: 'just now',

  newNotifications: 'New notifications',
  announcement: (title, count) =>
    count === 1 ? `New notification: ${title}` : `${count} new notifications. The latest: ${title}`,

  online: 'Online',
  onlineAgain: 'Online again.',
  recovered: (events) =>
    events === 0
      ? 'Nothing was missed.'
      : `Nothing was missed: ${events} ${events === 1 ? 'event' : 'events'} came.`,
  connecting: 'Connecting…',
  offline: 'Offline',
  refused: 'Not admitted',
  signedOut: 'Signed out',
  retryIn: (seconds) => `Next attempt in ${seconds} s`,
  trying: 'Trying…',
  tryNow: 'Try now',

  reason: (code, sentence) => ownSentences[code] ?? sentence,
}

/** For what only the client sees: nobody has written a sentence for people yet. */
const ownSentences: Readonly<Record<string, string>> = {
  unreachable: 'The server cannot be reached.',
  line_lost: 'The connection to the server was lost.',
  timeout: 'The server did not answer in time.',
  disconnected: 'There is no connection to the server.',
  token_failed: 'Signing in did not succeed.',
  token_timeout: 'Signing in took too long.',
}
