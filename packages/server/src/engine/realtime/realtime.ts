/**
 * The engine of live updates, put together: a transport brings clients to its `handler`, modules serve namespaces in
 * it, and whoever has something to tell publishes through it.
 */
import {
  type EventInput,
  type EventName,
  formatCursor,
  type NamespaceContract,
  type SessionId,
  type UserId,
} from '@belfry/contract'
import type { RoomAuthority, ServedNamespace } from '../namespace-handlers.ts'
import type { Broker } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import type { Transaction } from '../ports/database.ts'
import type { EventLog } from '../ports/log.ts'
import type { Logger } from '../ports/logger.ts'
import type { DurableLog } from '../ports/outbox.ts'
import type { TokenVerifier } from '../ports/token-verifier.ts'
import type { Transport, TransportHandler } from '../ports/transport.ts'
import { ActivityTap } from './activity-tap.ts'
import { type ArrivalCounts, Arrivals, type ReconnectionAdvice } from './arrivals.ts'
import { CommandRate, type CommandRateLimits } from './command-rate.ts'
import { Commands } from './commands.ts'
import type { ConnectionState } from './connection-state.ts'
import { Counters } from './counters.ts'
import {
  type Addressed,
  Dispatcher,
  type NamedOptions,
  type Published,
  type Recipients,
} from './dispatcher.ts'
import { type Drained, type DrainPlan, drain } from './drain.ts'
import { createIdSource } from './ids.ts'
import { NamespaceState, type SessionHost } from './namespace-state.ts'
import type { Session } from './session.ts'
import { Suspicions } from './suspicions.ts'
import { type ConnectionLimits, Users } from './users.ts'

export interface RealtimeOptions {
  readonly namespaces: readonly ServedNamespace[]
  /** Who may be in rooms of which kind; user, workspace and team rooms are the engine's own. */
  readonly roomAuthorities: readonly RoomAuthority[]
  readonly verifier: TokenVerifier
  readonly log: EventLog
  /** Of the namespaces whose contract says `durable`. */
  readonly durable: DurableLog
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
  readonly counters: Counters
  readonly counts: ArrivalCounts
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
  let transport: Transport | undefined

  const dispatcher = new Dispatcher({
    namespaces,
    log: options.log,
    durable: options.durable,
    broker: options.broker,
    clock,
    logger,
    tap,
    checkPayloads: options.checkPayloads,
    transport() {
      if (transport === undefined) throw new Error('No transport was given to the engine.')
      return transport
    },
  })
  const arrivals = new Arrivals({
    namespaces,
    verifier: options.verifier,
    users,
    limits: options.connectionLimits,
    rate,
    ids: createIdSource(options.randomBytes),
    clock,
    logger,
    tap,
    suspicions,
    dispatcher,
    reconnection: options.reconnection,
    isStopping: () => options.isStopping(),
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
    authorities: byKind([...ownRooms, ...options.roomAuthorities]),
    tellSession: (session, name, data) => dispatcher.tell(session, name, data),
    closeAbuser({ principal }) {
      rate.coolDown(principal.userId, clock.now())
      disconnectUser(principal.userId, 'rate_limited')
    },
  })
  const host: SessionHost = {
    command: (session, command) => commands.run(session, command),
    left: (session, reason) => arrivals.left(session, reason),
    joined: (session, room) => dispatcher.tellLatest(session, room),
  }
  for (const served of options.namespaces) {
    const { name, durable } = served.contract
    if (namespaces.has(name)) throw new TypeError(`The namespace ${name} is served twice.`)
    const cursor = formatCursor(await (durable ? options.durable : options.log).head(name))
    namespaces.set(name, new NamespaceState(served, { counters, clock, cursor, host }))
  }
  const stopMinutes = clock.every(60_000, () => {
    counters.moveTo(clock.now())
    suspicions.nextMinute()
    rate.forgetIdle(clock.now())
  })
  counters.moveTo(clock.now())

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
    counters,
    counts: arrivals.counts,
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
          tell: (session, name, data) => dispatcher.tell(session, name, data),
        },
        plan,
      ),
    stop() {
      stopMinutes()
      dispatcher.stop()
    },
  }
}

function byKind(authorities: readonly RoomAuthority[]): ReadonlyMap<string, RoomAuthority> {
  const found = new Map<string, RoomAuthority>()
  for (const authority of authorities) {
    // The second would decide for the first, and one of them may be the engine itself.
    if (found.has(authority.kind))
      throw new TypeError(`The rooms of the kind ${authority.kind} have two owners.`)
    found.set(authority.kind, authority)
  }
  return found
}

/** Rooms that follow from the token: whoever belongs there is in them from the start, and may come back. */
const ownRooms: readonly RoomAuthority[] = [
  { kind: 'user', mayJoin: ({ userId }, id) => userId === id },
  { kind: 'workspace', mayJoin: ({ workspaces }, id) => workspaces.some((own) => own === id) },
  { kind: 'team', mayJoin: ({ teams }, id) => teams.some((own) => own === id) },
]
