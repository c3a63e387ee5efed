/**
 * Claims that expire by themselves, for work that one node does at a time: a relay, a sweep, a node's own
 * life.
 *
 * LE1  A name has at most one holder at a time. While it is held, everybody else is refused, and so is
 *      whoever calls himself by the same holder's name: two parts of one node are two.
 * LE2  A lease is held until `expiresAtMs`, and not at that moment any more. What a holder does may take
 *      longer than it thinks, so what it writes carries the token.
 * LE3  Tokens of a name grow with every lease of it, also after it was released or has expired, so that
 *      whoever keeps the highest one he saw can tell a holder that is late. Renewing keeps the token.
 * LE4  `renew` makes a lease hold for `ttlMs` from now on. One that is renewed in time goes to nobody else.
 * LE5  `release` ends a lease at once; the next one may be had in the same moment.
 * LE6  A lost lease is lost: expired, even if nobody has it now, released, or gone to somebody else, it is
 *      neither renewed nor released, and the lease of another is not touched by the attempt.
 * LE7  Names are independent of each other.
 */
export interface Leases {
  /** `undefined` while somebody holds it. */
  acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined>
  /** The same lease with a later end; `undefined` when it is lost. */
  renew(lease: Lease, ttlMs: number): Promise<Lease | undefined>
  /** False when it was lost before. */
  release(lease: Lease): Promise<boolean>
}

export interface Lease {
  readonly name: string
  /** For people who look; it gives no right. */
  readonly holder: string
  readonly token: number
  readonly expiresAtMs: number
}

/** A lease of no time, or of a time that is no number, would be none, or never end. */
export function checkTtl(ttlMs: number): void {
  if (!(ttlMs > 0) || ttlMs === Number.POSITIVE_INFINITY)
    throw new RangeError('A lease holds for some milliseconds, and not for ever.')
}
