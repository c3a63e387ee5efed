/** The SQL of the durable log. */
import type { Queryable } from '../../../engine/ports/database.ts'
import { entryBytes, type LogBounds, type LogEntry } from '../../../engine/ports/log.ts'
import { type Statement, sql } from '../../../engine/sql.ts'
import { arrayText } from '../values.ts'

export interface LogRow {
  readonly epoch: string
  readonly head: number
  readonly floor: number
}

export interface EntryRow {
  readonly position: number
  readonly name: string
  readonly rooms: string[]
  readonly exceptRooms: string[]
  readonly data: string
  readonly attachments: Buffer[]
  readonly publishedAtMs: number
}

/** Absent when there are `namespacesMax` logs already, and this would be another one. */
export async function openLog(
  database: Queryable,
  namespace: string,
  { epoch, namespacesMax }: { readonly epoch: string; readonly namespacesMax: number },
): Promise<LogRow | undefined> {
  // A start that finds everything writes nothing.
  const known = await readLog(database, namespace)
  if (known !== undefined) return known
  await database.query(sql`
    insert into event_logs (namespace, epoch)
    select ${namespace}::text, ${epoch}::text
    where (select count(*) from event_logs) < ${namespacesMax}::bigint
    on conflict (namespace) do nothing`)
  return readLog(database, namespace)
}

export async function readLog(database: Queryable, namespace: string): Promise<LogRow | undefined> {
  const [row] = await database.query(sql<LogRow>`
    select epoch, head, floor from event_logs where namespace = ${namespace}`)
  return row
}

/** The log as it is, with entries of the same moment. One row at least, with a position of null if no entry follows. */
export async function readEntries(
  database: Queryable,
  namespace: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<(LogRow & (EntryRow | { readonly position: null }))[]> {
  return database.query(sql<LogRow & (EntryRow | { readonly position: null })>`
    select log.epoch, log.head, log.floor, entry.position, entry.name, entry.rooms,
      entry.except_rooms as "exceptRooms", entry.data, entry.attachments, entry.published_at_ms as "publishedAtMs"
    from event_logs log
    left join lateral (
      select * from event_log_entries
      where log_id = log.id and position > ${after}
      order by position limit ${limit}
    ) entry on true
    where log.namespace = ${namespace}
    order by entry.position`)
}

export async function insertIntoOutbox(
  database: Queryable,
  namespace: string,
  entries: readonly LogEntry[],
): Promise<void> {
  await database.query(sql`
    insert into event_outbox (namespace, name, rooms, except_rooms, data, attachments, published_at_ms, bytes)
    select ${namespace}::text, name, rooms::text[], except_rooms::text[], data, attachments::bytea[], published_at_ms, bytes
    from ${rowsOf(entries)}
    order by number`)
}

/** Entries as rows, each with its number from 1 on. */
function rowsOf(entries: readonly LogEntry[]): Statement {
  return sql`unnest(
    ${entries.map(({ name }) => name)}::text[],
    ${entries.map(({ rooms }) => arrayText(rooms))}::text[],
    ${entries.map(({ except }) => arrayText(except))}::text[],
    ${entries.map(({ data }) => data)}::text[],
    ${entries.map(({ attachments }) => arrayText(attachments))}::text[],
    ${entries.map(({ atMs }) => atMs)}::bigint[],
    ${entries.map(entryBytes)}::integer[]
  ) with ordinality as direct (name, rooms, except_rooms, data, attachments, published_at_ms, bytes, number)`
}

/** A row of what was just placed. What came with the call is not sent back. */
export interface PlacedRow extends EntryRow {
  readonly epoch: string
  readonly isDirect: boolean
}

/**
 * Gives positions to what waits in the outbox and then to what is given here, and stores both, in one statement: it
 * costs one commit, whatever number of events it takes. The row of the log is locked first, so that of two nodes the
 * second sees nothing that the first has taken (OB2).
 */
export async function placeEntries(
  database: Queryable,
  namespace: string,
  {
    entries,
    outboxMax,
    now,
  }: { readonly entries: readonly LogEntry[]; readonly outboxMax: number; readonly now: Date },
): Promise<PlacedRow[]> {
  return database.query(sql<PlacedRow>`
    with log as (
      select id, namespace from event_logs where namespace = ${namespace} for update
    ), taken as (
      delete from event_outbox where ctid = any (array(
        select outbox.ctid
        from log join event_outbox outbox on outbox.namespace = log.namespace
        order by outbox.id limit ${outboxMax}
        for update of outbox skip locked
      ))
      returning *
    ), entry as (
      select row_number() over (order by id) as number, false as is_direct, name, rooms, except_rooms, data,
        attachments, published_at_ms, bytes
      from taken
      union all
      select (select count(*) from taken) + direct.number, true, direct.name, direct.rooms::text[],
        direct.except_rooms::text[], direct.data, direct.attachments::bytea[], direct.published_at_ms, direct.bytes
      from ${rowsOf(entries)}
    ), total as (
      select count(*) as entries, coalesce(sum(bytes), 0) as bytes from entry
    ), moved as (
      update event_logs set head = head + total.entries, bytes = event_logs.bytes + total.bytes
      from total, log
      where event_logs.id = log.id and total.entries > 0
      returning event_logs.id, event_logs.epoch, event_logs.head - total.entries as before
    ), placed as (
      insert into event_log_entries
        (log_id, position, name, rooms, except_rooms, data, attachments, published_at_ms, appended_at, bytes)
      select moved.id, moved.before + entry.number, entry.name, entry.rooms, entry.except_rooms, entry.data,
        entry.attachments, entry.published_at_ms, ${now}, entry.bytes
      from entry, moved
    )
    select moved.epoch, moved.before + entry.number as position, entry.is_direct as "isDirect",
      case when is_direct then null else entry.name end as name,
      case when is_direct then null else entry.rooms end as rooms,
      case when is_direct then null else entry.except_rooms end as "exceptRooms",
      case when is_direct then null else entry.data end as data,
      case when is_direct then null else entry.attachments end as attachments,
      case when is_direct then null else entry.published_at_ms end as "publishedAtMs"
    from entry, moved
    order by 2`)
}

/** Which logs have moved, and for which something waits in the outbox. */
export function readHeads(
  database: Queryable,
  namespaces: readonly string[],
): Promise<{ readonly namespace: string; readonly head: number; readonly isWaiting: boolean }[]> {
  return database.query(sql<{ namespace: string; head: number; isWaiting: boolean }>`
    select namespace, head,
      exists (select from event_outbox outbox where outbox.namespace = log.namespace) as "isWaiting"
    from event_logs log where namespace = any (${namespaces})`)
}

/** Entries that one trimming removes, at most. */
export const trimMax = 5_000

/**
 * Removes the oldest entries as far as a bound was passed; how many. Of two nodes that do it at once, the second still
 * sees what the first removed, and must not take the floor back.
 */
export async function trimLog(
  database: Queryable,
  namespace: string,
  { entriesMax, bytesMax, ageMsMax }: LogBounds,
  nowMs: number,
): Promise<number> {
  const [row] = await database.query(sql<{ trimmed: number }>`
    with log as (
      select id, head, bytes from event_logs where namespace = ${namespace} for update
    ), oldest as (
      select position, appended_at, bytes, sum(entry.bytes) over (order by position) as freed
      from event_log_entries entry
      where log_id = (select id from log)
      order by position limit ${trimMax}
    ), last as (
      select max(position) as position
      from oldest, log
      where log.head - oldest.position >= ${entriesMax}::bigint
        or log.bytes - (oldest.freed - oldest.bytes) > ${bytesMax}::bigint
        or oldest.appended_at <= ${new Date(nowMs - ageMsMax)}::timestamptz
    ), removed as (
      delete from event_log_entries
      where log_id = (select id from log) and position <= (select position from last)
      returning bytes
    )
    update event_logs
    set floor = greatest(event_logs.floor, last.position + 1), bytes = event_logs.bytes - (select coalesce(sum(bytes), 0) from removed)
    from log, last
    where event_logs.id = log.id and last.position is not null
    returning (select count(*) from removed) as trimmed`)
  return row?.trimmed ?? 0
}
