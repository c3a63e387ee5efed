/** Numbers that look random and are the same for the same seed (mulberry32): an example must not change by itself. */
export type Random = () => number

/** From 0, included, to 1, excluded. Any number is a seed. */
export function seededRandom(seed: number): Random {
  let state = Math.trunc(seed) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Both ends included. */
export function integerBetween(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1))
}

export function oneOf<Item>(random: Random, items: readonly [Item, ...Item[]]): Item
export function oneOf<Item>(random: Random, items: readonly Item[]): Item | undefined
export function oneOf<Item>(random: Random, items: readonly Item[]): Item | undefined {
  return items[Math.floor(random() * items.length)]
}
