/** What the database schema of this version is made of, for those who need it without starting the modules. */
import { beginNewEpochs } from '../adapters/postgres/events/epochs.ts'
import { createEventLog } from '../adapters/postgres/events/migrations/0002_create_event_log.ts'
import type { Migrating } from '../adapters/postgres/migrations.ts'
import { accessMigrations } from '../modules/access/module.ts'
import { eventsMigrations } from '../modules/events/module.ts'
import { notificationsMigrations } from '../modules/notifications/module.ts'

/** Tables that belong to no module: those of the durable log, on which the modules stand. */
export const ownSchema: Migrating = {
  name: 'event log',
  migrations: [createEventLog],
  afterRestore: beginNewEpochs,
}

export const schemaModules: readonly Migrating[] = [
  ownSchema,
  { name: 'access', migrations: accessMigrations },
  { name: 'events', migrations: eventsMigrations },
  { name: 'notifications', migrations: notificationsMigrations },
]
