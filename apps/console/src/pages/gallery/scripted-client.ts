/** A client that is connected to nothing and plays what a specimen needs: a state, a list, refusals, something that comes in. */
import { type Client, CommandError, type ConnectionState } from '@belfry/client'
import type { EventMeta, Notification, NotificationList } from '@belfry/contract'
import { createStore } from '../../data/store.ts'

export interface Script {
  /** Connected if absent. */
  readonly connection?: ConnectionState
  /** The newest first. Absent: the list never comes. */
  readonly list?: readonly Notification[]
  readonly hasMore?: boolean
  readonly unread?: number
  /** Comes in when the list was read. */
  readonly incoming?: readonly Notification[]
  /** The list cannot be read, or actions are refused. */
  readonly refuses?: 'list' | 'actions'
}

export function scriptedClient(script: Script): Client {
  const { connection = { status: 'connected' }, list, incoming = [], refuses } = script
  const listeners = new Map<string, (data: unknown, meta: EventMeta) => void>()
  let unread = script.unread ?? list?.filter(({ readAt }) => readAt === null).length ?? 0
  let revision = 0

  function comeIn(notification: Notification, index: number): void {
    unread += 1
    revision += 1
    const meta = { id: `script.${index + 1}`, at: notification.createdAt }
    listeners.get('notification:new')?.(notification, meta)
    listeners.get('notification:unreadCount')?.({ unread, revision }, meta)
  }

  async function answer(name: string): Promise<unknown> {
    if (name === 'notification:getAll') {
      if (refuses === 'list') throw new CommandError(refusedList)
      if (list === undefined) return new Promise(() => {})
      setTimeout(() => incoming.forEach(comeIn))
      const page: NotificationList = {
        notifications: [...list],
        nextCursor: script.hasMore === true ? 'older' : null,
        unread,
        revision,
        position: 'script.0',
      }
      return page
    }
    if (refuses === 'actions') throw new CommandError(refusedAction)
    if (name === 'notification:markAllRead') unread = 0
    revision += 1
    return { changed: 1, unread, revision }
  }

  const live = {
    state: createStore({ status: 'open', recovered: false }),
    open() {},
    on(event: string, listener: (data: unknown, meta: EventMeta) => void) {
      listeners.set(event, listener)
      return () => listeners.delete(event)
    },
    onReset: () => () => {},
    command: answer,
    close() {},
    [Symbol.dispose]() {},
  }
  return {
    state: createStore(connection),
    namespace: (() => live) as unknown as Client['namespace'],
    connect() {},
    close() {},
    [Symbol.dispose]() {},
  }
}

const refusedList = {
  code: 'database_unavailable',
  message: 'The database cannot be reached at the moment.',
  retry: true,
} as const

const refusedAction = {
  code: 'too_many_requests',
  message: 'Too many requests: wait a moment.',
  retry: true,
} as const
