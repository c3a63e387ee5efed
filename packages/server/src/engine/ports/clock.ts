/** Time as an argument: tests hand in their own. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number
  /** Runs `action` every `periodMs` until the returned function is called. Never keeps the process alive. */
  every(periodMs: number, action: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  every(periodMs, action) {
    const timer = setInterval(action, periodMs).unref()
    return () => clearInterval(timer)
  },
}
