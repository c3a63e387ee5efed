/** A value that changes, and who wants to know. What `get` returns stays the same object until it changes. */
export interface Readable<Value> {
  get(): Value
  /** Called after each change; read the value with `get`. Returns the function that ends it. */
  subscribe(listener: () => void): () => void
}

export interface Store<Value> extends Readable<Value> {
  set(value: Value): void
}

/** The functions need no `this`, so that they can be handed to React's `useSyncExternalStore` as they are. */
export function createStore<Value>(initial: Value, onError: (error: unknown) => void): Store<Value> {
  const subscribers = new Set<{ readonly listener: () => void }>()
  let current = initial
  return {
    get: () => current,
    subscribe(listener) {
      const entry = { listener }
      subscribers.add(entry)
      return () => {
        subscribers.delete(entry)
      }
    },
    set(value) {
      if (value === current) return
      current = value
      for (const entry of [...subscribers]) {
        if (!subscribers.has(entry)) continue
        try {
          entry.listener()
        } catch (error) {
          onError(error)
        }
      }
    },
  }
}
