/**
 * The sessions of a node that is alone: in memory, gone with the process, as are the connections they belong
 * to.
 */
import type { Position, Room, SessionId, UserId } from '@belfry/contract'
import {
  copyOfMemberships,
  firstMemberships,
  joinRooms,
  leaveRooms,
  type Memberships,
} from '../memberships.ts'
import type { Clock } from '../ports/clock.ts'
import {
  defaultSessionBounds,
  type NodeId,
  type SessionOwner,
  type SessionStore,
  type SessionStoreOptions,
  type StoredSession,
  sessionSweepPeriodMs,
} from '../ports/session-store.ts'

export interface MemorySessionStoreOptions extends SessionStoreOptions {
  readonly clock: Clock
}

/**
 * Sessions that one sweep forgets, at most: 100,000 at once would stop the process for a tenth of a second.
 */
const sweepMax = 5_000

export function createMemorySessionStore({
  clock,
  ...bounds
}: MemorySessionStoreOptions): SessionStore & { close(): void } {
  const { detachedMsMax, detachedMax, roomsMax, leftMax } = { ...defaultSessionBounds, ...bounds }
  const sessions = new Map<string, Kept>()
  /** Most users have one or a few: a list takes a fifth of what a set does. */
  const sessionsOfUser = new Map<UserId, readonly Kept[]>()
  /** In the order in which they went. */
  const detached = new Set<Kept>()

  const forget = (session: Kept) => {
    sessions.delete(session.pid)
    detached.delete(session)
    const others = sessionsOfUser.get(session.userId)?.filter((other) => other !== session) ?? []
    if (others.length === 0) sessionsOfUser.delete(session.userId)
    else sessionsOfUser.set(session.userId, others)
  }
  const isExpired = ({ detachedAtMs }: Kept) =>
    detachedAtMs !== undefined && clock.now() - detachedAtMs >= detachedMsMax
  const get = (pid: string): Kept | undefined => {
    const session = sessions.get(pid)
    if (session === undefined || !isExpired(session)) return session
    forget(session)
    return undefined
  }
  const getOwn = (pid: string, owner: SessionOwner): Kept | undefined => {
    const session = get(pid)
    return session !== undefined && belongsTo(session, owner) ? session : undefined
  }
  const sendAway = (session: Kept, atMs: number) => {
    session.detachedAtMs = atMs
    detached.add(session)
    if (detached.size <= detachedMax) return
    for (const first of detached) return forget(first)
  }
  const stopSweeping = clock.every(sessionSweepPeriodMs, () => {
    let swept = 0
    for (const session of detached) {
      if (!isExpired(session)) continue
      forget(session)
      swept += 1
      if (swept === sweepMax) return
    }
  })

  return {
    create({ rooms, ...start }) {
      if (get(start.pid) !== undefined) throw new Error('There is a session of this pid already.')
      if (new Set(rooms).size > roomsMax) throw new RangeError(`A session is in ${roomsMax} rooms, at most.`)
      const session: Kept = {
        ...start,
        generation: 1,
        detachedAtMs: undefined,
        firstRooms: rooms.slice(),
        memberships: undefined,
      }
      sessions.set(session.pid, session)
      sessionsOfUser.set(session.userId, [...(sessionsOfUser.get(session.userId) ?? []), session])
      return copyOf(session)
    },
    find(pid, owner) {
      const session = getOwn(pid, owner)
      return session && copyOf(session)
    },
    findAll(owner) {
      const ofUser = [...(sessionsOfUser.get(owner.userId) ?? [])]
      return ofUser.filter((session) => belongsTo(session, owner) && !isExpired(session)).map(copyOf)
    },
    join(pid, rooms, at) {
      const session = get(pid)
      if (session === undefined) return 'no-session'
      return joinRooms(membershipsOf(session), rooms, at, roomsMax) ? 'joined' : 'too-many-rooms'
    },
    leave(pid, rooms, at) {
      const session = get(pid)
      if (session === undefined) return false
      leaveRooms(membershipsOf(session), rooms, at, leftMax)
      return true
    },
    attach(pid, owner, node) {
      const session = getOwn(pid, owner)
      if (session === undefined) return undefined
      const fencedNode = session.detachedAtMs === undefined ? session.node : undefined
      session.generation += 1
      session.node = node
      session.detachedAtMs = undefined
      detached.delete(session)
      return { session: copyOf(session), fencedNode }
    },
    detach(pid, generation, atMs) {
      const session = get(pid)
      if (session?.generation !== generation || session.detachedAtMs !== undefined) return false
      sendAway(session, atMs)
      return true
    },
    detachNode(node, atMs) {
      let count = 0
      for (const session of sessions.values()) {
        if (session.node !== node || session.detachedAtMs !== undefined) continue
        sendAway(session, atMs)
        count += 1
      }
      return count
    },
    remove(pid, generation) {
      const session = get(pid)
      if (session === undefined || (generation !== undefined && session.generation !== generation))
        return false
      forget(session)
      return true
    },
    close: stopSweeping,
  }
}

interface Kept {
  readonly pid: string
  readonly id: SessionId
  readonly userId: UserId
  readonly namespace: string
  readonly start: Position
  node: NodeId
  generation: number
  detachedAtMs: number | undefined
  /** In which it was from the start. */
  readonly firstRooms: readonly Room[]
  /** Since it joined or left another one. Most never do, and this would take more than all the rest. */
  memberships: Memberships | undefined
}

function membershipsOf(session: Kept): Memberships {
  const { firstRooms: rooms, start } = session
  session.memberships ??= firstMemberships({ rooms, start })
  return session.memberships
}

function copyOf(session: Kept): StoredSession {
  const { firstRooms: rooms, start, memberships = firstMemberships({ rooms, start }), ...rest } = session
  return { ...rest, start, ...copyOfMemberships(memberships) }
}

function belongsTo(session: Kept, { userId, namespace }: SessionOwner): boolean {
  return session.userId === userId && session.namespace === namespace
}
