/** Tokens that Belfry makes: every library reads them, and a verifier of ours takes each that is made. */
import { Refusal } from '@belfry/contract'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { type IssueOptions, issueToken, type TokenClaims } from './issue-token.ts'
import { tokenLengthMax } from './segments.ts'
import { atSeconds, refusalAtOnce, testSecret, testVerifier, verifyAtOnce } from './testing/tokens.ts'

const { now } = createTestClock()
const issue = (claims: TokenClaims, options: Partial<IssueOptions> = {}) =>
  issueToken({ secret: testSecret, claims, expiresInSeconds: 3_600, now, ...options })

describe('a token that is issued', () => {
  it('is read by jose', async () => {
    const claims = {
      sub: 'ana',
      name: 'Ana 東京 🔔',
      workspaces: ['acme'],
      teams: ['red'],
      roles: ['admin'],
      permissions: ['post:write'],
      aud: ['belfry', 'other'],
      iss: 'https://id.example.com',
      jti: 'token-1',
    }
    const token = issue(claims)
    const { payload } = await jwtVerify(token, new TextEncoder().encode(testSecret), {
      algorithms: ['HS256'],
      audience: 'belfry',
      issuer: 'https://id.example.com',
      typ: 'JWT',
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'iat'],
    })
    expect(payload).toEqual({ ...claims, iat: atSeconds, exp: atSeconds + 3_600 })
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'JWT' })
  })

  it('is taken by a verifier, which finds what was put in', () => {
    const principal = verifyAtOnce(
      testVerifier({ audience: 'belfry', issuer: 'us' }),
      issue({
        sub: 'ana',
        name: 'Ana',
        workspaces: ['acme'],
        roles: ['admin'],
        aud: 'belfry',
        iss: 'us',
        jti: '7',
      }),
    )
    expect(principal).toEqual({
      userId: 'ana',
      name: 'Ana',
      workspaces: ['acme'],
      teams: [],
      roles: ['admin'],
      permissions: [],
      expiresAtMs: (atSeconds + 3_600) * 1_000,
      issuedAtMs: atSeconds * 1_000,
      tokenId: '7',
      loginId: undefined,
    })
  })

  it('lives from the second it was made in, for as long as it was asked to', () => {
    const clock = createTestClock()
    clock.advance(999)
    const verifier = testVerifier({ now: clock.now, clockToleranceSeconds: 0 })
    const token = issue({ sub: 'ana' }, { now: clock.now, expiresInSeconds: 2 })
    clock.advance(1_000)
    expect(verifyAtOnce(verifier, token)).toMatchObject({ issuedAtMs: atSeconds * 1_000 + 999 })
    clock.advance(1)
    expect(refusalAtOnce(verifier, token).code).toBe('token_expired')
  })

  it('has no claim that was left away', () => {
    const [, payload = ''] = issue({ sub: 'ana', name: undefined, aud: undefined }).split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toEqual({
      sub: 'ana',
      iat: atSeconds,
      exp: atSeconds + 3_600,
    })
  })

  it.each<[TokenClaims, string]>([
    [{ sub: '' }, 'claim sub'],
    [{ sub: 'a\nb' }, 'claim sub'],
    [{ sub: 'ana', name: 'x'.repeat(201) }, 'claim name'],
    [{ sub: 'ana', roles: [''] }, 'claim roles'],
    [{ sub: 'ana', teams: Array.from({ length: 201 }, () => 'a') }, 'claim teams'],
    [{ sub: 'ana', jti: '' }, 'claim jti'],
  ])('is not made of what a verifier would refuse: case %#', (claims, sentence) => {
    expect(() => issue(claims)).toThrow(Refusal)
    expect(() => issue(claims)).toThrow(sentence)
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e12])(
    'does not live for %d s',
    (expiresInSeconds) => {
      expect(() => issue({ sub: 'ana' }, { expiresInSeconds })).toThrow(Refusal)
    },
  )

  it('is never longer than a verifier takes', () => {
    const workspaces = (count: number) => Array.from({ length: count }, () => 'x'.repeat(100))
    let count = 1
    while (issue({ sub: 'ana', workspaces: workspaces(count) }).length < tokenLengthMax - 138) count++
    const token = issue({ sub: 'ana', workspaces: workspaces(count) })
    expect(verifyAtOnce(testVerifier(), token).workspaces).toHaveLength(count)
    expect(() => issue({ sub: 'ana', workspaces: workspaces(count + 1) })).toThrow(
      'The token would be longer than 8192 characters.',
    )
  })

  it('is not made with a secret that could be guessed, or that everybody may know', () => {
    expect(() => issue({ sub: 'ana' }, { secret: 'x'.repeat(31) })).toThrow(TypeError)
    const pem = `-----BEGIN PUBLIC KEY-----\n${'AAAA'.repeat(20)}\n-----END PUBLIC KEY-----\n`
    expect(() => issue({ sub: 'ana' }, { secret: pem })).toThrow(TypeError)
  })
})
