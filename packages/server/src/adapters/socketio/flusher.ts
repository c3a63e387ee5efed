/**
 * Empties the queues of all connections at the end of a tick. What a tick produced for a connection leaves in one
 * write; connections whose queues hold the same share one buffer, so that a room of ten thousand costs one joined
 * buffer and ten thousand writes, whatever number of events the tick brought.
 */
import type { Outgoing } from './encoded-event.ts'
import { type Turns, turnsOfNode } from './turns.ts'

export interface Flushable {
  /** Writes what waits, as far as the line takes it. */
  flush(joiner: Joiner): void
}

/** A sweep over many connections is cut after so long, so that what comes in is not kept waiting. */
const sliceMsMin = 4

/**
 * Where turns of the event loop are long, as when thousands of clients come back, those who are connected come first:
 * the next slice takes so many times as long as everything else took since the last one, up to a maximum.
 */
const timesOthers = 3
const sliceMsMax = 30

/** However long a sweep took, the next one begins after this. */
const pauseMsMax = 20

/** Below this, a pause would cost more in latency than it saves. */
const pauseMsMin = 1

/** Looking at the clock costs as much as some ten writes. */
const connectionsBetweenLooks = 32

export class Flusher {
  readonly #turns: Turns
  #waiting: Flushable[] = []
  #isScheduled = false
  /**
   * A server that is busy with writing spends half of its time on it at most: after a sweep of d milliseconds in which
   * queues held several events, it pauses for d, and the next sweep joins more of them. Where each queue held one, as
   * with answers to commands, a pause would only be a delay.
   */
  #pauseUntilMs = 0
  /** Of a sweep that was cut: the rest of it needs the same buffers. */
  #joiner: Joiner | undefined
  #cutAtMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(turns: Turns = turnsOfNode) {
    this.#turns = turns
  }

  add(connection: Flushable): void {
    this.#waiting.push(connection)
    if (!this.#isScheduled) this.#schedule()
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    this.#isScheduled = true
    const pauseMs = this.#pauseUntilMs - this.#turns.now()
    if (pauseMs < pauseMsMin) this.#turns.next(this.#flush)
    else this.#timer = setTimeout(this.#flush, pauseMs)
  }

  readonly #flush = (): void => {
    const began = this.#turns.now()
    const batch = this.#waiting
    const sliceMs = this.#sliceMs(began)
    const joiner = this.#joiner ?? new Joiner()
    let done = 0
    while (done < batch.length) {
      batch[done]?.flush(joiner)
      done += 1
      if (done % connectionsBetweenLooks === 0 && this.#turns.now() - began > sliceMs) break
    }
    const ended = this.#turns.now()
    if (done < batch.length) {
      this.#waiting = batch.slice(done)
      this.#joiner = joiner
      this.#cutAtMs = ended
      this.#turns.next(this.#flush)
      return
    }
    this.#waiting = []
    this.#joiner = undefined
    this.#isScheduled = false
    const isPaying = joiner.entries >= joiner.writes * 2
    this.#pauseUntilMs = isPaying ? ended + Math.min(ended - began, pauseMsMax) : 0
  }

  #sliceMs(nowMs: number): number {
    if (this.#joiner === undefined) return sliceMsMin
    return Math.min(Math.max((nowMs - this.#cutAtMs) * timesOthers, sliceMsMin), sliceMsMax)
  }
}

/** Joins what a queue holds into one buffer, once for all queues that hold the same. */
export class Joiner {
  /** Queues that were joined, and what was in them. */
  writes = 0
  entries = 0
  /** Most ticks have nothing to join. */
  #joined: Map<number, { readonly entries: readonly Outgoing[]; readonly buffer: Buffer }> | undefined

  join(entries: readonly Outgoing[], compressBeyondBytes: number | undefined): Buffer {
    this.writes += 1
    this.entries += entries.length
    const first = entries[0]
    if (first !== undefined && entries.length === 1) return first.frames(compressBeyondBytes)
    let hash = compressBeyondBytes === undefined ? 0 : 1
    for (const { number } of entries) hash = (Math.imul(hash, 31) + number) | 0
    this.#joined ??= new Map()
    const known = this.#joined.get(hash)
    if (known !== undefined && isSame(known.entries, entries)) return known.buffer
    const buffer = Buffer.concat(entries.map((entry) => entry.frames(compressBeyondBytes)))
    if (known === undefined) this.#joined.set(hash, { entries, buffer })
    return buffer
  }
}

function isSame(one: readonly Outgoing[], other: readonly Outgoing[]): boolean {
  return one.length === other.length && one.every((entry, index) => entry === other[index])
}
