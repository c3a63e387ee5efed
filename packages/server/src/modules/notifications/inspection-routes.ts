/** The REST side for operators: they look, and act in nobody's name. */
import {
  inboxQuery,
  inboxUsers,
  inboxUsersQuery,
  inboxView,
  notificationParams,
  recipientList,
  recipientsQuery,
  sentDetails,
  sentList,
  sentQuery,
} from '@belfry/contract'
import { type AnyRoute, defineRoute } from '../../engine/route.ts'
import type { Inspection } from './inspection.ts'

const shape = { method: 'GET', tag: 'Notifications', access: 'operator' } as const
const path = '/api/v1/notifications'

export function inspectionRoutes(inspection: Inspection): AnyRoute[] {
  return [
    defineRoute({
      ...shape,
      path: `${path}/inbox`,
      summary: 'The inbox of a user',
      description:
        'The newest first, also what the user dismissed and what has expired; what was deleted is gone. With the count that the user is told, and what the rows say to it.',
      query: inboxQuery,
      reply: inboxView,
      handle: ({ query }) => inspection.inbox(query),
    }),
    defineRoute({
      ...shape,
      path: `${path}/inbox/users`,
      summary: 'Users whose id begins so',
      description: 'At most 10: those who are connected, then those who have an inbox.',
      query: inboxUsersQuery,
      reply: inboxUsers,
      handle: ({ query }) => inspection.inboxUsers(query.startsWith),
    }),
    defineRoute({
      ...shape,
      path: `${path}/sent`,
      summary: 'What was sent lately',
      description:
        'The newest first, each with how many got it and how many read it; readers are counted up to 1,000.',
      query: sentQuery,
      reply: sentList,
      handle: ({ query }) => inspection.sent(query),
    }),
    defineRoute({
      ...shape,
      path: `${path}/sent/:id`,
      summary: 'What became of a notification',
      description: 'How many of those who got it have read it, dismissed it, deleted it.',
      refusals: ['not_found'],
      params: notificationParams,
      reply: sentDetails,
      handle: ({ params }) => inspection.sentOne(params.id),
    }),
    defineRoute({
      ...shape,
      path: `${path}/sent/:id/recipients`,
      summary: 'Who got a notification',
      description:
        'In the order of their ids, each with what they did with it and how many sessions they have at this moment. Who deleted it is not among them.',
      params: notificationParams,
      query: recipientsQuery,
      reply: recipientList,
      handle: ({ params, query }) => inspection.recipients(params.id, query),
    }),
  ]
}
