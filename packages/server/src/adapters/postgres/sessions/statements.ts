/**
 * The SQL of sessions. Whatever sends one away, or ends one that is away, says so in `session_totals` in the same
 * statement. Rows of sessions are locked before that row, in the order of their pids; who comes the other way round
 * passes over what is locked. So nobody waits in a circle.
 */
import type { Queryable } from '../../../engine/ports/database.ts'
import type { SessionOwner } from '../../../engine/ports/session-store.ts'
import { sql } from '../../../engine/sql.ts'

export interface SessionRow {
  readonly pid: string
  readonly id: string
  readonly userId: string
  readonly namespace: string
  readonly node: string
  readonly generation: number
  /** Grows with every change: who has read it knows whether the row is still what they have seen. */
  readonly version: number
  readonly startEpoch: string
  readonly startOffset: number
  readonly wholeEpoch: string
  readonly wholeOffset: number
  /** JSON, as text: most who read the row change nothing of it. */
  readonly rooms: string
  readonly roomsLeft: string
  readonly detachedAtMs: number | null
}

const columns = sql.raw(`
  pid, id, user_id as "userId", namespace, node, generation, version, start_epoch as "startEpoch",
  start_offset as "startOffset", whole_epoch as "wholeEpoch", whole_offset as "wholeOffset", rooms::text as rooms,
  rooms_left::text as "roomsLeft", detached_at_ms as "detachedAtMs"`)

export function readSessions(database: Queryable, pids: readonly string[]): Promise<SessionRow[]> {
  return database.query(sql<SessionRow>`select ${columns} from sessions where pid = any (${pids})`)
}

export function readSessionsOf(
  database: Queryable,
  { userId, namespace }: SessionOwner,
): Promise<SessionRow[]> {
  return database.query(sql<SessionRow>`
    select ${columns} from sessions where user_id = ${userId} and namespace = ${namespace} order by pid`)
}

/** `before` is the row as it was read, `after` what it is to be. Without one, it begins; without the other, it goes. */
export type SessionChange =
  | { readonly before: undefined; readonly after: SessionRow }
  | { readonly before: SessionRow; readonly after: SessionRow | undefined }

export interface Written {
  /** Of the changes that were made; the others were not, since somebody was quicker. */
  readonly pids: ReadonlySet<string>
  /** Sessions that are away now; undefined if their number is the same. */
  readonly away: number | undefined
}

/** All of them in one statement: one way there and back, and one commit. */
export async function writeSessions(
  database: Queryable,
  changes: readonly SessionChange[],
): Promise<Written> {
  const begun = changes.flatMap(({ before, after }) => (before === undefined ? [after] : []))
  const changed = changes.flatMap(({ before, after }) =>
    before === undefined ? [] : [{ before, after: after ?? before, isGone: after === undefined }],
  )
  const rows = await database.query(sql<{ pid: string; away: number | null }>`
    with given as materialized (
      select * from unnest(
        ${changed.map(({ before }) => before.pid)}::text[],
        ${changed.map(({ before }) => before.version)}::bigint[],
        ${changed.map(({ isGone }) => isGone)}::boolean[],
        ${changed.map(({ after }) => after.node)}::text[],
        ${changed.map(({ after }) => after.generation)}::bigint[],
        ${changed.map(({ after }) => after.wholeEpoch)}::text[],
        ${changed.map(({ after }) => after.wholeOffset)}::bigint[],
        -- Not sent again if they are the same: they may be long, and are kept elsewhere then.
        ${changed.map(({ before, after }) => (after.rooms === before.rooms ? null : after.rooms))}::text[],
        ${changed.map(({ before, after }) => (after.roomsLeft === before.roomsLeft ? null : after.roomsLeft))}::text[],
        ${changed.map(({ after }) => after.detachedAtMs)}::bigint[]
      ) with ordinality as given (pid, version, is_gone, node, generation, whole_epoch, whole_offset, rooms, rooms_left,
        detached_at_ms, number)
    ), held as materialized (
      select given.*, session.detached_at_ms is not null as was_away,
        not given.is_gone and given.detached_at_ms is not null as is_away
      from given join sessions session on session.pid = given.pid and session.version = given.version
      order by given.pid
      for update of session
    ), total as (
      update session_totals
      set away = session_totals.away + difference.away, departures = session_totals.departures + difference.departures
      from (
        select count(*) filter (where is_away) - count(*) filter (where was_away) as away,
          coalesce(max(number) filter (where is_away and not was_away), 0) as departures
        from held
      ) difference
      where difference.away <> 0 or difference.departures > 0
      returning session_totals.away, session_totals.departures - difference.departures as departures_before
    ), begun as (
      insert into sessions (pid, id, user_id, namespace, node, generation, version, start_epoch, start_offset,
        whole_epoch, whole_offset, rooms, rooms_left)
      select pid, id, user_id, namespace, node, generation, 1, start_epoch, start_offset, whole_epoch, whole_offset,
        rooms::json, rooms_left::json
      from unnest(
        ${begun.map(({ pid }) => pid)}::text[],
        ${begun.map(({ id }) => id)}::text[],
        ${begun.map(({ userId }) => userId)}::text[],
        ${begun.map(({ namespace }) => namespace)}::text[],
        ${begun.map(({ node }) => node)}::text[],
        ${begun.map(({ generation }) => generation)}::bigint[],
        ${begun.map(({ startEpoch }) => startEpoch)}::text[],
        ${begun.map(({ startOffset }) => startOffset)}::bigint[],
        ${begun.map(({ wholeEpoch }) => wholeEpoch)}::text[],
        ${begun.map(({ wholeOffset }) => wholeOffset)}::bigint[],
        ${begun.map(({ rooms }) => rooms)}::text[],
        ${begun.map(({ roomsLeft }) => roomsLeft)}::text[]
      ) as given (pid, id, user_id, namespace, node, generation, start_epoch, start_offset, whole_epoch, whole_offset,
        rooms, rooms_left)
      order by pid
      on conflict (pid) do nothing
      returning pid
    ), gone as (
      delete from sessions using held where sessions.pid = held.pid and held.is_gone
      returning sessions.pid
    ), changed as (
      update sessions
      set node = held.node, generation = held.generation, version = sessions.version + 1,
        whole_epoch = held.whole_epoch, whole_offset = held.whole_offset,
        rooms = coalesce(held.rooms::json, sessions.rooms),
        rooms_left = coalesce(held.rooms_left::json, sessions.rooms_left),
        detached_at_ms = held.detached_at_ms,
        departure = case
          when not held.is_away then null
          when held.was_away then sessions.departure
          else (select departures_before from total) + held.number
        end
      from held
      where sessions.pid = held.pid and not held.is_gone
      returning sessions.pid
    )
    select pid, (select away from total) as away
    from (select pid from begun union all select pid from gone union all select pid from changed) written`)
  return { pids: new Set(rows.map(({ pid }) => pid)), away: rows[0]?.away ?? undefined }
}

/** Sessions that one statement sends away or removes, at most: some tenths of a second. */
export const portion = 5_000

/** Sends away what is attached to a node, a portion of it. */
export async function detachSessionsOf(
  database: Queryable,
  node: string,
  atMs: number,
): Promise<{ readonly count: number; readonly away: number }> {
  const [row] = await database.query(sql<{ count: number; away: number }>`
    with held as materialized (
      select pid from sessions
      where node = ${node} and detached_at_ms is null
      order by pid limit ${portion}
      for update
    ), total as (
      update session_totals set away = session_totals.away + found.count, departures = session_totals.departures + 1
      from (select count(*) from held) found
      where found.count > 0
      returning session_totals.away, session_totals.departures, found.count
    ), changed as (
      update sessions
      set detached_at_ms = ${atMs}::bigint, departure = total.departures, version = sessions.version + 1
      from held, total where sessions.pid = held.pid
    )
    select count, away from total`)
  return row ?? { count: 0, away: 0 }
}

/** Removes those that went away at that time or before, a portion of them; how many. */
export async function removeExpired(
  database: Queryable,
  detachedAtMs: number,
  pids: readonly string[] | null = null,
): Promise<number> {
  const [row] = await database.query(sql<{ count: number }>`
    with removed as (
      delete from sessions where pid = any (array(
        select pid from sessions
        where detached_at_ms <= ${detachedAtMs}::bigint and (${pids}::text[] is null or pid = any (${pids}::text[]))
        limit ${portion}
        for update skip locked
      ))
      returning pid
    ), total as (
      update session_totals set away = session_totals.away - removed.count
      from (select count(*) from removed) removed where removed.count > 0
    )
    select count(*) from removed`)
  return row?.count ?? 0
}

/** Removes those that went first, as far as more are away than may be, a portion of them; how many. */
export async function removeSurplus(database: Queryable, detachedMax: number): Promise<number> {
  const [row] = await database.query(sql<{ count: number }>`
    with surplus as materialized (
      select least(away - ${detachedMax}::bigint, ${portion}) as count from session_totals
      where away > ${detachedMax}::bigint
      for update
    ), removed as (
      delete from sessions where pid = any (array(
        select pid from sessions
        where detached_at_ms is not null
        order by detached_at_ms, departure limit (select coalesce(max(count), 0) from surplus)
        for update skip locked
      ))
      returning pid
    ), total as (
      update session_totals set away = session_totals.away - removed.count
      from (select count(*) from removed) removed where removed.count > 0
    )
    select count(*) from removed`)
  return row?.count ?? 0
}

/** A backup is older than what clients have seen since, and positions in its sessions are of epochs that are over. */
export const forgetSessions = `
  do $$
  begin
    if to_regclass('sessions') is not null then
      truncate sessions, session_nodes;
      update session_totals set away = 0;
    end if;
  end
  $$
`
