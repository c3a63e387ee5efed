/** What the database schema of this version is made of, for those who need it without starting the modules. */
import { createEventLog } from '../adapters/postgres/events/migrations/0002_create_event_log.ts'
import type { Module } from '../engine/module.ts'
import { accessMigrations } from '../modules/access/module.ts'
import { eventsMigrations } from '../modules/events/module.ts'

type SchemaOwner = Pick<Module, 'name' | 'migrations'>

/** Tables that belong to no module: those of the durable log, on which the modules stand. */
export const ownSchema: SchemaOwner = { name: 'event log', migrations: [createEventLog] }

export const schemaModules: readonly SchemaOwner[] = [
  ownSchema,
  { name: 'access', migrations: accessMigrations },
  { name: 'events', migrations: eventsMigrations },
]
