/**
 * How clients come and go (A-06 … A-19): the bounds of connections, who the token says they are, and what is released
 * when they leave. The way of a session into its namespace is in entrance.ts.
 *
 *   connection: open → closed
 *   session:    asked for → open → ended
 */
import { authNamespace, errorCatalogue, type GoodbyeCode, goodbyes, Refusal } from '@belfry/contract'
import { andThen } from '../awaitable.ts'
import type { Revocations } from '../ports/revocations.ts'
import type {
  CloseReason,
  Connection,
  ConnectionHandler,
  LeaveReason,
  Link,
  TransportHandler,
} from '../ports/transport.ts'
import type { ActivityTap } from './activity-tap.ts'
import { ConnectionState } from './connection-state.ts'
import type { Credentials } from './credentials.ts'
import { type Asking, Entrance, type EntranceParts, type RecoveryCounts } from './entrance.ts'
import type { Expiry } from './expiry.ts'
import type { NamespaceState } from './namespace-state.ts'
import { isNobody, userOf } from './nobody.ts'
import type { Session } from './session.ts'
import type { Suspicions } from './suspicions.ts'
import { type ConnectionLimits, Counts } from './users.ts'

export interface ArrivalParts extends Omit<EntranceParts, 'opened' | 'disconnect'> {
  readonly namespaces: ReadonlyMap<string, NamespaceState>
  readonly credentials: Credentials
  readonly revocations: Revocations
  /** Made of what ends sessions. */
  expiry(): Expiry
  readonly limits: ConnectionLimits
  readonly tap: ActivityTap
  readonly suspicions: Suspicions
  isStopping(): boolean
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
  readonly #entrance: Entrance
  readonly #connections = new Set<ConnectionState>()
  readonly #byAddress = new Counts()
  readonly counts: ArrivalCounts = { opened: 0, peak: 0, closed: new Map(), refused: new Map() }

  constructor(parts: ArrivalParts) {
    this.#parts = parts
    this.#entrance = new Entrance({
      ...parts,
      opened: (session) => this.#opened(session),
      disconnect: (session, code) => this.disconnect(session, code),
    })
  }

  /** Resolves when nobody is on the way in with this pid. */
  claimEnded(pid: string): Promise<void> {
    return this.#entrance.claimEnded(pid)
  }

  get recoveries(): Readonly<RecoveryCounts> {
    return this.#entrance.counts
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
    const asking: Asking = { state, link, namespace, auth: heeded(name, auth) }
    try {
      const principal = this.#parts.credentials.identify(state, name, auth)
      const admitted = andThen(principal, (found) => this.#entrance.admit(asking, found))
      if (admitted instanceof Promise) admitted.catch(refuse)
    } catch (error) {
      refuse(error)
    }
  }

  #opened(session: Session): void {
    this.#parts.expiry().follow(session.connection)
    this.#tellTap('connect', session, 'connected')
    this.#ask(session, () => session.namespace.served.handlers.connect?.(session))
    const { principal } = session
    // Taken back while a module or a store was asked.
    if (!isNobody(principal) && this.#parts.revocations.isRevoked(principal))
      this.disconnect(session, 'token_revoked')
  }

  left(session: Session, reason: LeaveReason): void {
    const state = session.connection
    session.end()
    state.sessions = state.sessions.filter((other) => other !== session)
    this.#parts.users.remove(session, state.sessions)
    // Whoever uses the connection next may be somebody else.
    if (state.sessions.length === 0) state.credential = undefined
    this.#parts.expiry().follow(state)
    this.#ask(session, () => this.#putAway(session, reason))
    this.#tellTap('disconnect', session, reason)
    this.#ask(session, () => session.namespace.served.handlers.disconnect?.(session, reason))
  }

  /** Whoever went or was sent away on purpose does not come back to this session (R12); whoever was cut off may. */
  #putAway({ pid, generation, namespace, isKept }: Session, reason: LeaveReason): unknown {
    const { store } = namespace
    // Nobody comes back to `/auth`: there is nothing to miss, and whoever floods it is to make no room for itself.
    const isAuth = namespace.name === authNamespace.name
    if (isAuth || reason === 'client_left' || (reason === 'disconnected_by_server' && !isKept))
      return store.remove(pid, generation)
    return store.detach(pid, generation, this.#parts.clock.now())
  }

  /** Ends the connection to one namespace, and says why before (R10). */
  disconnect(session: Session, code: GoodbyeCode): void {
    if (!session.isOpen) return
    const { sentence, retry } = goodbyes[code]
    session.isKept = keepingGoodbyes.has(code)
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
    const userId = userOf(session.principal)
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

/** After these a client comes back as it was: with a new token, or after a pause. */
const keepingGoodbyes: ReadonlySet<GoodbyeCode> = new Set(['token_expired', 'rate_limited'])

/** `/auth` has no past: a client begins there anew each time, whatever it brings. */
function heeded(
  namespace: string,
  auth: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (namespace !== authNamespace.name) return auth
  const { recover, started } = auth
  return { recover, started }
}

function countUp<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
