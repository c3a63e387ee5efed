/** Valid tokens with something changed at random: none is ever accepted, each gets a refusal, no other error. */
import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  ana,
  encodePart,
  randomOf,
  refusalAtOnce,
  refusalOf,
  signToken,
  testVerifier,
} from './testing/tokens.ts'

type Random = () => number
type Change = (token: string, random: Random) => string

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const oddities = [...'.=+/ \n\t\0"\'\\~é東', '🔔', '\ud800', '\ufeff', '%2e', '..', 'Bearer ', 'null']

const below = (random: Random, limit: number) => Math.floor(random() * limit)
const pick = <Item>(random: Random, from: readonly Item[]) => from[below(random, from.length)] as Item
const splice = (token: string, at: number, removed: number, put: string) =>
  token.slice(0, at) + put + token.slice(at + removed)

const changes: Record<string, Change> = {
  'another character': (token, random) =>
    splice(token, below(random, token.length), 1, pick(random, [...alphabet])),
  'an odd character': (token, random) =>
    splice(token, below(random, token.length), 1, pick(random, oddities)),
  'a character that looks like it in its last byte': (token, random) => {
    const at = below(random, token.length)
    return splice(token, at, 1, String.fromCharCode(token.charCodeAt(at) + 256 * (1 + below(random, 200))))
  },
  'one more': (token, random) =>
    splice(token, below(random, token.length + 1), 0, pick(random, [...alphabet])),
  'something odd more': (token, random) =>
    splice(token, below(random, token.length + 1), 0, pick(random, oddities)),
  'a piece less': (token, random) => splice(token, below(random, token.length), 1 + below(random, 9), ''),
  'a piece twice': (token, random) => {
    const at = below(random, token.length)
    return splice(token, at, 0, token.slice(at, at + 1 + below(random, 50)))
  },
  'two swapped': (token, random) => {
    const at = below(random, token.length - 1)
    return splice(token, at, 2, `${token[at + 1]}${token[at]}`)
  },
  'the other case': (token, random) => {
    const at = below(random, token.length)
    const given = token[at] ?? ''
    return splice(token, at, 1, given === given.toLowerCase() ? given.toUpperCase() : given.toLowerCase())
  },
  'its end': (token, random) => token.slice(0, below(random, token.length)),
  'its beginning': (token, random) => token.slice(below(random, token.length)),
  'its parts in another order': (token, random) => {
    const parts = token.split('.')
    return Array.from({ length: 2 + below(random, 3) }, () => pick(random, parts)).join('.')
  },
  'bits of a part': (token, random) =>
    changedPart(token, random, (bytes) => {
      const at = below(random, bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8))
      return bytes
    }),
  'bytes of a part': (token, random) =>
    changedPart(token, random, (bytes) =>
      Buffer.concat([bytes.subarray(0, below(random, bytes.length)), Buffer.from([below(random, 256)])]),
    ),
  'a part in another base64': (token, random) =>
    changedText(token, random, (part) => Buffer.from(part, 'base64url').toString('base64')),
  'a header of its own': (token, random) => {
    const alg = pick(random, [
      'none',
      'None',
      'HS256',
      'HS384',
      'RS256',
      'ES256',
      'EdDSA',
      '',
      'constructor',
      7,
      null,
    ])
    const header = { alg, typ: pick(random, ['JWT', 'at+jwt', 'x', 7]), extra: below(random, 100) }
    return [encodePart(header), ...token.split('.').slice(1)].join('.')
  },
  'claims of its own': (token, random) => {
    const [header, , signature] = token.split('.')
    const claims = { ...ana, roles: ['admin'], extra: below(random, 100) }
    return [header, encodePart(claims), pick(random, [signature, '', 'AA', signature?.slice(1)])].join('.')
  },
  'anything at all': (_, random) =>
    Array.from({ length: below(random, 40) }, () => pick(random, [...alphabet, '.', '.', ...oddities])).join(
      '',
    ),
}

describe('five thousand changes to a token of the secret', () => {
  const verifier = testVerifier({ audience: 'belfry' })
  const claims = { ...ana, aud: 'belfry', workspaces: ['acme', 'beta'], roles: ['member'] }
  const tokens = [claims, { ...claims, sub: 'eva', roles: ['admin'] }].map((each) =>
    signToken({ claims: each }),
  )

  it.each([1, 2, 3, 4, 5])('are all refused (seed %i)', (seed) => {
    const random = randomOf(seed)
    for (const token of tokens) expect(verifier.verify(token)).not.toBeInstanceOf(Promise)
    let refused = 0
    while (refused < 1_000) {
      const name = pick(random, Object.keys(changes))
      const changed = changes[name]?.(pick(random, tokens), random) ?? ''
      if (tokens.includes(changed)) continue
      expect(refusalAtOnce(verifier, changed).code, `${name}: ${JSON.stringify(changed)}`).toMatch(/^token_/)
      refused += 1
    }
    for (const token of tokens) expect(verifier.verify(token)).not.toBeInstanceOf(Promise)
  })

  it('are joined by two tokens that were cut and put together', () => {
    const parts = tokens.map((token) => token.split('.'))
    for (const header of parts)
      for (const payload of parts)
        for (const signature of parts) {
          const token = [header[0], payload[1], signature[2]].join('.')
          if (!tokens.includes(token)) refusalAtOnce(verifier, token)
        }
  })
})

describe('a thousand changes to tokens of an identity provider', () => {
  const kinds = [
    ['ES256', 6, generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['EdDSA', 7, generateKeyPairSync('ed25519')],
    ['RS256', 8, generateKeyPairSync('rsa', { modulusLength: 2_048 })],
    ['PS512', 9, generateKeyPairSync('rsa', { modulusLength: 2_048 })],
  ] as const
  const pem = kinds.map(([, , { publicKey }]) => publicKey.export({ type: 'spki', format: 'pem' })).join('')

  it.each(kinds)('are all refused: %s (seed %i)', async (alg, seed, { privateKey }) => {
    const random = randomOf(seed)
    const verifier = testVerifier({ publicKeys: pem })
    const token = await new SignJWT(ana).setProtectedHeader({ alg }).sign(privateKey)
    expect(await verifier.verify(token)).toMatchObject({ userId: 'ana' })
    let refused = 0
    while (refused < 250) {
      const name = pick(random, Object.keys(changes))
      const changed = changes[name]?.(token, random) ?? ''
      if (changed === token) continue
      const { code } = await refusalOf(verifier, changed)
      expect(code, `${name}: ${JSON.stringify(changed)}`).toMatch(/^token_/)
      refused += 1
    }
  })
})

function changedPart(token: string, random: Random, change: (bytes: Buffer) => Buffer): string {
  return changedText(token, random, (part) => change(Buffer.from(part, 'base64url')).toString('base64url'))
}

function changedText(token: string, random: Random, change: (part: string) => string): string {
  const parts = token.split('.')
  const at = below(random, parts.length)
  return parts.with(at, change(parts[at] ?? '')).join('.')
}
