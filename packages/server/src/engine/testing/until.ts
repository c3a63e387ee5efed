/** Waits for a condition, never for a while. */
import { setTimeout as delay } from 'node:timers/promises'

export async function until(
  condition: () => boolean | Promise<boolean>,
  { what = 'the condition', withinMs = 20_000 }: { what?: string; withinMs?: number } = {},
): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`Not within ${withinMs} milliseconds: ${what}.`)
    await delay(5)
  }
}
