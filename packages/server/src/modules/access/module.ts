/** Access: who may use the console and the operator's API. */
import type { Migration } from '../../engine/migration.ts'
import type { Module } from '../../engine/module.ts'
import { createPeriods } from '../../engine/periods.ts'
import { createSignInLinksAndSessions } from './migrations/0001_create_sign_in_links_and_sessions.ts'
import { accessRoutes } from './routes.ts'
import { type AccessOptions, type AccessService, createAccessService } from './service.ts'

export const accessMigrations: readonly Migration[] = [createSignInLinksAndSessions]

export interface AccessModule extends Module {
  readonly service: AccessService
}

export function createAccessModule(options: AccessOptions): AccessModule {
  const service = createAccessService(options)
  const periods = createPeriods(options)
  return {
    name: 'access',
    migrations: accessMigrations,
    routes: accessRoutes(service),
    service,
    async start() {
      // Expired rows open nothing: it harms nobody if they stay for longer.
      periods.every(sweepMs, 'expired sign-in links and sessions could not be deleted', service.removeExpired)
    },
    stop: periods.stop,
  }
}

/** A few rows a day at most: once an hour is plenty. */
const sweepMs = 60 * 60 * 1000
