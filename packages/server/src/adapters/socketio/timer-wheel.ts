/**
 * One wheel of timers for all connections: setting and clearing one costs a few writes, and no object of its own.
 * A Node timer for each of 10,000 connections would cost some 2 MB.
 */
import type { Clock } from '../../engine/ports/clock.ts'

/** What waits in the wheel; it waits for one thing at a time. */
export interface Timed {
  previousTimed: Timed | undefined
  nextTimed: Timed | undefined
  /** The tick at which it is due; -1 while it waits for nothing. */
  dueTick: number
  onDue(): void
}

/** What is due comes later by up to that much. A ping is asked for earlier by as much, so that it is never late. */
export const tickMs = 50

/** One round of the wheel takes 51 seconds, longer than what a connection usually waits for. */
const slotCount = 1_024

export class TimerWheel {
  readonly #clock: Clock
  readonly #slots: (Timed | undefined)[] = new Array<Timed | undefined>(slotCount).fill(undefined)
  #tick: number
  #lastMs: number
  #setBackMs = 0
  #size = 0
  #stop: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastMs = clock.now()
    this.#tick = Math.floor(this.#lastMs / tickMs)
  }

  get size(): number {
    return this.#size
  }

  set(timed: Timed, delayMs: number): void {
    this.clear(timed)
    if (this.#size === 0) this.#wake()
    // Up to a tick late, and never early: a request is not given up before its time.
    timed.dueTick = Math.max(Math.ceil((this.#now() + delayMs) / tickMs), this.#tick + 1)
    const slot = timed.dueTick % slotCount
    const first = this.#slots[slot]
    timed.previousTimed = undefined
    timed.nextTimed = first
    if (first !== undefined) first.previousTimed = timed
    this.#slots[slot] = timed
    this.#size += 1
  }

  clear(timed: Timed): void {
    if (timed.dueTick === -1) return
    if (timed.previousTimed === undefined) this.#slots[timed.dueTick % slotCount] = timed.nextTimed
    else timed.previousTimed.nextTimed = timed.nextTimed
    if (timed.nextTimed !== undefined) timed.nextTimed.previousTimed = timed.previousTimed
    timed.previousTimed = undefined
    timed.nextTimed = undefined
    timed.dueTick = -1
    this.#size -= 1
    if (this.#size === 0) this.#sleep()
  }

  close(): void {
    this.#sleep()
  }

  /** A clock that is set back, by an hour say, would keep everybody waiting for an hour: this time only goes on. */
  #now(): number {
    const nowMs = this.#clock.now()
    if (nowMs < this.#lastMs) this.#setBackMs += this.#lastMs - nowMs
    this.#lastMs = nowMs
    return nowMs + this.#setBackMs
  }

  #wake(): void {
    this.#tick = Math.floor(this.#now() / tickMs)
    this.#stop ??= this.#clock.every(tickMs, () => this.#turn())
  }

  #sleep(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #turn(): void {
    const nowTick = Math.floor(this.#now() / tickMs)
    // After a long pause of the process, one round finds all that is due.
    if (nowTick - this.#tick > slotCount) this.#tick = nowTick - slotCount
    while (this.#tick < nowTick) {
      this.#tick += 1
      this.#runSlot(this.#tick % slotCount)
    }
  }

  #runSlot(slot: number): void {
    const due: Timed[] = []
    for (let timed = this.#slots[slot]; timed !== undefined; timed = timed.nextTimed)
      if (timed.dueTick <= this.#tick) due.push(timed)
    for (const timed of due) {
      // One that ran before it may have cleared it or set it anew.
      if (timed.dueTick === -1 || timed.dueTick > this.#tick) continue
      this.clear(timed)
      timed.onDue()
    }
  }
}
