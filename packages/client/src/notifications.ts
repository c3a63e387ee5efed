/**
 * A user's notifications, as a page shows them: the newest ones, how many are unread, and what can be done with them.
 * A page of the list and the events of the namespace meet without a gap; what the user does is shown at once, and
 * taken back if the server refuses it.
 *
 *   idle → loading → ready ⇄ (reads again after something was missed, until that succeeds)
 *             ↓ ↑
 *            failed
 *
 * When the client is closed, somebody signed out: what was theirs is forgotten, and it is `idle` again.
 */
import type { EventData, EventMeta, Notification, notificationsNamespace } from '@belfry/contract'
import { backOffMs, defaultAdvice } from './back-off.ts'
import type { Client } from './client.ts'
import { type Clock, systemClock } from './clock.ts'
import type { CommandError } from './command-error.ts'
import type { Live, LiveCommand, LiveInput } from './live.ts'
import { isLater } from './positions.ts'
import { randomKey } from './random-key.ts'
import { report } from './report.ts'
import { createStore, type Readable } from './store.ts'

export interface NotificationsState {
  /** Once there was something to show, it stays `ready`. */
  readonly status: 'idle' | 'loading' | 'ready' | 'failed'
  /** The newest first. */
  readonly items: readonly Notification[]
  readonly unread: number
  /** Whether `loadMore` would bring older ones. */
  readonly hasMore: boolean
  /** Why the list could not be read the last time. */
  readonly error: CommandError | undefined
}

export interface NotificationsOptions {
  /** Of a page, up to 100. 20 if absent. */
  readonly pageSize?: number
  /** Called for each that comes in, and not for those that were there before. */
  readonly onNew?: (notification: Notification) => void
  /** Gets what subscribers throw. `console.error` if absent. */
  readonly onError?: (error: unknown) => void
  /** Makes keys under which a repeated command runs once. Random ones if absent. */
  readonly newKey?: () => string
  readonly clock?: Clock
  /** Between 0 and 1, as `Math.random`. */
  readonly random?: () => number
}

export interface Notifications extends Disposable {
  /** The first who subscribes opens the namespace. */
  readonly state: Readable<NotificationsState>
  /** Older ones. */
  loadMore(): Promise<void>
  /** Reads the list again, as it does by itself after something was missed. Resolves also when that failed. */
  reload(): Promise<void>
  /** These reject with a `CommandError` when the server refused, and nothing is changed then. */
  markRead(id: string): Promise<void>
  markUnread(id: string): Promise<void>
  markAllRead(category?: string): Promise<void>
  dismiss(id: string): Promise<void>
  delete(id: string): Promise<void>
  close(): void
}

type Namespace = typeof notificationsNamespace
type Count = EventData<Namespace, 'notification:unreadCount'>

/** What is shown of the server's state while an action is under way. */
interface View {
  readonly items: readonly Notification[]
  readonly unread: number
}
type Change = (view: View) => View

/** Its name is all that a client needs of it; the rest would bring zod into the browser. */
const namespace = { name: '/notifications' } as Namespace

const noCount: Count = { unread: 0, revision: -1 }

export function createNotifications(client: Client, options: NotificationsOptions = {}): Notifications {
  const { pageSize = 20, onNew, newKey = randomKey } = options
  const { clock = systemClock, random = Math.random } = options
  let live: Live<Namespace> | undefined
  let status: NotificationsState['status'] = 'idle'
  let error: CommandError | undefined
  let items: readonly Notification[] = []
  let count = noCount
  let nextCursor: string | null = null
  /** At which the list was read. */
  let position: string | undefined
  /** Actions that the server has not answered, in their order. */
  let pending: Change[] = []
  /** While actions are under way, the count is theirs: the server's may hold some of them already. */
  let unreadBefore = 0
  /** Events that came while the list is on its way. */
  let early: { readonly meta: EventMeta; readonly apply: () => void }[] | undefined
  /** Only the newest reading counts. */
  let reading = 0
  let isWanted = false
  /** Readings that failed in a row. */
  let failures = 0
  let stopRetry = () => {}
  let stopWatching = () => {}

  const state = createStore<NotificationsState>(
    { status, items, unread: 0, hasMore: false, error },
    options.onError ?? report,
  )

  function show(): void {
    const base = { items, unread: pending.length === 0 ? count.unread : unreadBefore }
    const view = pending.reduce((before, change) => change(before), base)
    state.set({ status, ...view, hasMore: nextCursor !== null, error })
  }

  function open(): Live<Namespace> {
    if (live !== undefined) return live
    const opened = client.namespace(namespace)
    live = opened
    const hear =
      <Data>(apply: (data: Data) => void) =>
      (data: Data, meta: EventMeta) => {
        if (early !== undefined) early.push({ meta, apply: () => apply(data) })
        // An answer may overtake events that it holds already.
        else if (position === undefined || isLater(meta.id, position)) apply(data)
        show()
      }
    opened.on('notification:new', hear(added))
    opened.on('notification:update', hear(updated))
    opened.on('notification:allRead', hear(allRead))
    // A count says itself whether it is newer.
    opened.on('notification:unreadCount', (next) => {
      counted(next)
      show()
    })
    opened.onReset(want)
    stopWatching = opened.state.subscribe(follow)
    isWanted = true
    follow()
    return opened
  }

  function follow(): void {
    if (live?.state.get().status === 'closed') forget()
    else if (status === 'idle') status = 'loading'
    show()
    readIfWanted()
  }

  /** Whoever comes next may be somebody else. */
  function forget(): void {
    reading += 1
    failures = 0
    stopRetry()
    early = undefined
    status = 'idle'
    error = undefined
    items = []
    count = noCount
    unreadBefore = 0
    nextCursor = null
    position = undefined
    isWanted = true
  }

  /** The list has to be read, now or when the namespace is open. */
  function want(): void {
    isWanted = true
    readIfWanted()
  }

  function readIfWanted(): void {
    const now = live?.state.get().status
    if (!isWanted || live === undefined || (now !== 'open' && now !== 'opening')) return
    void read(live)
  }

  async function read(from: Live<Namespace>): Promise<void> {
    isWanted = false
    stopRetry()
    reading += 1
    const mine = reading
    early = []
    try {
      const list = await from.command('notification:getAll', { limit: pageSize })
      if (mine !== reading) return
      items = list.notifications
      nextCursor = list.nextCursor
      position = list.position
      counted(list)
      for (const { meta, apply } of early) if (isLater(meta.id, list.position)) apply()
      status = 'ready'
      error = undefined
      failures = 0
    } catch (thrown) {
      if (mine !== reading) return
      error = thrown as CommandError
      if (status === 'loading') status = 'failed'
      // When the namespace opens again, it is read again; when it stays open, only time brings another attempt.
      isWanted = true
      failures += 1
      if (error.retry) stopRetry = clock.after(backOffMs(failures, defaultAdvice, random), readIfWanted)
    }
    early = undefined
    show()
  }

  function added(notification: Notification): void {
    if (items.some(({ id }) => id === notification.id)) return
    items = [...items, notification].sort(newestFirst)
    onNew?.(notification)
  }

  function updated({ id, readAt, isGone }: EventData<Namespace, 'notification:update'>): void {
    if (isGone === true) items = items.filter((each) => each.id !== id)
    else if (readAt !== undefined) items = items.map((each) => (each.id === id ? { ...each, readAt } : each))
  }

  function allRead({ readAt, category }: EventData<Namespace, 'notification:allRead'>): void {
    const isMeant = (each: Notification) =>
      each.readAt === null && each.createdAt <= readAt && (category ?? each.category) === each.category
    items = items.map((each) => (isMeant(each) ? { ...each, readAt } : each))
  }

  function counted({ unread, revision }: Count): void {
    if (revision >= count.revision) count = { unread, revision }
  }

  async function act<Name extends LiveCommand<Namespace>>(
    name: Name,
    input: LiveInput<Namespace, Name>[0],
    change: Change,
  ): Promise<void> {
    const opened = open()
    if (pending.length === 0) unreadBefore = count.unread
    pending = [...pending, change]
    show()
    try {
      const options = { key: newKey() }
      const given = [input, options] as unknown as LiveInput<Namespace, Name>
      const answer = (await opened.command(name, ...given)) as Count
      // For good, and before the event that tells it to the other tabs.
      items = change({ items, unread: 0 }).items
      counted(answer)
    } finally {
      pending = pending.filter((each) => each !== change)
      show()
    }
  }

  const one =
    (id: string, to: (notification: Notification) => readonly Notification[]): Change =>
    ({ items: before, unread }) => {
      const found = before.find((each) => each.id === id)
      if (found === undefined) return { items: before, unread }
      const after = to(found)
      const difference = unreadIn(after) - unreadIn([found])
      return {
        items: before.flatMap((each) => (each === found ? after : [each])),
        unread: Math.max(0, unread + difference),
      }
    }
  const now = () => new Date().toISOString()

  return {
    state: {
      get: state.get,
      subscribe(listener) {
        open()
        return state.subscribe(listener)
      },
    },
    async loadMore() {
      if (nextCursor === null) return
      const cursor = nextCursor
      const mine = reading
      const page = await open().command('notification:getAll', { limit: pageSize, cursor })
      // The list was read anew meanwhile, or somebody else was faster.
      if (mine !== reading || cursor !== nextCursor) return
      const known = new Set(items.map(({ id }) => id))
      // One that was committed late may stand between those of this page.
      items = [...items, ...page.notifications.filter(({ id }) => !known.has(id))].sort(newestFirst)
      nextCursor = page.nextCursor
      show()
    },
    reload: () => read(open()),
    markRead: (id) =>
      act(
        'notification:markRead',
        { notificationId: id },
        one(id, (found) => [{ ...found, readAt: found.readAt ?? now() }]),
      ),
    markUnread: (id) =>
      act(
        'notification:markUnread',
        { notificationId: id },
        one(id, (found) => [{ ...found, readAt: null }]),
      ),
    markAllRead(category) {
      const readAt = now()
      const isMeant = (each: Notification) =>
        each.readAt === null && (category ?? each.category) === each.category
      return act(
        'notification:markAllRead',
        category === undefined ? {} : { category },
        ({ items: before, unread }) => ({
          items: before.map((each) => (isMeant(each) ? { ...each, readAt } : each)),
          unread: category === undefined ? 0 : Math.max(0, unread - before.filter(isMeant).length),
        }),
      )
    },
    dismiss: (id) =>
      act(
        'notification:dismiss',
        { notificationId: id },
        one(id, () => []),
      ),
    delete: (id) =>
      act(
        'notification:delete',
        { notificationId: id },
        one(id, () => []),
      ),
    close,
    [Symbol.dispose]: close,
  }

  function close(): void {
    reading += 1
    stopRetry()
    stopWatching()
    live?.close()
    live = undefined
  }
}

function unreadIn(items: readonly Notification[]): number {
  return items.filter(({ readAt }) => readAt === null).length
}

function newestFirst(one: Notification, other: Notification): number {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt ? 1 : -1
  return one.id < other.id ? 1 : -1
}
