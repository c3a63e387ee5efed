/**
 * Time as an argument: tests hand in their own.
 *
 * CL1  `now` is in whole milliseconds since 1970.
 * CL2  `every` runs its action time and again, for the first time after one period and not at once.
 * CL3  After the call that stops it, an action never runs again, also when the action itself made that call.
 *      Stopping twice is harmless.
 * CL4  Actions are independent of each other, also the same one given twice.
 * CL5  An action that waits for its time does not keep the process alive.
 */
export interface Clock {
  now(): number
  /** Until the returned function is called. */
  every(periodMs: number, action: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  every(periodMs, action) {
    const timer = setInterval(action, periodMs).unref()
    return () => clearInterval(timer)
  },
}
