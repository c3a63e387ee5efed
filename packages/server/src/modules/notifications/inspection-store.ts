/** The SQL of what operators see: inboxes, sends, and who got one. It writes nothing but what was sent. */
import type {
  Notification,
  NotificationState,
  RecipientList,
  SentDetails,
  SentNotification,
  UnreadCount,
} from '@belfry/contract'
import type { Queryable } from '../../engine/ports/database.ts'
import { type Statement, sql } from '../../engine/sql.ts'
import type { Place } from './cursor.ts'
import type { NotificationRow, Sent } from './store.ts'

/** A row for each, so that what was sent is known without reading the rows of all who got it. */
export async function noteSends(
  database: Queryable,
  sends: readonly (Sent & { readonly sender: string })[],
): Promise<void> {
  const column = <Value>(read: (notification: Notification) => Value) =>
    sends.map(({ notification }) => read(notification))
  await database.query(sql`
    insert into notification_sends (id, sender, type, category, priority, title, workspace_id, recipients, expires_at,
      created_at)
    select * from unnest(
      ${column(({ id }) => id)}::uuid[],
      ${sends.map(({ sender }) => sender)}::text[],
      ${column(({ type }) => type)}::text[],
      ${column(({ category }) => category)}::text[],
      ${column(({ priority }) => priority)}::text[],
      ${column(({ title }) => title)}::text[],
      ${column(({ workspaceId }) => workspaceId)}::text[],
      ${sends.map(({ users }) => users.length)}::integer[],
      ${column(({ expiresAt }) => expiresAt)}::timestamptz[],
      ${column(({ createdAt }) => createdAt)}::timestamptz[]
    )`)
}

/** How many were deleted; at most `limit`. */
export async function deleteSendsBefore(database: Queryable, before: Date, limit: number): Promise<number> {
  const deleted = await database.query(sql`
    delete from notification_sends
    where id in (select id from notification_sends where created_at < ${before} limit ${limit})
    returning true`)
  return deleted.length
}

export interface PageOfInbox {
  readonly userId: string
  readonly limit: number
  /** The last one of the page before. */
  readonly after: Place | undefined
  readonly filter: {
    readonly state?: NotificationState | undefined
    readonly type?: string | undefined
    readonly category?: string | undefined
    readonly priority?: Notification['priority'] | undefined
  }
  readonly now: Date
}

export interface InboxRow extends NotificationRow {
  readonly state: NotificationState
  readonly dismissedAt: Date | null
}

export function readInbox(
  database: Queryable,
  { userId, limit, after, filter, now }: PageOfInbox,
): Promise<InboxRow[]> {
  const { state } = filter
  const conditions: Statement[] = [sql`user_id = ${userId}`]
  if (after !== undefined) conditions.push(sql`(created_at, id) < (${after.createdAt}, ${after.id}::uuid)`)
  if (filter.type !== undefined) conditions.push(sql`type = ${filter.type}`)
  if (filter.category !== undefined) conditions.push(sql`category = ${filter.category}`)
  if (filter.priority !== undefined) conditions.push(sql`priority = ${filter.priority}`)
  // Each half is answered by an index of its own alone, and ends at the page's length.
  const half = (own: Statement) => sql`(
    select user_id, id, created_at from notifications
    where ${sql.join([own, ...conditions], ' and ')}
    order by created_at desc, id desc
    limit ${limit}
  )`
  const current = sql`dismissed_at is null`
  const dismissed = sql`dismissed_at is not null`
  const halves =
    state === undefined
      ? [half(current), half(dismissed)]
      : [half(state === 'dismissed' ? dismissed : sql`${current} and ${currentStateAt(now)} = ${state}`)]
  return database.query(sql<InboxRow>`
    select id, type, category, priority, title, message, data, actions, workspace_id as "workspaceId",
      read_at as "readAt", dismissed_at as "dismissedAt", expires_at as "expiresAt", ${stateAt(now)} as state,
      notifications.created_at as "createdAt"
    from notifications
    join (
      select user_id, id from (${sql.join(halves, ' union all ')}) both_halves
      order by created_at desc, id desc
      limit ${limit}
    ) page using (user_id, id)
    order by notifications.created_at desc, id desc`)
}

export interface InboxCount {
  readonly told: UnreadCount
  readonly counted: number
  readonly states: SentDetails['states']
  /** All rows of the inbox that were looked at. */
  readonly rows: number
}

/** The count that is told and the rows that it counts, as they were at one moment; of each half, at most `limit`. */
export async function countInbox(
  database: Queryable,
  userId: string,
  now: Date,
  limit: number,
): Promise<InboxCount> {
  const [row] = await database.query(sql<InboxCountRow>`
    with own as (
      (select ${currentStateAt(now)} as state, read_at is null as is_counted from notifications
        where user_id = ${userId} and dismissed_at is null limit ${limit})
      union all
      (select 'dismissed', false from notifications
        where user_id = ${userId} and dismissed_at is not null limit ${limit})
    )
    select ${countsByState()} as states, count(*)::integer as rows,
      (count(*) filter (where is_counted))::integer as counted,
      coalesce((select unread from notification_inboxes where user_id = ${userId}), 0) as unread,
      coalesce((select revision from notification_inboxes where user_id = ${userId}), 0) as revision
    from own`)
  if (row === undefined) throw new Error('An aggregate without a row.')
  const { unread, revision, ...counts } = row
  return { told: { unread, revision }, ...counts }
}

interface InboxCountRow extends Omit<InboxCount, 'told'>, UnreadCount {}

/** In the order of their ids, from the first that may begin so. */
export async function usersFrom(database: Queryable, startsWith: string, limit: number): Promise<string[]> {
  const rows = await database.query(sql<{ userId: string }>`
    select user_id as "userId" from notification_inboxes
    where user_id >= ${startsWith} order by user_id limit ${limit}`)
  return rows.map(({ userId }) => userId)
}

export interface SentRow extends Omit<SentNotification, 'createdAt' | 'expiresAt'> {
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

const sentColumns = sql`id, sender, type, category, priority, title, workspace_id as "workspaceId",
  created_at as "createdAt", expires_at as "expiresAt", recipients`

/** How many read the notification of a row of `sends`, up to `max`. */
const readCount = (max: number) => sql`
  (select count(*)::integer from (
    select from notifications where notifications.id = sends.id and read_at is not null limit ${max}
  ) reader) as read`

export function readSends(
  database: Queryable,
  limit: number,
  after: Place | undefined,
  readMax: number,
): Promise<SentRow[]> {
  const place =
    after === undefined ? sql`true` : sql`(created_at, id) < (${after.createdAt}, ${after.id}::uuid)`
  return database.query(sql<SentRow>`
    select ${sentColumns}, ${readCount(readMax)}
    from (
      select * from notification_sends where ${place} order by created_at desc, id desc limit ${limit}
    ) sends
    order by created_at desc, id desc`)
}

interface DetailsRow extends Omit<SentRow, 'read'> {
  readonly content: SentDetails['content']
  /** Counts, by state and of all who ever read it. */
  readonly states: SentDetails['states']
  readonly readers: number
}

export async function readSend(database: Queryable, id: string, now: Date): Promise<DetailsRow | undefined> {
  const [row] = await database.query(sql<DetailsRow>`
    select ${sentColumns}, states, readers,
      (select jsonb_build_object('message', message, 'data', data, 'actions', actions)
        from notifications where notifications.id = sends.id limit 1) as content
    from notification_sends sends, lateral (
      select ${countsByState()} as states, count(read_at)::integer as readers from (
        select ${stateAt(now)} as state, read_at from notifications where notifications.id = sends.id
      ) own
    ) counts
    where id = ${id}::uuid`)
  return row
}

export interface PageOfRecipients {
  readonly id: string
  readonly limit: number
  /** The last one of the page before. */
  readonly after: string | undefined
  readonly state: NotificationState | undefined
  readonly userId: string | undefined
  readonly now: Date
}

type Recipient = RecipientList['recipients'][number]

export interface RecipientRow extends Pick<Recipient, 'userId' | 'state'> {
  readonly storedAt: Date
  readonly readAt: Date | null
  readonly dismissedAt: Date | null
}

export function readRecipients(
  database: Queryable,
  { id, limit, after, state, userId, now }: PageOfRecipients,
): Promise<RecipientRow[]> {
  const conditions: Statement[] = [sql`id = ${id}::uuid`]
  if (after !== undefined) conditions.push(sql`user_id > ${after}`)
  if (userId !== undefined) conditions.push(sql`user_id = ${userId}`)
  if (state !== undefined) conditions.push(sql`${stateAt(now)} = ${state}`)
  return database.query(sql<RecipientRow>`
    select user_id as "userId", ${stateAt(now)} as state, created_at as "storedAt", read_at as "readAt",
      dismissed_at as "dismissedAt"
    from notifications
    where ${sql.join(conditions, ' and ')}
    order by user_id
    limit ${limit}`)
}

/**
 * Of the whole row. PostgreSQL does not look into a `case`, and so finds a notification by its key, and its states by
 * reading: with plain conditions and no statistics it read the inboxes of all users instead, in 160 ms.
 */
function stateAt(now: Date): Statement {
  return sql`case when dismissed_at is not null then 'dismissed' else ${currentStateAt(now)} end`
}

/** Of a row that was not dismissed; all that it needs is in the index of the inbox. */
function currentStateAt(now: Date): Statement {
  return sql`case when expires_at <= ${now} then 'expired' when read_at is null then 'unread' else 'read' end`
}

/** An object with a count for each state of `state`, a column of its own. */
function countsByState(): Statement {
  return sql`jsonb_build_object(
    'unread', count(*) filter (where state = 'unread'), 'read', count(*) filter (where state = 'read'),
    'dismissed', count(*) filter (where state = 'dismissed'), 'expired', count(*) filter (where state = 'expired')
  )`
}
