/** A token counts as long as nobody took it back: for sockets and REST alike. */
import { Refusal } from '@belfry/contract'
import type { Revocation, Revocations } from './ports/revocations.ts'
import type { Principal, TokenVerifier } from './ports/token-verifier.ts'

export function refusingRevoked(verifier: TokenVerifier, revocations: Revocations): TokenVerifier {
  const unlessRevoked = (principal: Principal): Principal => {
    if (revocations.isRevoked(principal)) throw new Refusal('token_revoked')
    return principal
  }
  return {
    verify(token) {
      const found = verifier.verify(token)
      return found instanceof Promise ? found.then(unlessRevoked) : unlessRevoked(found)
    },
  }
}

/** Clocks differ by seconds, and sockets have their grace. */
export const revocationMarginMs = 60_000

/**
 * What a logout takes back: the login of this token, or the token where it has none; nothing can be named where it has
 * neither. `unknownLifeMs`: for how long that is remembered where nobody knows when the last token expires.
 */
export function revocationOfLogout(
  principal: Principal,
  nowMs: number,
  unknownLifeMs: number,
): Revocation | undefined {
  const { loginId, tokenId } = principal
  const keptUntilMs = (lastExpiryMs(principal, nowMs) ?? nowMs + unknownLifeMs) + revocationMarginMs
  if (loginId !== undefined) return { kind: 'login', id: loginId, keptUntilMs }
  return tokenId === undefined ? undefined : { kind: 'token', id: tokenId, keptUntilMs }
}

/**
 * When the last token of this one's login expires: one that was issued just now, and lives as long as this one did.
 * `undefined` where that cannot be known.
 */
function lastExpiryMs({ loginId, issuedAtMs, expiresAtMs }: Principal, nowMs: number): number | undefined {
  if (expiresAtMs === undefined || loginId === undefined) return expiresAtMs
  return issuedAtMs === undefined ? undefined : Math.max(expiresAtMs, nowMs + expiresAtMs - issuedAtMs)
}
