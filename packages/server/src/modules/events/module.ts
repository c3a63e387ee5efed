/** Events: what other processes publish. */
import type { Migration } from '../../engine/migration.ts'
import type { Module } from '../../engine/module.ts'
import { createPublicationKeys } from './migrations/0003_create_publication_keys.ts'
import { movePublicationKeys } from './migrations/0006_move_publication_keys.ts'
import { eventRoutes } from './routes.ts'
import { createEventsService, type EventsOptions } from './service.ts'

export const eventsMigrations: readonly Migration[] = [createPublicationKeys, movePublicationKeys]

export function createEventsModule(options: EventsOptions): Module {
  return {
    name: 'events',
    migrations: eventsMigrations,
    routes: eventRoutes(createEventsService(options)),
  }
}
