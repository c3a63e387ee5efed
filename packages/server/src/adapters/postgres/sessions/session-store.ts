/**
 * The sessions of durable namespaces, in PostgreSQL: they outlive the process (SS12), and several nodes may share them.
 * Nothing of a session is kept in memory. What cannot be stored since the database is away is refused with
 * `database_unavailable`, with two exceptions: `detach` answers true, and is done when the database is back; `remove` is
 * refused, since it does not hold yet, and done then as well.
 */
import { Refusal } from '@belfry/contract'
import { joinRooms, leaveRooms } from '../../../engine/memberships.ts'
import { createPeriods } from '../../../engine/periods.ts'
import type { Clock } from '../../../engine/ports/clock.ts'
import type { Database } from '../../../engine/ports/database.ts'
import type { Logger } from '../../../engine/ports/logger.ts'
import {
  type AttachedSession,
  defaultSessionBounds,
  type JoinOutcome,
  type NodeId,
  type SessionStore,
  type SessionStoreOptions,
  type StoredSession,
  sessionSweepPeriodMs,
} from '../../../engine/ports/session-store.ts'
import { isUnavailable } from '../../../engine/unavailable.ts'
import { belongsTo, draftOf, draftOfNew, storedOf } from './draft.ts'
import { createNodes } from './nodes.ts'
import { createRounds, type Step } from './rounds.ts'
import {
  detachSessionsOf,
  portion,
  readSessionsOf,
  removeExpired,
  removeSurplus,
  type SessionRow,
} from './statements.ts'

export interface PostgresSessionStoreOptions extends SessionStoreOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  /** Which this one is, anew with each start. */
  readonly node: NodeId
  /**
   * No other node has this database: what others hold, they held until they were killed. Without it, a node counts as
   * gone when it was not heard of for a minute.
   */
  readonly othersAreGone?: boolean
}

export interface PostgresSessionStore extends SessionStore {
  /** Waits for what is on its way, and sends away what this node still holds. What comes later is refused. */
  close(): Promise<void>
}

export function createPostgresSessionStore(options: PostgresSessionStoreOptions): PostgresSessionStore {
  const { database, clock, logger, node, othersAreGone = false, ...chosen } = options
  const { detachedMsMax, detachedMax, roomsMax, leftMax } = { ...defaultSessionBounds, ...chosen }
  const periods = createPeriods(options)
  let isClosed = false

  const sendNodeAway = async (holder: NodeId, atMs: number): Promise<number> => {
    let sessions = 0
    for (;;) {
      const { count, away } = await detachSessionsOf(database, holder, atMs)
      if (count === 0) return sessions
      sessions += count
      if (away > detachedMax) await makeRoom()
    }
  }
  const makeRoom = async () => {
    while ((await removeSurplus(database, detachedMax)) === portion);
  }
  const nodes = createNodes({ database, clock, logger, node, othersAreGone, sendAway: sendNodeAway })

  const isExpired = ({ detachedAtMs }: SessionRow) =>
    detachedAtMs !== null && clock.now() - detachedAtMs >= detachedMsMax
  const rounds = createRounds({
    database,
    logger,
    prepare: nodes.beHeard,
    async current(rows) {
      const expired = rows.filter(isExpired).map(({ pid }) => pid)
      if (expired.length > 0) await removeExpired(database, clock.now() - detachedMsMax, expired)
      return expired.length > 0 ? rows.filter((row) => !isExpired(row)) : rows
    },
    async onAway(away) {
      if (away <= detachedMax) return
      // Who went, went; the next one finds that there are too many.
      await makeRoom().catch((error: unknown) =>
        logger.warn({ error }, 'sessions: the first that went could not make room'),
      )
    },
  })

  periods.every(sessionSweepPeriodMs, 'sessions that expired could not be deleted', async () => {
    while ((await removeExpired(database, clock.now() - detachedMsMax)) === portion) if (isClosed) return
  })
  periods.every(sessionSweepPeriodMs, 'what is owed to sessions could not be done', rounds.payUp)

  const run = <Answer>(step: Step<Answer>): Promise<Answer> =>
    isClosed ? Promise.reject(new Refusal('shutting_down')) : rounds.run(step)

  return {
    async create(session) {
      const fresh = () => draftOfNew(session, roomsMax)
      fresh()
      return run<StoredSession>({
        pid: session.pid,
        rooms: session.rooms.length,
        isNew: true,
        take(place) {
          if (place.session !== undefined) throw new Error('There is a session of this pid already.')
          place.session = fresh()
          return storedOf(place.session)
        },
        // Nobody knows its pid: it would stay for as long as this node.
        afterLoss: () => removal(session.pid, (draft) => draft.id === session.id && draft.generation === 1),
      })
    },
    async find(pid, owner) {
      if (!canBeStored(pid)) return undefined
      return run({
        pid,
        take: ({ session }) => (session && belongsTo(session, owner) ? storedOf(session) : undefined),
      })
    },
    async findAll(owner) {
      if (isClosed) throw new Refusal('shutting_down')
      if (!canBeStored(owner.userId) || !canBeStored(owner.namespace)) return []
      await nodes.beHeard()
      const rows = await readSessionsOf(database, owner)
      return rows.filter((row) => !isExpired(row)).map((row) => storedOf(draftOf(row)))
    },
    async join(pid, rooms, at): Promise<JoinOutcome> {
      if (!canBeStored(pid)) return 'no-session'
      return run<JoinOutcome>({
        pid,
        rooms: rooms.length,
        take({ session }) {
          if (session === undefined) return 'no-session'
          return joinRooms(session, rooms, at, roomsMax) ? 'joined' : 'too-many-rooms'
        },
      })
    },
    async leave(pid, rooms, at) {
      if (!canBeStored(pid)) return false
      return run({
        pid,
        rooms: rooms.length,
        take({ session }) {
          if (session === undefined) return false
          leaveRooms(session, rooms, at, leftMax)
          return true
        },
      })
    },
    async attach(pid, owner, newNode) {
      if (!canBeStored(pid)) return undefined
      let generation: number | undefined
      return run<AttachedSession | undefined>({
        pid,
        take({ session }) {
          if (session === undefined || !belongsTo(session, owner)) return undefined
          const fencedNode = session.detachedAtMs === undefined ? session.node : undefined
          session.generation += 1
          session.node = newNode
          session.detachedAtMs = undefined
          generation = session.generation
          return { session: storedOf(session), fencedNode }
        },
        // Nobody has the connection that it would be attached to.
        afterLoss: () =>
          generation === undefined
            ? undefined
            : departure(
                pid,
                clock.now(),
                (draft) => draft.generation === generation && draft.node === newNode,
              ),
      })
    },
    async detach(pid, generation, atMs) {
      if (!canBeStored(pid)) return false
      const step = departure(pid, atMs, (session) => session.generation === generation)
      return run(step).catch((error: unknown) => {
        if (isUnavailable(error) && rounds.isPromised(step)) return true
        throw error
      })
    },
    async detachNode(holder, atMs) {
      if (isClosed) throw new Refusal('shutting_down')
      return sendNodeAway(holder, atMs)
    },
    async remove(pid, generation) {
      if (!canBeStored(pid)) return false
      return run(removal(pid, (session) => generation === undefined || session.generation === generation))
    },
    async close() {
      if (isClosed) return
      isClosed = true
      await Promise.all([periods.stop(), nodes.stop(), rounds.settled()])
      try {
        await rounds.payUp()
        await nodes.leave()
      } catch (error) {
        logger.debug({ error }, 'sessions: this node could not say goodbye')
      }
    },
  }
}

function departure(pid: string, atMs: number, isMeant: (session: Meant) => boolean): Step<boolean> {
  const step: Step<boolean> = {
    pid,
    take({ session }) {
      if (session === undefined || session.detachedAtMs !== undefined || !isMeant(session)) return false
      session.detachedAtMs = atMs
      return true
    },
    afterLoss: () => step,
  }
  return step
}

function removal(pid: string, isMeant: (session: Meant) => boolean): Step<boolean> {
  const step: Step<boolean> = {
    pid,
    take(place) {
      if (place.session === undefined || !isMeant(place.session)) return false
      place.session = undefined
      return true
    },
    afterLoss: () => step,
  }
  return step
}

type Meant = Pick<StoredSession, 'id' | 'generation' | 'node'>

/** PostgreSQL has no NUL in text, nor halves of characters: what has one of them was never stored. */
function canBeStored(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
