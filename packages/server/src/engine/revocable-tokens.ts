/** A token counts as long as nobody took it back: for sockets and REST alike. */
import { Refusal } from '@belfry/contract'
import type { Revocations } from './ports/revocations.ts'
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

/**
 * When the last token of this one's login expires: one that was issued just now, and lives as long as this one did.
 * `undefined` where that cannot be known.
 */
export function lastExpiryMs(
  { loginId, issuedAtMs, expiresAtMs }: Principal,
  nowMs: number,
): number | undefined {
  if (expiresAtMs === undefined || loginId === undefined) return expiresAtMs
  return issuedAtMs === undefined ? undefined : Math.max(expiresAtMs, nowMs + expiresAtMs - issuedAtMs)
}
