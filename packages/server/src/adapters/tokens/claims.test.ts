/** What a token claims once its signature is right: each claim, its bounds, and time to the millisecond. */
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../engine/ports/token-verifier.ts'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { listEntriesMax, nameLengthMax } from './claims.ts'
import {
  ana,
  atSeconds,
  encodePart,
  refusalAtOnce,
  sealToken,
  signToken,
  testVerifier,
  verifyAtOnce,
} from './testing/tokens.ts'
import type { TokenVerifierOptions } from './token-verifier.ts'

const accept = (claims: object | string, options?: Partial<TokenVerifierOptions>): Principal =>
  verifyAtOnce(testVerifier(options), signToken({ claims }))
const refuse = (claims: object | string, options?: Partial<TokenVerifierOptions>): string => {
  const { code, message } = refusalAtOnce(testVerifier(options), signToken({ claims }))
  return `${code}: ${message}`
}
const lists = ['workspaces', 'teams', 'roles', 'permissions'] as const
const noText = [null, 7, true, {}, [], ['a'], '', 'a\nb', 'a\u0000', '\u007f', '\ud800', 'x'.repeat(129)]

describe('the claims', () => {
  it('[TK5] need no more than a subject', () => {
    expect(accept({ sub: 'ana' })).toEqual({
      userId: 'ana',
      name: undefined,
      workspaces: [],
      teams: [],
      roles: [],
      permissions: [],
      expiresAtMs: undefined,
      issuedAtMs: undefined,
      tokenId: expect.stringMatching(/^claims-[\w-]{22}$/),
      loginId: undefined,
    })
  })

  it.each([
    ['no JSON', '{"sub":"ana"'],
    ['a list', '[{"sub":"ana"}]'],
    ['a text', '"ana"'],
    ['null', 'null'],
    ['a number', '7'],
    ['another token', signToken()],
    ['a mark in front', '\ufeff{"sub":"ana"}'],
    ['very deep', '{"a":'.repeat(800)],
  ])('[TK6] are a JSON object, and not %s', (_, claims) => {
    expect(refuse(claims)).toBe(
      'token_invalid: The second part of the token holds no claims: a JSON object in base64url.',
    )
  })

  it('[TK6] are UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])
    const token = sealToken(`${encodePart({ alg: 'HS256' })}.${bytes.toString('base64url')}`)
    expect(refusalAtOnce(testVerifier(), token).message).toContain('holds no claims')
  })

  it('[TK5] that are unknown are dropped, and none becomes a key of an object', () => {
    const principal = accept(
      '{"sub":"ana","__proto__":{"roles":["admin"],"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},' +
        '"isAdmin":true,"userId":"eva","expiresAtMs":1,"toString":"x"}',
    )
    expect(Object.keys(principal).toSorted()).toEqual(Object.keys(accept({ sub: 'ana' })).toSorted())
    expect(Object.getPrototypeOf(principal)).toBe(Object.prototype)
    expect(principal).toMatchObject({ userId: 'ana', roles: [], expiresAtMs: undefined })
    expect(principal).not.toHaveProperty('isAdmin')
    expect({}).not.toHaveProperty('isAdmin')
  })

  it('[TK5] are those of the token: what a prototype says does not count', () => {
    expect(refuse('{"__proto__":{"sub":"ana"}}')).toContain('claim sub is missing')
    Object.defineProperty(Object.prototype, 'roles', { value: ['admin'], configurable: true })
    try {
      expect(accept({ sub: 'ana' }).roles).toEqual([])
    } finally {
      Reflect.deleteProperty(Object.prototype, 'roles')
    }
  })

  it('[TK5] are the last where one is there twice', () => {
    expect(accept('{"sub":"eva","sub":"ana"}').userId).toBe('ana')
  })
})

describe('the subject', () => {
  it('[TK5] must be there', () => {
    expect(refuse({ name: 'Ana' })).toBe(
      'token_invalid: The token does not say whose it is: the claim sub is missing.',
    )
  })

  it.each(['a', 'auth0|5f7c', 'ana@example.com', '東京', '__proto__', 'x'.repeat(128), ' '])(
    '[TK5] is text such as "%s"',
    (sub) => expect(accept({ sub }).userId).toBe(sub),
  )

  it.each(noText.map((sub) => [sub]))('[TK5] is not %j', (sub) => {
    expect(refuse({ sub })).toBe(
      "token_invalid: The token's claim sub must be text of 1 to 128 characters without control characters.",
    )
  })
})

describe('the id of a token', () => {
  it('is the login, beside the token', () =>
    expect(accept({ ...ana, jti: 'token-1', sid: 'login-1' })).toMatchObject({
      tokenId: 'token-1',
      loginId: 'login-1',
    }))

  it('[TK5] is text', () => expect(accept({ ...ana, jti: 'x'.repeat(128) }).tokenId).toBe('x'.repeat(128)))

  it.each(noText.map((jti) => [jti]))('[TK5] is not %j', (jti) => {
    expect(refuse({ ...ana, jti })).toContain('claim jti must be text of 1 to 128')
  })
})

describe('the name', () => {
  it('[TK5] is text within its bound', () => {
    for (const name of ['Ana', ' ', '🔔', 'x'.repeat(nameLengthMax)])
      expect(accept({ ...ana, name }).name).toBe(name)
  })

  it.each(
    [null, '', 7, ['Ana'], {}, 'a\nb', 'a\u0000', '\u0085', '\udc00', 'x'.repeat(nameLengthMax + 1)].map(
      (name) => [name],
    ),
  )('[TK5] is not %j', (name) => {
    expect(refuse({ ...ana, name })).toBe(
      "token_invalid: The token's claim name must be text of 1 to 200 characters without control characters.",
    )
  })
})

describe.each(lists)('the list %s', (list) => {
  const sentence = `token_invalid: The token's claim ${list} must be a list of at most 200 entries, each text of 1 to 128 characters without control characters.`

  it('[TK5] holds what the token grants, in its order', () => {
    const entries = Array.from({ length: listEntriesMax }, (_, index) => `entry-${index}`).toReversed()
    expect(accept({ ...ana, [list]: entries })[list]).toEqual(entries)
    expect(accept({ ...ana, [list]: [] })[list]).toEqual([])
    for (const other of lists.filter((name) => name !== list))
      expect(accept({ ...ana, [list]: ['a'] })[other]).toEqual([])
  })

  it('[TK5] has a bound, and more is refused', () => {
    const entries = Array.from({ length: listEntriesMax + 1 }, (_, index) => `entry-${index}`)
    expect(refuse({ ...ana, [list]: entries })).toBe(sentence)
  })

  it.each([[null], ['admin'], ['a b'], [7], [true], [{}], [{ 0: 'a', length: 1 }]])(
    '[TK5] is not %j',
    (value) => expect(refuse({ ...ana, [list]: value })).toBe(sentence),
  )

  it.each(noText.map((entry) => [entry]))('[TK5] holds no %j', (entry) => {
    expect(refuse({ ...ana, [list]: ['a', entry] })).toBe(sentence)
  })
})

describe('time', () => {
  const times = ['exp', 'nbf', 'iat']

  it('[TK3] ends a token at its exp, and 5 s later where clocks differ', () => {
    const clock = createTestClock()
    const token = signToken({ claims: { sub: 'ana', exp: atSeconds + 60 } })
    const verifier = testVerifier({ now: clock.now })
    clock.advance(64_999)
    expect(verifyAtOnce(verifier, token).expiresAtMs).toBe((atSeconds + 60) * 1_000)
    clock.advance(1)
    expect(refusalAtOnce(verifier, token)).toMatchObject({
      code: 'token_expired',
      message: 'The token has expired. Get a new one.',
    })
  })

  it.each([0, 1, 30])('[TK3] may differ by %i s', (clockToleranceSeconds) => {
    const clock = createTestClock()
    const verifier = testVerifier({ now: clock.now, clockToleranceSeconds })
    const ending = signToken({ claims: { sub: 'ana', exp: atSeconds + 60 } })
    const beginning = signToken({ claims: { sub: 'ana', nbf: atSeconds + 60 } })
    clock.advance((60 - clockToleranceSeconds) * 1_000 - 1)
    expect(refusalAtOnce(verifier, beginning)).toMatchObject({ code: 'token_invalid' })
    clock.advance(1)
    verifyAtOnce(verifier, beginning)
    clock.advance(2 * clockToleranceSeconds * 1_000 - 1)
    if (clockToleranceSeconds > 0) verifyAtOnce(verifier, ending)
    clock.advance(1)
    expect(refusalAtOnce(verifier, ending)).toMatchObject({ code: 'token_expired' })
  })

  it('[TK3] begins a token at its nbf, and 5 s before where clocks differ', () => {
    const clock = createTestClock()
    const token = signToken({ claims: { sub: 'ana', nbf: atSeconds + 60 } })
    const verifier = testVerifier({ now: clock.now })
    clock.advance(54_999)
    expect(refusalAtOnce(verifier, token).message).toBe('The token is not valid yet (claim nbf).')
    clock.advance(1)
    expect(verifyAtOnce(verifier, token).userId).toBe('ana')
  })

  it('may have parts of a second', () => {
    const clock = createTestClock()
    const token = signToken({ claims: { sub: 'ana', exp: atSeconds + 0.5, iat: atSeconds + 0.25 } })
    const verifier = testVerifier({ now: clock.now, clockToleranceSeconds: 0 })
    expect(verifyAtOnce(verifier, token)).toMatchObject({
      expiresAtMs: atSeconds * 1_000 + 500,
      issuedAtMs: atSeconds * 1_000 + 250,
    })
    clock.advance(499)
    verifyAtOnce(verifier, token)
    clock.advance(1)
    expect(refusalAtOnce(verifier, token).code).toBe('token_expired')
  })

  it('of issue is told, and refuses nothing', () => {
    for (const iat of [0, atSeconds - 1e6, atSeconds + 1e6])
      expect(accept({ sub: 'ana', iat }).issuedAtMs).toBe(iat * 1_000)
  })

  it('[TK3] is the least of what is wrong: who hears "expired" needs only a new token', () => {
    const old = { ...ana, exp: atSeconds - 60 }
    expect(refuse(old)).toMatch(/^token_expired/)
    expect(refuse({ ...old, exp: 0 })).toMatch(/^token_expired/)
    const worse = [{ sub: 7 }, { name: 7 }, { roles: 'a' }, { jti: 7 }, { iat: '1' }, { nbf: atSeconds + 60 }]
    for (const claim of worse) expect(refuse({ ...old, ...claim })).toMatch(/^token_invalid/)
    expect(refuse(old, { audience: 'x' })).toMatch(/^token_invalid/)
    expect(refuse(old, { issuer: 'x' })).toMatch(/^token_invalid/)
    expect(refusalAtOnce(testVerifier(), `${signToken({ claims: old })}A`).code).toBe('token_invalid')
  })

  it.each(
    times.flatMap((name) =>
      ['"1893456000"', 'null', 'true', '[1]', '{}', '-1', '-1e400'].map((value) => [name, value]),
    ),
  )('[TK5] %s is not %s', (name, value) => {
    expect(refuse(`{"sub":"ana","${name}":${value}}`)).toBe(
      `token_invalid: The token's claim ${name} must be a number of seconds since 1970.`,
    )
  })

  it.each(
    times.flatMap((name) =>
      ['1893456000000', '253402300800', '1e400', '1e300'].map((value) => [name, value]),
    ),
  )('[TK5] %s is not %s, which would be for ever', (name, value) => {
    expect(refuse(`{"sub":"ana","${name}":${value}}`)).toBe(
      `token_invalid: The token's claim ${name} must be a number of seconds since 1970, not of milliseconds.`,
    )
  })

  it('goes to the end of the year 9999', () => {
    expect(accept({ sub: 'ana', exp: 253_402_300_799 }).expiresAtMs).toBe(Date.UTC(10_000, 0, 1) - 1_000)
  })
})

describe('the audience', () => {
  const audience = 'https://belfry.example.com'
  const sentence = "token_invalid: The token's audience (claim aud) is not this server's."

  it.each([[audience], [[audience]], [['other', audience]], [[7, audience]]])(
    '[TK4] is asked for, and is %j',
    (aud) => expect(accept({ ...ana, aud }, { audience }).userId).toBe('ana'),
  )

  it.each([
    [undefined],
    [null],
    ['other'],
    [`${audience}/`],
    [audience.toUpperCase()],
    [`${audience} other`],
    [[]],
    [['other']],
    [[[audience]]],
    [{ [audience]: true }],
    [{ includes: audience }],
    [7],
    [true],
  ])('[TK4] is asked for, and is not %j', (aud) =>
    expect(refuse({ ...ana, aud }, { audience })).toBe(sentence),
  )

  it('does not matter where none is asked for', () => {
    for (const aud of [audience, ['other'], 7, null]) expect(accept({ ...ana, aud }).userId).toBe('ana')
  })
})

describe('the issuer', () => {
  const issuer = 'https://id.example.com/'

  it('[TK4] is asked for, and is the one', () =>
    expect(accept({ ...ana, iss: issuer }, { issuer }).userId).toBe('ana'))

  it.each([[undefined], [null], ['https://id.example.com'], [[issuer]], [{}], [''], [7]])(
    '[TK4] is asked for, and is not %j',
    (iss) =>
      expect(refuse({ ...ana, iss }, { issuer })).toBe(
        "token_invalid: The token's issuer (claim iss) is not the one that this server takes tokens from.",
      ),
  )

  it('does not matter where none is asked for', () => {
    for (const iss of [issuer, 7, null]) expect(accept({ ...ana, iss }).userId).toBe('ana')
  })
})

describe('words about a token', () => {
  it('[TK6] hold nothing of its claims', () => {
    const marker = 'hunter2'
    const wrong: object[] = [
      { sub: [marker] },
      { ...ana, name: `${marker}\n` },
      { ...ana, roles: marker },
      { ...ana, teams: [{ [marker]: marker }] },
      { ...ana, exp: marker },
      { ...ana, jti: [marker] },
      { ...ana, sub: marker, exp: 1 },
      { ...ana, sub: marker, nbf: atSeconds + 3_600 },
    ]
    for (const claims of wrong) expect(refuse(claims)).not.toContain(marker)
    const options = { audience: 'aud-of-this', issuer: 'iss-of-this' }
    for (const claims of [
      { ...ana, iss: marker },
      { ...ana, iss: options.issuer, aud: marker },
    ]) {
      const said = refuse(claims, options)
      expect(said).not.toContain(marker)
      // Nor what this server expects, which is nobody's business who has no token for it.
      expect(said).not.toContain('of-this')
    }
    for (const header of [{ alg: marker }, { alg: 'HS256', typ: marker }, { alg: 'HS256', crit: [marker] }])
      expect(refusalAtOnce(testVerifier(), signToken({ header })).message).not.toContain(marker)
  })
})
