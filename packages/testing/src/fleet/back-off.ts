/** How long a stock client waits before it tries again: twice as long each time, spread by chance, up to a bound. */
import type { Random } from '../random.ts'

export interface BackOffOptions {
  /** 1,000 in a stock client. */
  readonly firstMs: number
  /** 5,000. */
  readonly lastMs: number
  /** A wait is so much shorter or longer, at most: 0.5. */
  readonly jitter: number
}

export const stockBackOff: BackOffOptions = { firstMs: 1_000, lastMs: 5_000, jitter: 0.5 }

/** `tries`: attempts that were made since the line broke. */
export function waitMs({ firstMs, lastMs, jitter }: BackOffOptions, tries: number, random: Random): number {
  const ms = firstMs * 2 ** Math.min(tries, 30)
  const dice = random()
  const deviation = Math.floor(dice * jitter * ms)
  // As in the stock client: the same dice says how far, and in which direction.
  const isShorter = (Math.floor(dice * 10) & 1) === 0
  return Math.floor(Math.min(isShorter ? ms - deviation : ms + deviation, lastMs))
}
