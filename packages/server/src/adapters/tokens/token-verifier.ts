/**
 * Checks tokens: those of the shared secret at once, in 4 µs each, and those of public keys by `jose`, in 0.1 ms
 * each, of which the event loop has 0.01.
 */
import { Refusal } from '@belfry/contract'
import { clockToleranceMs, type Principal, type TokenVerifier } from '../../engine/ports/token-verifier.ts'
import { type ClaimRules, readClaims } from './claims.ts'
import { readHeader, type TokenHeader } from './header.ts'
import type { KeySet } from './key-set.ts'
import { asymmetricAlgorithms, isSignedByOneOf, type PublicKey, parsePublicKeys } from './public-keys.ts'
import { isBase64url, splitToken } from './segments.ts'
import { isSignature, secretKey, signatureLength } from './shared-secret.ts'

export interface TokenVerifierOptions {
  /** Checks HS256; 32 bytes or more. */
  readonly secret?: string | undefined
  /** What signed tokens before `secret`, and is taken as well until the last of them has expired. */
  readonly previousSecret?: string | undefined
  /** One or several in PEM, which check RS*, PS*, ES* and EdDSA. */
  readonly publicKeys?: string | undefined
  /** Further keys of that kind, which are fetched. */
  readonly keySet?: KeySet | undefined
  /** Must be among the audiences of a token; without it, every audience is taken. */
  readonly audience?: string | undefined
  /** Must be the issuer of a token; without it, every issuer is taken. */
  readonly issuer?: string | undefined
  /** Milliseconds since 1970. */
  now(): number
  /** How far the clock of who issued a token may be from ours. */
  readonly clockToleranceSeconds?: number | undefined
}

/** Throws a `TypeError` where the keys are none that could be used. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { secret, keySet, audience, issuer, clockToleranceSeconds = clockToleranceMs / 1_000 } = options
  const key = secret === undefined ? undefined : secretKey(secret)
  const publicKeys = options.publicKeys === undefined ? [] : usableKeys(options.publicKeys)
  const previousKey = options.previousSecret === undefined ? undefined : secretKey(options.previousSecret)
  if (key === undefined && publicKeys.length === 0 && keySet === undefined) {
    throw new TypeError('Tokens are checked with a secret, with public keys or with both: give one of them.')
  }
  const rules: ClaimRules = { audience, issuer, clockToleranceMs: clockToleranceSeconds * 1_000 }
  const algorithms = new Set([
    ...(key === undefined ? [] : ['HS256']),
    ...publicKeys.flatMap((publicKey) => publicKey.algorithms),
    ...(keySet === undefined ? [] : asymmetricAlgorithms),
  ])
  const knownHeaders = createKnownHeaders()

  const verifyByPublicKeys = async (
    token: string,
    { algorithm, keyId }: TokenHeader,
    payload: string,
  ): Promise<Principal> => {
    const own = publicKeys.filter((publicKey) => publicKey.algorithms.includes(algorithm))
    if (await isSignedByOneOf(own, algorithm, token)) return readClaims(payload, rules, options.now())
    if (keySet === undefined) throw wrongSignature()
    const fetched = await keySet.keysFor(keyId, algorithm)
    if (fetched === 'unavailable') throw new Refusal('keys_unavailable')
    if (fetched.length === 0) throw refused('The key that signed the token (header kid) is not known here.')
    if (!(await isSignedByOneOf(fetched, algorithm, token))) throw wrongSignature()
    return readClaims(payload, rules, options.now())
  }
  const isSignedBySecret = (given: string, signed: string): boolean =>
    (key !== undefined && isSignature(given, key, signed)) ||
    (previousKey !== undefined && isSignature(given, previousKey, signed))

  return {
    verify(token) {
      const { header, payload, signature, signed } = splitToken(token)
      const named = knownHeaders.has(header) ? plainHeader : readHeader(header)
      const { algorithm } = named
      if (!algorithms.has(algorithm)) {
        throw refused(`The token must be signed with ${[...algorithms].join(', ')} (header alg).`)
      }
      if (algorithm !== 'HS256' || key === undefined) {
        // One spelling here as well; `jose` would take others.
        if (!isBase64url(signature)) throw refused('The third part of the token is not base64url.')
        return verifyByPublicKeys(`${signed}.${signature}`, named, payload)
      }
      if (signature.length !== signatureLength) {
        throw refused("The token's signature has not the length of one: something was cut off or added.")
      }
      if (!isSignedBySecret(signature, signed)) throw wrongSignature()
      knownHeaders.add(header)
      return readClaims(payload, rules, options.now())
    },
  }
}

function usableKeys(pem: string): readonly PublicKey[] {
  const parsed = parsePublicKeys(pem)
  if ('mistake' in parsed) throw new TypeError(`The text of the public keys ${parsed.mistake}.`)
  return parsed.keys
}

const plainHeader: TokenHeader = { algorithm: 'HS256', keyId: undefined }

/** Nearly all tokens of an issuer have the same header. When there are too many, they are all forgotten. */
const knownHeadersMax = 16

/**
 * Headers that were read before and are fine, for HS256. Only of tokens with a right signature, so that nobody
 * else can fill it.
 */
function createKnownHeaders() {
  const headers = new Set<string>()
  return {
    has: (header: string) => headers.has(header),
    add(header: string) {
      if (headers.has(header)) return
      if (headers.size >= knownHeadersMax) headers.clear()
      headers.add(header)
    },
  }
}

function wrongSignature(): Refusal {
  return refused("The token's signature is not right: another key made it, or the token was changed.")
}

function refused(detail: string): Refusal {
  return new Refusal('token_invalid', detail)
}
