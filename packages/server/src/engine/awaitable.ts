/**
 * Either the value or a promise of it. For calls on the way of a publish to thousands of clients, and of thousands of
 * clients that come at once, where an adapter that has the answer at hand gives it at once; everything else returns a
 * promise. Callers `await` both alike, or go on with `andThen` in the same turn where they can.
 */
export type Awaitable<Value> = Value | Promise<Value>

export function andThen<Value, Result>(
  value: Awaitable<Value>,
  next: (value: Value) => Awaitable<Result>,
): Awaitable<Result> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Runs `work`; when it fails, now or later, `undo`, and fails on. */
export function orElse<Value>(work: () => Awaitable<Value>, undo: () => void): Awaitable<Value> {
  const failed = (error: unknown): never => {
    undo()
    throw error
  }
  try {
    const value = work()
    return value instanceof Promise ? value.catch(failed) : value
  } catch (error) {
    return failed(error)
  }
}
