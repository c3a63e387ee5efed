/** Authentication: users and their logins, for those who have no identity provider, and tokens that are taken back. */
import type { Migration } from '../../engine/migration.ts'
import type { Module } from '../../engine/module.ts'
import { createPeriods } from '../../engine/periods.ts'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Revocations } from '../../engine/ports/revocations.ts'
import { createAttempts } from './attempts.ts'
import { createLogins, type Logins, type LoginsOptions } from './logins.ts'
import { createUsersAndLogins } from './migrations/0011_create_users_and_logins.ts'
import { createPasswords, type ScryptCost } from './passwords.ts'
import { createRevoking, type Revoking } from './revoking.ts'
import { authenticationRoutes } from './routes.ts'
import { deleteExpiredLogins } from './store.ts'
import { createUsers, type Users } from './users.ts'

export const authenticationMigrations: readonly Migration[] = [createUsersAndLogins]

export interface AuthenticationOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly revocations: Revocations
  readonly issue: LoginsOptions['issue']
  randomBytes(count: number): Buffer
  readonly tokenLifeMs: number
  readonly loginLifeMs: number
  /** How long a revocation is kept where nobody knows when the tokens expire. */
  readonly revocationKeptMs: number
  readonly passwordCost?: ScryptCost
}

export interface AuthenticationModule extends Module {
  readonly users: Users
  readonly logins: Logins
  readonly revoking: Revoking
}

export function createAuthenticationModule(options: AuthenticationOptions): AuthenticationModule {
  const { database, clock, logger, revocations, issue, randomBytes } = options
  const passwords = createPasswords({
    randomBytes,
    ...(options.passwordCost === undefined ? {} : { cost: options.passwordCost }),
  })
  const revoking = createRevoking({
    database,
    clock,
    logger,
    revocations,
    keptMs: options.revocationKeptMs,
    tokenLifeMs: options.tokenLifeMs,
  })
  const users = createUsers({
    database,
    clock,
    passwords,
    revoking,
    // What can be issued can be carried, and is taken.
    checkGrants: (id, grants) => void issue({ id, ...grants }, longestIds),
  })
  const logins = createLogins({
    database,
    clock,
    logger,
    passwords,
    attempts: createAttempts(clock),
    revocations,
    revoking,
    loginLifeMs: options.loginLifeMs,
    issue,
    randomBytes,
  })
  const periods = createPeriods(options)
  return {
    name: 'authentication',
    migrations: authenticationMigrations,
    routes: authenticationRoutes({ logins, revoking }),
    users,
    logins,
    revoking,
    async start() {
      // Expired logins open nothing: it harms nobody if they stay for longer.
      periods.every(sweepMs, 'expired logins could not be deleted', () =>
        deleteExpiredLogins(database, new Date(clock.now())),
      )
    },
    stop: periods.stop,
  }
}

const sweepMs = 60 * 60 * 1_000

/** As long as those that a token will have. */
const longestIds = { loginId: 'x'.repeat(22), tokenId: 'x'.repeat(22) }
