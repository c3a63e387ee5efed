/**
 * Commands that come again (R19): with the same idempotency key, of the same user, a command runs once, and whoever
 * repeats it gets the answer of the first run, or waits for it.
 */
import type { Clock } from '../ports/clock.ts'

/** Longer than a client goes on repeating over a bad line. */
const keptMs = 5 * 60_000

/** Answers kept, at most; the oldest go first, and their commands would run again. */
const answersMax = 20_000

/** Of a key, in characters. */
export const keyLengthMax = 128

interface Kept<Answer> {
  readonly untilMs: number
  readonly answer: Promise<Answer>
}

export class RepeatedCommands<Answer> {
  readonly #clock: Clock
  /** In the order in which they came. */
  readonly #kept = new Map<string, Kept<Answer>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What `mayChange` says of an answer is not kept: whoever tries again may get another one. */
  once(id: string, run: () => Promise<Answer>, mayChange: (answer: Answer) => boolean): Promise<Answer> {
    const nowMs = this.#clock.now()
    this.#forget(nowMs)
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept.answer
    const answer = run()
    const entry = { untilMs: nowMs + keptMs, answer }
    this.#kept.set(id, entry)
    const forget = () => {
      if (this.#kept.get(id) === entry) this.#kept.delete(id)
    }
    answer.then((made) => {
      if (mayChange(made)) forget()
    }, forget)
    return answer
  }

  #forget(nowMs: number): void {
    for (const [id, { untilMs }] of this.#kept) {
      if (untilMs > nowMs && this.#kept.size < answersMax) return
      this.#kept.delete(id)
    }
  }
}
