/** The turns of the event loop, for what does some of its work in each: the world as it goes on, or as a test has it. */
export interface Turns {
  now(): number
  /** At the end of this turn of the event loop, or of the next one. */
  next(action: () => void): void
}

export const turnsOfNode: Turns = {
  now: () => performance.now(),
  next: (action) => setImmediate(action),
}
