/** The store of notifications against a server that answers when the test says so. */
import type { Notification } from '@belfry/contract'
import { createNotifications } from '../notifications.ts'
import type { Store } from '../store.ts'
import { openNamespaceWorld, settled } from './namespace-world.ts'

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

export { settled }

export function openWorld() {
  const { client, clock, state, asked, say, reset, left } = openNamespaceWorld({ opensAtOnce: true })
  const news: string[] = []
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
    /** Tests care for its status alone. */
    namespace: state as unknown as Store<{ readonly status: string }>,
    client,
    isClosed: () => left().users === 0,
    watchers: () => left().watchers,
    reset,
    event: (name: string, position: string, data: object) => say(name, data, position),
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
