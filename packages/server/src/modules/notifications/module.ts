/** Notifications: what concerns one person, kept until it was read, and seen at once where they are. */
import type { UserId } from '@belfry/contract'
import type { MetricFamily } from '../../engine/metric.ts'
import type { Migration } from '../../engine/migration.ts'
import type { Module } from '../../engine/module.ts'
import { Audience } from './audience.ts'
import { serveNotifications } from './commands.ts'
import { type ConnectedUsers, createInspection, type Inspection } from './inspection.ts'
import { inspectionRoutes } from './inspection-routes.ts'
import { createNotifications } from './migrations/0004_create_notifications.ts'
import { createNotificationSends } from './migrations/0006_create_notification_sends.ts'
import { notificationRoutes } from './routes.ts'
import {
  createNotificationsService,
  type NotificationFigures,
  type NotificationsOptions,
  type NotificationsService,
} from './service.ts'

export const notificationsMigrations: readonly Migration[] = [createNotifications, createNotificationSends]

export interface NotificationsModule extends Module {
  readonly service: NotificationsService
  readonly inspection: Inspection
}

/** So long may an expired notification still be counted, though it is not listed any more. */
const sweepMs = 10_000
/** With a thousand inboxes each time, a million are looked at in a day and a half. */
const checkMs = 120_000

export function createNotificationsModule(
  options: Omit<NotificationsOptions, 'audience'>,
): NotificationsModule {
  const { clock, logger, realtime } = options
  const audience = new Audience(options)
  const service = createNotificationsService({ ...options, audience })
  const connected: ConnectedUsers = {
    sessionsOf: (userId) => realtime().users.sessionsOf(userId as UserId).length,
    ids: () => realtime().users.ids(),
  }
  const inspection = createInspection({ ...options, connected })
  const stops: (() => void)[] = []
  let running: Promise<void> = Promise.resolve()
  const everyPeriod = (periodMs: number, what: string, run: () => Promise<void>) => {
    stops.push(
      clock.every(periodMs, () => {
        running = running.then(run).catch((error: unknown) => {
          // The next period tries again.
          logger.warn({ error }, what)
        })
      }),
    )
  }

  return {
    name: 'notifications',
    migrations: notificationsMigrations,
    routes: [...notificationRoutes(service), ...inspectionRoutes(inspection)],
    namespaces: [serveNotifications(service, audience)],
    metrics: () => metricsOf(service.figures),
    service,
    inspection,
    async start() {
      audience.start()
      everyPeriod(sweepMs, 'outdated notifications could not be deleted', service.sweep)
      everyPeriod(sweepMs, 'what was sent long ago could not be forgotten', inspection.sweep)
      everyPeriod(checkMs, 'counts of notifications could not be checked', service.checkCounts)
    },
    async stop() {
      for (const stop of stops) stop()
      await running
      await audience.stop()
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
