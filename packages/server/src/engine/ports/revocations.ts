/**
 * What was taken back before its time: a token, a login with all its tokens, or all that was issued before a moment,
 * to a user or to everybody.
 *
 * RV1  From the moment that `revoke` resolves, `isRevoked` is true of what it names: here at once, on other nodes and in
 *      other processes within a second. With a transaction, from the moment of its commit, and never without it.
 * RV2  It stays so over restarts of whoever looks, as long as `keptUntilMs` has not passed: also of what was revoked
 *      while nobody looked.
 * RV3  `isRevoked` answers at once, from memory, and as before while the store is away.
 * RV4  Listeners hear of each revocation once on each node, after it is in force. What is repeated and says nothing new
 *      they do not hear of again.
 * RV5  Of two revocations of the same thing, the one that takes more back holds: a later moment, a longer time.
 * RV6  What was issued at a moment or after it is not revoked by what was issued before it. A token that does not say
 *      when it was issued was issued before everything.
 * RV7  What has passed `keptUntilMs` is forgotten, at some time after it. Where too many are kept, `revoke` refuses with
 *      `too_many_requests`: what cannot be kept is not said to be done.
 */
import type { Transaction } from './database.ts'
import type { Principal } from './token-verifier.ts'

export type Revocation =
  | { readonly kind: 'token'; readonly id: string; readonly keptUntilMs: number }
  | { readonly kind: 'login'; readonly id: string; readonly keptUntilMs: number }
  | {
      readonly kind: 'user'
      readonly id: string
      readonly issuedBeforeMs: number
      readonly keptUntilMs: number
    }
  | { readonly kind: 'everyone'; readonly issuedBeforeMs: number; readonly keptUntilMs: number }

/** What a revocation is compared with. */
export type Credential = Pick<Principal, 'userId' | 'tokenId' | 'loginId' | 'issuedAtMs'>

export interface Revocations {
  isRevoked(credential: Credential): boolean
  revoke(revocation: Revocation, transaction?: Transaction): Promise<void>
  /** Until the returned function is called. */
  subscribe(listener: (revocations: readonly Revocation[]) => void): () => void
  /** Of those that are kept. */
  readonly size: number
}

/** Each takes about 100 bytes in the memory of every node, and goes when the tokens it concerns have expired. */
export const revocationsMax = 200_000
