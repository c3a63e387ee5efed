import type { Clock } from '../clock.ts'

/** Time that moves when the test says so. */
export interface TestClock extends Clock {
  /** Moves time and runs what is due, in order. */
  advance(ms: number): void
  /** That are still to run. */
  readonly timers: number
}

export function createTestClock(startMs = Date.UTC(2030, 0, 1)): TestClock {
  let nowMs = startMs
  const timers = new Set<{ readonly dueMs: number; readonly action: () => void }>()
  return {
    now: () => nowMs,
    after(delayMs, action) {
      const timer = { dueMs: nowMs + delayMs, action }
      timers.add(timer)
      return () => {
        timers.delete(timer)
      }
    },
    advance(ms) {
      const endMs = nowMs + ms
      for (;;) {
        const [next] = [...timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)
        if (next === undefined) break
        nowMs = next.dueMs
        timers.delete(next)
        next.action()
      }
      nowMs = endMs
    },
    get timers() {
      return timers.size
    },
  }
}
