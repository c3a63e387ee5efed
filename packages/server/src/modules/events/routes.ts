/** The REST side: for programs that have a permission for it. */
import { publishEventsReply, publishEventsRequest, publishPermission } from '@belfry/contract'
import { type AnyRoute, defineRoute } from '../../engine/route.ts'
import type { EventsService } from './service.ts'

export function eventRoutes(service: EventsService): AnyRoute[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/events',
      tag: 'Events',
      access: { permission: publishPermission },
      summary: 'Publish events',
      description:
        'All of them or none, each as its contract says. With a `key`, a request that comes again publishes nothing more. Events of durable namespaces are stored when this has answered.',
      refusals: ['unknown_namespace', 'unknown_event', 'not_publishable', 'key_reused'],
      body: publishEventsRequest,
      reply: publishEventsReply,
      handle: ({ body, identity }) => service.publish(body, identity?.name ?? ''),
    }),
  ]
}
