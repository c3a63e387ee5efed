/**
 * Either the value or a promise of it. For calls on the way of a publish to thousands of clients, where an
 * adapter that has the answer at hand gives it at once; everything else returns a promise. Callers `await`
 * both alike.
 */
export type Awaitable<Value> = Value | Promise<Value>
