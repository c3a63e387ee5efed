/**
 * What is due at some time, for thousands at once: a heap in which everything knows its own place, so that a time can be
 * changed or taken back. One timer for all of them, set to the first; ten thousand timers of their own would cost 2 MB.
 */
import type { Clock } from '../ports/clock.ts'

/** Carried by whatever has a time; two numbers, and a place in a list. */
export interface Due {
  /** Infinity: it waits for nothing. */
  dueAtMs: number
  /** In the heap; -1: it is not there. */
  duePlace: number
}

/** A clock that was set forward is noticed within that time. */
const lookMsMax = 60_000

/** Of one turn; the others come in the next ones, so that nobody waits for all of them. */
const perTurnMax = 500

export class DueTimes<Item extends Due> {
  readonly #clock: Clock
  readonly #onDue: (item: Item) => void
  /** Each is due no earlier than the one at half its place. */
  readonly #heap: Item[] = []
  #armedForMs = Number.POSITIVE_INFINITY
  #stop: (() => void) | undefined

  constructor(clock: Clock, onDue: (item: Item) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get size(): number {
    return this.#heap.length
  }

  /** Instead of the time that it had. Infinity: it waits for nothing any more. */
  set(item: Item, dueAtMs: number): void {
    if (item.dueAtMs === dueAtMs) return
    item.dueAtMs = dueAtMs
    if (dueAtMs === Number.POSITIVE_INFINITY) this.#remove(item)
    else {
      if (item.duePlace === -1) item.duePlace = this.#heap.push(item) - 1
      this.#settle(item)
    }
    this.#arm()
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #arm(): void {
    const firstMs = this.#heap[0]?.dueAtMs ?? Number.POSITIVE_INFINITY
    if (firstMs === this.#armedForMs && this.#stop !== undefined) return
    this.#stop?.()
    this.#stop = undefined
    this.#armedForMs = firstMs
    if (firstMs === Number.POSITIVE_INFINITY) return
    const waitMs = Math.min(Math.max(1, firstMs - this.#clock.now()), lookMsMax)
    this.#stop = this.#clock.every(waitMs, () => this.#look())
  }

  #look(): void {
    const nowMs = this.#clock.now()
    for (let count = 0; count < perTurnMax; count += 1) {
      const [first] = this.#heap
      if (first === undefined || first.dueAtMs > nowMs) break
      first.dueAtMs = Number.POSITIVE_INFINITY
      this.#remove(first)
      this.#onDue(first)
    }
    this.#stop?.()
    this.#stop = undefined
    this.#arm()
  }

  #remove(item: Item): void {
    const place = item.duePlace
    if (place === -1) return
    item.duePlace = -1
    const last = this.#heap.pop()
    if (last === undefined || last === item) return
    this.#put(last, place)
    this.#settle(last)
  }

  #settle(item: Item): void {
    let place = item.duePlace
    for (;;) {
      const above = (place - 1) >> 1
      const parent = place === 0 ? undefined : this.#heap[above]
      if (parent === undefined || parent.dueAtMs <= item.dueAtMs) break
      this.#put(parent, place)
      place = above
    }
    for (;;) {
      const left = this.#heap[2 * place + 1]
      const right = this.#heap[2 * place + 2]
      const sooner = right !== undefined && left !== undefined && right.dueAtMs < left.dueAtMs ? right : left
      if (sooner === undefined || sooner.dueAtMs >= item.dueAtMs) break
      const below = sooner.duePlace
      this.#put(sooner, place)
      place = below
    }
    this.#put(item, place)
  }

  #put(item: Item, place: number): void {
    this.#heap[place] = item
    item.duePlace = place
  }
}
