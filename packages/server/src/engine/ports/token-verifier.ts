import type { TeamId, UserId, WorkspaceId } from '@belfry/contract'

/** Who a token speaks for, and what it grants. */
export interface Principal {
  /** Claim `sub`. */
  readonly userId: UserId
  readonly name: string | undefined
  readonly workspaces: readonly WorkspaceId[]
  readonly teams: readonly TeamId[]
  /** `admin` is the operator role. */
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  /** Claim `exp`. For the seconds that clocks may differ, a token is accepted beyond it. */
  readonly expiresAtMs: number | undefined
  /** Claim `iat`. */
  readonly issuedAtMs: number | undefined
  /** Claim `jti`; where a token has neither that nor a login, a fingerprint of its claims. */
  readonly tokenId: string | undefined
  /** Claim `sid`: what somebody began by signing in, and all tokens that were renewed since belong to. */
  readonly loginId: string | undefined
}

/**
 * Checks the token that a client brings, a JSON Web Token, and says who it speaks for.
 *
 * TK1  A principal comes only from a header and claims that a key of ours signed, exactly as they are: nothing
 *      that was changed passes for them, and nothing that spells the same bytes in another way. Know a token by
 *      its `tokenId`, never by its text: ES256 and its like have two signatures for the same text.
 * TK2  The keys say which algorithms there are, never the token: `none` is none of them, and a public key is
 *      never taken for a secret.
 * TK3  A token is accepted before its `exp` and from its `nbf` on, give or take the seconds that clocks may
 *      differ. `token_expired` means that nothing else is wrong with it: a new one will do.
 * TK4  Where an audience or an issuer is asked for, a token without it is refused.
 * TK5  A claim that is there has its type and its bounds, or the token is refused. Claims that `Principal` does
 *      not name are dropped, and nothing that a token names becomes a key of an object.
 * TK6  Whatever it is given, it refuses with a `Refusal` (`token_missing`, `token_invalid`, `token_expired`,
 *      `token_revoked`, `keys_unavailable`), whose sentence helps a developer and holds nothing of the token.
 * TK7  A token that is signed with the shared secret (HS256) is answered in the same turn, by a principal or a
 *      throw: a storm of connects must not wait on promises. Others may be answered by a promise.
 * TK8  Where keys are fetched, a new one is in force without a restart, and one that was taken away no longer. While
 *      they cannot be fetched, those that are known go on to count; `keys_unavailable` means that a later fetch
 *      may show the key of this token. Whoever sends tokens cannot make it fetch more often than its own pace.
 */
export interface TokenVerifier {
  verify(token: unknown): Principal | Promise<Principal>
}

/** How far the clock of who issued a token may be from ours (TK3). */
export const clockToleranceMs = 5_000
