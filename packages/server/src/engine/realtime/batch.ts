/**
 * Events that their contract wants to leave together: the first one opens a window, and all that came by its end leave
 * in one tick, so that each client gets them in one write. In the lane `latest`, only the newest value of a key leaves.
 */
import type { Clock } from '../ports/clock.ts'

export interface BatchRules {
  readonly windowMs: number
  readonly countMax: number
}

/** Whether an event leaves now, or a newer value took its place meanwhile. */
export type Turn = 'leaves' | 'replaced'

const windowMsMax = 60_000
const countMaxMax = 10_000

interface Waiting {
  readonly key: string | undefined
  readonly take: (turn: Turn) => void
}

/** Of one event of a contract. */
export class Batch {
  readonly #rules: BatchRules
  readonly #clock: Clock
  #waiting: Waiting[] = []
  #endWindow: (() => void) | undefined

  constructor(rules: BatchRules, clock: Clock) {
    const { windowMs, countMax } = rules
    if (!(windowMs >= 1 && windowMs <= windowMsMax))
      throw new RangeError(`The window of a batch has 1 to ${windowMsMax} milliseconds.`)
    if (!(countMax >= 1 && countMax <= countMaxMax))
      throw new RangeError(`A batch has 1 to ${countMaxMax} events.`)
    this.#rules = rules
    this.#clock = clock
  }

  /** Resolves in the order of the calls. Of those with the same `key`, the last leaves, in its own place. */
  turn(key: string | undefined): Promise<Turn> {
    return new Promise((take) => {
      this.#waiting.push({ key, take })
      if (this.#waiting.length >= this.#rules.countMax) this.leave()
      else this.#endWindow ??= this.#clock.every(this.#rules.windowMs, () => this.leave())
    })
  }

  /** Also before its time, when the server stops. */
  leave(): void {
    this.#endWindow?.()
    this.#endWindow = undefined
    const waiting = this.#waiting
    this.#waiting = []
    const newest = new Map(waiting.map(({ key }, index) => [key, index]))
    for (const [index, { key, take }] of waiting.entries())
      take(key === undefined || newest.get(key) === index ? 'leaves' : 'replaced')
  }
}
