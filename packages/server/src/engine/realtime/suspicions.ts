/** Tells what looks like an attack or a broken client (B-11), and does not let it fill the log. */
import type { Logger } from '../ports/logger.ts'

export interface Suspicion {
  readonly reason: string
  readonly user?: string | undefined
  readonly address?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
}

/** Lines in a minute; what is beyond is counted and told with the next minute. */
const linesPerMinuteMax = 60

export class Suspicions {
  readonly #logger: Logger
  #lines = 0
  #untold = 0
  /** All that were seen since the start, by reason. */
  readonly seen = new Map<string, number>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  report(suspicion: Suspicion): void {
    this.seen.set(suspicion.reason, (this.seen.get(suspicion.reason) ?? 0) + 1)
    this.#lines += 1
    if (this.#lines > linesPerMinuteMax) this.#untold += 1
    else this.#logger.warn(suspicion, 'suspicious activity')
  }

  /** To be called once a minute. */
  nextMinute(): void {
    if (this.#untold > 0)
      this.#logger.warn({ count: this.#untold }, 'more suspicious activity was not logged')
    this.#lines = 0
    this.#untold = 0
  }
}
