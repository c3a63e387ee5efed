/** The socket side: everybody works on their own. */
import { notificationsNamespace } from '@belfry/contract'
import { type ServedNamespace, serveNamespace } from '../../engine/namespace-handlers.ts'
import type { Audience } from './audience.ts'
import type { NotificationsService } from './service.ts'

export function serveNotifications(service: NotificationsService, audience: Audience): ServedNamespace {
  return serveNamespace(notificationsNamespace, {
    connect({ principal, recovered }) {
      // It reads nothing anew, and may have counted before this server was started.
      if (recovered) service.recovered(principal.userId)
      return audience.saw(principal)
    },
    commands: {
      'notification:getAll': (request, { session }) => service.list(session.principal.userId, request),
      'notification:markRead': ({ notificationId }, { session }) =>
        service.markRead(session.principal.userId, notificationId),
      'notification:markUnread': ({ notificationId }, { session }) =>
        service.markUnread(session.principal.userId, notificationId),
      'notification:markAllRead': ({ category }, { session }) =>
        service.markAllRead(session.principal.userId, category),
      'notification:dismiss': ({ notificationId }, { session }) =>
        service.dismiss(session.principal.userId, notificationId),
      'notification:delete': ({ notificationId }, { session }) =>
        service.delete(session.principal.userId, notificationId),
    },
  })
}
