/** The passing time, for what is shown of it: one timer for all components that look. */
import type { Readable } from '@belfry/client'
import { useSyncExternalStore } from 'react'

/** In milliseconds since 1970, as it was at most a second ago. */
export function useSeconds(): number {
  return useSyncExternalStore(seconds.subscribe, seconds.get, seconds.get)
}

/** The same, at most ten seconds ago: often enough for what is told in minutes. */
export function useTensOfSeconds(): number {
  return useSyncExternalStore(tens.subscribe, tens.get, tens.get)
}

const seconds = createTicks(1_000)
const tens = createTicks(10_000)

function createTicks(everyMs: number): Readable<number> {
  const listeners = new Set<() => void>()
  let now = Date.now()
  let timer: ReturnType<typeof setInterval> | undefined
  function tick(): void {
    now = Date.now()
    for (const listener of [...listeners]) listener()
  }
  return {
    get: () => now,
    subscribe(listener) {
      listeners.add(listener)
      // It stood still while nobody looked.
      if (timer === undefined) {
        timer = setInterval(tick, everyMs)
        now = Date.now()
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
  }
}
