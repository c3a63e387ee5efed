/** Times in buckets that grow by 2 %, so that a million of them cost nothing to keep. */
export class Histogram {
  readonly #counts = new Float64Array(bucketCount)
  #total = 0

  get total(): number {
    return this.#total
  }

  add(micros: number): void {
    const bucket = micros <= 1 ? 0 : Math.min(bucketCount - 1, Math.ceil(Math.log(micros) / logOfGrowth))
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#total += 1
  }

  /** `share` 0.99: the milliseconds that 99 of a hundred stay within. */
  milliseconds(share: number): number {
    let left = Math.ceil(this.#total * share)
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0) return growth ** bucket / 1_000
    }
    return Number.NaN
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
  }
}

const growth = 1.02
const logOfGrowth = Math.log(growth)
/** Up to a minute. */
const bucketCount = Math.ceil(Math.log(60e6) / logOfGrowth) + 1
