/** Events: what other processes publish. */
import type { Migration } from '../../engine/migration.ts'
import type { Module } from '../../engine/module.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import { createPublicationKeys } from './migrations/0003_create_publication_keys.ts'
import { eventRoutes } from './routes.ts'
import { createEventsService, type EventsOptions } from './service.ts'

export const eventsMigrations: readonly Migration[] = [createPublicationKeys]

export interface EventsModuleOptions extends EventsOptions {
  readonly logger: Logger
}

export function createEventsModule(options: EventsModuleOptions): Module {
  const service = createEventsService(options)
  let stopSweeping: (() => void) | undefined
  let sweeping: Promise<void> = Promise.resolve()

  function sweep(): void {
    sweeping = service.forgetOldKeys().catch((error: unknown) => {
      // A key that is kept for longer harms nobody; the next sweep takes it.
      options.logger.warn({ error }, 'old keys of publications could not be deleted')
    })
  }

  return {
    name: 'events',
    migrations: eventsMigrations,
    routes: eventRoutes(service),
    async start() {
      stopSweeping = options.clock.every(sweepMs, sweep)
    },
    async stop() {
      stopSweeping?.()
      await sweeping
    },
  }
}

const sweepMs = 60 * 60 * 1_000
