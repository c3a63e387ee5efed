/**
 * The way of a session into its namespace: may they, was it here before, is what it missed known, and in (R5, R6, R11 to
 * R13). Where everything that is asked answers at once, all of it happens in one turn: a storm of connects must not wait on
 * promises (TK7).
 *
 *   asked for → admitted → claimed, if it brings a pid → recovered, or begun anew → open
 */
import { type GoodbyeCode, parseId, Refusal, roomName, type SessionId } from '@belfry/contract'
import { type Awaitable, andThen, orElse } from '../awaitable.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { NewSession, NodeId, StoredSession } from '../ports/session-store.ts'
import type { Principal } from '../ports/token-verifier.ts'
import type { Link } from '../ports/transport.ts'
import { isUnavailable } from '../unavailable.ts'
import type { CatchUps } from './catch-up.ts'
import type { CommandRate } from './command-rate.ts'
import type { ConnectionState } from './connection-state.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { IdSource } from './ids.ts'
import { everyoneRoom, type NamespaceState } from './namespace-state.ts'
import { mayUse } from './permissions.ts'
import { type Proved, type RecoveryParts, type ResetReason, recover, whyUnknown } from './recovery.ts'
import { Session } from './session.ts'
import { Stays } from './stays.ts'
import type { Users } from './users.ts'

export interface EntranceParts extends RecoveryParts {
  readonly users: Users
  readonly rate: CommandRate
  readonly ids: IdSource
  readonly node: NodeId
  readonly clock: Clock
  readonly logger: Logger
  readonly dispatcher: Dispatcher
  readonly catchUps: CatchUps
  readonly reconnection: ReconnectionAdvice
  later(delayMs: number, action: () => void): void
  /** It is in. */
  opened(session: Session): void
  /** Ends a session for good, and says why before. */
  disconnect(session: Session, code: GoodbyeCode): void
}

export interface ReconnectionAdvice {
  readonly delayMs: number
  readonly maxDelayMs: number
}

/** Counted since the start. */
export interface RecoveryCounts {
  recovered: number
  readonly resets: Map<ResetReason, number>
}

/** A client at the door of a namespace. */
export interface Asking {
  readonly state: ConnectionState
  readonly link: Link
  readonly namespace: NamespaceState
  readonly auth: Readonly<Record<string, unknown>>
}

/** Of a session, by a connection that is on its way in. */
interface Claim {
  readonly generation: number
  /** It is in, or stays outside, or a newer one has taken its place. */
  readonly ended: Promise<void>
  end(): void
}

/** Between two questions to a store that is away; each waits by itself for it to come back. */
const retryMs = 500

/** Of these pauses together, with which a client that comes back waits for a store. */
const storeWaitMsMax = 10_000

/** A session that could not be stored when it began. */
const storeAgainMs = 5_000

/** No pid of ours is longer. */
const pidLengthMax = 64

export class Entrance {
  readonly #parts: EntranceParts
  /** By pid: the newest claim that is not in yet. */
  readonly #claims = new Map<string, Claim>()
  readonly counts: RecoveryCounts = { recovered: 0, resets: new Map() }

  constructor(parts: EntranceParts) {
    this.#parts = parts
  }

  /** A promise only where somebody asks for time to decide. Throws, or rejects, where the client stays outside. */
  admit(asking: Asking, claimed: Principal): Awaitable<void> {
    const { rate, clock, users } = this.#parts
    const { namespace, state, auth } = asking
    refuseCoolingDown(rate, claimed, clock.now())
    const { contract, handlers } = namespace.served
    if (!mayUse(claimed, contract.permission))
      throw new Refusal('forbidden', `You need the permission ${contract.permission} for ${namespace.name}.`)
    const principal = withinWorkspace(claimed, auth['workspaceId'])
    return andThen(this.#claim(asking, principal), (stored) =>
      orElse(
        () => {
          users.refuseTooMany(principal, state.sessions)
          const admitted = handlers.admit?.(principal)
          if (!(admitted instanceof Promise)) return this.#letIn(asking, principal, stored)
          return admitted.then(() => {
            // Others may have come while the module thought.
            users.refuseTooMany(principal, state.sessions)
            return this.#letIn(asking, principal, stored)
          })
        },
        () => this.#letGo(asking, stored),
      ),
    )
  }

  /** Before anything slow: of two connections with one pid the newer one counts (R11, SS5). */
  #claim(asking: Asking, { userId }: Principal): Awaitable<StoredSession | undefined> {
    const { users, node, disconnect } = this.#parts
    const { namespace, auth } = asking
    const pid = pidOf(auth)
    if (pid === undefined) return undefined
    const owner = { userId, namespace: namespace.name }
    const attached = this.#whenStored(asking, () => namespace.store.attach(pid, owner, node))
    return andThen(attached, (found) => {
      if (found === undefined) return undefined
      const older = users
        .sessionsOf(userId)
        .find((session) => session.pid === pid && session.namespace === namespace)
      if (older !== undefined) disconnect(older, 'replaced')
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#claims.get(pid)?.end()
      this.#claims.set(pid, { generation: found.session.generation, ended: promise, end: resolve })
      return found.session
    })
  }

  #letIn(asking: Asking, principal: Principal, stored: StoredSession | undefined): Awaitable<void> {
    const { namespace, state, auth } = asking
    if (stored === undefined) {
      const isBack = pidOf(auth) !== undefined
      return this.#beginAnew(asking, principal, isBack ? whyUnknown(namespace, auth) : undefined)
    }
    const home = state.homeRooms(principal)
    return andThen(recover(this.#parts, namespace, stored, auth, principal, home), (proved) => {
      if (typeof proved !== 'string') {
        if (isWaiting(asking)) this.#goOn(asking, principal, stored, proved)
        else this.#letGo(asking, stored)
        return undefined
      }
      this.#endClaim(stored)
      this.#forget(namespace, stored)
      return this.#beginAnew(asking, principal, proved)
    })
  }

  #goOn(asking: Asking, principal: Principal, stored: StoredSession, proved: Proved): void {
    const { namespace } = asking
    const { dispatcher } = this.#parts
    const { stays, lost, gained, offset } = proved
    const { position } = namespace
    const gaps = { offset, stays }
    const isReplaced = this.#hasNewer(stored)
    const session = this.#open(asking, principal, stored, gaps, (opened) => {
      if (lost.length > 0) dispatcher.tell(opened, 'room:lost', { rooms: lost })
    })
    this.#endClaim(stored)
    if (isReplaced) {
      this.#parts.disconnect(session, 'replaced')
      return
    }
    this.counts.recovered += 1
    for (const room of gained) void namespace.join(session, room)
    if (lost.length > 0)
      this.#inBackground(namespace, () => namespace.store.leave(stored.pid, lost.map(roomName), position))
  }

  /** A newer connection claimed the session while this one was asked about its rooms (R11). */
  #hasNewer({ pid, userId, generation }: StoredSession): boolean {
    if ((this.#claims.get(pid)?.generation ?? 0) > generation) return true
    return this.#parts.users
      .sessionsOf(userId)
      .some((other) => other.pid === pid && other.generation > generation)
  }

  #endClaim({ pid, generation }: StoredSession): void {
    const claim = this.#claims.get(pid)
    if (claim?.generation !== generation) return
    this.#claims.delete(pid)
    claim.end()
  }

  async claimEnded(pid: string): Promise<void> {
    for (let claim = this.#claims.get(pid); claim !== undefined; claim = this.#claims.get(pid))
      await claim.ended
  }

  /** `reason`: why a client that was here before gets another session. */
  #beginAnew(asking: Asking, principal: Principal, reason: ResetReason | undefined): Awaitable<void> {
    const { ids, node, dispatcher } = this.#parts
    const { namespace, state } = asking
    const started: NewSession = {
      id: ids.sessionId() as SessionId,
      pid: ids.pid(),
      userId: principal.userId,
      namespace: namespace.name,
      node,
      start: namespace.position,
      rooms: [everyoneRoom, ...state.homeRooms(principal)],
    }
    const open = (stored: StoredSession | undefined): void => {
      if (!isWaiting(asking)) {
        if (stored !== undefined) this.#forget(namespace, stored)
        return
      }
      const stays = new Stays()
      for (const room of started.rooms) stays.join(room, started.start.offset)
      const gaps = { offset: started.start.offset, stays }
      const session = this.#open(asking, principal, { ...started, generation: 1 }, gaps, (opened) => {
        if (reason === undefined) return
        this.counts.resets.set(reason, (this.counts.resets.get(reason) ?? 0) + 1)
        dispatcher.tell(opened, 'sync:reset', { reason })
      })
      if (stored === undefined) this.#storeLater(session, started)
    }
    const created = namespace.store.create(started)
    if (!(created instanceof Promise)) return open(created)
    // Where nothing can be written, something may be read: the client is let in, and may not recover for a while.
    return created.then(open, (error: unknown) => {
      if (!isUnavailable(error)) throw error
      open(undefined)
    })
  }

  #storeLater(session: Session, started: NewSession): void {
    const { logger, later } = this.#parts
    const { namespace } = session
    later(storeAgainMs, async () => {
      if (!session.isOpen) return
      try {
        await namespace.store.create({ ...started, rooms: [...session.roomNames()] })
      } catch (error) {
        if (isUnavailable(error)) this.#storeLater(session, started)
        else logger.error({ error, namespace: namespace.name }, 'a session could not be stored')
      }
    })
  }

  /** CONNECT, then what is told first, then what was missed, then live (R6). */
  #open(
    { state, link, namespace, auth }: Asking,
    principal: Principal,
    { id, pid, generation }: Pick<StoredSession, 'id' | 'pid' | 'generation'>,
    { offset, stays }: { readonly offset: number; readonly stays: Stays },
    tellFirst: (session: Session) => void,
  ): Session {
    const { users, dispatcher, catchUps, reconnection, opened } = this.#parts
    const recovered = generation > 1
    const session = new Session({
      id,
      pid,
      link,
      connection: state,
      namespace,
      principal,
      confinedTo: auth['workspaceId'],
      openedAtMs: this.#parts.clock.now(),
      generation,
      recovered,
    })
    users.add(session, state.sessions)
    state.sessions = [...state.sessions, session]
    const cursorMode = typeof auth['recover'] === 'boolean' ? auth['recover'] : state.connection.takesCursor
    link.accept(session, { id, pid, cursorMode })
    const wantsToKnow = !cursorMode || auth['started'] === true
    const tell = () => {
      if (wantsToKnow)
        dispatcher.tell(session, 'session:started', { pid, cursor: session.cursor, recovered, reconnection })
      tellFirst(session)
    }
    const onLive = (events: number) => {
      if (wantsToKnow && recovered) dispatcher.tell(session, 'sync:recovered', { events })
    }
    catchUps.begin(session, { offset, stays, latest: 0, onLive }, tell)
    namespace.sessionsPeak = Math.max(namespace.sessionsPeak, namespace.sessionCount)
    opened(session)
    return session
  }

  /** A session that was claimed and that nobody uses after all: its client may come again. */
  #letGo({ namespace }: Asking, stored: StoredSession | undefined): void {
    if (stored === undefined) return
    const { pid, generation } = stored
    this.#endClaim(stored)
    this.#inBackground(namespace, () => namespace.store.detach(pid, generation, this.#parts.clock.now()))
  }

  #forget(namespace: NamespaceState, { pid, generation }: StoredSession): void {
    this.#inBackground(namespace, () => namespace.store.remove(pid, generation))
  }

  #inBackground(namespace: NamespaceState, work: () => unknown): void {
    const { logger } = this.#parts
    const worked = (async () => work())()
    worked.catch((error: unknown) =>
      logger.debug({ error, namespace: namespace.name }, 'a session could not be put away'),
    )
  }

  /**
   * A store that is away keeps those who come back waiting for a while, and not their other namespaces; then they count as
   * unknown, and are told.
   */
  #whenStored<Value>(
    asking: Asking,
    ask: () => Awaitable<Value>,
    waitedMs = 0,
  ): Awaitable<Value | undefined> {
    const asked = ask()
    if (!(asked instanceof Promise)) return asked
    return asked.catch(async (error: unknown) => {
      if (!isUnavailable(error)) throw error
      if (waitedMs >= storeWaitMsMax) return undefined
      await new Promise<void>((resolve) => this.#parts.later(retryMs, resolve))
      return isWaiting(asking) ? this.#whenStored(asking, ask, waitedMs + retryMs) : undefined
    })
  }
}

function isWaiting({ state, link }: Asking): boolean {
  return state.isOpen && link.isWaiting
}

function pidOf(auth: Asking['auth']): string | undefined {
  const pid = auth['pid']
  return typeof pid === 'string' && pid.length > 0 && pid.length <= pidLengthMax ? pid : undefined
}

/** A client may confine itself to one of its workspaces. */
export function withinWorkspace(principal: Principal, asked: unknown): Principal {
  if (asked === undefined) return principal
  const workspaceId = parseId<'workspace'>(asked)
  if (workspaceId === undefined || !principal.workspaces.includes(workspaceId))
    throw new Refusal('forbidden', 'You are not a member of this workspace.')
  return { ...principal, workspaces: [workspaceId] }
}

export function refuseCoolingDown(rate: CommandRate, { userId }: Principal, nowMs: number): void {
  const coolDownMs = rate.remainingCoolDownMs(userId, nowMs)
  if (coolDownMs === 0) return
  const seconds = Math.ceil(coolDownMs / 1_000)
  throw new Refusal('cooling_down', `You sent far too many commands. Come back in ${seconds} seconds.`)
}
