/** The second segment of a token, once its signature is known to be right: what it claims, read strictly. */
import { hash } from 'node:crypto'
import { type Id, idLengthMax, parseId, Refusal } from '@belfry/contract'
import type { Principal } from '../../engine/ports/token-verifier.ts'
import { objectIn, ownValue } from './segments.ts'

export interface ClaimRules {
  /** Must be in `aud`. */
  readonly audience: string | undefined
  /** Must be `iss`. */
  readonly issuer: string | undefined
  /** How far the clock of who issued a token may be from ours. */
  readonly clockToleranceMs: number
}

export function readClaims(segment: string, rules: ClaimRules, nowMs: number): Principal {
  const claims = objectIn(segment)
  if (claims === undefined) {
    throw refused('The second part of the token holds no claims: a JSON object in base64url.')
  }
  const { audience, issuer } = rules
  if (issuer !== undefined && ownValue(claims, 'iss') !== issuer) {
    throw refused("The token's issuer (claim iss) is not the one that this server takes tokens from.")
  }
  if (audience !== undefined && !isMeantFor(audience, ownValue(claims, 'aud'))) {
    throw refused("The token's audience (claim aud) is not this server's.")
  }
  const principal = principalOf(claims, rules, nowMs)
  if (principal.tokenId !== undefined || principal.loginId !== undefined) return principal
  // Of the claims and not of the token: one text may have two right signatures.
  return { ...principal, tokenId: `claims-${hash('sha256', segment, 'base64url').slice(0, 22)}` }
}

/** Who it is that these claims describe, whoever vouches for them. */
export function principalOf(
  claims: object,
  { clockToleranceMs }: Pick<ClaimRules, 'clockToleranceMs'>,
  nowMs: number,
): Principal {
  const principal: Principal = {
    userId: readId(claims, 'sub') ?? missingSubject(),
    name: readName(claims),
    workspaces: readList(claims, 'workspaces'),
    teams: readList(claims, 'teams'),
    roles: readList(claims, 'roles'),
    permissions: readList(claims, 'permissions'),
    expiresAtMs: readMs(claims, 'exp'),
    issuedAtMs: readMs(claims, 'iat'),
    tokenId: readId(claims, 'jti'),
    loginId: readId(claims, 'sid'),
  }
  const notBeforeMs = readMs(claims, 'nbf')
  if (notBeforeMs !== undefined && nowMs < notBeforeMs - clockToleranceMs) {
    throw refused('The token is not valid yet (claim nbf).')
  }
  // Last, so that "expired" tells a client that a new token will do.
  if (principal.expiresAtMs !== undefined && nowMs >= principal.expiresAtMs + clockToleranceMs) {
    throw new Refusal('token_expired')
  }
  return principal
}

/** Entries of one list, at most: a token names where somebody belongs, not all there is. More are refused. */
export const listEntriesMax = 200
/** Characters of a name, at most: it travels with presence. A longer one is refused, not cut. */
export const nameLengthMax = 200

/** The last second of the year 9999. Times in milliseconds lie beyond it, and would make a token for ever. */
const secondsMax = 253_402_300_799

const idWords = `text of 1 to ${idLengthMax} characters without control characters`

function isMeantFor(audience: string, claimed: unknown): boolean {
  return claimed === audience || (Array.isArray(claimed) && claimed.includes(audience))
}

function missingSubject(): never {
  throw refused('The token does not say whose it is: the claim sub is missing.')
}

function readId<Kind extends string>(claims: object, name: string): Id<Kind> | undefined {
  const value = ownValue(claims, name)
  if (value === undefined) return undefined
  return parseText(value) ?? fail(name, idWords)
}

function readName(claims: object): string | undefined {
  const value = ownValue(claims, 'name')
  if (value === undefined) return undefined
  const fits = typeof value === 'string' && value.length > 0 && value.length <= nameLengthMax
  if (fits && value.isWellFormed() && !/\p{Cc}/u.test(value)) return value
  return fail('name', `text of 1 to ${nameLengthMax} characters without control characters`)
}

/** One for all principals: most have no teams, roles or permissions. */
const none: readonly never[] = []

function readList<Kind extends string>(claims: object, name: string): readonly Id<Kind>[] {
  const value = ownValue(claims, name)
  if (value === undefined) return none
  if (!Array.isArray(value) || value.length > listEntriesMax) return failList(name)
  return value.map((entry: unknown) => parseText<Kind>(entry) ?? failList(name))
}

function readMs(claims: object, name: string): number | undefined {
  const value = ownValue(claims, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' || value < 0) return fail(name, 'a number of seconds since 1970')
  if (value > secondsMax) return fail(name, 'a number of seconds since 1970, not of milliseconds')
  return Math.round(value * 1_000)
}

/** Half a surrogate pair is no text: it could be neither stored nor sent as UTF-8. */
function parseText<Kind extends string>(value: unknown): Id<Kind> | undefined {
  const text = parseId<Kind>(value)
  return text?.isWellFormed() ? text : undefined
}

function failList(name: string): never {
  return fail(name, `a list of at most ${listEntriesMax} entries, each ${idWords}`)
}

function fail(name: string, expected: string): never {
  throw refused(`The token's claim ${name} must be ${expected}.`)
}

function refused(detail: string): Refusal {
  return new Refusal('token_invalid', detail)
}
