/**
 * Time that moves when a test says so, for a server and for its clients. It stands still between two calls of
 * `advance`, however long the test takes.
 */
import { type Duration, milliseconds } from './duration.ts'

export interface VirtualClock {
  /** In milliseconds since 1970. */
  now(): number
  /** Runs `action` once. Returns the function that ends it, like `every`. */
  after(delayMs: number, action: () => void): () => void
  every(periodMs: number, action: () => void): () => void
  /**
   * Moves time and runs what is due, in order. After each moment in which something was due, and before the first one,
   * what is on its way between server and clients arrives.
   */
  advance(by: Duration): Promise<void>
  /** That are still to run. */
  readonly timers: number
}

interface Timer {
  dueMs: number
  /** Absent: it runs once. */
  readonly periodMs: number | undefined
  readonly action: () => void
}

export function createVirtualClock(options: {
  readonly startMs: number
  /** Resolves when nothing is on its way any more. */
  settle(): Promise<void>
  /** The same after something was due that may have sent nothing. */
  settleSoon(): Promise<void>
}): VirtualClock {
  let nowMs = options.startMs
  const timers = new Set<Timer>()
  let lastAdvance = Promise.resolve()

  function add(delayMs: number, isRepeated: boolean, action: () => void): () => void {
    // As with Node's timers, there is no shorter one: time would stand still for one that sets itself anew.
    const waitMs = Math.max(1, delayMs)
    const timer = { dueMs: nowMs + waitMs, periodMs: isRepeated ? waitMs : undefined, action }
    timers.add(timer)
    return () => {
      timers.delete(timer)
    }
  }

  async function advance(ms: number): Promise<void> {
    const endMs = nowMs + ms
    await options.settle()
    for (let due = nextDue(timers, endMs); due !== undefined; due = nextDue(timers, endMs)) {
      nowMs = due
      for (const timer of [...timers]) if (timer.dueMs <= nowMs && timers.has(timer)) run(timer)
      await options.settleSoon()
    }
    nowMs = endMs
  }

  function run(timer: Timer): void {
    if (timer.periodMs === undefined) timers.delete(timer)
    else timer.dueMs += timer.periodMs
    timer.action()
  }

  return {
    now: () => nowMs,
    after: (delayMs, action) => add(delayMs, false, action),
    every: (periodMs, action) => add(periodMs, true, action),
    advance(by) {
      const ms = milliseconds(by)
      const done = lastAdvance.then(() => advance(ms))
      // One after the other, also after one that failed.
      lastAdvance = done.catch(() => undefined)
      return done
    },
    get timers() {
      return timers.size
    },
  }
}

function nextDue(timers: ReadonlySet<Timer>, endMs: number): number | undefined {
  let found: number | undefined
  for (const { dueMs } of timers) if (dueMs <= endMs && dueMs < (found ?? Infinity)) found = dueMs
  return found
}
