/** Sessions by user, nobody aside, and connections by user, workspace and address, with the bounds of each. */
import { Refusal, type UserId } from '@belfry/contract'
import type { Principal } from '../ports/token-verifier.ts'
import { isNobody } from './nobody.ts'
import type { Session } from './session.ts'

export interface ConnectionLimits {
  /** Of this process. */
  readonly connectionsMax: number
  readonly perUserMax: number
  /** Absent: no bound of its own. */
  readonly perWorkspaceMax: number | undefined
  readonly perAddressMax: number | undefined
}

export class Users {
  readonly #limits: ConnectionLimits
  readonly #sessions = new Map<UserId, Session[]>()
  readonly #connections = new Counts()
  readonly #connectionsByWorkspace = new Counts()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#sessions.size
  }

  sessionsOf(userId: UserId): readonly Session[] {
    return this.#sessions.get(userId) ?? []
  }

  ids(): IterableIterator<UserId> {
    return this.#sessions.keys()
  }

  /** Throws when the connection of these sessions would be one too many of its user or of a workspace. */
  refuseTooMany(principal: Principal, siblings: readonly Session[]): void {
    if (isNobody(principal)) return
    const { perUserMax, perWorkspaceMax } = this.#limits
    const isCounted = siblings.some(ofUser(principal.userId))
    if (!isCounted && this.#connections.of(principal.userId) >= perUserMax)
      throw new Refusal('too_many_connections', `A user may have ${perUserMax} connections. Close one first.`)
    if (perWorkspaceMax === undefined) return
    for (const workspaceId of principal.workspaces) {
      if (
        !siblings.some(inWorkspace(workspaceId)) &&
        this.#connectionsByWorkspace.of(workspaceId) >= perWorkspaceMax
      )
        throw new Refusal('too_many_connections', `A workspace may have ${perWorkspaceMax} connections.`)
    }
  }

  /** `siblings` are the other open sessions of the same connection: it is counted once. */
  add(session: Session, siblings: readonly Session[]): void {
    if (isNobody(session.principal)) return
    const { userId, workspaces } = session.principal
    const sessions = this.#sessions.get(userId)
    if (sessions === undefined) this.#sessions.set(userId, [session])
    // A list that grows takes room for seventeen; most users have a few.
    else if (sessions.length < growingFrom) this.#sessions.set(userId, [...sessions, session])
    else sessions.push(session)
    if (!siblings.some(ofUser(userId))) this.#connections.add(userId, 1)
    for (const id of distinct(workspaces))
      if (!siblings.some(inWorkspace(id))) this.#connectionsByWorkspace.add(id, 1)
  }

  remove(session: Session, siblings: readonly Session[]): void {
    if (isNobody(session.principal)) return
    const { userId, workspaces } = session.principal
    const sessions = this.#sessions.get(userId) ?? []
    const left = sessions.filter((other) => other !== session)
    if (left.length === 0) this.#sessions.delete(userId)
    else this.#sessions.set(userId, left)
    if (!siblings.some(ofUser(userId))) this.#connections.add(userId, -1)
    for (const id of distinct(workspaces))
      if (!siblings.some(inWorkspace(id))) this.#connectionsByWorkspace.add(id, -1)
  }
}

const growingFrom = 8

/** Connections that came from each address, before anybody knows whose they are. */
export class Counts {
  readonly #counts = new Map<string, number>()

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: string, difference: number): void {
    const count = this.of(key) + difference
    if (count > 0) this.#counts.set(key, count)
    else this.#counts.delete(key)
  }
}

/** A token may name a workspace twice. */
function distinct(ids: readonly string[]): Iterable<string> {
  return ids.length < 2 ? ids : new Set(ids)
}

const ofUser = (userId: UserId) => (session: Session) => session.principal.userId === userId
const inWorkspace = (id: string) => (session: Session) =>
  session.principal.workspaces.some((own) => own === id)
