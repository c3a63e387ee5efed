/** What can be done with notifications: send them, list one's own, and change those. */
import { createHash, randomUUID } from 'node:crypto'
import {
  type Notification,
  type NotificationChange,
  type NotificationFilter,
  type NotificationList,
  notificationDataBytesMax,
  notificationsNamespace,
  Refusal,
  type RoomRef,
  recipientsMax,
  type SendNotificationReply,
  type SendNotificationRequest,
  type UnreadCount,
} from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database, Transaction } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Realtime } from '../../engine/realtime/realtime.ts'
import type { Audience } from './audience.ts'
import { UnreadCounts } from './counts.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { noteSend } from './inspection-store.ts'
import {
  type Change,
  checkCounts,
  deleteKeysBefore,
  deleteNotification,
  deleteOutdated,
  dismiss,
  findKey,
  insertKey,
  insertNotification,
  membersOf,
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
  readonly retentionDays: number
  /** Asked for when it is needed: the engine is made of the modules. */
  realtime(): Realtime
}

export interface ListRequest extends NotificationFilter {
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface SendOptions {
  /** Of which it becomes a part: sent if that is committed, and never without it. */
  readonly transaction?: Transaction
  /** Whose keys are meant. */
  readonly sender?: string
}

/** Everything but `send` is about one's own: whoever acts comes first, and nothing of others is ever touched. */
export interface NotificationsService {
  send(request: SendNotificationRequest, options?: SendOptions): Promise<SendNotificationReply>
  list(userId: string, request: ListRequest): Promise<NotificationList>
  unreadCount(userId: string): Promise<UnreadCount>
  markRead(userId: string, id: string): Promise<NotificationChange>
  markUnread(userId: string, id: string): Promise<NotificationChange>
  markAllRead(userId: string, category?: string): Promise<NotificationChange>
  dismiss(userId: string, id: string): Promise<NotificationChange>
  delete(userId: string, id: string): Promise<NotificationChange>
  /** Removes what expired or is older than it is kept. */
  sweep(): Promise<void>
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
const keysKeptMs = dayMs
const checkedAtOnce = 1_000
/** Rooms of one event, at most. */
const roomsOfEvent = 1_000

export function createNotificationsService(options: NotificationsOptions): NotificationsService {
  const { database, clock, logger, audience, realtime } = options
  const counts = new UnreadCounts(realtime, logger)
  const figures: NotificationFigures = { sent: 0, recipients: 0, countsChecked: 0, countsWrong: 0 }
  let checkedUpTo = ''

  async function sendIn(
    transaction: Transaction,
    request: SendNotificationRequest,
    sender: string,
  ): Promise<SendNotificationReply> {
    const users = await recipientsOf(request)
    const notification = notificationOf(request, new Date(clock.now()))
    const { id } = notification
    if (request.key !== undefined) {
      const own = {
        sender,
        key: request.key,
        fingerprint: fingerprintOf(request),
        notificationId: id,
        recipients: users.length,
        at: new Date(clock.now()),
      }
      if (!(await insertKey(transaction, own))) {
        const known = await findKey(transaction, sender, request.key)
        if (known?.fingerprint.equals(own.fingerprint) !== true) throw new Refusal('key_reused')
        return { id: known.notificationId, recipients: known.recipients, repeated: true }
      }
    }
    // Given to the database one after the other without waiting: they cost one way there and back.
    const inserted = insertNotification(transaction, users, notification)
    const published = chunksOf(users, roomsOfEvent).map((chunk) =>
      realtime().publishIn(transaction, notificationsNamespace, 'notification:new', notification, {
        rooms: chunk.map(roomOf),
      }),
    )
    const noted = noteSend(transaction, { notification, sender, recipients: users.length })
    const [changed] = await Promise.all([inserted, noted, ...published])
    transaction.afterCommit(() => {
      figures.sent += 1
      figures.recipients += users.length
      for (const count of changed) counts.tell(count)
    })
    return { id, recipients: users.length, repeated: false }
  }

  async function recipientsOf({
    userId,
    userIds = [],
    workspaceId,
  }: SendNotificationRequest): Promise<string[]> {
    const named = userId === undefined ? userIds : [userId, ...userIds]
    if (workspaceId === undefined || named.length > 0) return sorted(named)
    // Who came in the last second is a member as well.
    await audience.write()
    const members = await membersOf(database, workspaceId, recipientsMax + 1)
    if (members.length > recipientsMax)
      throw wrong('workspaceId', `has more than ${recipientsMax} members; name them in parts with userIds`)
    return members
  }

  /** Changes rows of one user, and tells all their clients. */
  function change(
    userId: string,
    run: (transaction: Transaction, now: Date) => Promise<Change>,
    tell: (transaction: Transaction, now: Date) => Promise<void>,
  ): Promise<NotificationChange> {
    return database.transaction(async (transaction) => {
      const now = new Date(clock.now())
      const { exists, changed, unread, revision } = await run(transaction, now)
      if (!exists) throw new Refusal('not_found', 'There is no such notification.')
      if (changed > 0) {
        await tell(transaction, now)
        transaction.afterCommit(() => counts.tell({ userId, unread, revision }))
      }
      return { changed, unread, revision }
    })
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
    async send(request, { transaction, sender = '' } = {}) {
      refuseUnfit(request)
      if (transaction !== undefined) return sendIn(transaction, request, sender)
      return database.transaction((own) => sendIn(own, request, sender))
    },

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
      await deleteKeysBefore(database, new Date(now - keysKeptMs))
    },

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

function notificationOf(request: SendNotificationRequest, now: Date): Notification {
  const { type, category, priority, title, message, data, actions, workspaceId, expiresAt } = request
  return {
    id: randomUUID(),
    type,
    category,
    priority,
    title,
    message: message ?? null,
    data,
    actions,
    workspaceId: workspaceId ?? null,
    readAt: null,
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    createdAt: now.toISOString(),
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

/** What the fields hold is up to the sender; it has to fit into an event, and into the database. */
function refuseUnfit({ data, actions }: SendNotificationRequest): void {
  const json = JSON.stringify([data, actions], (name, value) => {
    for (const text of [name, value])
      if (typeof text === 'string' && (text.includes('\0') || !text.isWellFormed()))
        throw wrong('data', 'has text with a NUL character, or with half of one')
    return value
  })
  const bytes = Buffer.byteLength(json)
  if (bytes > notificationDataBytesMax)
    throw wrong('data', `has ${bytes} bytes with the actions; there may be ${notificationDataBytesMax}`)
}

/** In one order for all senders, each once. */
function sorted(users: readonly string[]): string[] {
  return [...new Set(users)].sort()
}

function chunksOf<Entry>(list: readonly Entry[], size: number): Entry[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  )
}

function roomOf(id: string): RoomRef {
  return { kind: 'user', id }
}

function fingerprintOf(request: SendNotificationRequest): Buffer {
  return createHash('sha256').update(JSON.stringify(request)).digest()
}

function wrong(path: string, message: string): Refusal {
  return new Refusal('validation_failed', undefined, { fields: [{ path, message }] })
}
