/** Tokens of the shared secret: what is accepted, what is refused, and in which words. */
import { createHmac } from 'node:crypto'
import { errorCatalogue } from '@belfry/contract'
import { SignJWT } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { tokenLengthMax } from './segments.ts'
import {
  ana,
  atSeconds,
  encodePart,
  refusalAtOnce,
  sealToken,
  signToken,
  testSecret,
  testVerifier,
  verifyAtOnce,
} from './testing/tokens.ts'
import { createTokenVerifier } from './token-verifier.ts'

const verifier = testVerifier()
const detailOf = (token: unknown) => {
  const { code, message } = refusalAtOnce(verifier, token)
  return `${code}: ${message}`
}

describe('a token of the shared secret', () => {
  it('[TK7] is answered in the same turn, accepted or refused', () => {
    for (const audience of [undefined, 'belfry']) {
      const own = testVerifier({ audience })
      expect(own.verify(signToken({ claims: { ...ana, aud: 'belfry' } }))).not.toBeInstanceOf(Promise)
    }
    expect(() => verifier.verify(signToken({ claims: {} }))).toThrow()
  })

  it('says whose it is and what it grants', () => {
    const claims = {
      ...ana,
      name: 'Ana 東京',
      workspaces: ['acme', 'beta'],
      teams: ['red'],
      roles: ['admin'],
      permissions: ['post:write'],
      jti: 'token-1',
    }
    expect(verifyAtOnce(verifier, signToken({ claims }))).toEqual({
      userId: 'ana',
      name: 'Ana 東京',
      workspaces: ['acme', 'beta'],
      teams: ['red'],
      roles: ['admin'],
      permissions: ['post:write'],
      expiresAtMs: (atSeconds + 3_600) * 1_000,
      issuedAtMs: atSeconds * 1_000,
      tokenId: 'token-1',
      loginId: undefined,
    })
  })

  it('is taken from jose', async () => {
    const token = await new SignJWT({ sub: 'ana', workspaces: ['acme'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt(atSeconds)
      .setExpirationTime(atSeconds + 60)
      .sign(new TextEncoder().encode(testSecret))
    expect(verifyAtOnce(verifier, token)).toMatchObject({
      userId: 'ana',
      workspaces: ['acme'],
      issuedAtMs: atSeconds * 1_000,
      expiresAtMs: (atSeconds + 60) * 1_000,
    })
  })

  it('[TK1] is refused when another secret signed it', () => {
    for (const secret of [`${testSecret}x`, testSecret.slice(1), testSecret.toUpperCase()])
      expect(detailOf(signToken({ secret }))).toMatch(/^token_invalid: .* another key made it/)
  })

  it('[TK1] is refused when anything in it is another', () => {
    const [header = '', payload = '', signature = ''] = signToken().split('.')
    const other = signToken({ claims: { ...ana, sub: 'eva' } }).split('.')
    expect(detailOf(`${header}.${other[1]}.${signature}`)).toContain('another key made it')
    expect(detailOf(`${header}.${payload}.${other[2]}`)).toContain('another key made it')
    expect(detailOf(`${encodePart({ alg: 'HS256' })}.${payload}.${signature}`)).toContain('another key')
  })

  it('[TK1] has one spelling of its signature', () => {
    const token = signToken()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(token.slice(-1))
    // The last character has two bits that say nothing: Node reads the same bytes from all four.
    for (const spare of [1, 2, 3]) {
      const other = token.slice(0, -1) + alphabet[last + spare]
      expect(Buffer.from(other, 'base64url')).toEqual(Buffer.from(token, 'base64url'))
      expect(detailOf(other)).toContain('another key made it')
    }
    for (const changed of [
      `${token}=`,
      `${token}\n`,
      ` ${token}`,
      `${token} `,
      `${token}A`,
      token.slice(0, -1),
    ])
      expect(detailOf(changed)).toMatch(/^token_invalid/)
    // The last byte of each is that of the character it stands for.
    const wide = (text: string) => String.fromCharCode((text.codePointAt(0) ?? 0) + 0x100)
    for (const at of [5, token.indexOf('.') + 5, token.length - 5])
      expect(detailOf(token.slice(0, at) + wide(token[at] ?? '') + token.slice(at + 1))).toMatch(/^token_inv/)
  })

  it('[TK1] has one spelling of its header and its claims, even when they are signed', () => {
    const padded = (part: string) => `${part}${'='.repeat((4 - (part.length % 4)) % 4)}`
    const header = encodePart({ alg: 'HS256', t: 10 })
    const payload = encodePart({ sub: 'eva', iat: atSeconds, t: 10 })
    expect([header.length % 4, payload.length % 4]).toEqual([2, 2])
    verifyAtOnce(verifier, sealToken(`${header}.${payload}`))
    const spelt: [string, string][] = [
      [padded(header), payload],
      [header, padded(payload)],
      [`${header.slice(0, -1)}${nextOf(header)}`, payload],
      [header, `${payload.slice(0, -1)}${nextOf(payload)}`],
      [header, `${payload.slice(0, 4)}\n${payload.slice(4)}`],
      [`${header} `, payload],
      [header, `${payload}A`],
    ]
    for (const [first, second] of spelt)
      expect(detailOf(sealToken(`${first}.${second}`)), `${first}.${second}`).toMatch(
        /a JSON object in base64url/,
      )
  })

  it.each([
    ['cut', (token: string) => token.slice(0, -1)],
    ['longer', (token: string) => `${token}AA`],
    ['a short hash', (token: string) => resign(token, 'sha1')],
    ['a long hash', (token: string) => resign(token, 'sha512')],
    ['in hexadecimal', (token: string) => `${token.slice(0, token.lastIndexOf('.'))}.${'ab'.repeat(32)}`],
  ])('[TK1] is refused when its signature is %s', (_, change) => {
    expect(detailOf(change(signToken()))).toContain('not the length of one')
  })

  it('is refused in the same words when its header was seen before', () => {
    const header = { alg: 'HS256', kid: 'seen' }
    const own = testVerifier()
    const bad = sealToken(`${encodePart(header)}.${encodePart(ana)}`, `another ${testSecret}`)
    const before = refusalAtOnce(own, bad).message
    verifyAtOnce(own, signToken({ header }))
    expect(refusalAtOnce(own, bad).message).toBe(before)
  })

  it('has its claims looked at only when its signature is right', () => {
    const claims = { sub: 7, exp: 1 }
    expect(detailOf(signToken({ claims, secret: `another ${testSecret}` }))).toContain('another key made it')
  })

  it('has its header read once, if its signature was right, until there were many others', () => {
    const own = testVerifier()
    const parse = vi.spyOn(JSON, 'parse')
    const readsOf = (verify: () => unknown) => {
      parse.mockClear()
      verify()
      return parse.mock.calls.length
    }
    const header = { alg: 'HS256', kid: 'first' }
    try {
      const forged = signToken({ header, secret: `another ${testSecret}` })
      for (const _ of [1, 2]) expect(readsOf(() => refusalAtOnce(own, forged))).toBe(1)
      // Header and claims, and from then on the claims alone.
      expect(readsOf(() => verifyAtOnce(own, signToken({ header })))).toBe(2)
      expect(readsOf(() => verifyAtOnce(own, signToken({ header })))).toBe(1)
      for (let kid = 0; kid < 16; kid++) verifyAtOnce(own, signToken({ header: { alg: 'HS256', kid } }))
      expect(readsOf(() => verifyAtOnce(own, signToken({ header })))).toBe(2)
    } finally {
      parse.mockRestore()
    }
  })

  it('may have any number of headers', () => {
    const own = testVerifier()
    for (const round of [1, 2]) {
      for (let kid = 0; kid < 100; kid++)
        expect(verifyAtOnce(own, signToken({ header: { alg: 'HS256', kid, round } })).userId).toBe('ana')
    }
  })
})

describe('the form of a token', () => {
  it('[TK6] is missed where there is none', () => {
    for (const none of [undefined, null, ''])
      expect(detailOf(none)).toBe(`token_missing: ${errorCatalogue.token_missing.sentence}`)
  })

  it.each([
    [0],
    [false],
    [42],
    [{}],
    [[]],
    [() => 'a.b.c'],
    [Symbol('a')],
    [10n],
    [Buffer.from(signToken())],
  ])('[TK6] is text, and not %s', (value) =>
    expect(detailOf(value)).toBe('token_invalid: The token must be text.'),
  )

  it('[TK6] is text, and nothing that would become one', () => {
    expect(detailOf({ toString: () => signToken(), length: 3 })).toContain('must be text')
    expect(detailOf(new String(signToken()))).toContain('must be text')
  })

  it.each(['.', '..', '...', 'a', 'a.b', 'a.b.', '.a.b', 'a..b', 'a.b.c.d', 'a.b.c.d.e', '🔔'])(
    '[TK6] has three parts, unlike "%s"',
    (token) => expect(detailOf(token)).toContain('three parts'),
  )

  it('has a bound, and what is longer is refused before anything looks into it', () => {
    const room = tokenLengthMax - signToken({ claims: { ...ana, x: '' } }).length
    const long = signToken({ claims: { ...ana, x: 'x'.repeat(Math.floor(room * 0.75)) } })
    expect(long.length).toBeGreaterThan(tokenLengthMax - 4)
    expect(long.length).toBeLessThanOrEqual(tokenLengthMax)
    verifyAtOnce(verifier, long)
    const longer = signToken({ claims: { ...ana, x: 'x'.repeat(Math.ceil(room * 0.75) + 2) } })
    expect(longer.length).toBeGreaterThan(tokenLengthMax)
    expect(longer.length).toBeLessThan(tokenLengthMax + 8)
    expect(detailOf(longer)).toBe('token_invalid: The token is longer than 8192 characters.')
    expect(detailOf('.'.repeat(tokenLengthMax + 1))).toContain('longer than 8192')
    expect(detailOf('.'.repeat(tokenLengthMax))).toContain('three parts')
  })

  it('is told apart from what stands in front of it in a header of HTTP', () => {
    for (const prefix of ['Bearer ', 'bearer ', 'BEARER  '])
      expect(detailOf(`${prefix}${signToken()}`)).toContain('without "Bearer" in front of it')
  })
})

describe('the header of a token', () => {
  it.each([
    ['no JSON', '{"alg":"HS256"'],
    ['nothing', ''],
    ['two values', '{"alg":"HS256"}{}'],
    ['a list', '[{"alg":"HS256"}]'],
    ['a text', '"HS256"'],
    ['null', 'null'],
    ['a mark in front', '\ufeff{"alg":"HS256"}'],
    ['very deep', '['.repeat(4_000)],
  ])('[TK6] is a JSON object, and not %s', (_, header) => {
    expect(detailOf(signToken({ header }))).toMatch(
      header === '' ? /three parts/ : /no header: a JSON object/,
    )
  })

  it('[TK6] is UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"alg":"HS256","kid":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ])
    expect(detailOf(sealToken(`${bytes.toString('base64url')}.${encodePart(ana)}`))).toContain('no header')
  })

  it.each([
    ...['none', 'None', 'NONE', 'nOnE', 'hs256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'EdDSA'],
    ...['', 'HS256 ', 'constructor', '__proto__', 'toString', 'dir', 'A128KW'],
  ])('[TK2] may not name the algorithm "%s"', (alg) => {
    const token = signToken({ header: { alg, typ: 'JWT' } })
    const unsigned = token.slice(0, token.lastIndexOf('.') + 1)
    expect(detailOf(token)).toBe('token_invalid: The token must be signed with HS256 (header alg).')
    expect(detailOf(unsigned)).toContain('three parts')
    expect(detailOf(`${unsigned}AA`)).toContain('must be signed with HS256')
  })

  it.each([[undefined], [null], [256], [['HS256']], [{ HS256: 1 }], [true]])(
    '[TK2] must name an algorithm, and not %j',
    (alg) => expect(detailOf(signToken({ header: { alg } }))).toContain('names no algorithm'),
  )

  it('[TK2] names it itself: what a prototype says does not count', () => {
    expect(detailOf(signToken({ header: '{"__proto__":{"alg":"HS256"}}' }))).toContain('names no algorithm')
    Object.defineProperty(Object.prototype, 'alg', { value: 'HS256', configurable: true })
    try {
      expect(detailOf(signToken({ header: {} }))).toContain('names no algorithm')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'alg')
    }
  })

  it.each([[['exp']], [[]], ['exp'], [null], [{}], [false]])('may not ask for extensions: %j', (crit) => {
    expect(detailOf(signToken({ header: { alg: 'HS256', crit, exp: 1 } }))).toContain('header crit')
  })

  it.each(['JWT', 'jwt', 'application/jwt', 'at+jwt', 'application/at+JWT', undefined])(
    'may say that it is of the type %s',
    (typ) => expect(verifyAtOnce(verifier, signToken({ header: { alg: 'HS256', typ } })).userId).toBe('ana'),
  )

  it.each([
    ['logout+jwt'],
    ['dpop+jwt'],
    ['JWE'],
    ['jwt '],
    ['xjwt'],
    ['secevent+jwt'],
    [''],
    [7],
    [null],
    [['JWT']],
  ])('may not say that it is of the type %j', (typ) =>
    expect(detailOf(signToken({ header: { alg: 'HS256', typ } }))).toContain('header typ'),
  )

  it('may hold more, which changes nothing', () => {
    const header = {
      alg: 'HS256',
      kid: 'x',
      jku: 'https://evil.example.com',
      b64: false,
      jwk: { kty: 'oct' },
    }
    expect(verifyAtOnce(verifier, signToken({ header })).userId).toBe('ana')
  })

  it('is refused, whatever was wrong with it, again and again', () => {
    const own = testVerifier()
    for (const header of [
      { alg: 'none' },
      { alg: 'HS256', crit: ['x'] },
      { alg: 'HS256', typ: 'logout+jwt' },
    ]) {
      const first = refusalAtOnce(own, signToken({ header })).message
      expect(refusalAtOnce(own, signToken({ header })).message).toBe(first)
    }
  })
})

describe('a verifier', () => {
  const now = () => atSeconds * 1_000

  it('is not made without a key', () => {
    expect(() => createTokenVerifier({ now })).toThrow(TypeError)
  })

  it('is not made with a secret that could be guessed', () => {
    expect(() => createTokenVerifier({ secret: 'x'.repeat(31), now })).toThrow(/32 bytes/)
    expect(() => createTokenVerifier({ secret: '', now })).toThrow(/32 bytes/)
    createTokenVerifier({ secret: 'x'.repeat(32), now })
    // 16 characters, 32 bytes.
    createTokenVerifier({ secret: 'ü'.repeat(16), now })
  })

  it.each(['PUBLIC KEY', 'RSA PUBLIC KEY', 'CERTIFICATE', 'PRIVATE KEY', 'EC PRIVATE KEY'])(
    '[TK2] is not made with a %s as its secret',
    (label) => {
      const pem = `-----BEGIN ${label}-----\n${'AAAA'.repeat(20)}\n-----END ${label}-----\n`
      for (const secret of [pem, `\n${pem}`, pem.replaceAll('\n', '\\n')])
        expect(() => createTokenVerifier({ secret, now })).toThrow(/no secret/)
    },
  )
})

/** The character after the last one: the same bytes, in another spelling. */
function nextOf(segment: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const next = alphabet[alphabet.indexOf(segment.slice(-1)) + 1] ?? ''
  expect(Buffer.from(segment.slice(0, -1) + next, 'base64url')).toEqual(Buffer.from(segment, 'base64url'))
  return next
}

function resign(token: string, hash: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'))
  return `${signed}.${createHmac(hash, testSecret).update(signed).digest('base64url')}`
}
