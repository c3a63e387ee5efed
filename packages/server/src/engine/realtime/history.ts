/**
 * What was published in one namespace, for those who catch up. They all read the same pages, and each event is encoded
 * once for all of them: ten thousand clients that come back at once cost some reads of the log and not ten thousand.
 * While nobody catches up, nothing is kept and nothing read.
 */
import type { Position } from '@belfry/contract'
import type { Clock } from '../ports/clock.ts'
import { type EventLog, entryBytes, type LogEntry, type LogGap } from '../ports/log.ts'
import type { Packet } from '../ports/transport.ts'

/** An event of the log, ready to be sent to any number of sessions. */
export interface PastEvent {
  readonly offset: number
  readonly entry: LogEntry
  /** What somebody needs to receive it. */
  readonly permission: string | undefined
  /** Made when it is asked for; `undefined` for an event that no contract names any more. */
  packet(): Packet | undefined
}

export interface HistoryParts {
  readonly namespace: string
  readonly log: EventLog
  readonly clock: Clock
  /** Of the log, which stays the same as long as this server runs. */
  readonly epoch: string
  pastEvent(position: Position, entry: LogEntry): PastEvent
}

/** So few that a short gap costs a short read, so many that a long one costs few. */
const pageLength = 128

/** Of one namespace; the pages not used for longest go first. */
const pagesMax = 128
const bytesMax = 8 * 1_024 * 1_024

/** A page that nobody has read for so long is forgotten. */
export const unusedMsMax = 10_000

export class HistoryPage {
  /** Of its first event; later than where the page begins when the log was trimmed into it. */
  first: number
  readonly events: PastEvent[] = []
  readonly end: number
  bytes = 0
  usedAtMs = 0
  loading: Promise<LogGap | undefined> | undefined

  constructor(number: number) {
    this.first = number * pageLength + 1
    this.end = this.first + pageLength - 1
  }

  /** Of its last event so far. */
  get last(): number {
    return this.first + this.events.length - 1
  }

  at(offset: number): PastEvent | undefined {
    return this.events[offset - this.first]
  }
}

export class History {
  readonly #parts: HistoryParts
  readonly #pages = new Map<number, HistoryPage>()
  #bytes = 0

  constructor(parts: HistoryParts) {
    this.#parts = parts
  }

  /**
   * The page with the event that follows `offset`, which must be in the log or have been. A promise: it is being read,
   * ask again; unless it resolves with why there is no such event any more.
   */
  after(offset: number): HistoryPage | LogGap | Promise<LogGap | undefined> {
    const number = Math.floor(offset / pageLength)
    let page = this.#pages.get(number)
    if (page === undefined) {
      page = new HistoryPage(number)
      this.#pages.set(number, page)
    }
    page.usedAtMs = this.#parts.clock.now()
    if (offset + 1 < page.first) return 'trimmed'
    if (offset < page.last) return page
    page.loading ??= this.#extend(number, page)
    return page.loading
  }

  forgetUnused(): void {
    const nowMs = this.#parts.clock.now()
    for (const [number, page] of this.#pages)
      if (page.loading === undefined && nowMs - page.usedAtMs >= unusedMsMax) this.#forget(number, page)
  }

  async #extend(number: number, page: HistoryPage): Promise<LogGap | undefined> {
    try {
      const gap = await this.#read(page)
      if (gap !== undefined) this.#forget(number, page)
      else this.#makeRoom(page)
      return gap
    } catch (error) {
      this.#forget(number, page)
      throw error
    } finally {
      page.loading = undefined
    }
  }

  async #read(page: HistoryPage): Promise<LogGap | undefined> {
    const { log, namespace, epoch, pastEvent } = this.#parts
    for (;;) {
      const after = { epoch, offset: page.last }
      const read = await log.read(namespace, { after, limit: page.end - page.last })
      if (read.gap === undefined) {
        for (const { position, entry } of read.entries) {
          page.events.push(pastEvent(position, entry))
          const bytes = entryBytes(entry)
          page.bytes += bytes
          this.#bytes += bytes
        }
        return undefined
      }
      if (read.gap !== 'trimmed' || page.events.length > 0) return read.gap
      // What the page begins with is gone; the rest of it may be there.
      const floor = await log.floor(namespace)
      if (floor.epoch !== epoch || floor.offset > page.end) return read.gap
      page.first = floor.offset
    }
  }

  #makeRoom(kept: HistoryPage): void {
    while (this.#pages.size > pagesMax || this.#bytes > bytesMax) {
      let oldest: [number, HistoryPage] | undefined
      for (const each of this.#pages) {
        const [, page] = each
        if (page === kept || page.loading !== undefined) continue
        if (oldest === undefined || page.usedAtMs < oldest[1].usedAtMs) oldest = each
      }
      if (oldest === undefined) return
      this.#forget(...oldest)
    }
  }

  #forget(number: number, page: HistoryPage): void {
    if (this.#pages.get(number) !== page) return
    this.#pages.delete(number)
    this.#bytes -= page.bytes
  }
}
