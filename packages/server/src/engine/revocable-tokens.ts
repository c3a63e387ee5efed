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
