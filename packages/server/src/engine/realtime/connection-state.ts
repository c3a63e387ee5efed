/** A client as the engine keeps it: the sessions it opened, who its token says it is, and when that ends. */
import { type Room, roomName } from '@belfry/contract'
import type { Principal, TokenVerifier } from '../ports/token-verifier.ts'
import type { CloseReason, Connection, ConnectionHandler, Link } from '../ports/transport.ts'
import type { Due } from './due-times.ts'
import { isNobody } from './nobody.ts'
import type { Session } from './session.ts'

/** Whom a connection turns to. */
export interface ConnectionHost {
  enter(state: ConnectionState, link: Link, namespace: string, auth: Readonly<Record<string, unknown>>): void
  closed(state: ConnectionState, reason: CloseReason): void
}

export class ConnectionState implements ConnectionHandler, Due {
  readonly connection: Connection
  /** In the order in which they came; pages of a list go on from it. */
  readonly number: number
  readonly #host: ConnectionHost
  /** Open ones, one for each namespace. */
  sessions: readonly Session[] = []
  /** Commands whose handlers have not ended. */
  commandsRunning = 0
  isOpen = true
  /** Who it said it is on `/auth`: its other namespaces need no token. */
  credential: Principal | undefined
  /** Who its cookies say it is; asked once. */
  asked: Promise<Principal | undefined> | undefined
  /** A new token that is not in force yet. */
  renewing: Promise<void> | undefined
  /** The end of a token of which the client was told. */
  toldOfEndMs = 0
  dueAtMs = Number.POSITIVE_INFINITY
  duePlace = -1
  #token: unknown
  #principal: Principal | undefined
  #home: readonly Room[] = []
  #homeOf: Principal | undefined

  constructor(connection: Connection, number: number, host: ConnectionHost) {
    this.connection = connection
    this.number = number
    this.#host = host
  }

  enter(link: Link, namespace: string, auth: Readonly<Record<string, unknown>>): void {
    this.#host.enter(this, link, namespace, auth)
  }

  closed(reason: CloseReason): void {
    this.isOpen = false
    this.forgetCredentials()
    this.#host.closed(this, reason)
  }

  /** Whoever opens a namespace from now on says anew who it is. */
  forgetCredentials(): void {
    this.#token = undefined
    this.#principal = undefined
    this.credential = undefined
    this.asked = undefined
  }

  /** The rooms that follow from a token; their names are made once for all its sessions. */
  homeRooms(principal: Principal): readonly Room[] {
    if (this.#homeOf !== principal) {
      this.#home = homeRoomsOf(principal)
      this.#homeOf = principal
    }
    return this.#home
  }

  /** A client opens its namespaces with one and the same token: it is checked once, as long as it is valid. */
  principalOf(token: unknown, verifier: TokenVerifier, nowMs: number): Principal | Promise<Principal> {
    const known = this.#principal
    if (known !== undefined && token === this.#token && (known.expiresAtMs ?? Infinity) > nowMs) return known
    const found = verifier.verify(token)
    if (found instanceof Promise) return found
    this.#token = token
    this.#principal = found
    return found
  }
}

/** None of nobody. */
export function homeRoomsOf({ userId, workspaces, teams }: Principal): readonly Room[] {
  if (isNobody({ userId })) return []
  return [
    roomName({ kind: 'user', id: userId }),
    ...workspaces.map((id) => roomName({ kind: 'workspace', id })),
    ...teams.map((id) => roomName({ kind: 'team', id })),
  ]
}
