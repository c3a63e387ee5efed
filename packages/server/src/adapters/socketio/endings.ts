/**
 * When thousands of lines break in one moment, Node tells of all of them in one turn of the event loop, and to clean up
 * after each takes some microseconds. A turn does so for a few milliseconds only; the others stay a little longer in
 * the lists, and nothing is sent to them any more.
 */

import { type Turns, turnsOfNode } from './turns.ts'

export interface Ending {
  end(): void
}

/** Of a turn. */
export const endingSliceMs = 4

export class Endings {
  readonly #turns: Turns
  #waiting: Ending[] = []
  #usedMs = 0
  #isScheduled = false

  constructor(turns: Turns = turnsOfNode) {
    this.#turns = turns
  }

  /** At once, if this turn has time; else in its turn, first come first served. */
  add(ending: Ending): void {
    if (!this.#isScheduled) {
      this.#isScheduled = true
      this.#turns.next(this.#turn)
    }
    if (this.#waiting.length === 0 && this.#usedMs < endingSliceMs) this.#timed(ending)
    else this.#waiting.push(ending)
  }

  readonly #turn = (): void => {
    this.#usedMs = 0
    const waiting = this.#waiting
    let done = 0
    while (done < waiting.length && this.#usedMs < endingSliceMs) {
      this.#timed(waiting[done] as Ending)
      done += 1
    }
    this.#waiting = done === waiting.length ? [] : waiting.slice(done)
    // What this turn has used counts until it is over.
    this.#isScheduled = done > 0
    if (this.#isScheduled) this.#turns.next(this.#turn)
  }

  #timed(ending: Ending): void {
    const began = this.#turns.now()
    ending.end()
    this.#usedMs += this.#turns.now() - began
  }
}
