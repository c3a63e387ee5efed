/** What can be done with notifications: send them, list one's own, and change those. */
import {
  type Notification,
  type NotificationChange,
  type NotificationFilter,
  type NotificationList,
  notificationsNamespace,
  Refusal,
  type RoomRef,
  type UnreadCount,
} from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database, Transaction } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { RequestKeys } from '../../engine/ports/request-keys.ts'
import type { Realtime } from '../../engine/realtime/realtime.ts'
import type { Audience } from './audience.ts'
import { UnreadCounts } from './counts.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { createSending, type SendNotification } from './sending.ts'
import {
  type Change,
  checkCounts,
  deleteNotification,
  deleteOutdated,
  dismiss,
  type NotificationRow,
  readCount,
  readPage,
  setAllRead,
  setRead,
  sweepMax,
} from './store.ts'

export interface NotificationsOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly audience: Audience
  readonly keys: RequestKeys
  readonly retentionDays: number
  /** Asked for when it is needed: the engine is made of the modules. */
  realtime(): Realtime
}

export interface ListRequest extends NotificationFilter {
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Everything but `send` is about one's own: whoever acts comes first, and nothing of others is ever touched. */
export interface NotificationsService {
  readonly send: SendNotification
  list(userId: string, request: ListRequest): Promise<NotificationList>
  unreadCount(userId: string): Promise<UnreadCount>
  markRead(userId: string, id: string): Promise<NotificationChange>
  markUnread(userId: string, id: string): Promise<NotificationChange>
  markAllRead(userId: string, category?: string): Promise<NotificationChange>
  dismiss(userId: string, id: string): Promise<NotificationChange>
  delete(userId: string, id: string): Promise<NotificationChange>
  /** Removes what expired or is older than it is kept. */
  sweep(): Promise<void>
  /** A client of this user came back to its session, and does not ask what it missed. */
  recovered(userId: string): void
  /** Tells counts that may have changed without being told, because the answer to a commit was lost. */
  tellDoubtful(): Promise<void>
  /** Compares counts with what they count, some thousand users a call. */
  checkCounts(): Promise<void>
  readonly figures: NotificationFigures
}

/** Since the start. */
export interface NotificationFigures {
  sent: number
  recipients: number
  countsChecked: number
  countsWrong: number
}

const dayMs = 24 * 60 * 60 * 1_000
const checkedAtOnce = 1_000

export function createNotificationsService(options: NotificationsOptions): NotificationsService {
  const { database, clock, logger, realtime } = options
  const counts = new UnreadCounts(realtime, logger)
  const figures: NotificationFigures = { sent: 0, recipients: 0, countsChecked: 0, countsWrong: 0 }
  let checkedUpTo = ''

  /** Changes rows of one user, and tells all their clients. */
  function change(
    userId: string,
    run: (transaction: Transaction, now: Date) => Promise<Change>,
    tell: (transaction: Transaction, now: Date) => Promise<void>,
  ): Promise<NotificationChange> {
    const work = async (transaction: Transaction) => {
      const now = new Date(clock.now())
      const { exists, changed, unread, revision } = await run(transaction, now)
      if (!exists) throw new Refusal('not_found', 'There is no such notification.')
      if (changed > 0) {
        await tell(transaction, now)
        transaction.afterCommit(() => counts.tell({ userId, unread, revision }))
      }
      return { changed, unread, revision }
    }
    return counts.watch([userId], () => database.transaction(work))
  }
  const update =
    (userId: string, id: string, what: (now: Date) => { readAt?: string | null; isGone?: boolean }) =>
    (transaction: Transaction, now: Date) =>
      realtime().publishIn(
        transaction,
        notificationsNamespace,
        'notification:update',
        { id, ...what(now) },
        {
          rooms: [roomOf(userId)],
        },
      )

  return {
    figures,
    send: createSending({ ...options, counts, figures }),

    async list(userId, { limit, cursor, ...filter }) {
      const after = cursor === undefined ? undefined : readCursor(cursor)
      // Before the page is read: an event that is not in the page comes after this position.
      const position = realtime().namespaces.get(notificationsNamespace.name)?.cursor ?? ''
      const now = new Date(clock.now())
      const [rows, { unread, revision }] = await Promise.all([
        readPage(database, { userId, limit: limit + 1, after, filter, now }),
        readCount(database, userId),
      ])
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return {
        notifications: page.map(viewOf),
        nextCursor: rows.length > limit && last !== undefined ? writeCursor(last) : null,
        unread,
        revision,
        position,
      }
    },

    async unreadCount(userId) {
      const { unread, revision } = await readCount(database, userId)
      return { unread, revision }
    },

    markRead: (userId, id) =>
      change(
        userId,
        (transaction, now) => setRead(transaction, userId, id, now, now),
        update(userId, id, (now) => ({ readAt: now.toISOString() })),
      ),
    markUnread: (userId, id) =>
      change(
        userId,
        (transaction, now) => setRead(transaction, userId, id, null, now),
        update(userId, id, () => ({ readAt: null })),
      ),
    markAllRead: (userId, category) =>
      change(
        userId,
        (transaction, now) => setAllRead(transaction, userId, category, now),
        (transaction, now) =>
          realtime().publishIn(
            transaction,
            notificationsNamespace,
            'notification:allRead',
            { readAt: now.toISOString(), ...(category === undefined ? {} : { category }) },
            { rooms: [roomOf(userId)] },
          ),
      ),
    dismiss: (userId, id) =>
      change(
        userId,
        (transaction, now) => dismiss(transaction, userId, id, now),
        update(userId, id, () => ({ isGone: true })),
      ),
    delete: (userId, id) =>
      change(
        userId,
        (transaction) => deleteNotification(transaction, userId, id),
        update(userId, id, () => ({ isGone: true })),
      ),

    async sweep() {
      const now = clock.now()
      const createdBefore = new Date(now - options.retentionDays * dayMs)
      let deleted: number
      do {
        const swept = await deleteOutdated(database, { now: new Date(now), createdBefore })
        for (const count of swept.counts) counts.tell(count)
        deleted = swept.deleted
      } while (deleted === sweepMax)
    },

    recovered: (userId) => counts.recovered(userId),
    tellDoubtful: () => counts.tellDoubtful(database),

    async checkCounts() {
      const checked = await checkCounts(database, checkedUpTo, checkedAtOnce)
      checkedUpTo = checked.length < checkedAtOnce ? '' : (checked.at(-1)?.userId ?? '')
      const wrong = checked.filter(({ isRight }) => !isRight).length
      figures.countsChecked += checked.length
      figures.countsWrong += wrong
      if (wrong > 0) logger.error({ inboxes: wrong }, 'counts of unread notifications are wrong')
    },
  }
}

function viewOf({ readAt, expiresAt, createdAt, ...row }: NotificationRow): Notification {
  return {
    ...row,
    readAt: readAt?.toISOString() ?? null,
    expiresAt: expiresAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
  }
}

function roomOf(id: string): RoomRef {
  return { kind: 'user', id }
}
