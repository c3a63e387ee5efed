/**
 * The notifications of a client, one store for all components that show them. The first one opens the namespace, the last
 * one that goes closes it, unless another one comes at once or something is still being done.
 */
import { type Client, createNotifications, type Notifications, type NotificationsState } from '@belfry/client'
import type { Notification } from '@belfry/contract'
import { nobodySignedIn } from '../command.ts'
import { constant } from '../readable.ts'

type Actions = Omit<Notifications, 'state' | 'close' | typeof Symbol.dispose>

export interface SharedNotifications extends Actions {
  readonly state: Notifications['state']
  /** Called for each that comes in. Returns the function that ends it. */
  onNew(listener: (notification: Notification) => void): () => void
}

export function sharedNotifications(client: Client | undefined): SharedNotifications {
  if (client === undefined) return ofNobody
  const known = shared.get(client)
  if (known !== undefined) return known
  const made = share(client)
  shared.set(client, made)
  return made
}

/** Before anything is known. */
export const noNotifications: NotificationsState = {
  status: 'idle',
  items: [],
  unread: 0,
  hasMore: false,
  error: undefined,
}

const shared = new WeakMap<Client, SharedNotifications>()

function share(client: Client): SharedNotifications {
  const listeners = new Set<{ readonly listener: (notification: Notification) => void }>()
  const store = createNotifications(client, {
    onNew(notification) {
      for (const { listener } of [...listeners]) {
        try {
          listener(notification)
        } catch (error) {
          // Others hear of it, and the page hears of the error.
          queueMicrotask(() => {
            throw error
          })
        }
      }
    },
  })
  let users = 0

  function hold(): () => void {
    users += 1
    return () => {
      users -= 1
      // StrictMode goes and comes again within one task.
      queueMicrotask(() => {
        if (users === 0) store.close()
      })
    }
  }

  const held =
    <Input extends unknown[]>(action: (...input: Input) => Promise<void>) =>
    async (...input: Input) => {
      const release = hold()
      try {
        await action(...input)
      } finally {
        release()
      }
    }

  return {
    state: {
      get: store.state.get,
      subscribe(listener) {
        const stop = store.state.subscribe(listener)
        const release = hold()
        return () => {
          stop()
          release()
        }
      },
    },
    onNew(listener) {
      const entry = { listener }
      listeners.add(entry)
      return () => {
        listeners.delete(entry)
      }
    },
    loadMore: held(store.loadMore),
    reload: held(store.reload),
    markRead: held(store.markRead),
    markUnread: held(store.markUnread),
    markAllRead: held(store.markAllRead),
    dismiss: held(store.dismiss),
    delete: held(store.delete),
  }
}

const refuse = () => Promise.reject(nobodySignedIn())

const ofNobody: SharedNotifications = {
  state: constant(noNotifications),
  onNew: () => () => {},
  loadMore: refuse,
  reload: refuse,
  markRead: refuse,
  markUnread: refuse,
  markAllRead: refuse,
  dismiss: refuse,
  delete: refuse,
}
