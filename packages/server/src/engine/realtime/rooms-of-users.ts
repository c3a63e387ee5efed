/**
 * What the server does to all sessions of a user on a namespace: those that are here, those whose clients are away and may
 * come back (R13), and those that come back at this very moment.
 */
import { Refusal, type RoomRef, roomName, type UserId } from '@belfry/contract'
import type { NamespaceState } from './namespace-state.ts'
import type { Session } from './session.ts'
import type { Users } from './users.ts'

export interface RoomsOfUsersParts {
  readonly namespaces: ReadonlyMap<string, NamespaceState>
  readonly users: Users
  /** Resolves when nobody is on the way in with this pid. */
  claimEnded(pid: string): Promise<void>
}

export class RoomsOfUsers {
  readonly #parts: RoomsOfUsersParts

  constructor(parts: RoomsOfUsersParts) {
    this.#parts = parts
  }

  /** How many sessions there are. */
  join(namespace: string, userId: UserId, room: RoomRef): Promise<number> {
    return this.#all(namespace, userId, {
      open: (session) => session.join(room),
      away: ({ store, position }, pid) => store.join(pid, [roomName(room)], position),
    })
  }

  leave(namespace: string, userId: UserId, room: RoomRef): Promise<number> {
    return this.#all(namespace, userId, {
      open: (session) => session.leave(room),
      away: ({ store, position }, pid) => store.leave(pid, [roomName(room)], position),
    })
  }

  async #all(name: string, userId: UserId, act: Act): Promise<number> {
    const { namespaces, users } = this.#parts
    const namespace = namespaces.get(name)
    if (namespace === undefined) throw new Refusal('unknown_namespace')
    const isHere = (session: Session) => session.namespace === namespace
    const open = users.sessionsOf(userId).filter(isHere)
    const pids = new Set(open.map(({ pid }) => pid))
    const acted = open.map((session) => act.open(session))
    for (const { pid } of await namespace.store.findAll({ userId, namespace: name }))
      if (!pids.has(pid)) acted.push(this.#away(namespace, pid, userId, act))
    await Promise.all(acted)
    return acted.length
  }

  /** Whoever was on the way in was asked about the rooms that it had before. */
  async #away(namespace: NamespaceState, pid: string, userId: UserId, act: Act): Promise<void> {
    const { users, claimEnded } = this.#parts
    await act.away(namespace, pid)
    await claimEnded(pid)
    const isMeant = (session: Session) => session.pid === pid && session.namespace === namespace
    const back = users.sessionsOf(userId).find(isMeant)
    if (back !== undefined) await act.open(back)
  }
}

interface Act {
  open(session: Session): unknown
  away(namespace: NamespaceState, pid: string): unknown
}
