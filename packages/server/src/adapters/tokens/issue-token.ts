/** Makes tokens (HS256), for trying a client and for applications that have no identity provider. */
import { Refusal } from '@belfry/contract'
import { readClaims } from './claims.ts'
import { tokenLengthMax } from './segments.ts'
import { secretKey, signature } from './shared-secret.ts'

export interface TokenClaims {
  /** Id of the user. */
  readonly sub: string
  readonly name?: string | undefined
  readonly workspaces?: readonly string[] | undefined
  readonly teams?: readonly string[] | undefined
  readonly roles?: readonly string[] | undefined
  readonly permissions?: readonly string[] | undefined
  readonly aud?: string | readonly string[] | undefined
  readonly iss?: string | undefined
  readonly jti?: string | undefined
  /** Id of the login that the token belongs to. */
  readonly sid?: string | undefined
}

export interface IssueOptions {
  readonly secret: string
  readonly claims: TokenClaims
  readonly expiresInSeconds: number
  /** Milliseconds since 1970. */
  now(): number
}

/** Throws a `Refusal` where a verifier would refuse what was asked for. */
export function issueToken({ secret, claims, expiresInSeconds, now }: IssueOptions): string {
  // To the millisecond: a token that is made just after a revocation is not taken for one that was made before.
  const iat = now() / 1_000
  const payload = segment({ ...claims, iat, exp: Math.floor(iat) + expiresInSeconds })
  readClaims(payload, { audience: undefined, issuer: undefined, clockToleranceMs: 0 }, now())
  const signed = `${header}.${payload}`
  const token = `${signed}.${signature(secretKey(secret), signed)}`
  if (token.length > tokenLengthMax) {
    throw new Refusal('token_invalid', `The token would be longer than ${tokenLengthMax} characters.`)
  }
  return token
}

const header = segment({ alg: 'HS256', typ: 'JWT' })

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
