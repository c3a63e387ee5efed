/** `belfry revoke`: takes tokens back, beside a running server or before one starts. */
import { parseArgs } from 'node:util'
import { Refusal, type RevocationRequest } from '@belfry/contract'
import { systemClock } from '../../engine/ports/clock.ts'
import { openAuthentication } from '../../server/authentication-beside.ts'
import { readId } from '../claims-options.ts'
import { type Command, CommandFailure, UsageError } from '../command.ts'
import { tokenSecret } from '../token-secret.ts'
import { withDatabase } from '../with-database.ts'

export const revoke: Command = {
  usage: `Usage: belfry revoke --user ID [--issued-before TIME]
       belfry revoke --login ID
       belfry revoke --token ID
       belfry revoke --everyone [--issued-before TIME]

  --user           every token and login of this user
  --login          a login with all its tokens (claim sid)
  --token          one token (claim jti)
  --everyone       every token and login there is
  --issued-before  what was issued before this time, such as 2026-05-01T12:00:00Z; now, without it

A running server ends the sockets within a second, and refuses the tokens from then on. Run it with the same settings
(BELFRY_DATA_DIR or DATABASE_URL) as the server.`,

  async run(words, context) {
    const { values } = parseArgs({
      args: [...words],
      options: {
        user: { type: 'string' },
        login: { type: 'string' },
        token: { type: 'string' },
        everyone: { type: 'boolean' },
        'issued-before': { type: 'string' },
      },
    })
    const { user, login, token, everyone } = values
    const issuedBefore = values['issued-before']
    if ([user, login, token, everyone].filter((given) => given !== undefined).length !== 1)
      throw new UsageError('"belfry revoke" takes one of --user, --login, --token and --everyone.')
    if (issuedBefore !== undefined && (login ?? token) !== undefined)
      throw new UsageError('--issued-before goes with --user or --everyone.')
    const request: RevocationRequest = {
      ...(user === undefined ? {} : { userId: readId('--user', user) }),
      ...(login === undefined ? {} : { loginId: readId('--login', login) }),
      ...(token === undefined ? {} : { tokenId: readId('--token', token) }),
      ...(everyone === undefined ? {} : { everyone: true as const }),
      ...(issuedBefore === undefined ? {} : { issuedBefore: readTime(issuedBefore) }),
    }
    return withDatabase(context, 'share', async ({ opened, settings, logger }) => {
      const jwtSecret = tokenSecret(settings)
      const { authentication, close } = await openAuthentication({ opened, settings, logger, jwtSecret })
      try {
        const { keptUntilMs } = await authentication.revoking.revoke(request, 'belfry revoke')
        const until = new Date(keptUntilMs).toISOString()
        context.terminal.print(`Revoked, and remembered until ${until}.`)
        return 0
      } catch (error) {
        throw error instanceof Refusal ? new CommandFailure(error.message, { cause: error }) : error
      } finally {
        await close()
      }
    })
  },
}

function readTime(given: string): string {
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(given) ? new Date(given) : undefined
  if (time === undefined || Number.isNaN(time.getTime()))
    throw new UsageError(
      `--issued-before has ${JSON.stringify(given)}, but takes a time such as 2026-05-01T12:00:00Z.`,
    )
  if (time.getTime() > systemClock.now())
    throw new UsageError('--issued-before lies in the future: nobody could sign in until then.')
  return time.toISOString()
}
