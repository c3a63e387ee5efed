/** The REST side of realtime: for operators. The paths below `/realtime` are those of earlier clients. */
import {
  activityBatch,
  broadcastRequest,
  connectionCount,
  connectionsQuery,
  connectionsView,
  disconnectQuery,
  disconnectReply,
  eventCounts,
  isRoomRef,
  publishableEvents,
  publishReply,
  publishRequest,
  Refusal,
  type RoomRef,
  socketStats,
  workspaceStats,
} from '@belfry/contract'
import { z } from 'zod'
import { everyone } from '../../engine/realtime/namespace-state.ts'
import { type AnyRoute, defineRoute, defineStream } from '../../engine/route.ts'
import type { RealtimeService } from './service.ts'

const idParams = z.object({ id: z.string().min(1).max(256) })
const workspaceParams = z.object({ workspaceId: z.string().min(1).max(128) })

export function realtimeRoutes(service: RealtimeService): AnyRoute[] {
  return [...publishRoutes(service), ...connectionRoutes(service), ...watchRoutes(service)]
}

const tag = 'Sockets'
const access = 'operator'
const publishRefusals = [
  'unknown_namespace',
  'unknown_event',
  'not_publishable',
  'payload_too_large',
] as const

function publishRoutes(service: RealtimeService): AnyRoute[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/socket/broadcast',
      tag,
      access,
      summary: 'Publish an event to everybody, or to a workspace',
      description: 'Without a namespace and an event, a `system:message` on `/realtime`.',
      refusals: publishRefusals,
      body: broadcastRequest,
      reply: publishReply,
      handle: ({ body: { workspaceId, ...publication } }) =>
        service.publish(
          publication,
          workspaceId === undefined ? everyone : { kind: 'workspace', id: workspaceId },
        ),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/socket/notify-user/:id',
      tag,
      access,
      summary: 'Publish an event to all connections of a user',
      refusals: publishRefusals,
      params: idParams,
      body: publishRequest,
      reply: publishReply,
      handle: ({ params, body }) => service.publish(body, roomOf('user', params.id)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/socket/notify-room/:id',
      tag,
      access,
      summary: 'Publish an event to a room',
      description: 'The id is kind and id with a colon between, such as `workspace:acme`.',
      refusals: publishRefusals,
      params: idParams,
      body: publishRequest,
      reply: publishReply,
      handle({ params, body }) {
        const colon = params.id.indexOf(':')
        return service.publish(body, roomOf(params.id.slice(0, colon), params.id.slice(colon + 1)))
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/socket/events',
      tag,
      access,
      summary: 'The events of all namespaces',
      description:
        'With the JSON Schema of each payload and an example, for forms. Those with `by: server` cannot be published by hand.',
      reply: publishableEvents,
      handle: async () => service.publishable(),
    }),
  ]
}

function connectionRoutes(service: RealtimeService): AnyRoute[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/socket/connections',
      tag,
      access,
      summary: 'Who is connected',
      description: 'In the order in which they came.',
      query: connectionsQuery,
      reply: connectionsView,
      handle: async ({ query }) => service.connections(query),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/socket/disconnect/:id',
      tag,
      access,
      summary: 'End a connection, or all connections of a user',
      description:
        'The id of a connection or of one of its sessions; with `by=user`, of a user. Clients stay away until their application connects again.',
      refusals: ['not_found'],
      params: idParams,
      query: disconnectQuery,
      reply: disconnectReply,
      handle: async ({ params: { id }, query: { by } }) => ({
        disconnected: by === 'user' ? service.disconnectUser(id) : service.disconnectConnection(id),
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/realtime/stats',
      tag,
      access,
      summary: 'How many are connected',
      reply: connectionCount,
      handle: async () => ({ connections: service.connectionCount() }),
    }),
    ...['/api/v1/socket/stats/workspace/:workspaceId', '/realtime/stats/workspace/:workspaceId'].map((path) =>
      defineRoute({
        method: 'GET',
        path,
        tag,
        access,
        summary: 'Who is connected of a workspace',
        params: workspaceParams,
        reply: workspaceStats,
        handle: async ({ params }) => service.workspaceStats(params.workspaceId),
      }),
    ),
  ]
}

function watchRoutes(service: RealtimeService): AnyRoute[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/socket/stats',
      tag,
      access,
      summary: 'Connections, sessions and queues in figures',
      reply: socketStats,
      handle: async () => service.stats(),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/events/analytics',
      tag,
      access,
      summary: 'Every event and command in figures',
      description: 'Since the start of this server, with a number for each minute of the last hour.',
      reply: eventCounts,
      handle: async () => service.eventCounts(),
    }),
    defineRoute({
      method: 'GET',
      path: '/asyncapi.json',
      tag,
      access: 'public',
      summary: 'What travels over the sockets, as an AsyncAPI document',
      reply: z.record(z.string(), z.unknown()),
      handle: async () => service.asyncApi(),
    }),
    defineStream({
      method: 'GET',
      path: '/api/v1/socket/activity/stream',
      tag,
      access,
      summary: 'What goes on, as it does',
      description: 'Four times a second, with at most 50 entries and the number of those that were left out.',
      event: activityBatch,
      open: ({ signal }) => service.activity(signal),
    }),
  ]
}

function roomOf(kind: string, id: string): RoomRef {
  const room = { kind, id }
  if (isRoomRef(room)) return room
  throw new Refusal('validation_failed', undefined, {
    fields: [{ path: 'params.id', message: 'is no room; write kind:id, such as workspace:acme' }],
  })
}
