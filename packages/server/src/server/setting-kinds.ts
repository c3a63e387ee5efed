/** What a setting may be: how its text is read, what is wrong with it, and how a value is shown. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { parsePublicKeys } from '../adapters/tokens/public-keys.ts'
import { isPem, secretBytesMin } from '../adapters/tokens/shared-secret.ts'

export interface Kind<Value> {
  parse(text: string): { readonly value: Value } | { readonly mistake: string }
  print(value: Value): string
  /** What the reference says about values beyond the description; may be empty. */
  readonly hint: string
  /** What is wrong is told without the text: it is long, or may be a secret that landed in the wrong place. */
  readonly isQuiet?: true
}

export const text: Kind<string> = {
  parse: (given) => (given.trim() === '' ? { mistake: 'must not be blank' } : { value: given }),
  print: (value) => value,
  hint: '',
}

/** Whole, because programs that work in it begin elsewhere. */
export const directory: Kind<string> = {
  ...text,
  parse(given) {
    const parsed = text.parse(given)
    return 'mistake' in parsed ? parsed : { value: resolve(parsed.value) }
  },
}

/** PostgreSQL cuts longer names silently, and would then not find them again. */
const schemaNameBytesMax = 63

export const schemaName: Kind<string> = {
  parse(given) {
    const fits =
      given.trim() !== '' && Buffer.byteLength(given) <= schemaNameBytesMax && !given.startsWith('pg_')
    return fits
      ? { value: given }
      : { mistake: `must have 1 to ${schemaNameBytesMax} bytes and not begin with pg_` }
  },
  print: (value) => value,
  hint: '',
}

/** Below it only sockets are served, so it must not hide pages or REST. */
export const socketPath: Kind<string> = {
  parse(given) {
    const fits =
      /^(?:\/[A-Za-z0-9._~-]+)+\/?$/.test(given) && !/^\/(?:api|assets|realtime)(?:\/|$)/.test(given)
    return fits
      ? { value: given.endsWith('/') ? given : `${given}/` }
      : { mistake: 'must be a path such as /socket.io/, and not below /api, /assets or /realtime' }
  },
  print: (value) => value,
  hint: '',
}

export const boolean: Kind<boolean> = {
  parse(given) {
    const value = truths.get(given.toLowerCase())
    return value === undefined ? { mistake: 'must be true or false' } : { value }
  },
  print: String,
  hint: '`true` or `false`.',
}

const truths = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

export function wholeNumber(min: number, max: number): Kind<number> {
  return {
    parse(given) {
      const value = Number(given)
      const fits = /^\d+$/.test(given) && value >= min && value <= max
      return fits ? { value } : { mistake: `must be a whole number from ${min} to ${max}` }
    },
    print: String,
    hint: `${min} to ${max}.`,
  }
}

export function choice<const Option extends string>(...options: readonly Option[]): Kind<Option> {
  return {
    parse(given) {
      const value = options.find((option) => option === given)
      return value === undefined ? { mistake: `must be one of ${options.join(', ')}` } : { value }
    },
    print: (value) => value,
    hint: `${options.map((option) => `\`${option}\``).join(', ')}.`,
  }
}

export function secretText(lengthMin: number): Kind<string> {
  return {
    parse: (given) =>
      given.length < lengthMin ? { mistake: `must have ${lengthMin} characters or more` } : { value: given },
    print: () => '••••••••',
    hint: '',
  }
}

/** Signs tokens. A key in PEM is for another setting: were it public, everybody could sign with it. */
export const signingSecret: Kind<string> = {
  ...secretText(secretBytesMin),
  parse: (given) =>
    isPem(given)
      ? { mistake: 'must not be a key in PEM; give a public key as JWT_PUBLIC_KEY' }
      : secretText(secretBytesMin).parse(given),
}

/** Shown in one line, as files of environment variables have it. */
export const publicKeys: Kind<string> = {
  parse(given) {
    const parsed = parsePublicKeys(given)
    return 'mistake' in parsed ? parsed : { value: given }
  },
  print: (value) => value.trim().replaceAll(/\r?\n/g, '\\n'),
  hint: 'Line breaks may be written as `\\n`.',
  isQuiet: true,
}

export function url(...schemes: readonly string[]): Kind<string> {
  const allowed = schemes.map((scheme) => `${scheme}://`).join(' or ')
  return {
    parse(given) {
      // A PostgreSQL URL over a unix socket has no host, which the URL parser refuses only for special schemes.
      const scheme = schemes.find((name) => given.startsWith(`${name}://`))
      const parsable = scheme !== undefined && URL.canParse(given.replace('@/', '@localhost/'))
      return parsable ? { value: given } : { mistake: `must be a URL that begins with ${allowed}` }
    },
    print: (value) => value,
    hint: '',
  }
}

/** An address that says whom to trust: whoever changes the answer on its way could be everybody. */
export const secureUrl: Kind<string> = {
  parse(given) {
    const parsed = URL.canParse(given) ? new URL(given) : undefined
    const isSecure =
      parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback(parsed.hostname))
    if (!isSecure)
      return { mistake: 'must be a URL that begins with https://, or with http:// on this machine' }
    // It stands in logs, and in the list of settings.
    if (parsed.username !== '' || parsed.password !== '')
      return { mistake: 'must hold no user and no password' }
    return { value: given }
  },
  print: (value) => value,
  hint: '',
  isQuiet: true,
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

/** `https://app.example.com`: scheme, host and port of a page. */
export const origin: Kind<string> = {
  parse(given) {
    const value = URL.canParse(given) ? new URL(given).origin : 'null'
    if (value !== 'null' && (given === value || given === `${value}/`)) return { value }
    return { mistake: 'must be an origin such as https://app.example.com' }
  },
  print: (value) => value,
  hint: '',
}

export const originOrAny: Kind<string> = {
  ...origin,
  parse: (given) => (given === '*' ? { value: given } : origin.parse(given)),
  hint: '`*` means every origin.',
}

export function listOf<Value>(kind: Kind<Value>): Kind<readonly Value[]> {
  return {
    parse(given) {
      const values: Value[] = []
      for (const part of given.split(',').map((entry) => entry.trim())) {
        const parsed = kind.parse(part)
        if ('mistake' in parsed) return { mistake: `has "${part}" in it, which ${parsed.mistake}` }
        values.push(parsed.value)
      }
      return { value: values }
    },
    print: (values) => values.map((value) => kind.print(value)).join(','),
    hint: kind.hint,
  }
}

export const trustProxy: Kind<boolean | number | readonly string[]> = {
  parse(given) {
    const truth = boolean.parse(given)
    // "1" is one proxy, not "everybody".
    if ('value' in truth && !/^\d+$/.test(given)) return truth
    if (/^\d+$/.test(given)) return { value: Number(given) }
    const addresses = given.split(',').map((entry) => entry.trim())
    const wrong = addresses.find((address) => !isNetwork(address) && !namedNetworks.has(address))
    return wrong === undefined
      ? { value: addresses }
      : { mistake: `has "${wrong}" in it, which is no address, network or number of proxies` }
  },
  print: (value) => (Array.isArray(value) ? value.join(',') : String(value)),
  hint: '',
}

const namedNetworks = new Set(['loopback', 'linklocal', 'uniquelocal'])

/** `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`. */
function isNetwork(given: string): boolean {
  const [address = '', bits, ...more] = given.split('/')
  const version = isIP(address)
  if (version === 0 || address.includes('%') || more.length > 0) return false
  if (bits === undefined) return true
  return /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)
}
