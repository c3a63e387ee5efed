/** `belfry token`: a token for trying a client, made with the secret that the server checks tokens with. */
import { parseArgs } from 'node:util'
import { Refusal } from '@belfry/contract'
import { issueToken, type TokenClaims } from '../../adapters/tokens/issue-token.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { loadSettings } from '../../server/settings.ts'
import { claimsOptions, readId, readList } from '../claims-options.ts'
import { type Command, UsageError } from '../command.ts'
import { tokenSecret } from '../token-secret.ts'

export const token: Command = {
  usage: `Usage: belfry token --sub ID [--name NAME] [--workspaces IDS] [--teams IDS] [--roles NAMES]
                    [--permissions NAMES] [--expires TIME]

  --sub          id of the user
  --name         name of the user, as others see it
  --workspaces   with commas between, such as acme,beta
  --teams        with commas between
  --roles        with commas between; admin is the role of operators
  --permissions  with commas between
  --expires      how long it is valid, such as 30s, 15m, 1h or 7d; without it, JWT_EXPIRES_IN

Prints the token (HS256) and nothing else. Needs no database and no server, only the settings of the server
that it is for: JWT_SECRET, or the BELFRY_DATA_DIR that holds the generated secret. JWT_AUDIENCE and JWT_ISSUER
are put in.`,

  async run(words, { terminal, environment }) {
    const { values } = parseArgs({
      args: [...words],
      options: {
        sub: { type: 'string' },
        ...claimsOptions,
        expires: { type: 'string' },
      },
    })
    if (values.sub === undefined) {
      throw new UsageError('"belfry token" needs the id of a user, such as: belfry token --sub ana')
    }
    const claims: TokenClaims = {
      sub: readId('--sub', values.sub),
      name: values.name,
      workspaces: readList('--workspaces', values.workspaces),
      teams: readList('--teams', values.teams),
      roles: readList('--roles', values.roles),
      permissions: readList('--permissions', values.permissions),
    }
    const givenSeconds = values.expires === undefined ? undefined : readSeconds(values.expires)
    const { settings } = loadSettings(environment)
    terminal.print(
      issue(tokenSecret(settings), givenSeconds ?? settings.jwtExpiresInSeconds, {
        ...claims,
        aud: settings.jwtAudience,
        iss: settings.jwtIssuer,
      }),
    )
    return 0
  },
}

function issue(secret: string, expiresInSeconds: number, claims: TokenClaims): string {
  try {
    return issueToken({ secret, claims, expiresInSeconds, now: systemClock.now })
  } catch (error) {
    // Whatever the verifier would say of the token.
    if (error instanceof Refusal) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

const unitSeconds = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3_600],
  ['d', 86_400],
])
/** A year, as with JWT_EXPIRES_IN. */
const expiresSecondsMax = 31_536_000

function readSeconds(given: string): number {
  const [, count, unit = ''] = /^(\d{1,8})([smhd])$/.exec(given) ?? []
  const seconds = Number(count) * (unitSeconds.get(unit) ?? 0)
  if (seconds >= 1 && seconds <= expiresSecondsMax) return seconds
  throw new UsageError(
    `--expires has ${JSON.stringify(given)}, but takes a time such as 30s, 15m, 1h or 7d, up to 365d.`,
  )
}
