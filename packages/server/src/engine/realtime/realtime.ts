/**
 * The engine of live updates, put together: a transport brings clients to its `handler`, modules serve namespaces in
 * it, and whoever has something to tell publishes through it.
 */
import type {
  EventInput,
  EventName,
  GoodbyeCode,
  NamespaceContract,
  RoomRef,
  SessionId,
  UserId,
} from '@belfry/contract'
import type { RoomAuthority, ServedNamespace } from '../namespace-handlers.ts'
import type { Broker } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import type { Transaction } from '../ports/database.ts'
import type { EventLog } from '../ports/log.ts'
import type { Logger } from '../ports/logger.ts'
import type { DurableLog } from '../ports/outbox.ts'
import type { Revocations } from '../ports/revocations.ts'
import type { NodeId, SessionStore } from '../ports/session-store.ts'
import type { Principal, TokenVerifier } from '../ports/token-verifier.ts'
import type { Transport, TransportHandler } from '../ports/transport.ts'
import { ActivityTap } from './activity-tap.ts'
import { type ArrivalCounts, Arrivals } from './arrivals.ts'
import { Authentication } from './authentication.ts'
import { CatchUps } from './catch-up.ts'
import { CommandRate, type CommandRateLimits } from './command-rate.ts'
import { Commands } from './commands.ts'
import type { ConnectionState } from './connection-state.ts'
import { Counters } from './counters.ts'
import { type AskHandshake, Credentials } from './credentials.ts'
import {
  type Addressed,
  Dispatcher,
  type NamedOptions,
  type Published,
  type Recipients,
} from './dispatcher.ts'
import { type Drained, type DrainPlan, drain } from './drain.ts'
import type { ReconnectionAdvice, RecoveryCounts } from './entrance.ts'
import { Expiry } from './expiry.ts'
import { History, unusedMsMax } from './history.ts'
import { createIdSource } from './ids.ts'
import { NamespaceState, type SessionHost } from './namespace-state.ts'
import { isNobody } from './nobody.ts'
import { Packing } from './packing.ts'
import { Renewal } from './renewal.ts'
import { byKind, ownRooms } from './room-authorities.ts'
import { RoomsOfUsers } from './rooms-of-users.ts'
import type { Session } from './session.ts'
import { Suspicions } from './suspicions.ts'
import { type ConnectionLimits, Users } from './users.ts'

export interface RealtimeOptions {
  readonly namespaces: readonly ServedNamespace[]
  /** Who may be in rooms of which kind; user, workspace and team rooms are the engine's own. */
  readonly roomAuthorities: readonly RoomAuthority[]
  readonly verifier: TokenVerifier
  readonly revocations: Revocations
  /** How long a socket lives on when its token has ended, for a client that renews it late. */
  readonly tokenGraceMs: number
  /** Who a handshake without a token belongs to, by its cookies; absent: nobody. */
  readonly askHandshake?: AskHandshake | undefined
  /** What a logout on `/auth` takes back; absent: the login of the token, or the token. */
  readonly logOut?: ((principal: Principal) => Promise<void>) | undefined
  readonly log: EventLog
  /** Of the namespaces whose contract says `durable`. */
  readonly durable: DurableLog
  readonly sessions: SessionStore
  /** The same for namespaces whose contract says `durable`. */
  readonly durableSessions: SessionStore
  readonly node: NodeId
  readonly broker: Broker
  readonly clock: Clock
  readonly logger: Logger
  readonly randomBytes: (count: number) => Buffer
  readonly connectionLimits: ConnectionLimits
  readonly commandRate: CommandRateLimits
  /** What clients are told of how to come back. */
  readonly reconnection: ReconnectionAdvice
  /** Payloads of events are checked against their schemas before they leave (B-05). */
  readonly checkPayloads: boolean
  isStopping(): boolean
  /** Runs something in a later turn of the event loop, after what came in meanwhile. */
  soon(action: () => void): void
}

export interface Realtime {
  /** For the transport. */
  readonly handler: TransportHandler
  /** The transport over which everything leaves; to be given before anything is published. */
  use(transport: Transport): void
  publish<N extends NamespaceContract, Name extends EventName<N>>(
    contract: N,
    name: Name,
    data: EventInput<N, Name>,
    to: Recipients,
  ): Promise<Published>
  /** The same for names and data from outside. */
  publishNamed(
    namespace: string,
    name: string,
    data: unknown,
    to: Recipients,
    options?: NamedOptions,
  ): Promise<Published>
  /** As part of a transaction: the event leaves after its commit, and never without it (R17). */
  publishIn<N extends NamespaceContract, Name extends EventName<N>>(
    transaction: Transaction,
    contract: N,
    name: Name,
    data: EventInput<N, Name>,
    to: Recipients,
  ): Promise<void>
  /** One event many times, with other data for others: little more work for the database than one. */
  publishManyIn<N extends NamespaceContract, Name extends EventName<N>>(
    transaction: Transaction,
    contract: N,
    name: Name,
    events: readonly Addressed<EventInput<N, Name>>[],
  ): Promise<void>
  publishNamedIn(
    transaction: Transaction,
    namespace: string,
    name: string,
    data: unknown,
    to: Recipients,
  ): Promise<void>
  countRecipients(namespace: string, to: Recipients): number
  /** Sends an event to one session and waits for what its client answers (R8). */
  request(session: Session, name: string, data: object, timeoutMs: number): Promise<unknown>
  readonly namespaces: ReadonlyMap<string, NamespaceState>
  readonly connections: ReadonlySet<ConnectionState>
  readonly users: Users
  session(id: SessionId): Session | undefined
  /** All sessions of a user on a namespace, also those whose client is away and may come back (R13); how many. */
  joinUser(namespace: string, userId: UserId, room: RoomRef): Promise<number>
  leaveUser(namespace: string, userId: UserId, room: RoomRef): Promise<number>
  readonly counters: Counters
  readonly counts: ArrivalCounts
  readonly recoveries: Readonly<RecoveryCounts>
  readonly suspicions: Suspicions
  readonly tap: ActivityTap
  /** All sessions of a connection, for good; how many there were. */
  disconnectConnection(connection: ConnectionState): number
  disconnectUser(userId: UserId): number
  /** Lets all clients go; nobody new may be let in by then (`isStopping`). */
  drain(plan: DrainPlan): Promise<Drained>
  stop(): void
}

export async function createRealtime(options: RealtimeOptions): Promise<Realtime> {
  const { clock, logger } = options
  const counters = new Counters()
  const tap = new ActivityTap()
  const suspicions = new Suspicions(logger)
  const rate = new CommandRate(options.commandRate)
  const users = new Users(options.connectionLimits)
  const namespaces = new Map<string, NamespaceState>()
  const authorities = byKind([...ownRooms, ...options.roomAuthorities])
  const waiting = new Set<() => void>()
  const later = (delayMs: number, action: () => void): void => {
    const stop = clock.every(delayMs, () => {
      stop()
      waiting.delete(stop)
      action()
    })
    waiting.add(stop)
  }
  let transport: Transport | undefined

  const packing = new Packing({
    clock,
    transport() {
      if (transport === undefined) throw new Error('No transport was given to the engine.')
      return transport
    },
  })
  const dispatcher = new Dispatcher({
    namespaces,
    log: options.log,
    durable: options.durable,
    broker: options.broker,
    clock,
    logger,
    tap,
    checkPayloads: options.checkPayloads,
    catchUps: () => catchUps,
    packing,
  })
  const catchUps: CatchUps = new CatchUps({
    logger,
    later,
    soon: options.soon,
    packing,
  })
  const { revocations } = options
  const credentials = new Credentials({
    verifier: options.verifier,
    revocations,
    clock,
    logger,
    askHandshake: options.askHandshake,
    later,
  })
  const arrivals = new Arrivals({
    namespaces,
    credentials,
    revocations,
    expiry: () => expiry,
    users,
    limits: options.connectionLimits,
    rate,
    ids: createIdSource(options.randomBytes),
    clock,
    logger,
    tap,
    suspicions,
    dispatcher,
    catchUps,
    authorities,
    node: options.node,
    later,
    reconnection: options.reconnection,
    isStopping: () => options.isStopping(),
  })
  const disconnect = (session: Session, code: GoodbyeCode) => arrivals.disconnect(session, code)
  const tell = (session: Session, name: string, data: object) => dispatcher.tell(session, name, data)
  const expiry: Expiry = new Expiry({
    clock,
    graceMs: options.tokenGraceMs,
    tell,
    disconnect,
  })
  const authentication = new Authentication({
    credentials,
    renewal: new Renewal({
      users,
      revocations,
      logger,
      authorities,
      tell,
      disconnect,
    }),
    expiry,
    revocations,
    users,
    rate,
    clock,
    suspicions,
    connections: () => arrivals.connections,
    logOut: options.logOut,
    disconnect,
    soon: options.soon,
    later,
  })
  const disconnectUser = (userId: UserId, code: 'kicked' | 'rate_limited'): number => {
    const sessions = [...users.sessionsOf(userId)]
    for (const session of sessions) arrivals.disconnect(session, code)
    return sessions.length
  }
  const commands = new Commands({
    clock,
    logger,
    rate,
    suspicions,
    tap,
    authorities,
    tellSession: tell,
    closeAbuser(session) {
      const { principal } = session
      rate.coolDown(principal.userId, clock.now())
      if (isNobody(principal)) arrivals.disconnect(session, 'rate_limited')
      disconnectUser(principal.userId, 'rate_limited')
    },
  })
  const host: SessionHost = {
    command: (session, command) => commands.run(session, command),
    left: (session, reason) => arrivals.left(session, reason),
    joined: (session, room) => dispatcher.tellLatest(session, room),
    hasRoom: (catchUp) => catchUps.resume(catchUp),
    failed: (namespace, error) =>
      logger.debug({ error, namespace: namespace.name }, 'it is not known whether a room will be remembered'),
  }
  for (const served of [...options.namespaces, authentication.served]) {
    const { name, durable } = served.contract
    if (namespaces.has(name)) throw new TypeError(`The namespace ${name} is served twice.`)
    const log = durable ? options.durable : options.log
    const position = await log.head(name)
    const history = new History({
      namespace: name,
      log,
      clock,
      epoch: position.epoch,
      pastEvent: (at, entry) => packing.past(state, at, entry),
    })
    const store = durable ? options.durableSessions : options.sessions
    const state: NamespaceState = new NamespaceState(served, {
      counters,
      clock,
      position,
      store,
      history,
      host,
    })
    namespaces.set(name, state)
  }
  const stopMinutes = clock.every(60_000, () => {
    counters.moveTo(clock.now())
    suspicions.nextMinute()
    rate.forgetIdle(clock.now())
  })
  const stopForgetting = clock.every(unusedMsMax, () => {
    for (const { history } of namespaces.values()) history.forgetUnused()
  })
  counters.moveTo(clock.now())
  const roomsOfUsers = new RoomsOfUsers({
    namespaces,
    users,
    claimEnded: (pid) => arrivals.claimEnded(pid),
  })

  return {
    handler: arrivals,
    use(given) {
      transport = given
    },
    publish: (contract, name, data, to) => dispatcher.publish(contract, name, data, to),
    publishIn: (transaction, contract, name, data, to) =>
      dispatcher.publishIn(transaction, contract, name, data, to),
    publishManyIn: (transaction, contract, name, events) =>
      dispatcher.publishManyIn(transaction, contract, name, events),
    publishNamedIn: (transaction, namespace, name, data, to) =>
      dispatcher.publishNamedIn(transaction, namespace, name, data, to),
    publishNamed: (namespace, name, data, to, options) =>
      dispatcher.publishNamed(namespace, name, data, to, options),
    countRecipients: (namespace, to) => dispatcher.countRecipients(namespace, to),
    request: (session, name, data, timeoutMs) => dispatcher.request(session, name, data, timeoutMs),
    namespaces,
    connections: arrivals.connections,
    users,
    session(id) {
      for (const { sessions } of arrivals.connections) {
        const found = sessions.find((session) => session.id === id)
        if (found !== undefined) return found
      }
      return undefined
    },
    joinUser: (namespace, userId, room) => roomsOfUsers.join(namespace, userId, room),
    leaveUser: (namespace, userId, room) => roomsOfUsers.leave(namespace, userId, room),
    counters,
    counts: arrivals.counts,
    recoveries: arrivals.recoveries,
    suspicions,
    tap,
    disconnectConnection(connection) {
      const { sessions } = connection
      for (const session of sessions) arrivals.disconnect(session, 'kicked')
      return sessions.length
    },
    disconnectUser: (userId) => disconnectUser(userId, 'kicked'),
    drain: (plan) =>
      drain(
        {
          connections: arrivals.connections,
          tell,
        },
        plan,
      ),
    stop() {
      stopMinutes()
      authentication.stop()
      expiry.close()
      stopForgetting()
      for (const stop of waiting) stop()
      dispatcher.stop()
    },
  }
}
