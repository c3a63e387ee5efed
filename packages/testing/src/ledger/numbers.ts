/** Whole numbers in their order: as dense as memory allows, for the millions that a long run makes. */
export class Numbers {
  #values: Int32Array
  #length = 0

  constructor(capacity = 16) {
    this.#values = new Int32Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  add(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Int32Array(this.#values.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#length] = value
    this.#length += 1
  }

  at(index: number): number {
    return this.#values[index] ?? 0
  }

  /** Of numbers that grow: how many are below `value`. */
  countBelow(value: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.at(middle) < value) low = middle + 1
      else high = middle
    }
    return low
  }
}
