/**
 * Notifications for the program that hosts Belfry.
 *
 *   await belfry.notifications.send({ userId: 'ana', type: 'mention', title: 'Bob mentioned you' })
 *   await belfry.notifications.send({ … }, { transaction })   // sent if the transaction is committed
 */
import {
  Refusal,
  type SendNotificationInput,
  type SendNotificationReply,
  sendNotificationRequest,
} from '@belfry/contract'
import type { SendOptions } from '../modules/notifications/sending.ts'
import type { NotificationsService } from '../modules/notifications/service.ts'

export interface HostNotifications
  extends Pick<
    NotificationsService,
    'list' | 'unreadCount' | 'markRead' | 'markUnread' | 'markAllRead' | 'dismiss' | 'delete'
  > {
  send(
    notification: SendNotificationInput,
    options?: Pick<SendOptions, 'transaction'>,
  ): Promise<SendNotificationReply>
}

export function createHostNotifications(service: NotificationsService): HostNotifications {
  return {
    ...service,
    async send(notification, options) {
      const { data, error } = sendNotificationRequest.safeParse(notification)
      if (data !== undefined) return service.send(data, { ...options, sender: hostName })
      const fields = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
      throw new Refusal('validation_failed', undefined, { fields })
    },
  }
}

/** Keys of the host are its own: those of programs that come over REST belong to the user of their token. */
const hostName = ''
