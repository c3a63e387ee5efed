/** Tokens as a test wants them, right and wrong, and what is said of those that are refused. */
import { createHmac } from 'node:crypto'
import { Refusal } from '@belfry/contract'
import { expect } from 'vitest'
import type { Principal, TokenVerifier } from '../../../engine/ports/token-verifier.ts'
import { createTestClock } from '../../../engine/testing/test-clock.ts'
import { createTokenVerifier, type TokenVerifierOptions } from '../token-verifier.ts'

export const testSecret = 'a secret of the tests, of more than 32 bytes'

/** The moment at which the tests happen, in seconds, as claims have it. */
export const atSeconds = Date.UTC(2030, 0, 1) / 1_000

export const ana = { sub: 'ana', iat: atSeconds, exp: atSeconds + 3_600 }

export interface TokenParts {
  /** As text, it is taken as it is. */
  readonly header?: object | string
  readonly claims?: object | string
  readonly secret?: string
}

/** Signed with HMAC and SHA-256, whatever the header says. */
export function signToken({
  header = { alg: 'HS256', typ: 'JWT' },
  claims = ana,
  secret = testSecret,
}: TokenParts = {}): string {
  return sealToken(`${encodePart(header)}.${encodePart(claims)}`, secret)
}

export function sealToken(signed: string, secret = testSecret): string {
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

export function encodePart(part: object | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

/** A verifier at the moment of the tests, with the secret of the tests unless there are public keys. */
export function testVerifier(options: Partial<TokenVerifierOptions> = {}): TokenVerifier {
  const secret = options.publicKeys === undefined ? testSecret : undefined
  return createTokenVerifier({ secret, now: createTestClock().now, ...options })
}

/** What a token gets that is answered in the same turn. */
export function verifyAtOnce(verifier: TokenVerifier, token: unknown): Principal {
  const answer = verifier.verify(token)
  if (answer instanceof Promise) throw new Error('The answer is a promise.')
  return answer
}

/** Why a token is refused, at once or later; fails where it is accepted, or where the words hold some of it. */
export async function refusalOf(verifier: TokenVerifier, token: unknown): Promise<Refusal> {
  const refusal = await (async () => verifier.verify(token))().then(
    () => expect.fail(`This token was accepted: ${String(token)}`),
    (error: unknown) => error,
  )
  if (!(refusal instanceof Refusal)) throw refusal
  expectNothingOf(token, refusal)
  return refusal
}

/** For what has to be refused in the same turn. */
export function refusalAtOnce(verifier: TokenVerifier, token: unknown): Refusal {
  try {
    verifier.verify(token)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    expectNothingOf(token, error)
    return error
  }
  throw new Error(`This token was not refused at once: ${String(token)}`)
}

/** Whatever a log or an answer could show of it. */
function expectNothingOf(token: unknown, refusal: Refusal): void {
  if (typeof token !== 'string') return
  const shown = [refusal.message, JSON.stringify(refusal), String(refusal.cause)].join('\n')
  // Shorter pieces could be words of the sentence by chance.
  for (let at = 0; at + pieceLength <= token.length; at++)
    if (shown.includes(token.slice(at, at + pieceLength))) throw new Error(`The refusal quotes: ${shown}`)
}
const pieceLength = 10

/** The same numbers for the same seed (mulberry32), from 0 up to and without 1. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
