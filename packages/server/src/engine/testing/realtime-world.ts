/**
 * The engine of live updates with everything around it in memory: clients of the memory transport, tokens that say
 * what a test wants, a clock that moves when it is told to, and a logger that keeps its lines.
 */
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import {
  checkEvent,
  type EventContract,
  Refusal,
  type TeamId,
  type UserId,
  type WorkspaceId,
} from '@belfry/contract'
import { everyNamespace } from '@belfry/contract/engine'
import { expect } from 'vitest'
import { createMemoryBroker } from '../memory/broker.ts'
import { createMemoryDurableLog } from '../memory/durable-log.ts'
import { createMemoryLog } from '../memory/log.ts'
import { createMemoryRevocations, type MemoryRevocations } from '../memory/revocations.ts'
import { createMemorySessionStore } from '../memory/session-store.ts'
import {
  createMemoryTransport,
  type MemoryConnectOptions,
  type MemoryQueueBounds,
  type MemoryTransport,
} from '../memory/transport.ts'
import type { Delivery, MemoryClient, MemorySession } from '../memory/transport-client.ts'
import type { ServedNamespace } from '../namespace-handlers.ts'
import type { NodeId } from '../ports/session-store.ts'
import type { Principal, TokenVerifier } from '../ports/token-verifier.ts'
import { createRealtime, type Realtime, type RealtimeOptions } from '../realtime/realtime.ts'
import type { Session } from '../realtime/session.ts'
import { createRecordingLogger, type RecordingLogger } from './recording-logger.ts'
import { createTestClock, type TestClock } from './test-clock.ts'

export interface RealtimeWorldOptions extends Partial<Omit<RealtimeOptions, 'namespaces'>> {
  readonly namespaces: readonly ServedNamespace[]
  /** Tokens are verified later, and not in the same turn. */
  readonly verifiesLater?: boolean
  readonly queueBounds?: MemoryQueueBounds
}

export interface Person {
  readonly userId: string
  readonly workspaces?: readonly string[]
  readonly teams?: readonly string[]
  readonly roles?: readonly string[]
  readonly permissions?: readonly string[]
  readonly issuedAtMs?: number
  readonly expiresAtMs?: number
  readonly tokenId?: string
  readonly loginId?: string
}

export interface RealtimeWorld extends AsyncDisposable {
  readonly realtime: Realtime
  readonly memory: MemoryTransport
  readonly clock: TestClock
  readonly logger: RecordingLogger
  readonly revocations: MemoryRevocations
  /** Everything that was verified, in order. */
  readonly verified: unknown[]
  connect(options?: MemoryConnectOptions): MemoryClient
  /** A client of its own on one namespace, which is let in. */
  enter(namespace: string, person: Person, auth?: Readonly<Record<string, unknown>>): Promise<MemorySession>
  /** What the engine knows of it. */
  sessionOf(session: MemorySession): Session
  /** The server stops taking anybody in. */
  stop(): void
  /** For tests in which something fails on purpose. */
  allowFailures(): void
}

export async function openRealtimeWorld(options: RealtimeWorldOptions): Promise<RealtimeWorld> {
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const log = createMemoryLog({ clock, randomBytes })
  const sessions = createMemorySessionStore({ clock })
  const revocations = createMemoryRevocations({ clock, logger })
  const verified: unknown[] = []
  let isStopping = false
  let mayFail = false
  const verifier: TokenVerifier = {
    verify(token) {
      verified.push(token)
      if (options.verifiesLater) return Promise.resolve().then(() => principalIn(token))
      return principalIn(token)
    },
  }
  const realtime = await createRealtime({
    roomAuthorities: [],
    verifier,
    revocations,
    tokenGraceMs: 25_000,
    log,
    durable: createMemoryDurableLog({ log, logger }),
    sessions,
    durableSessions: sessions,
    node: 'node-1' as NodeId,
    broker: createMemoryBroker({ logger }),
    clock,
    logger,
    randomBytes,
    connectionLimits: {
      connectionsMax: 10_000,
      perUserMax: 1_000,
      perWorkspaceMax: undefined,
      perAddressMax: undefined,
    },
    commandRate: { commandsPerSecond: 1_000_000, refusedSecondsMax: 5, coolDownMs: 60_000 },
    reconnection: { delayMs: 1_000, maxDelayMs: 5_000 },
    checkPayloads: true,
    isStopping: () => isStopping,
    soon: queueMicrotask,
    ...options,
  })
  const memory = createMemoryTransport({
    handler: realtime.handler,
    clock,
    ...(options.queueBounds === undefined ? {} : { bounds: options.queueBounds }),
  })
  realtime.use(memory.transport)
  const clients: MemoryClient[] = []
  const connect = (connectOptions?: MemoryConnectOptions) => {
    const client = memory.connect(connectOptions)
    clients.push(client)
    return client
  }
  return {
    realtime,
    memory,
    clock,
    logger,
    revocations,
    verified,
    connect,
    async enter(namespace, person, auth = {}) {
      const session = connect().open(namespace, { token: tokenOf(person), ...auth })
      await session.entered
      return session
    },
    sessionOf(session) {
      const sessions = realtime.namespaces.get(session.namespace)?.sessions ?? []
      const found = sessions.find(({ id }) => id === session.id)
      if (found === undefined) throw new Error(`The engine knows no session ${session.id}.`)
      return found
    },
    stop() {
      isStopping = true
    },
    allowFailures() {
      mayFail = true
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close()
      realtime.stop()
      revocations.close()
      log.close()
      sessions.close()
      // Soft, so that what failed in the test itself is told as well.
      expect.soft(clock.timers).toBe(0)
      for (const { deliveries } of clients) for (const delivery of deliveries) expectOwnEvent(delivery)
      if (!mayFail) expect.soft(memory.failures).toEqual([])
      if (!mayFail) expect.soft(logger.at('error')).toEqual([])
      expect.soft(inspect(logger.lines, { depth: null }), 'the lines of the log').not.toContain(secretMark)
    },
  }
}

/** What the engine says by itself is what its contract says. */
function expectOwnEvent(delivery: Delivery): void {
  const own: Readonly<Record<string, EventContract>> = everyNamespace.events
  const contract = delivery.kind === 'event' ? own[delivery.name] : undefined
  if (contract === undefined || delivery.kind !== 'event') return
  expect.soft(checkEvent(contract)(delivery.data), delivery.name).toMatchObject({ ok: true })
}

/** A token is a secret: this is in every one of them, and in no line of any log. */
const secretMark = 'SECRET-OF-A-TOKEN'

export function tokenOf(person: Person): string {
  return `${secretMark}${JSON.stringify(person)}`
}

function principalIn(token: unknown): Principal {
  if (token === undefined) throw new Refusal('token_missing')
  if (typeof token !== 'string' || !token.startsWith(secretMark)) throw new Refusal('token_invalid')
  const person = JSON.parse(token.slice(secretMark.length)) as Person
  return {
    userId: person.userId as UserId,
    name: person.userId,
    workspaces: (person.workspaces ?? []) as WorkspaceId[],
    teams: (person.teams ?? []) as TeamId[],
    roles: person.roles ?? [],
    permissions: person.permissions ?? [],
    expiresAtMs: person.expiresAtMs,
    issuedAtMs: person.issuedAtMs,
    tokenId: person.tokenId,
    loginId: person.loginId,
  }
}
