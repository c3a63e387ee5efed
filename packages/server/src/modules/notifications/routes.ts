/** The REST side: sending for programs with a permission for it, the rest for users, with their own. */
import {
  notificationChange,
  notificationList,
  notificationParams,
  notificationQuery,
  readAllRequest,
  sendNotificationReply,
  sendNotificationRequest,
  sendPermission,
  unreadCount,
} from '@belfry/contract'
import { type AnyRoute, defineRoute } from '../../engine/route.ts'
import type { NotificationsService } from './service.ts'

const tag = 'Notifications'
const path = '/api/v1/notifications'

export function notificationRoutes(service: NotificationsService): AnyRoute[] {
  return [...sendRoutes(service), ...listRoutes(service), ...changeRoutes(service)]
}

function sendRoutes(service: NotificationsService): AnyRoute[] {
  return [path, '/realtime/notifications/send'].map((each) =>
    defineRoute({
      method: 'POST',
      path: each,
      tag,
      access: { permission: sendPermission },
      summary: 'Send a notification',
      description:
        'To users, or to everybody who was ever connected as a member of a workspace. It is stored when this has answered, and reaches whoever is connected at once. With a `key`, a request that comes again sends nothing more.',
      refusals: ['key_reused'],
      body: sendNotificationRequest,
      reply: sendNotificationReply,
      handle: ({ body, identity }) => service.send(body, { sender: identity?.name ?? '' }),
    }),
  )
}

function listRoutes(service: NotificationsService): AnyRoute[] {
  return [
    defineRoute({
      method: 'GET',
      path,
      tag,
      access: 'user',
      summary: 'One’s own notifications',
      description: 'The newest first. What was dismissed or has expired is not among them.',
      query: notificationQuery,
      reply: notificationList,
      handle: ({ query, principal }) => service.list(principal.userId, query),
    }),
    defineRoute({
      method: 'GET',
      path: `${path}/unread-count`,
      tag,
      access: 'user',
      summary: 'How many of one’s own are unread',
      reply: unreadCount,
      handle: ({ principal }) => service.unreadCount(principal.userId),
    }),
  ]
}

function changeRoutes(service: NotificationsService): AnyRoute[] {
  const shape = { tag, access: 'user', reply: notificationChange } as const
  const one = (
    word: string,
    summary: string,
    change: (userId: string, id: string) => Promise<{ changed: number; unread: number; revision: number }>,
  ) =>
    defineRoute({
      ...shape,
      method: 'POST',
      path: `${path}/:id/${word}`,
      summary,
      params: notificationParams,
      handle: ({ params, principal }) => change(principal.userId, params.id),
    })
  return [
    one('read', 'Mark one as read', service.markRead),
    one('unread', 'Mark one as unread', service.markUnread),
    one('dismiss', 'Take one out of the list', service.dismiss),
    defineRoute({
      ...shape,
      method: 'DELETE',
      path: `${path}/:id`,
      summary: 'Delete one',
      params: notificationParams,
      handle: ({ params, principal }) => service.delete(principal.userId, params.id),
    }),
    defineRoute({
      ...shape,
      method: 'POST',
      path: `${path}/read-all`,
      summary: 'Mark all as read, or all of a category',
      body: readAllRequest,
      handle: ({ body, principal }) => service.markAllRead(principal.userId, body.category),
    }),
  ]
}
