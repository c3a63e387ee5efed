/** Notifications: what concerns one person, kept until it was read, and seen at once where they are. */
import type { UserId } from '@belfry/contract'
import type { MetricFamily } from '../../engine/metric.ts'
import type { Migration } from '../../engine/migration.ts'
import type { Module } from '../../engine/module.ts'
import { createPeriods } from '../../engine/periods.ts'
import { Audience } from './audience.ts'
import { serveNotifications } from './commands.ts'
import { type ConnectedUsers, createInspection, type Inspection } from './inspection.ts'
import { inspectionRoutes } from './inspection-routes.ts'
import { createNotifications } from './migrations/0004_create_notifications.ts'
import { moveNotificationKeys } from './migrations/0007_move_notification_keys.ts'
import { createNotificationSends } from './migrations/0008_create_notification_sends.ts'
import { notificationRoutes } from './routes.ts'
import {
  createNotificationsService,
  type NotificationFigures,
  type NotificationsOptions,
  type NotificationsService,
} from './service.ts'

export const notificationsMigrations: readonly Migration[] = [
  createNotifications,
  moveNotificationKeys,
  createNotificationSends,
]

export interface NotificationsModule extends Module {
  readonly service: NotificationsService
  readonly inspection: Inspection
}

/** A storm of connects is one statement a second, not one for each. */
const noteMs = 1_000
/** So long may an expired notification still be counted, though it is not listed any more. */
const sweepMs = 10_000
/** With a thousand inboxes each time, a million are looked at in a day and a half. */
const checkMs = 120_000
/** So long may a page show an old count after an answer of the database was lost. */
const doubtMs = 1_000

export function createNotificationsModule(
  options: Omit<NotificationsOptions, 'audience'>,
): NotificationsModule {
  const { realtime } = options
  const audience = new Audience(options)
  const service = createNotificationsService({ ...options, audience })
  const connected: ConnectedUsers = {
    sessionsOf: (userId) => realtime().users.sessionsOf(userId as UserId).length,
    ids: () => realtime().users.ids(),
  }
  const inspection = createInspection({ ...options, connected })
  const periods = createPeriods(options)

  return {
    name: 'notifications',
    migrations: notificationsMigrations,
    routes: [...notificationRoutes(service), ...inspectionRoutes(inspection)],
    namespaces: [serveNotifications(service, audience)],
    metrics: () => metricsOf(service.figures),
    service,
    inspection,
    async start() {
      periods.every(noteMs, 'members of workspaces could not be noted', audience.write)
      periods.every(doubtMs, 'counts of notifications could not be read', service.tellDoubtful)
      periods.every(sweepMs, 'outdated notifications could not be deleted', service.sweep)
      periods.every(sweepMs, 'what was sent long ago could not be forgotten', inspection.sweep)
      periods.every(checkMs, 'counts of notifications could not be checked', service.checkCounts)
    },
    async stop() {
      await periods.stop()
      await audience
        .write()
        .catch((error: unknown) => options.logger.warn({ error }, 'members of workspaces could not be noted'))
    },
  }
}

function metricsOf(figures: NotificationFigures): readonly MetricFamily[] {
  const counter = (name: string, help: string, value: number): MetricFamily => ({
    name: `belfry_notification_${name}`,
    help,
    kind: 'counter',
    values: [{ labels: {}, value }],
  })
  return [
    counter('sends_total', 'Notifications that were sent.', figures.sent),
    counter('recipients_total', 'Users who got one, added up.', figures.recipients),
    counter(
      'counts_checked_total',
      'Counts of unread that were compared with what they count.',
      figures.countsChecked,
    ),
    counter('counts_wrong_total', 'Those that were wrong; anything but 0 is a defect.', figures.countsWrong),
  ]
}
