/** What the database schema of this version is made of, for those who need it without starting the modules. */
import { beginNewEpochs } from '../adapters/postgres/events/epochs.ts'
import { createEventLog } from '../adapters/postgres/events/migrations/0002_create_event_log.ts'
import type { Migrating } from '../adapters/postgres/migrations.ts'
import { createRequestKeys } from '../adapters/postgres/requests/migrations/0005_create_request_keys.ts'
import { createRevocations } from '../adapters/postgres/revocations/migrations/0010_create_revocations.ts'
import { createSessions } from '../adapters/postgres/sessions/migrations/0009_create_sessions.ts'
import { forgetSessions } from '../adapters/postgres/sessions/statements.ts'
import { accessMigrations } from '../modules/access/module.ts'
import { authenticationMigrations } from '../modules/authentication/module.ts'
import { eventsMigrations } from '../modules/events/module.ts'
import { notificationsMigrations } from '../modules/notifications/module.ts'

/** Tables that belong to no module: the modules stand on them. */
export const ownSchema: Migrating = {
  name: 'server',
  migrations: [createEventLog, createRequestKeys, createSessions, createRevocations],
  afterRestore: `${beginNewEpochs}; ${forgetSessions}`,
}

export const schemaModules: readonly Migrating[] = [
  ownSchema,
  { name: 'access', migrations: accessMigrations },
  { name: 'authentication', migrations: authenticationMigrations },
  { name: 'events', migrations: eventsMigrations },
  { name: 'notifications', migrations: notificationsMigrations },
]
