/** The module on a database of its own, with real tokens and cheap passwords. */
import { randomBytes } from 'node:crypto'
import type { LoginReply } from '@belfry/contract'
import { startTestServer } from '../../../adapters/http/testing/test-server.ts'
import { createDatabase } from '../../../adapters/postgres/database.ts'
import { migrateUp } from '../../../adapters/postgres/migrations.ts'
import { createRevocations } from '../../../adapters/postgres/revocations/migrations/0010_create_revocations.ts'
import { createPostgresRevocations } from '../../../adapters/postgres/revocations/revocations.ts'
import { testDatabase } from '../../../adapters/postgres/testing/test-database.ts'
import { issueToken } from '../../../adapters/tokens/issue-token.ts'
import { createTokenVerifier } from '../../../adapters/tokens/token-verifier.ts'
import type { Principal } from '../../../engine/ports/token-verifier.ts'
import { refusingRevoked } from '../../../engine/revocable-tokens.ts'
import { createRecordingLogger } from '../../../engine/testing/recording-logger.ts'
import { createTestClock } from '../../../engine/testing/test-clock.ts'
import { authenticationMigrations, createAuthenticationModule } from '../module.ts'
import type { ScryptCost } from '../passwords.ts'

export const cheap: ScryptCost = { log2n: 4, blockSize: 1, parallel: 1 }
export const password = 'correct horse battery'
export const tokenLifeMs = 3_600_000
export const loginLifeMs = 30 * 86_400_000
const secret = 'a secret of the tests, of more than 32 bytes'
const migrations = [
  { name: 'server', migrations: [createRevocations] },
  { name: 'authentication', migrations: authenticationMigrations },
]

export const noGrants = { name: null, workspaces: [], teams: [], roles: [], permissions: [] }

export async function openAuthenticationWorld(postgresUrl: string) {
  const server = await testDatabase(postgresUrl)
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const database = createDatabase({ url: server.url, logger })
  await migrateUp(server, migrations)
  const undo: (() => Promise<void>)[] = []
  const openModule = async (passwordCost: ScryptCost = cheap) => {
    const revocations = createPostgresRevocations({ database, clock, logger })
    await revocations.start()
    undo.push(() => revocations.close())
    const module = createAuthenticationModule({
      database,
      clock,
      logger,
      revocations,
      randomBytes,
      tokenLifeMs,
      loginLifeMs,
      revocationKeptMs: 366 * 86_400_000,
      passwordCost,
      issue({ id, workspaces, teams, roles, permissions, name }, { loginId, tokenId }) {
        const grants = { workspaces, teams, roles, permissions, name: name ?? undefined }
        const claims = { sub: id, ...grants, sid: loginId, jti: tokenId }
        const token = issueToken({ secret, claims, expiresInSeconds: tokenLifeMs / 1_000, now: clock.now })
        return { token, expiresAtMs: clock.now() + tokenLifeMs }
      },
    })
    const verifier = refusingRevoked(createTokenVerifier({ secret, now: clock.now }), revocations)
    return { module, revocations, verifier }
  }
  const { module, revocations, verifier } = await openModule()
  const { users, logins } = module
  return {
    server,
    clock,
    logger,
    database,
    module,
    users,
    logins,
    revocations,
    verifier,
    migrations,
    /** As another process has it. */
    openModule,
    logIn: (user: string, given = password, address = '10.0.0.1') =>
      logins.logIn({ user, password: given }, address),
    whoIs: ({ accessToken }: Pick<LoginReply, 'accessToken'>) => verifier.verify(accessToken) as Principal,
    /** Why this token is refused; nothing where it is taken. */
    refused({ accessToken }: Pick<LoginReply, 'accessToken'>): string | undefined {
      try {
        verifier.verify(accessToken)
        return undefined
      } catch (error) {
        return (error as { code: string }).code
      }
    },
    async serve() {
      const http = await startTestServer({
        routes: module.routes,
        resolvePrincipal: (token) => verifier.verify(token),
      })
      undo.push(async () => http[Symbol.asyncDispose]())
      return http
    },
    async [Symbol.asyncDispose]() {
      for (const step of undo.toReversed()) await step()
      await database.close()
      await server[Symbol.asyncDispose]()
    },
  }
}
