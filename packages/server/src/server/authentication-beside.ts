/** Users and revocations for commands beside a server, or before one starts: what they write, a server reads at once. */
import { createPostgresRevocations } from '../adapters/postgres/revocations/revocations.ts'
import { systemClock } from '../engine/ports/clock.ts'
import type { Logger } from '../engine/ports/logger.ts'
import type { AuthenticationModule } from '../modules/authentication/module.ts'
import { composeAuthentication } from './compose-modules.ts'
import type { OpenedDatabase } from './open-database.ts'
import type { Settings } from './settings.ts'
import { refuseOtherSchema } from './sign-in-link.ts'

export type { Grants } from '../modules/authentication/store.ts'
export { type Users, usersListed } from '../modules/authentication/users.ts'

export async function openAuthentication(parts: {
  readonly opened: OpenedDatabase
  readonly settings: Settings
  readonly logger: Logger
  readonly jwtSecret: string
}): Promise<{ readonly authentication: AuthenticationModule; close(): Promise<void> }> {
  const { opened, settings, logger, jwtSecret } = parts
  const { database } = opened
  await refuseOtherSchema(opened)
  const clock = systemClock
  const revocations = createPostgresRevocations({ database, clock, logger })
  await revocations.start()
  const authentication = composeAuthentication({ database, settings, clock, logger, revocations, jwtSecret })
  return { authentication, close: () => revocations.close() }
}
