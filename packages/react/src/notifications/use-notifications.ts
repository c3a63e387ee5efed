/** The notifications of who is signed in, in a component. All components share one list, whatever part of it they show. */
import type { NotificationsState } from '@belfry/client'
import type { Notification } from '@belfry/contract'
import { useEffect, useMemo } from 'react'
import { useNewest } from '../newest.ts'
import { useBelfry } from '../provider.tsx'
import { useReadable } from '../readable.ts'
import { noNotifications, type SharedNotifications, sharedNotifications } from './shared.ts'

export interface UseNotificationsOptions {
  /** Only these are shown, brought by `loadMore` and marked by `markAllRead`. */
  readonly category?: string | undefined
  /** Called for each that comes in, and not for those that were there before. */
  readonly onNew?: ((notification: Notification) => void) | undefined
}

/** `unread` counts those of all categories, whether they were loaded or not. */
export interface NotificationsInComponent
  extends NotificationsState,
    Omit<SharedNotifications, 'state' | 'onNew'> {
  /** Of those that were loaded, in the order of the alphabet. */
  readonly categories: readonly string[]
}

/** Pages that are read until one holds something of the category: each is a command, and many in a row are refused. */
const pagesAtOnceMax = 5

export function useNotifications(options: UseNotificationsOptions = {}): NotificationsInComponent {
  const { category } = options
  const { client } = useBelfry()
  const shared = sharedNotifications(client)
  const state = useReadable(shared.state, noNotifications)
  const newest = useNewest(options)

  useEffect(
    () =>
      shared.onNew((notification) => {
        const { category: wanted, onNew } = newest.current
        if (isOf(wanted)(notification)) onNew?.(notification)
      }),
    [shared, newest],
  )

  return useMemo(
    () => ({
      ...shared,
      ...state,
      items: category === undefined ? state.items : state.items.filter(isOf(category)),
      categories: [...new Set(state.items.map((each) => each.category))].sort(),
      loadMore: () => loadMoreOf(shared, category),
      markAllRead: (which = category) => shared.markAllRead(which),
    }),
    [shared, state, category],
  )
}

const isOf = (category: string | undefined) => (notification: Notification) =>
  category === undefined || notification.category === category

async function loadMoreOf({ state, loadMore }: SharedNotifications, category?: string): Promise<void> {
  const count = () => state.get().items.filter(isOf(category)).length
  const before = count()
  for (let pages = 0; pages < pagesAtOnceMax; pages += 1) {
    await loadMore()
    if (count() > before || !state.get().hasMore) return
  }
}
