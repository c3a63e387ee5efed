/** Waits for a condition, and longer than tests of a single process have to: here all processors may be busy. */
import { until as untilWithin } from '../../packages/server/src/engine/testing/until.ts'

export function until(
  condition: () => boolean | Promise<boolean>,
  options: { readonly what?: string; readonly withinMs?: number } = {},
): Promise<void> {
  return untilWithin(condition, { withinMs: 30_000, ...options })
}
