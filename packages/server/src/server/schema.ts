/** What the database schema of this version is made of, for those who need it without starting the modules. */
import { createEventLog } from '../adapters/postgres/events/migrations/0002_create_event_log.ts'
import type { Module } from '../engine/module.ts'
import { accessMigrations } from '../modules/access/module.ts'

export const schemaModules: readonly Pick<Module, 'name' | 'migrations'>[] = [
  { name: 'access', migrations: accessMigrations },
  { name: 'events', migrations: [createEventLog] },
]
