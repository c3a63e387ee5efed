/**
 * The SQL of notifications. Whatever changes a row of somebody also changes the count of their inbox, in the same
 * statement: the two cannot say different things.
 */
import type { Notification, NotificationFilter } from '@belfry/contract'
import type { Queryable } from '../../engine/ports/database.ts'
import { type Statement, sql } from '../../engine/sql.ts'

export interface Count {
  readonly userId: string
  readonly unread: number
  readonly revision: number
}

export interface Change extends Count {
  readonly changed: number
  /** Whether there is such a notification at all. */
  readonly exists: boolean
}

/** A notification, and who gets it. */
export interface Sent {
  readonly notification: Notification
  readonly users: readonly string[]
}

/**
 * Inboxes are changed in the order of their users: of two that write to the same ones, none waits for the other in a
 * circle.
 */
export function insertNotifications(database: Queryable, sent: readonly Sent[]): Promise<Count[]> {
  const column = <Value>(read: (notification: Notification) => Value) =>
    sent.map(({ notification }) => read(notification))
  const users = sent.flatMap((each) => each.users)
  const numbers = sent.flatMap((each, index) => each.users.map(() => index + 1))
  return database.query(sql<Count>`
    with notification as materialized (
      select number, id, workspace_id, type, category, priority, title, message, data::jsonb as data,
        actions::jsonb as actions, expires_at, created_at
      from unnest(
        ${column(({ id }) => id)}::uuid[],
        ${column(({ workspaceId }) => workspaceId)}::text[],
        ${column(({ type }) => type)}::text[],
        ${column(({ category }) => category)}::text[],
        ${column(({ priority }) => priority)}::text[],
        ${column(({ title }) => title)}::text[],
        ${column(({ message }) => message)}::text[],
        ${column(({ data }) => JSON.stringify(data))}::text[],
        ${column(({ actions }) => JSON.stringify(actions))}::text[],
        ${column(({ expiresAt }) => expiresAt)}::timestamptz[],
        ${column(({ createdAt }) => createdAt)}::timestamptz[]
      ) with ordinality as given (id, workspace_id, type, category, priority, title, message, data, actions,
        expires_at, created_at, number)
    ), recipient as (
      select number, user_id from unnest(${numbers}::bigint[], ${users}::text[]) as given (number, user_id)
    ), sent as (
      insert into notifications (id, user_id, workspace_id, type, category, priority, title, message, data, actions,
        expires_at, created_at, updated_at)
      select id, user_id, workspace_id, type, category, priority, title, message, data, actions,
        expires_at, created_at, created_at
      from recipient join notification using (number)
    )
    insert into notification_inboxes as inbox (user_id, unread, revision)
    select user_id, count(*)::integer, 1 from recipient group by user_id order by user_id
    on conflict (user_id) do update set unread = inbox.unread + excluded.unread, revision = inbox.revision + 1
    returning user_id as "userId", unread, revision`)
}

export interface PageOfUser {
  readonly userId: string
  readonly limit: number
  /** The last one of the page before. */
  readonly after: { readonly createdAt: Date; readonly id: string } | undefined
  readonly filter: NotificationFilter
  readonly now: Date
}

export interface NotificationRow extends Omit<Notification, 'readAt' | 'expiresAt' | 'createdAt'> {
  readonly readAt: Date | null
  readonly expiresAt: Date | null
  readonly createdAt: Date
}

export function readPage(
  database: Queryable,
  { userId, limit, after, filter, now }: PageOfUser,
): Promise<NotificationRow[]> {
  const conditions: Statement[] = [
    sql`user_id = ${userId}`,
    sql`dismissed_at is null`,
    sql`(expires_at is null or expires_at > ${now})`,
  ]
  if (after !== undefined) conditions.push(sql`(created_at, id) < (${after.createdAt}, ${after.id}::uuid)`)
  if (filter.read === true) conditions.push(sql`read_at is not null`)
  if (filter.read === false) conditions.push(sql`read_at is null`)
  if (filter.type !== undefined) conditions.push(sql`type = ${filter.type}`)
  if (filter.category !== undefined) conditions.push(sql`category = ${filter.category}`)
  if (filter.priority !== undefined) conditions.push(sql`priority = ${filter.priority}`)
  // The inner one is answered by the index of the inbox alone.
  return database.query(sql<NotificationRow>`
    select id, type, category, priority, title, message, data, actions, workspace_id as "workspaceId",
      read_at as "readAt", expires_at as "expiresAt", created_at as "createdAt"
    from notifications
    join (
      select user_id, id from notifications
      where ${sql.join(conditions, ' and ')}
      order by created_at desc, id desc
      limit ${limit}
    ) page using (user_id, id)
    order by created_at desc, id desc`)
}

export async function readCount(database: Queryable, userId: string): Promise<Count> {
  const [row] = await database.query(sql<Count>`
    select user_id as "userId", unread, revision from notification_inboxes where user_id = ${userId}`)
  return row ?? { userId, unread: 0, revision: 0 }
}

/** Of those who have an inbox. */
export function readCounts(database: Queryable, users: readonly string[]): Promise<Count[]> {
  return database.query(sql<Count>`
    select user_id as "userId", unread, revision from notification_inboxes where user_id = any (${users})`)
}

/** True, once the inbox is locked: whoever changes rows has it first, or two would wait for each other for ever. */
const afterInbox = sql`(select count(*) from inbox) >= 0`

/** `at`: read at that moment; null: unread again. */
export function setRead(
  database: Queryable,
  userId: string,
  id: string,
  at: Date | null,
  now: Date,
): Promise<Change> {
  const changed = sql`
    update notifications set read_at = ${at}, updated_at = ${now}
    where user_id = ${userId} and id = ${id}::uuid and (read_at is null) <> ${at === null} and ${afterInbox}
    returning case when dismissed_at is not null then 0 when read_at is null then 1 else -1 end as difference`
  return change(database, userId, id, changed)
}

export function setAllRead(
  database: Queryable,
  userId: string,
  category: string | undefined,
  at: Date,
): Promise<Change> {
  const ofCategory = category === undefined ? sql`true` : sql`category = ${category}`
  const changed = sql`
    update notifications set read_at = ${at}, updated_at = ${at}
    where user_id = ${userId} and read_at is null and ${ofCategory} and ${afterInbox}
    returning case when dismissed_at is null then -1 else 0 end as difference`
  return change(database, userId, undefined, changed)
}

export function dismiss(database: Queryable, userId: string, id: string, at: Date): Promise<Change> {
  const changed = sql`
    update notifications set dismissed_at = ${at}, updated_at = ${at}
    where user_id = ${userId} and id = ${id}::uuid and dismissed_at is null and ${afterInbox}
    returning case when read_at is null then -1 else 0 end as difference`
  return change(database, userId, id, changed)
}

export function deleteNotification(database: Queryable, userId: string, id: string): Promise<Change> {
  const changed = sql`
    delete from notifications where user_id = ${userId} and id = ${id}::uuid and ${afterInbox}
    returning case when read_at is null and dismissed_at is null then -1 else 0 end as difference`
  return change(database, userId, id, changed)
}

/** `changed` returns by how much each row changes the count. */
async function change(
  database: Queryable,
  userId: string,
  id: string | undefined,
  changed: Statement,
): Promise<Change> {
  const found =
    id === undefined
      ? sql`true`
      : sql`exists (select from notifications where user_id = ${userId} and id = ${id}::uuid)`
  const [row] = await database.query(sql<Omit<Change, 'userId'>>`
    with inbox as (
      select user_id, unread, revision from notification_inboxes where user_id = ${userId} for update
    ), changed as (
      ${changed}
    ), total as (
      select count(*)::integer as rows, coalesce(sum(difference), 0)::integer as difference from changed
    ), counted as (
      update notification_inboxes
      set unread = notification_inboxes.unread + total.difference, revision = notification_inboxes.revision + 1
      from total, inbox
      where notification_inboxes.user_id = inbox.user_id and total.rows > 0
      returning notification_inboxes.unread, notification_inboxes.revision
    )
    select total.rows as changed, ${found} as exists,
      coalesce(counted.unread, inbox.unread, 0) as unread, coalesce(counted.revision, inbox.revision, 0) as revision
    from total left join counted on true left join inbox on true`)
  return { userId, ...(row ?? { changed: 0, exists: false, unread: 0, revision: 0 }) }
}

/** Rows that one sweep removes, at most. */
export const sweepMax = 5_000

/** Those that expired, and those that are older than they are kept; the counts that changed. */
export async function deleteOutdated(
  database: Queryable,
  { now, createdBefore }: { readonly now: Date; readonly createdBefore: Date },
): Promise<{ readonly deleted: number; readonly counts: readonly Count[] }> {
  const rows = await database.query(sql<Count & { deleted: number }>`
    with outdated as (
      select user_id, id from notifications where expires_at <= ${now}
      union
      select user_id, id from notifications where created_at < ${createdBefore}
      limit ${sweepMax}
    ), inbox as (
      select user_id from notification_inboxes
      where user_id in (select user_id from outdated) order by user_id for update
    ), gone as (
      delete from notifications
      using outdated, inbox
      where notifications.user_id = outdated.user_id and notifications.id = outdated.id
        and inbox.user_id = outdated.user_id
      returning notifications.user_id, (read_at is null and dismissed_at is null) as was_unread
    ), difference as (
      select user_id, count(*)::integer as rows, (count(*) filter (where was_unread))::integer as unread
      from gone group by user_id
    )
    update notification_inboxes
    set unread = notification_inboxes.unread - difference.unread, revision = notification_inboxes.revision + 1
    from difference
    where notification_inboxes.user_id = difference.user_id
    returning notification_inboxes.user_id as "userId", notification_inboxes.unread, notification_inboxes.revision,
      difference.rows as deleted`)
  return { deleted: rows.reduce((sum, row) => sum + row.deleted, 0), counts: rows }
}

export interface CheckedCount {
  readonly userId: string
  readonly isRight: boolean
}

/** Counts as they are told beside counts as they are, of the next users in the order of their ids. */
export function checkCounts(database: Queryable, after: string, limit: number): Promise<CheckedCount[]> {
  return database.query(sql<CheckedCount>`
    select inbox.user_id as "userId", inbox.unread = (
      select count(*) from notifications
      where notifications.user_id = inbox.user_id and read_at is null and dismissed_at is null
    ) as "isRight"
    from (
      select user_id, unread from notification_inboxes where user_id > ${after} order by user_id limit ${limit}
    ) inbox
    order by inbox.user_id`)
}

/** Members are noted again once a day, not at every connect. */
export async function noteMembers(
  database: Queryable,
  members: readonly { readonly workspaceId: string; readonly userId: string }[],
  now: Date,
): Promise<void> {
  await database.query(sql`
    insert into workspace_users as known (workspace_id, user_id, seen_at)
    select distinct workspace_id, user_id, ${now}::timestamptz
    from unnest(${members.map(({ workspaceId }) => workspaceId)}::text[], ${members.map(({ userId }) => userId)}::text[])
      as member (workspace_id, user_id)
    order by 1, 2
    on conflict (workspace_id, user_id) do update set seen_at = excluded.seen_at
    where known.seen_at < excluded.seen_at - interval '1 day'`)
}

export async function membersOf(database: Queryable, workspaceId: string, limit: number): Promise<string[]> {
  const rows = await database.query(sql<{ userId: string }>`
    select user_id as "userId" from workspace_users where workspace_id = ${workspaceId} order by user_id limit ${limit}`)
  return rows.map(({ userId }) => userId)
}
