/** Sign-in links for the console, beside a running server or before one starts. */
import { randomBytes } from 'node:crypto'
import { migrationStatus } from '../adapters/postgres/migrations.ts'
import { systemClock } from '../engine/ports/clock.ts'
import type { Logger } from '../engine/ports/logger.ts'
import { StartRefusal } from '../engine/start-refusal.ts'
import { createAccessService } from '../modules/access/service.ts'
import type { OpenedDatabase } from './open-database.ts'
import { schemaModules } from './schema.ts'

/** The token travels in the fragment, which browsers send to nobody, so that no log can hold it. */
export function signInPath(token: string): string {
  return `/sign-in#token=${token}`
}

export async function createSignInPath(opened: OpenedDatabase, logger: Logger): Promise<string> {
  await refuseOtherSchema(opened)
  const { database } = opened
  const access = createAccessService({ database, clock: systemClock, logger, randomBytes })
  return signInPath(await access.createSignInLink({ name: 'operator', roles: ['admin'] }))
}

/** A command beside a server does not migrate: that is for whoever starts it. */
export async function refuseOtherSchema({ connection }: OpenedDatabase): Promise<void> {
  const steps = await migrationStatus(connection, schemaModules)
  if (steps.some(({ state }) => state !== 'applied')) {
    throw new StartRefusal(
      'schema_changed',
      'The database is not as this version of Belfry needs it: run "belfry start" or "belfry migrate up" first.',
    )
  }
}
