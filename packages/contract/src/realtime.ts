/** Realtime: the namespace that every application has from the start, and what an operator sees of all of them. */
import { z } from 'zod'
import { defineNamespace, stream } from './define/namespace.ts'
import { roomIdLengthMax } from './define/rooms.ts'

/** What an operator has to say to people, such as that the service stops for a moment. */
export const systemMessage = z.object({
  title: z.string().max(200).optional(),
  message: z.string().min(1).max(2_000),
  severity: z.enum(['info', 'warning', 'critical']).default('info'),
})

export const realtimeNamespace = defineNamespace({
  name: '/realtime',
  summary: 'What concerns everybody, and the rooms of users, workspaces and teams.',
  events: {
    'system:message': stream(systemMessage, {
      summary: 'An operator has something to say.',
      rooms: ['everyone', 'user', 'workspace', 'team'],
    }),
  },
  commands: {},
})

/** What an operator publishes by hand; the namespace's contract says what `data` is. */
export const publishRequest = z.object({
  namespace: z.string().max(128).default('/realtime'),
  event: z.string().max(128).default('system:message'),
  data: z.record(z.string(), z.unknown()),
})

export const broadcastRequest = publishRequest.extend({
  /** Only to people of this workspace; without it, to everybody. */
  workspaceId: z.string().min(1).max(roomIdLengthMax).optional(),
})

export const publishReply = z.object({
  /** Where the event stands in its namespace. */
  cursor: z.string(),
  /** Sessions of this server that it was sent to. */
  recipients: z.int(),
})

export const connectionsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Of the page before. */
  cursor: z.string().max(64).optional(),
  userId: z.string().min(1).max(128).optional(),
})

export const connectionView = z.object({
  id: z.string(),
  transport: z.enum(['websocket', 'polling']),
  address: z.string(),
  userAgent: z.string(),
  /** ISO 8601. */
  openedAt: z.iso.datetime(),
  /** Of the last ping that was answered. */
  roundTripMs: z.number().nullable(),
  queuedBytes: z.int(),
  sessions: z.array(
    z.object({
      id: z.string(),
      namespace: z.string(),
      userId: z.string(),
      name: z.string().nullable(),
      /** The first of them; `roomCount` says how many there are. */
      rooms: z.array(z.string()),
      roomCount: z.int(),
    }),
  ),
})

export const connectionsView = z.object({
  connections: z.array(connectionView),
  total: z.int(),
  nextCursor: z.string().nullable(),
})

export const disconnectQuery = z.object({ by: z.enum(['connection', 'user']).default('connection') })
export const disconnectReply = z.object({ disconnected: z.int() })

const countByWord = z.record(z.string(), z.int())

export const socketStats = z.object({
  connections: z.object({
    current: z.int(),
    peak: z.int(),
    max: z.int(),
    byTransport: z.object({ websocket: z.int(), polling: z.int() }),
    opened: z.int(),
    /** Since the start, by reason. */
    closed: countByWord,
    refused: countByWord,
  }),
  users: z.int(),
  namespaces: z.array(
    z.object({ name: z.string(), sessions: z.int(), peak: z.int(), rooms: z.int(), cursor: z.string() }),
  ),
  queuedBytes: z.int(),
  /** Of the connections that answered a ping. */
  roundTripMs: z.object({ p50: z.number().nullable(), p99: z.number().nullable() }),
  /** What looked like an attack or a broken client, by reason. */
  suspicious: countByWord,
})

export const connectionCount = z.object({ connections: z.int() })
export const workspaceStats = z.object({
  workspaceId: z.string(),
  connections: z.int(),
  users: z.array(z.string()),
  /** `users` holds the first 1,000 of them. */
  userCount: z.int(),
})

export const eventCounts = z.object({
  events: z.array(
    z.object({
      kind: z.enum(['event', 'command']),
      namespace: z.string(),
      name: z.string(),
      count: z.int(),
      deliveries: z.int(),
      bytes: z.int(),
      handlerMsMean: z.number(),
      handlerMsMax: z.number(),
      errors: countByWord,
      /** The last hour, a number a minute, the newest last. */
      minutes: z.array(z.int()),
    }),
  ),
})

const activityEntry = z.object({
  at: z.iso.datetime(),
  kind: z.enum(['event', 'command', 'connect', 'disconnect', 'refused']),
  namespace: z.string(),
  /** Of the event or command; of what ended or was refused, the reason. */
  name: z.string(),
  userId: z.string().optional(),
  rooms: z.array(z.string()).optional(),
  recipients: z.int().optional(),
  bytes: z.int().optional(),
  /** Why a command was refused. */
  code: z.string().optional(),
})

/** What went on since the last one; sent a few times a second. */
export const activityBatch = z.object({
  entries: z.array(activityEntry),
  /** More went on than an operator could read. */
  left: z.int(),
})

/** What this server publishes, for forms: the events of each namespace with their JSON Schema. */
export const publishableEvents = z.object({
  namespaces: z.array(
    z.object({
      name: z.string(),
      summary: z.string(),
      events: z.array(
        z.object({
          name: z.string(),
          summary: z.string(),
          lane: z.enum(['stream', 'latest', 'pulse']),
          rooms: z.array(z.string()),
          /** Those of `server` are refused to everybody else. */
          by: z.enum(['server', 'anybody']),
          schema: z.record(z.string(), z.unknown()),
          example: z.record(z.string(), z.unknown()),
        }),
      ),
    }),
  ),
})

export type SystemMessage = z.infer<typeof systemMessage>
export type BroadcastRequest = z.infer<typeof broadcastRequest>
export type PublishReply = z.infer<typeof publishReply>
export type ConnectionView = z.infer<typeof connectionView>
export type ConnectionsView = z.infer<typeof connectionsView>
export type SocketStats = z.infer<typeof socketStats>
export type WorkspaceStats = z.infer<typeof workspaceStats>
export type EventCounts = z.infer<typeof eventCounts>
export type ActivityBatch = z.infer<typeof activityBatch>
export type ActivityEntryView = z.infer<typeof activityEntry>
export type PublishableEvents = z.infer<typeof publishableEvents>
