/** A client with one namespace, which opens, says and answers what the test tells it to. */
import type { Client } from '../client.ts'
import { CommandError } from '../command-error.ts'
import { idle, type NamespaceState } from '../states.ts'
import { createStore } from '../store.ts'
import { createTestClock } from './test-clock.ts'

export interface Asked {
  readonly name: string
  readonly input: object
  readonly signal: AbortSignal | undefined
  readonly key: string | undefined
  answer(data: object): Promise<void>
  refuse(code: 'forbidden' | 'disconnected' | 'database_unavailable'): Promise<void>
}

type Listener = (data: never, meta: { id: string; at: string }) => void

/** Everything that follows from what was done so far: it goes on in microtasks, which come before this. */
export const settled = () => new Promise((resolve) => setImmediate(resolve))

export function openNamespaceWorld({ opensAtOnce = false } = {}) {
  const clock = createTestClock()
  const state = createStore<NamespaceState>(idle, (error) => {
    throw error
  })
  const listeners = new Set<{ readonly event: string; readonly listener: Listener }>()
  const asked: Asked[] = []
  let watchers = 0
  let users = 0

  function namespace() {
    const own: (() => void)[] = []
    let isUsed = false
    function use(): void {
      if (isUsed) return
      isUsed = true
      users += 1
      if (opensAtOnce) state.set({ status: 'open', recovered: false })
      else if (state.get().status === 'idle') state.set({ status: 'opening' })
    }
    function on(event: string, listener: Listener) {
      use()
      const entry = { event, listener }
      listeners.add(entry)
      const end = () => void listeners.delete(entry)
      own.push(end)
      return end
    }
    return {
      state: {
        get: state.get,
        subscribe(listener: () => void) {
          watchers += 1
          const end = state.subscribe(listener)
          return () => {
            watchers -= 1
            end()
          }
        },
      },
      on,
      onReset: (listener: Listener) => on('sync:reset', listener),
      command: (name: string, input: object, options?: { signal?: AbortSignal; key?: string }) =>
        new Promise((resolve, reject) => {
          asked.push({
            name,
            input,
            signal: options?.signal,
            key: options?.key,
            async answer(data) {
              resolve(data)
              await settled()
            },
            async refuse(code) {
              reject(new CommandError({ code, message: 'no', retry: code === 'database_unavailable' }))
              await settled()
            },
          })
        }),
      close() {
        for (const end of own) end()
        if (isUsed) users -= 1
        isUsed = false
      },
    }
  }

  function say(event: string, data: object, id = 'e.0'): void {
    for (const each of [...listeners])
      if (each.event === event) each.listener(data as never, { id, at: '2030-01-01T00:00:00.000Z' })
  }

  return {
    clock,
    state,
    asked,
    client: { namespace } as unknown as Client,
    say,
    reset: () => say('sync:reset', { reason: 'trimmed' }),
    open: (recovered = false) => state.set({ status: 'open', recovered }),
    /** What is left of whoever used it. */
    left: () => ({ listeners: listeners.size, watchers, users, timers: clock.timers }),
  }
}
