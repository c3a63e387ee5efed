/**
 * How clients come in and go (A-06 … A-19): the bounds of connections, who the token says they are, into which rooms
 * they belong from the start, and what is released when they leave.
 *
 *   connection: open → closed
 *   session:    asked for → admitted → open → ended
 */
import {
  errorCatalogue,
  type GoodbyeCode,
  goodbyes,
  parseId,
  Refusal,
  type SessionId,
} from '@belfry/contract'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Principal, TokenVerifier } from '../ports/token-verifier.ts'
import type {
  CloseReason,
  Connection,
  ConnectionHandler,
  LeaveReason,
  Link,
  TransportHandler,
} from '../ports/transport.ts'
import type { ActivityTap } from './activity-tap.ts'
import type { CommandRate } from './command-rate.ts'
import { ConnectionState } from './connection-state.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { IdSource } from './ids.ts'
import { everyoneRoom, type NamespaceState } from './namespace-state.ts'
import { mayUse } from './permissions.ts'
import { Session } from './session.ts'
import type { Suspicions } from './suspicions.ts'
import { type ConnectionLimits, Counts, type Users } from './users.ts'

export interface ArrivalParts {
  readonly namespaces: ReadonlyMap<string, NamespaceState>
  readonly verifier: TokenVerifier
  readonly users: Users
  readonly limits: ConnectionLimits
  readonly rate: CommandRate
  readonly ids: IdSource
  readonly clock: Clock
  readonly logger: Logger
  readonly tap: ActivityTap
  readonly suspicions: Suspicions
  readonly dispatcher: Dispatcher
  readonly reconnection: ReconnectionAdvice
  isStopping(): boolean
}

export interface ReconnectionAdvice {
  readonly delayMs: number
  readonly maxDelayMs: number
}

/** What was counted since the start. */
export interface ArrivalCounts {
  opened: number
  peak: number
  readonly closed: Map<CloseReason, number>
  readonly refused: Map<string, number>
}

export class Arrivals implements TransportHandler {
  readonly #parts: ArrivalParts
  readonly #connections = new Set<ConnectionState>()
  readonly #byAddress = new Counts()
  readonly counts: ArrivalCounts = { opened: 0, peak: 0, closed: new Map(), refused: new Map() }

  constructor(parts: ArrivalParts) {
    this.#parts = parts
  }

  get connections(): ReadonlySet<ConnectionState> {
    return this.#connections
  }

  open(connection: Connection): ConnectionHandler | Refusal {
    const { limits, suspicions } = this.#parts
    if (this.#parts.isStopping()) return this.#turnedAway(new Refusal('shutting_down'))
    if (this.#connections.size >= limits.connectionsMax) return this.#turnedAway(new Refusal('server_full'))
    if (limits.perAddressMax !== undefined) {
      const address = connection.remoteAddress
      if (this.#byAddress.of(address) >= limits.perAddressMax) {
        suspicions.report({ reason: 'too many connections of one address', address })
        return this.#turnedAway(new Refusal('too_many_connections'))
      }
      this.#byAddress.add(address, 1)
    }
    const state = new ConnectionState(connection, this.counts.opened + 1, this)
    this.#connections.add(state)
    this.counts.opened += 1
    this.counts.peak = Math.max(this.counts.peak, this.#connections.size)
    return state
  }

  closed(state: ConnectionState, reason: CloseReason): void {
    this.#connections.delete(state)
    if (this.#parts.limits.perAddressMax !== undefined)
      this.#byAddress.add(state.connection.remoteAddress, -1)
    countUp(this.counts.closed, reason)
    this.#parts.logger.debug({ connection: state.connection.id, reason }, 'connection closed')
  }

  enter(state: ConnectionState, link: Link, name: string, auth: Readonly<Record<string, unknown>>): void {
    const namespace = this.#parts.namespaces.get(name)
    const refuse = (error: unknown) => this.#refuse(state, link, name, error)
    if (namespace === undefined) {
      refuse(new Refusal('unknown_namespace'))
      return
    }
    try {
      const principal = state.principalOf(auth['token'], this.#parts.verifier, this.#parts.clock.now())
      if (principal instanceof Promise)
        principal.then((found) => this.#admit(state, link, namespace, found, auth)).catch(refuse)
      else this.#admit(state, link, namespace, principal, auth)?.catch(refuse)
    } catch (error) {
      refuse(error)
    }
  }

  /** A promise only where the module asks for time to decide. */
  #admit(
    state: ConnectionState,
    link: Link,
    namespace: NamespaceState,
    claimed: Principal,
    auth: Readonly<Record<string, unknown>>,
  ): Promise<void> | undefined {
    const { rate, clock, users } = this.#parts
    const coolDownMs = rate.remainingCoolDownMs(claimed.userId, clock.now())
    if (coolDownMs > 0) {
      const seconds = Math.ceil(coolDownMs / 1_000)
      throw new Refusal('cooling_down', `You sent far too many commands. Come back in ${seconds} seconds.`)
    }
    const { contract, handlers } = namespace.served
    if (!mayUse(claimed, contract.permission))
      throw new Refusal('forbidden', `You need the permission ${contract.permission} for ${namespace.name}.`)
    const principal = withinWorkspace(claimed, auth['workspaceId'])
    users.refuseTooMany(principal, state.sessions)
    const admitted = handlers.admit?.(principal)
    if (!(admitted instanceof Promise)) {
      this.#letIn(state, link, namespace, principal, auth)
      return undefined
    }
    return admitted.then(() => {
      // Others may have come while the module thought.
      users.refuseTooMany(principal, state.sessions)
      this.#letIn(state, link, namespace, principal, auth)
    })
  }

  #letIn(
    state: ConnectionState,
    link: Link,
    namespace: NamespaceState,
    principal: Principal,
    auth: Readonly<Record<string, unknown>>,
  ): void {
    if (!state.isOpen || !link.isWaiting) return
    const { ids, users, dispatcher } = this.#parts
    const id = ids.sessionId() as SessionId
    const session = new Session({ id, pid: ids.pid(), link, connection: state, namespace, principal })
    users.add(session, state.sessions)
    state.sessions = [...state.sessions, session]
    const cursorMode = typeof auth['recover'] === 'boolean' ? auth['recover'] : state.connection.takesCursor
    link.accept(session, { id, pid: session.pid, cursorMode })
    if (!cursorMode || auth['started'] === true) {
      const { cursor } = namespace
      dispatcher.tell(session, 'session:started', {
        pid: session.pid,
        cursor,
        recovered: false,
        reconnection: this.#parts.reconnection,
      })
    }
    // A pid under which nothing is kept: whatever came since that session is not known to this one (R6).
    if (typeof auth['pid'] === 'string') dispatcher.tell(session, 'sync:reset', { reason: 'unknown-session' })
    namespace.join(session, everyoneRoom)
    for (const room of state.homeRooms(principal)) namespace.join(session, room)
    session.settle()
    namespace.sessionsPeak = Math.max(namespace.sessionsPeak, namespace.sessions.length)
    this.#tellTap('connect', session, 'connected')
    this.#ask(session, () => namespace.served.handlers.connect?.(session))
  }

  left(session: Session, reason: LeaveReason): void {
    const state = session.connection
    session.end()
    state.sessions = state.sessions.filter((other) => other !== session)
    this.#parts.users.remove(session, state.sessions)
    this.#tellTap('disconnect', session, reason)
    this.#ask(session, () => session.namespace.served.handlers.disconnect?.(session, reason))
  }

  /** Ends one session for good, and says why before (R10). */
  disconnect(session: Session, code: GoodbyeCode): void {
    if (!session.isOpen) return
    const { sentence, retry } = goodbyes[code]
    this.#parts.dispatcher.tell(session, 'session:closing', { code, message: sentence, retry })
    session.link.disconnect()
  }

  #turnedAway(refusal: Refusal): Refusal {
    countUp(this.counts.refused, refusal.code)
    return refusal
  }

  #refuse(state: ConnectionState, link: Link, namespace: string, error: unknown): void {
    const refusal = error instanceof Refusal ? error : new Refusal('internal', undefined, { cause: error })
    const { logger, suspicions, tap, clock } = this.#parts
    if (!(error instanceof Refusal)) logger.error({ error, namespace }, 'a client could not be let in')
    countUp(this.counts.refused, refusal.code)
    const name = this.#parts.namespaces.has(namespace) ? namespace : '(unknown)'
    suspicions.report({
      reason: `refused: ${refusal.code}`,
      address: state.connection.remoteAddress,
      namespace: name,
    })
    if (tap.isWatched)
      tap.tell({ at: isoTime(clock.now()), kind: 'refused', namespace: name, name: refusal.code })
    if (!link.isWaiting) return
    // What passes by itself closes the connection, so that the client comes back; the rest is for good (R10).
    if (errorCatalogue[refusal.code].status >= 500) state.connection.close('closed_by_server')
    else link.refuse(refusal)
  }

  #tellTap(kind: 'connect' | 'disconnect', session: Session, name: string): void {
    const { tap, clock, logger } = this.#parts
    const { userId } = session.principal
    logger.debug({ session: session.id, userId, namespace: session.namespace.name, reason: name }, kind)
    if (tap.isWatched)
      tap.tell({ at: isoTime(clock.now()), kind, namespace: session.namespace.name, name, userId })
  }

  /** A module that fails harms nobody's session. */
  #ask(session: Session, handler: () => unknown): void {
    const failed = (error: unknown) =>
      this.#parts.logger.error(
        { error, namespace: session.namespace.name },
        'a handler of a namespace failed',
      )
    try {
      const result = handler()
      if (result instanceof Promise) result.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** A client may confine itself to one of its workspaces. */
function withinWorkspace(principal: Principal, asked: unknown): Principal {
  if (asked === undefined) return principal
  const workspaceId = parseId<'workspace'>(asked)
  if (workspaceId === undefined || !principal.workspaces.includes(workspaceId))
    throw new Refusal('forbidden', 'You are not a member of this workspace.')
  return { ...principal, workspaces: [workspaceId] }
}

function countUp<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
