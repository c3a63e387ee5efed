/**
 * Takes secrets out of what is about to be logged: values whose field is named like a secret, at any depth,
 * and secrets inside text, such as the password of a connection string in an error message.
 */
export function mask(fields: object): Record<string, unknown> {
  const masked = maskValue(fields, 0, { nodes: 0, path: new Set() })
  return typeof masked === 'object' && masked !== null
    ? (masked as Record<string, unknown>)
    : { value: masked }
}

export function maskText(text: string): string {
  const short = text.length > textMaxChars ? `${text.slice(0, textMaxChars)}…` : text
  return short
    .replace(urlCredentials, `://$1:${censor}@`)
    .replace(authorizationScheme, `$1 ${censor}`)
    .replace(secretAssignment, `$1${censor}`)
}

const censor = '[masked]'

/** Any name that ends in `key` counts: better one harmless value masked than one key in a log file. */
const secretName = /authorization|cookie|token|passw|passphrase|secret|credential|signature|key$/i

/** The user stays readable in `postgres://user:password@host`, the password does not. */
const urlCredentials = /:\/\/([^:@/\s]*):([^@/\s]+)@/g
const authorizationScheme = /\b(bearer|basic)\s+[\w.~+/=-]+/gi
const secretAssignment =
  /((?:token|password|passwd|secret|api_?key|access_?key|belfry_session)["']?\s*[=:]\s*["']?)[^\s"'&;,}]+/gi

/** A log line is read by people: beyond these bounds the rest of a value is left out. */
const depthMax = 8
const nodesMax = 500
const textMaxChars = 16_000

interface Walk {
  nodes: number
  /** Objects between the root and here, to notice a circle. */
  readonly path: Set<object>
}

function maskValue(value: unknown, depth: number, walk: Walk): unknown {
  if (typeof value === 'string') return maskText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  walk.nodes += 1
  if (depth > depthMax || walk.nodes > nodesMax) return '[…]'
  if (walk.path.has(value)) return '[circle]'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  walk.path.add(value)
  const masked = maskObject(value, depth, walk)
  walk.path.delete(value)
  return masked
}

function maskObject(value: object, depth: number, walk: Walk): unknown {
  if (Array.isArray(value)) return value.map((item) => maskValue(item, depth + 1, walk))
  if (value instanceof Map)
    return maskEntries(
      [...value].map(([k, v]) => [String(k), v]),
      depth,
      walk,
    )
  if (value instanceof Set) return [...value].map((item) => maskValue(item, depth + 1, walk))
  if (value instanceof Error) return maskError(value, depth, walk)
  return maskEntries(ownEntries(value), depth, walk)
}

function maskError(error: Error, depth: number, walk: Walk): unknown {
  const standard: [string, unknown][] = [
    ['type', error.name],
    ['message', error.message],
    ['stack', error.stack],
  ]
  if (error.cause !== undefined) standard.push(['cause', error.cause])
  const known = new Set(['name', 'message', 'stack', 'cause'])
  const others = ownEntries(error).filter(([name]) => !known.has(name))
  return maskEntries([...standard, ...others], depth, walk)
}

function maskEntries(entries: readonly [string, unknown][], depth: number, walk: Walk): unknown {
  const masked: Record<string, unknown> = {}
  for (const [name, value] of entries) {
    const hidden = secretName.test(name) && value !== undefined && value !== null
    masked[name] = hidden ? censor : maskValue(value, depth + 1, walk)
  }
  return masked
}

/** Logging never throws: a getter that does is shown as unreadable. */
function ownEntries(value: object): [string, unknown][] {
  return Object.keys(value).map((name) => {
    try {
      return [name, Reflect.get(value, name)]
    } catch {
      return [name, '[unreadable]']
    }
  })
}
