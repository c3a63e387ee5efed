/** `belfry publish`: an event from a script, through the server that is running. */
import { parseArgs } from 'node:util'
import { isRoomRef, type Problem, publishPermission, type RoomRef } from '@belfry/contract'
import { issueToken } from '../../adapters/tokens/issue-token.ts'
import { systemClock } from '../../engine/ports/clock.ts'
import { readAddress } from '../../server/noted-address.ts'
import { publicAddress } from '../../server/public-address.ts'
import { loadSettings } from '../../server/settings.ts'
import { type Command, CommandFailure, UsageError } from '../command.ts'
import { tokenSecret } from '../token-secret.ts'

/** Long enough for a slow network, and for nobody who finds it. */
const tokenSeconds = 60
const patienceMs = 30_000

export const publish: Command = {
  usage: `Usage: belfry publish NAMESPACE EVENT --room KIND:ID [--room ...] [--except KIND:ID ...] [--data JSON]
                      [--key KEY] [--url URL]

  --room    who gets it, such as user:ana, workspace:acme or everyone:all; several are possible
  --except  who does not, although in one of these rooms
  --data    the payload, a JSON object as the contract of the event says; "{}" if absent
  --key     of your making: the same call with the same key publishes once a day
  --url     of the server; without it, the one that uses this BELFRY_DATA_DIR, else HOST and PORT

Such as: belfry publish /realtime system:message --room everyone:all --data '{"message":"We are back."}'

Run it with the same settings as the server, of which it needs JWT_SECRET or the BELFRY_DATA_DIR.`,

  async run(words, { terminal, environment }) {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        room: { type: 'string', multiple: true },
        except: { type: 'string', multiple: true },
        data: { type: 'string' },
        key: { type: 'string' },
        url: { type: 'string' },
      },
    })
    const [namespace, event, ...rest] = positionals
    if (namespace === undefined || event === undefined || rest.length > 0)
      throw new UsageError(
        '"belfry publish" needs a namespace and an event, such as: belfry publish /posts post:created',
      )
    if (values.room === undefined)
      throw new UsageError('"belfry publish" needs at least one room, such as --room workspace:acme')
    const body = {
      events: [
        {
          namespace,
          event,
          data: readObject(values.data ?? '{}'),
          rooms: values.room.map((given) => readRoom('--room', given)),
          except: (values.except ?? []).map((given) => readRoom('--except', given)),
        },
      ],
      ...(values.key === undefined ? {} : { key: values.key }),
    }
    const { settings } = loadSettings(environment)
    const token = issueToken({
      secret: tokenSecret(settings),
      claims: {
        sub: 'belfry-publish',
        permissions: [publishPermission],
        aud: settings.jwtAudience,
        iss: settings.jwtIssuer,
      },
      expiresInSeconds: tokenSeconds,
      now: systemClock.now,
    })
    const address =
      values.url ?? readAddress(settings.dataDirectory) ?? publicAddress(settings, settings.port)
    const { repeated } = await send(address, token, body)
    terminal.done(repeated ? 'Published before, under this key' : `Published ${event} on ${namespace}`)
    return 0
  },
}

async function send(address: string, token: string, body: object): Promise<{ readonly repeated: boolean }> {
  const url = endpointOf(address)
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(patienceMs),
  }).catch((error: unknown) => {
    throw new CommandFailure(
      `Nobody answers at ${url.origin}. Does the server run, and is this its address?`,
      {
        cause: error,
      },
    )
  })
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok && isReply(answer)) return answer
  throw new CommandFailure(
    sentenceOf(answer) ?? `${url.origin} answered with ${response.status}, and is no Belfry.`,
  )
}

function isReply(answer: unknown): answer is { readonly repeated: boolean } {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'repeated' in answer &&
    typeof answer.repeated === 'boolean'
  )
}

/** What the server refused, with the fields as they are called here. */
function sentenceOf(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null || !('detail' in answer)) return undefined
  const { detail, fields = [] } = answer as Problem
  const named = fields
    .map(({ path, message }) => [path.replace(/^body\.events\.0\.?/, ''), message])
    .filter(([path, message]) => path !== '' && message !== detail)
    .map(([path, message]) => `${path} ${message}`)
  return named.length === 0 ? detail : `${detail.replace(/\.$/, ':')} ${named.join('; ')}.`
}

function endpointOf(address: string): URL {
  if (!URL.canParse(address))
    throw new UsageError(
      `--url has ${JSON.stringify(address)}, but takes an address such as https://app.example.com.`,
    )
  return new URL('/api/v1/events', address)
}

function readObject(given: string): object {
  let value: unknown
  try {
    value = JSON.parse(given)
  } catch (error) {
    throw new UsageError(`--data is no JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('--data takes a JSON object, such as \'{"title":"Hello"}\'.')
  return value
}

function readRoom(option: string, given: string): RoomRef {
  const colon = given.indexOf(':')
  const room = { kind: given.slice(0, colon), id: given.slice(colon + 1) }
  if (colon > 0 && isRoomRef(room)) return room
  throw new UsageError(
    `${option} has ${JSON.stringify(given)}, but takes kind and id, such as workspace:acme.`,
  )
}
