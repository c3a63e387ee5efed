/** The store of notifications against a server that answers when the test says so. */
import type { Notification } from '@belfry/contract'
import type { Client } from '../client.ts'
import { CommandError } from '../command-error.ts'
import { createNotifications } from '../notifications.ts'
import { createStore } from '../store.ts'
import { createTestClock } from './test-clock.ts'

export const day = (n: number) => `2030-01-${String(n).padStart(2, '0')}T00:00:00.000Z`
export const made = (n: number, more: Partial<Notification> = {}): Notification => ({
  id: `id-${n}`,
  type: 't',
  category: 'general',
  priority: 'normal',
  title: `n ${n}`,
  message: null,
  data: {},
  actions: [],
  workspaceId: null,
  readAt: null,
  expiresAt: null,
  createdAt: day(n),
  ...more,
})

interface Asked {
  readonly name: string
  readonly input: object
  readonly key: string | undefined
  answer(data: object): Promise<void>
  refuse(code: 'forbidden' | 'disconnected' | 'database_unavailable'): Promise<void>
}

/** Everything that follows from what was done so far: it goes on in microtasks, which come before this. */
export const settled = () => new Promise((resolve) => setImmediate(resolve))

export function openWorld() {
  const namespace = createStore<{ status: string }>({ status: 'idle' }, () => undefined)
  const listeners = new Map<string, (data: never, meta: { id: string; at: string }) => void>()
  const asked: Asked[] = []
  let isClosed = false
  let watchers = 0
  let reset = (_reason: string) => {}
  const client = {
    namespace: () => ({
      state: {
        get: namespace.get,
        subscribe(listener: () => void) {
          watchers += 1
          const end = namespace.subscribe(listener)
          return () => {
            watchers -= 1
            end()
          }
        },
      },
      on: (event: string, listener: (data: never, meta: { id: string; at: string }) => void) => {
        listeners.set(event, listener)
        namespace.set({ status: 'open' })
      },
      onReset: (listener: (reason: string) => void) => {
        reset = listener
      },
      command: (name: string, input: object, options?: { key?: string }) =>
        new Promise((resolve, reject) => {
          asked.push({
            name,
            input,
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
      close: () => {
        isClosed = true
      },
    }),
  } as unknown as Client
  const news: string[] = []
  const clock = createTestClock()
  let keys = 0
  const store = createNotifications(client, {
    pageSize: 3,
    onNew: ({ id }) => news.push(id),
    newKey: () => `key-${++keys}`,
    clock,
    random: () => 0,
  })
  const shown = () => {
    const { status, items, unread } = store.state.get()
    return [status, items.map(({ id, readAt }) => (readAt === null ? id : `${id} read`)), unread] as const
  }
  return {
    store,
    clock,
    asked,
    news,
    shown,
    namespace,
    client,
    isClosed: () => isClosed,
    watchers: () => watchers,
    reset: () => reset('trimmed'),
    event: (name: string, position: string, data: object) =>
      listeners.get(name)?.(data as never, { id: position, at: day(1) }),
    list: (items: readonly Notification[], more: object = {}) => ({
      notifications: items,
      nextCursor: null,
      unread: items.filter(({ readAt }) => readAt === null).length,
      revision: 5,
      position: 'e.10',
      ...more,
    }),
  }
}

export async function ready(items: readonly Notification[], more: object = {}) {
  const world = openWorld()
  world.store.state.subscribe(() => undefined)
  await world.asked[0]?.answer(world.list(items, more))
  return world
}
