/**
 * Belfry without a database, for tests: the engine and the wire as they always are, and around them the adapters in
 * memory. It listens nowhere by itself: `sockets.initialize` serves it on a server of the test.
 */
import { randomBytes } from 'node:crypto'
import { defaultAdmissionBounds } from '../adapters/socketio/admission.ts'
import { createMemoryDurableLog } from '../engine/memory/durable-log.ts'
import { createMemoryLog } from '../engine/memory/log.ts'
import { createMemoryRevocations } from '../engine/memory/revocations.ts'
import { createMemorySessionStore } from '../engine/memory/session-store.ts'
import type { RoomAuthority, ServedNamespace } from '../engine/namespace-handlers.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Database } from '../engine/ports/database.ts'
import { durableLogBounds } from '../engine/ports/log.ts'
import type { Logger } from '../engine/ports/logger.ts'
import type { DurableLog } from '../engine/ports/outbox.ts'
import type { NodeId, SessionStore } from '../engine/ports/session-store.ts'
import { createRealtimeModule } from '../modules/realtime/module.ts'
import { LogPolicies } from './log-policies.ts'
import { createSockets, type Sockets } from './serve-sockets.ts'
import type { Settings } from './settings.ts'
import { createSocketService, type SocketService } from './socket-service.ts'
import { createTransactions, type RunTransaction } from './transactions.ts'
import { belfryVersion } from './version.ts'

/** What outlives a server as a database would: events and sessions of durable namespaces. */
export interface MemoryStore {
  readonly durable: DurableLog
  readonly durableSessions: SessionStore
  close(): void
}

export interface InMemoryOptions {
  readonly settings: Settings
  readonly namespaces: readonly ServedNamespace[]
  readonly rooms: readonly RoomAuthority[]
  readonly store: MemoryStore
  readonly clock: Clock
  readonly logger: Logger
  /** What signs tokens. */
  readonly jwtSecret: string
}

export interface InMemoryBelfry {
  readonly sockets: SocketService
  readonly transaction: RunTransaction
  /** Tells clients that it goes, and ends them. */
  stop(): Promise<void>
}

const node = 'in-memory' as NodeId

export function createMemoryStore({
  namespaces,
  clock,
  logger,
}: {
  readonly namespaces: readonly ServedNamespace[]
  readonly clock: Clock
  readonly logger: Logger
}): MemoryStore {
  const policies = new LogPolicies(namespaces)
  const log = createMemoryLog({
    clock,
    randomBytes,
    boundsOf: (name) => ({ ...durableLogBounds, ...policies.of(name) }),
  })
  const sessions = createMemorySessionStore({ clock, detachedMsMax: durableLogBounds.ageMsMax })
  return {
    durable: createMemoryDurableLog({ log, logger }),
    durableSessions: sessions,
    close() {
      log.close()
      sessions.close()
    },
  }
}

export async function startInMemory(options: InMemoryOptions): Promise<InMemoryBelfry> {
  const { settings, namespaces, rooms, store, clock, logger, jwtSecret } = options
  let isStopping = false
  let sockets: Sockets | undefined
  const socketsInUse = (): Sockets => {
    if (sockets === undefined) throw new Error('Sockets are asked for before they are there.')
    return sockets
  }
  const realtime = createRealtimeModule({
    realtime: () => socketsInUse().realtime,
    clock,
    connectionsMax: settings.maxSocketConnections,
    queuedBytes: () => socketsInUse().server.queuedBytes(),
    admission: () => socketsInUse().server.admission(),
    version: belfryVersion,
    host: settings.host,
  })
  const revocations = createMemoryRevocations({ clock, logger })
  // Whoever was connected to a server before this one is not any more.
  await store.durableSessions.detachNode(node, clock.now())
  sockets = await createSockets({
    settings,
    modules: [realtime],
    namespaces,
    rooms,
    durable: store.durable,
    revocations,
    durableSessions: store.durableSessions,
    node,
    clock,
    logger,
    jwtSecret,
    bounds: { packetsPerSecondMax, admission },
    isStopping: () => isStopping,
  })
  return {
    sockets: createSocketService(sockets),
    transaction: createTransactions(withoutDatabase(logger), sockets.realtime),
    async stop() {
      isStopping = true
      await socketsInUse().close({ withinMs: 0, awayMs: 0 })
      revocations.close()
      await realtime.stop?.()
    },
  }
}

/** While a test does not move its clock, all that it does happens within one second. */
const packetsPerSecondMax = 1_000_000

/** Nobody waits for a turn of the event loop: what a test has sent is done when it moves its clock. */
const admission = { ...defaultAdmissionBounds, sliceMsMin: Infinity, sliceMsMax: Infinity }

/** Of a transaction, all but its statements: what it publishes leaves when `work` has resolved, or never. */
function withoutDatabase(logger: Logger): Pick<Database, 'transaction'> {
  return {
    async transaction(work) {
      const actions: (() => void)[] = []
      const result = await work({
        query: () => Promise.reject(new TypeError(noDatabase)),
        afterCommit: (action) => actions.push(action),
      })
      for (const action of actions) {
        try {
          action()
        } catch (error) {
          logger.error({ error }, 'an action after a commit failed')
        }
      }
      return result
    },
  }
}

const noDatabase =
  'This server is in memory and has no database: a transaction of it publishes, and runs no statements.'
