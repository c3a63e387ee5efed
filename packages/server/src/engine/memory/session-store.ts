/**
 * The sessions of a node that is alone: in memory, gone with the process, as are the connections they belong
 * to.
 */
import type { Position, SessionId, UserId } from '@belfry/contract'
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
  const sessionsOfUser = new Map<UserId, Set<Kept>>()
  /** In the order in which they went. */
  const detached = new Set<Kept>()

  const forget = (session: Kept) => {
    sessions.delete(session.pid)
    detached.delete(session)
    const ofUser = sessionsOfUser.get(session.userId)
    ofUser?.delete(session)
    if (ofUser?.size === 0) sessionsOfUser.delete(session.userId)
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
      const session: Kept = {
        ...start,
        generation: 1,
        detachedAtMs: undefined,
        ...firstMemberships({ rooms, start: start.start }, roomsMax),
      }
      sessions.set(session.pid, session)
      const ofUser = sessionsOfUser.get(session.userId)
      if (ofUser === undefined) sessionsOfUser.set(session.userId, new Set([session]))
      else ofUser.add(session)
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
      return joinRooms(session, rooms, at, roomsMax) ? 'joined' : 'too-many-rooms'
    },
    leave(pid, rooms, at) {
      const session = get(pid)
      if (session === undefined) return false
      leaveRooms(session, rooms, at, leftMax)
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

interface Kept extends Memberships {
  readonly pid: string
  readonly id: SessionId
  readonly userId: UserId
  readonly namespace: string
  readonly start: Position
  node: NodeId
  generation: number
  detachedAtMs: number | undefined
}

function copyOf(session: Kept): StoredSession {
  return { ...session, ...copyOfMemberships(session) }
}

function belongsTo(session: Kept, { userId, namespace }: SessionOwner): boolean {
  return session.userId === userId && session.namespace === namespace
}
