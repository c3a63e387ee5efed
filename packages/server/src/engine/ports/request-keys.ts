/**
 * Requests that may come twice and are to take effect once. Whoever sends one gives it a key, which is stored in the
 * transaction of what the request does: both are there afterwards, or neither.
 *
 * RK1  Of claims with the same purpose, sender and key, one is `new`. The others wait until its transaction has ended,
 *      and are `repeated` then, with the answer that was stored: also in the same call, and after a crash.
 * RK2  One whose request is another than that of the key is `reused`.
 * RK3  The key of a transaction that was rolled back is free.
 * RK4  Keys of other senders, and for other purposes, are other keys.
 * RK5  A key is known for `keptMs`, at least.
 */
import type { Transaction } from './database.ts'

export interface KeyClaim<Answer> {
  /** What the request is for, such as `notifications`. */
  readonly purpose: string
  /** Whose key it is: nobody finds out, or blocks, the keys of others. */
  readonly sender: string
  readonly key: string
  /** What is compared, by its JSON. */
  readonly request: unknown
  /** What those get who come later: known before anything is done. */
  readonly answer: Answer
}

export type ClaimedKey<Answer> =
  | { readonly outcome: 'new' }
  | { readonly outcome: 'repeated'; readonly answer: Answer }
  | { readonly outcome: 'reused' }

export interface RequestKeys {
  /** An outcome for each claim, in their order. */
  claim<Answer>(
    transaction: Transaction,
    claims: readonly KeyClaim<Answer>[],
  ): Promise<readonly ClaimedKey<Answer>[]>
  /** Longer than any program tries again. */
  readonly keptMs: number
}
