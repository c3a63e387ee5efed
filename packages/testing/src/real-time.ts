/**
 * Real time, for the few things that take some: a line over loopback, and the patience of a waiter. Taken when this is
 * loaded, so that a framework that replaces timers later does not stop what waits here.
 */
const { setTimeout: startTimer, clearTimeout: stopTimer, setImmediate: atNextTurn } = globalThis

/** One turn of the event loop: whatever can be read by now has been read after it. */
export const turn = (): Promise<void> => new Promise((resolve) => atNextTurn(resolve))

/** When all promises that can go on by themselves have done so. */
export const microtasks = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

export const pause = (ms: number): Promise<void> => new Promise((resolve) => startTimer(resolve, ms))

/** Returns the function that ends it. */
export function later(ms: number, action: () => void): () => void {
  const timer = startTimer(action, ms)
  return () => stopTimer(timer)
}

export const nowMs = (): number => performance.now()
