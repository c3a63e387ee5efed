/** What operators see of the engine, and the little they do in it by hand. */
import type {
  ActivityBatch,
  ConnectionsView,
  ConnectionView,
  EventCounts,
  NamespaceContract,
  PublishableEvents,
  PublishReply,
  SocketStats,
  UserId,
  WorkspaceStats,
} from '@belfry/contract'
import { Refusal, type RoomRef, roomName } from '@belfry/contract'
import { asyncApi, jsonSchema } from '@belfry/contract/documents'
import { mockEvent } from '@belfry/contract/mocks'
import type { Clock } from '../../engine/ports/clock.ts'
import type { ConnectionState } from '../../engine/realtime/connection-state.ts'
import { userOf } from '../../engine/realtime/nobody.ts'
import type { Realtime } from '../../engine/realtime/realtime.ts'
import { createActivityStream } from './activity-stream.ts'
import type { AdmissionView } from './metrics.ts'

export interface RealtimeServiceOptions {
  /** Asked for when it is needed: the engine is made of the modules. */
  realtime(): Realtime
  readonly clock: Clock
  readonly connectionsMax: number
  /** Bytes that wait for slow readers. */
  queuedBytes(): number
  admission(): AdmissionView
  readonly version: string
  /** Such as `app.example.com`. */
  readonly host: string
}

export interface Publication {
  readonly namespace: string
  readonly event: string
  readonly data: Record<string, unknown>
}

export interface ConnectionsPage {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly userId?: string | undefined
}

export interface RealtimeService {
  publish(publication: Publication, room: RoomRef): Promise<PublishReply>
  connections(page: ConnectionsPage): ConnectionsView
  /** `id` of a connection or of one of its sessions. */
  disconnectConnection(id: string): number
  disconnectUser(id: string): number
  stats(): SocketStats
  connectionCount(): number
  workspaceStats(workspaceId: string): WorkspaceStats
  eventCounts(): EventCounts
  publishable(): PublishableEvents
  asyncApi(): Record<string, unknown>
  activity(signal: AbortSignal): AsyncIterable<ActivityBatch>
  stop(): void
}

/** Of one session; an operator who needs all of them asks for the user. */
const roomsShownMax = 20

const usersShownMax = 1_000

export function createRealtimeService(options: RealtimeServiceOptions): RealtimeService {
  const { realtime } = options
  const activity = createActivityStream({ clock: options.clock, tap: () => realtime().tap })
  let publishable: PublishableEvents | undefined

  return {
    async publish({ namespace, event, data }, room) {
      const to = { rooms: [room] }
      const recipients = realtime().countRecipients(namespace, to)
      const { cursor } = await realtime().publishNamed(namespace, event, data, to).catch(pointIntoBody)
      return { cursor, recipients }
    },
    connections: (page) => listConnections(realtime(), page),
    disconnectConnection(id) {
      for (const state of realtime().connections) {
        if (state.connection.id === id || state.sessions.some((session) => session.id === id))
          return realtime().disconnectConnection(state)
      }
      throw new Refusal('not_found', 'There is no such connection.')
    },
    disconnectUser: (id) => realtime().disconnectUser(id as UserId),
    stats: () => statsOf(realtime(), options),
    connectionCount: () => realtime().connections.size,
    workspaceStats: (workspaceId) => workspaceStatsOf(realtime(), workspaceId),
    eventCounts: () => ({
      events: realtime()
        .counters.list()
        .map(({ handlerMs, ...count }) => ({
          ...count,
          handlerMsMean: rounded(handlerMs / Math.max(1, count.count)),
          handlerMsMax: rounded(count.handlerMsMax),
        })),
    }),
    publishable() {
      publishable ??= publishableOf(realtime())
      return publishable
    },
    asyncApi: () =>
      asyncApi(
        [...realtime().namespaces.values()].map(({ served }) => served.contract),
        { title: 'Belfry', version: options.version, host: options.host },
      ),
    activity: (signal) => activity.watch(signal),
    stop: () => activity.close(),
  }
}

/** The engine names fields of the payload; who sent a request knows them by their place in its body. */
function pointIntoBody(error: unknown): never {
  if (!(error instanceof Refusal) || error.fields === undefined) throw error
  const fields = error.fields.map(({ path, message }) => {
    if (path === 'rooms') return { path: 'params.id', message }
    return { path: path === '' ? 'body.data' : `body.data.${path}`, message }
  })
  throw new Refusal(error.code, error.message, { fields, cause: error })
}

function listConnections(realtime: Realtime, { limit, cursor, userId }: ConnectionsPage): ConnectionsView {
  const after = cursor === undefined ? 0 : Number(cursor)
  if (!Number.isSafeInteger(after))
    throw new Refusal('validation_failed', undefined, { fields: [wrongCursor] })
  const found: ConnectionState[] = []
  let last: ConnectionState | undefined
  for (const state of realtime.connections) {
    if (state.number <= after) continue
    if (userId !== undefined && !state.sessions.some(({ principal }) => principal.userId === userId)) continue
    // One more than the page holds: there is a next page.
    if (found.length === limit) {
      last = found.at(-1)
      break
    }
    found.push(state)
  }
  return {
    connections: found.map(viewOf),
    total: realtime.connections.size,
    nextCursor: last === undefined ? null : String(last.number),
  }
}

const wrongCursor = { path: 'query.cursor', message: 'is none that this list gave' }

function viewOf({ connection, sessions }: ConnectionState): ConnectionView {
  return {
    id: connection.id,
    transport: connection.transport,
    address: connection.remoteAddress,
    userAgent: connection.userAgent,
    openedAt: new Date(connection.openedAtMs).toISOString(),
    roundTripMs: connection.roundTripMs ?? null,
    queuedBytes: connection.queuedBytes,
    sessions: sessions.map(({ id, namespace, principal, rooms }) => ({
      id,
      namespace: namespace.name,
      // On `/auth`, a client may not have said yet who it is.
      userId: userOf(principal) ?? '',
      name: principal.name ?? null,
      rooms: rooms.slice(0, roomsShownMax).map(({ name }) => name),
      roomCount: rooms.length,
    })),
  }
}

function statsOf(realtime: Realtime, options: RealtimeServiceOptions): SocketStats {
  const byTransport = { websocket: 0, polling: 0 }
  const roundTrips: number[] = []
  for (const { connection } of realtime.connections) {
    byTransport[connection.transport] += 1
    if (connection.roundTripMs !== undefined) roundTrips.push(connection.roundTripMs)
  }
  roundTrips.sort((a, b) => a - b)
  const { opened, peak, closed, refused } = realtime.counts
  return {
    connections: {
      current: realtime.connections.size,
      peak,
      max: options.connectionsMax,
      byTransport,
      opened,
      closed: Object.fromEntries(closed),
      refused: Object.fromEntries(refused),
    },
    users: realtime.users.size,
    namespaces: [...realtime.namespaces.values()].map(({ name, sessions, sessionsPeak, rooms, cursor }) => ({
      name,
      sessions: sessions.length,
      peak: sessionsPeak,
      rooms: rooms.size,
      cursor,
    })),
    queuedBytes: options.queuedBytes(),
    roundTripMs: { p50: quantile(roundTrips, 0.5), p99: quantile(roundTrips, 0.99) },
    suspicious: Object.fromEntries(realtime.suspicions.seen),
  }
}

function workspaceStatsOf(realtime: Realtime, workspaceId: string): WorkspaceStats {
  const room = roomName({ kind: 'workspace', id: workspaceId })
  const connections = new Set<ConnectionState>()
  const users = new Set<string>()
  for (const namespace of realtime.namespaces.values()) {
    for (const session of namespace.members(room)?.members ?? []) {
      connections.add(session.connection)
      users.add(session.principal.userId)
    }
  }
  return {
    workspaceId,
    connections: connections.size,
    users: [...users].slice(0, usersShownMax),
    userCount: users.size,
  }
}

function publishableOf(realtime: Realtime): PublishableEvents {
  const contracts = [...realtime.namespaces.values()].map(({ served: { contract } }) => contract)
  return {
    // What the engine alone tells, to one session, has no rooms.
    namespaces: contracts.filter(hasRooms).map((contract) => ({
      name: contract.name,
      summary: contract.summary,
      events: Object.entries(contract.events).map(([name, event]) => ({
        name,
        summary: event.summary,
        lane: event.lane,
        rooms: [...event.rooms],
        by: event.by,
        schema: jsonSchema(event.data, 'input'),
        example: mockEvent(event, { seed: 1 }) as Record<string, unknown>,
      })),
    })),
  }
}

function hasRooms({ events }: NamespaceContract): boolean {
  return Object.values(events).some(({ rooms }) => rooms.length > 0)
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}
