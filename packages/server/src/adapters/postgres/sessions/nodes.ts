/**
 * Which nodes are alive: each says so every so often. One that was not heard of for a while holds no session any more.
 */
import { createPeriods, type Periods } from '../../../engine/periods.ts'
import type { Clock } from '../../../engine/ports/clock.ts'
import type { Database, Queryable } from '../../../engine/ports/database.ts'
import type { Logger } from '../../../engine/ports/logger.ts'
import type { NodeId } from '../../../engine/ports/session-store.ts'
import { sql } from '../../../engine/sql.ts'

export interface Nodes {
  /** Resolves when others know that this node is here; at once, if that was said lately. */
  beHeard(): Promise<void>
  stop(): Promise<void>
  /** This node is gone, and was in order. */
  leave(): Promise<void>
}

export interface NodesParts {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly node: NodeId
  readonly othersAreGone: boolean
  /** How many sessions it held. */
  sendAway(node: NodeId, atMs: number): Promise<number>
}

export const heartbeatMs = 10_000
/** Six heartbeats: a node that collects its garbage, or whose machine stood still for a moment, is not gone. */
export const silentMsMax = 60_000
/** A node that was silent for longer says that it is here before it holds another session. */
const heardMsMax = 30_000
/** A node that stood still and goes on finds its row as it was. */
const rememberedMs = 10 * 60_000

export function createNodes(parts: NodesParts): Nodes {
  const { database, clock, logger, node, sendAway } = parts
  const periods: Periods = createPeriods(parts)
  let heardAtMs = Number.NEGATIVE_INFINITY
  /** Since then without a gap: if the database was away from all of us, nobody could say anything. */
  let listeningSinceMs = Number.NEGATIVE_INFINITY
  let othersAreKnown = !parts.othersAreGone
  let speaking: Promise<void> | undefined

  const speak = async () => {
    const nowMs = clock.now()
    await noteNode(database, node, nowMs)
    if (!othersAreKnown) {
      // This one holds nothing yet.
      for (const holder of await readHolders(database)) await sendAway(holder.node, holder.heardAtMs ?? nowMs)
      await forgetOthers(database, node)
      othersAreKnown = true
    }
    if (nowMs - heardAtMs >= heardMsMax) listeningSinceMs = nowMs
    heardAtMs = nowMs
  }
  const speakOnce = () => {
    speaking ??= speak().finally(() => {
      speaking = undefined
    })
    return speaking
  }

  periods.every(heartbeatMs, 'sessions: it could not be looked which nodes are alive', async () => {
    await speakOnce()
    const nowMs = clock.now()
    if (nowMs - listeningSinceMs < silentMsMax) return
    for (const silent of await readSilent(database, nowMs - silentMsMax)) {
      const sessions = await sendAway(silent.node, silent.heardAtMs)
      if (sessions > 0)
        logger.warn({ ...silent, sessions }, 'sessions: a node is silent, and its sessions are away')
      if (silent.heardAtMs <= nowMs - rememberedMs) await forgetNode(database, silent)
    }
  })

  return {
    async beHeard() {
      if (clock.now() - heardAtMs >= heardMsMax) await speakOnce()
    },
    stop: periods.stop,
    async leave() {
      await sendAway(node, clock.now())
      await forgetNode(database, { node, heardAtMs: clock.now() })
    },
  }
}

interface HeardNode {
  readonly node: NodeId
  readonly heardAtMs: number
}

async function noteNode(database: Queryable, node: NodeId, heardAtMs: number): Promise<void> {
  await database.query(sql`
    insert into session_nodes (node, heard_at_ms) values (${node}, ${heardAtMs})
    on conflict (node) do update set heard_at_ms = excluded.heard_at_ms`)
}

function readHolders(
  database: Queryable,
): Promise<{ readonly node: NodeId; readonly heardAtMs: number | null }[]> {
  return database.query(sql<{ node: NodeId; heardAtMs: number | null }>`
    select node, heard_at_ms as "heardAtMs"
    from (select distinct node from sessions where detached_at_ms is null) holder
    left join session_nodes using (node)`)
}

function readSilent(database: Queryable, heardAtMs: number): Promise<HeardNode[]> {
  return database.query(sql<HeardNode>`
    select node, heard_at_ms as "heardAtMs" from session_nodes where heard_at_ms <= ${heardAtMs}::bigint`)
}

async function forgetNode(database: Queryable, { node, heardAtMs }: HeardNode): Promise<void> {
  await database.query(sql`
    delete from session_nodes where node = ${node} and heard_at_ms <= ${heardAtMs}::bigint`)
}

async function forgetOthers(database: Queryable, node: NodeId): Promise<void> {
  await database.query(sql`delete from session_nodes where node <> ${node}`)
}
