/** Numbers that come again with the same seed (mulberry32), so that a failed run can be repeated. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 up to, and without, `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end)
  }

  /** True in so many of a hundred cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  oneOf<Value>(values: readonly Value[]): Value {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new Error('There is nothing to choose from.')
    return value
  }

  /** So many of them, at most, each once. */
  someOf<Value>(values: readonly Value[], max: number): Value[] {
    const rest = [...values]
    const count = Math.min(this.below(max + 1), rest.length)
    return Array.from({ length: count }, () => rest.splice(this.below(rest.length), 1)).flat()
  }
}
