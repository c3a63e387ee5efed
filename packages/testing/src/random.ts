/** Numbers that come again with the same seed, so that a failed run can be repeated. */

/** From 0 up to, and without, 1. */
export type Random = () => number

/** mulberry32: 32 bits of state, and every part of a run can have a generator of its own. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Another seed for each number: what one line does is the same whatever number of others there is. */
export const seedOf = (seed: number, number: number): number =>
  Math.imul(seed ^ Math.imul(number + 1, 0x9e3779b1), 0x85ebca6b) | 0

export function between(random: Random, least: number, most: number): number {
  return least + random() * (most - least)
}
