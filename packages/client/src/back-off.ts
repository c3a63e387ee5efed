/** How long to wait before the next attempt. */
export interface ReconnectionAdvice {
  readonly delayMs: number
  readonly maxDelayMs: number
}

/** Until the server has said something else. */
export const defaultAdvice: ReconnectionAdvice = { delayMs: 1_000, maxDelayMs: 5_000 }

/**
 * In whole milliseconds, anywhere between the delay and a ceiling that doubles with each failure, up to the maximum. Also the first wait is
 * spread, over a whole delay: after a restart of the server everybody comes back, and must not come at once. Who was told
 * when to come waits at least that long, and is spread as much.
 */
export function backOffMs(
  failures: number,
  advice: ReconnectionAdvice,
  random: () => number,
  notBeforeMs = 0,
): number {
  const { delayMs, maxDelayMs } = advice
  const ceilingMs = Math.max(delayMs, Math.min(maxDelayMs, delayMs * 2 ** failures))
  return Math.round(Math.max(delayMs, notBeforeMs) + random() * (ceilingMs - delayMs))
}
