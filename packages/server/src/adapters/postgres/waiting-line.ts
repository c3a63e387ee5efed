/**
 * Callers in turn, first come, first served, each with a limit to its waiting. All wait equally long, so the
 * first in the line is the first to give up, and one timer is enough.
 */
import { Refusal } from '@belfry/contract'

/** Callers in one line, at most: beyond that the wait would outlast their patience anyway. */
const waitingMax = 10_000

interface WaitingLineOptions {
  /** How long one may wait, as things stand now. */
  limitMs(): number
  /** What one is told who waited that long. */
  refusal(): Refusal
  /** Called after one gave up. */
  onRefused(): void
}

interface Waiting<Ticket> {
  readonly since: number
  admit(ticket: Ticket): void
  refuse(error: Error): void
}

export class WaitingLine<Ticket> {
  readonly #options: WaitingLineOptions
  #line: Waiting<Ticket>[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: WaitingLineOptions) {
    this.#options = options
  }

  get length(): number {
    return this.#line.length
  }

  /** Resolves with what `start` makes of the ticket; `start` runs while the ticket is given. */
  wait<Result>(start: (ticket: Ticket) => Result | Promise<Result>): Promise<Result> {
    if (this.#line.length >= waitingMax) {
      return Promise.reject(
        new Refusal('database_unavailable', 'Too many callers wait for the database. Nothing was changed.'),
      )
    }
    return new Promise((resolve, reject) => {
      this.#line.push({
        since: performance.now(),
        admit: (ticket) => resolve(start(ticket)),
        refuse: reject,
      })
      this.#watch()
    })
  }

  /** Gives the ticket to the first. */
  admit(ticket: Ticket): void {
    this.#line.shift()?.admit(ticket)
    if (this.#line.length === 0) this.#stopWatching()
  }

  refuseAll(refusal: () => Error): void {
    const line = this.#line
    this.#line = []
    this.#stopWatching()
    for (const waiting of line) waiting.refuse(refusal())
  }

  /** The limit is shorter or longer than before. */
  limitChanged(): void {
    this.#stopWatching()
    this.#watch()
  }

  /** Not unreferenced: a process does not end while one waits, when nothing else would keep it. */
  #watch(): void {
    const first = this.#line[0]
    if (first === undefined || this.#timer !== undefined) return
    const remaining = first.since + this.#options.limitMs() - performance.now()
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#refuseLate()
        this.#watch()
      },
      Math.max(1, remaining),
    )
  }

  #refuseLate(): void {
    const lateSince = performance.now() - this.#options.limitMs()
    for (;;) {
      const first = this.#line[0]
      if (first === undefined || first.since > lateSince) return
      this.#line.shift()
      first.refuse(this.#options.refusal())
      this.#options.onRefused()
    }
  }

  #stopWatching(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
