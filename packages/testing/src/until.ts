/** Waits for a condition, never for a while. */
import { nowMs, pause } from './real-time.ts'

export interface UntilOptions {
  /** What is waited for, for the error. */
  readonly what?: string
  /** Of real time. */
  readonly withinMs?: number
}

/** Long for a busy machine; a condition that holds is never waited for this long. */
export const withinMsDefault = 5_000

/** A condition that throws ends the wait: what it looked at is not as the test thinks. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { what = 'the condition', withinMs = withinMsDefault }: UntilOptions = {},
): Promise<void> {
  const giveUpAt = nowMs() + withinMs
  while (!(await condition())) {
    if (nowMs() > giveUpAt) throw new Error(`Not within ${withinMs} ms: ${what}.`)
    await pause(2)
  }
}
