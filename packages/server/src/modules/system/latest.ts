/**
 * One source, any number of watchers, each of whom gets the newest value. Who is slow misses what was in between,
 * never the newest, and costs one waiting value at most.
 */
export interface Latest<Value> {
  publish(value: Value): void
  /** Starts with the current value, if there is one. Ends when `signal` is aborted, or at `close`. */
  watch(signal: AbortSignal): AsyncIterableIterator<Value>
  readonly watchers: number
  close(): void
}

interface Watcher<Value> {
  /** Not read yet. */
  next: { readonly value: Value } | undefined
  /** Somebody waits for a value. */
  waiting: ((result: IteratorResult<Value, undefined>) => void) | undefined
}

export function createLatest<Value>(): Latest<Value> {
  const watchers = new Set<Watcher<Value>>()
  let current: { readonly value: Value } | undefined
  let closed = false

  function leave(watcher: Watcher<Value>): void {
    watchers.delete(watcher)
    watcher.next = undefined
    watcher.waiting?.({ done: true, value: undefined })
    watcher.waiting = undefined
  }

  return {
    publish(value) {
      current = { value }
      for (const watcher of watchers) {
        if (watcher.waiting === undefined) {
          watcher.next = current
        } else {
          const resolve = watcher.waiting
          watcher.waiting = undefined
          resolve({ done: false, value })
        }
      }
    },

    watch(signal) {
      const watcher: Watcher<Value> = { next: current, waiting: undefined }
      const onAbort = () => leave(watcher)
      if (!closed && !signal.aborted) {
        watchers.add(watcher)
        signal.addEventListener('abort', onAbort, { once: true })
      }
      return {
        [Symbol.asyncIterator]() {
          return this
        },
        next() {
          if (!watchers.has(watcher)) return Promise.resolve({ done: true, value: undefined })
          const { next } = watcher
          watcher.next = undefined
          if (next !== undefined) return Promise.resolve({ done: false, value: next.value })
          return new Promise((resolve) => {
            watcher.waiting = resolve
          })
        },
        return() {
          signal.removeEventListener('abort', onAbort)
          leave(watcher)
          return Promise.resolve({ done: true, value: undefined })
        },
      }
    },

    get watchers() {
      return watchers.size
    },

    close() {
      closed = true
      for (const watcher of watchers) leave(watcher)
    },
  }
}
