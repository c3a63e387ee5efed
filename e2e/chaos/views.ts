/**
 * Pages that show the notifications of a user while the server and its database come and go: one with a stock client,
 * which merges list and events as docs/notifications.md says, and one with the store of `@belfry/client`. Both say what
 * they show, and complain about what must never reach a page.
 */
import { createClient, createNotifications } from '@belfry/client'
import type { Notification, notificationsNamespace } from '@belfry/contract'
import { io } from 'socket.io-client'
import type { SeededRandom } from '../../packages/server/src/engine/testing/seeded-random.ts'

/** What is compared with the server's list. */
export type Shown = Pick<Notification, 'id' | 'title' | 'readAt' | 'createdAt'>

export interface View {
  readonly name: string
  readonly user: string
  /** Connected, and the list was read since. */
  isReady(): boolean
  /** The newest first; how many of them a page of this kind knows is its own matter. */
  shown(): Promise<readonly Shown[]>
  unread(): number
  /** Ids of all events that came, of whatever kind. */
  readonly heard: ReadonlyMap<string, number>
  readonly complaints: readonly string[]
  close(): void
}

export interface ViewOptions {
  readonly url: string
  readonly user: string
  readonly token: string
}

/** Of a list, as many as one request may have. */
export const pageSize = 100

interface Meta {
  readonly id: string
}
type Page = {
  readonly notifications: Notification[]
  readonly unread: number
  readonly revision: number
  readonly position: string
}
type Answer = { readonly ok: true; readonly data: Page } | { readonly ok: false }

/** Counts what comes, and sees that positions only grow: no event twice, over all connections of a view. */
function createListener(name: string) {
  const heard = new Map<string, number>()
  const complaints: string[] = []
  let epoch = ''
  let offset = 0
  return {
    heard,
    complaints,
    hear(event: string, id: string, { id: cursor }: Meta): void {
      heard.set(id, (heard.get(id) ?? 0) + 1)
      const [ofEpoch = '', ofOffset] = cursor.split('.')
      if (epoch !== '' && ofEpoch !== epoch) complaints.push(`${name}: the epoch became ${ofEpoch}`)
      if (Number(ofOffset) <= offset)
        complaints.push(`${name}: ${event} ${id} came at ${cursor}, after ${epoch}.${offset}`)
      epoch = ofEpoch
      offset = Number(ofOffset)
    },
  }
}

/** Keeps the newest page. */
export function openStockView({ url, user, token }: ViewOptions): View {
  const name = `stock client of ${user}`
  const { heard, complaints, hear } = createListener(name)
  const socket = io(`${url}/notifications`, {
    auth: { token },
    transports: ['websocket'],
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    forceNew: true,
  })
  let items = new Map<string, Notification>()
  let count = { unread: 0, revision: -1 }
  let early: { readonly meta: Meta; readonly apply: () => void }[] | undefined
  let isRead = false
  let reading = 0

  const counted = (next: { unread: number; revision: number }) => {
    if (next.revision >= count.revision) count = next
  }
  const merge = (meta: Meta, apply: () => void) => {
    if (early === undefined) apply()
    else early.push({ meta, apply })
  }
  const newest = () =>
    [...items.values()].sort((one, other) => (orderOf(one) < orderOf(other) ? 1 : -1)).slice(0, pageSize)

  async function read(): Promise<void> {
    reading += 1
    const mine = reading
    isRead = false
    early = []
    while (mine === reading && socket.connected) {
      const answer = await ask()
      if (mine !== reading || answer?.ok !== true) continue
      items = new Map(answer.data.notifications.map((each) => [each.id, each]))
      counted(answer.data)
      const after = answer.data.position
      for (const { meta, apply } of early) if (isLater(meta.id, after)) apply()
      early = undefined
      isRead = true
      return
    }
  }
  async function ask(): Promise<Answer | undefined> {
    try {
      return await socket.timeout(10_000).emitWithAck('notification:getAll', { limit: pageSize })
    } catch {
      return undefined
    }
  }

  socket.on('connect', () => void read())
  socket.on('sync:reset', () => void read())
  socket.on('notification:new', ({ _meta, ...notification }: Notification & { _meta: Meta }) => {
    hear('notification:new', notification.id, _meta)
    merge(_meta, () => {
      if (!items.has(notification.id)) items.set(notification.id, notification)
    })
  })
  socket.on(
    'notification:update',
    ({ _meta, ...update }: Partial<Notification> & { id: string; _meta: Meta }) => {
      hear('notification:update', update.readAt === undefined ? update.id : `${update.id} read`, _meta)
      merge(_meta, () => {
        const found = items.get(update.id)
        if (found !== undefined && update.readAt !== undefined)
          items.set(update.id, { ...found, readAt: update.readAt })
      })
    },
  )
  socket.on('notification:unreadCount', counted)
  return {
    name,
    user,
    heard,
    complaints,
    isReady: () => socket.connected && isRead,
    shown: async () => newest(),
    unread: () => count.unread,
    close: () => socket.disconnect(),
  }
}

/** Marks some of what comes as read: `reads` holds those for which the server said that it is done. */
export interface StoreView extends View {
  readonly reads: readonly string[]
}

/** Knows all of its user's notifications, once older ones were loaded. */
export function openStoreView({
  url,
  user,
  token,
  random,
}: ViewOptions & { random: SeededRandom }): StoreView {
  const name = `store of ${user}`
  const { heard, complaints, hear } = createListener(name)
  const told = new Set<string>()
  const reads: string[] = []
  const client = createClient({
    url,
    token,
    socket: { transports: ['websocket'] },
    random: () => 0,
    onError: (error) => complaints.push(`${name}: ${error}`),
  })
  const notifications = createNotifications(client, {
    pageSize,
    onNew({ id }) {
      if (told.has(id)) complaints.push(`${name}: ${id} was told as new twice`)
      told.add(id)
      if (random.chance(10)) void markRead(id)
    },
  })
  /** Refused or given up while something was away: then nothing was promised. */
  async function markRead(id: string): Promise<void> {
    try {
      await notifications.markRead(id)
      reads.push(id)
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === undefined || !['database_unavailable', 'disconnected', 'timeout'].includes(code))
        complaints.push(`${name}: markRead was refused: ${error}`)
    }
  }
  const stop = notifications.state.subscribe(() => undefined)
  const live = client.namespace({ name: '/notifications' } as typeof notificationsNamespace)
  live.on('notification:new', ({ id }, meta) => hear('notification:new', id, meta))
  live.on('notification:update', ({ id, readAt }, meta) =>
    hear('notification:update', readAt === undefined ? id : `${id} read`, meta),
  )
  return {
    name,
    user,
    heard,
    complaints,
    reads,
    isReady: () => client.state.get().status === 'connected' && notifications.state.get().status === 'ready',
    async shown() {
      while (notifications.state.get().hasMore) await notifications.loadMore()
      return notifications.state.get().items
    },
    unread: () => notifications.state.get().unread,
    close() {
      stop()
      notifications.close()
      client.close()
    },
  }
}

const orderOf = ({ createdAt, id }: Shown) => `${createdAt} ${id}`

function isLater(one: string, other: string): boolean {
  const [epoch, offset] = one.split('.')
  const [otherEpoch, otherOffset] = other.split('.')
  return epoch !== otherEpoch || Number(offset) > Number(otherOffset)
}
