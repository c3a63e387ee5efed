/**
 * The notifications, the newest first, and everything that can happen to such a list: nothing there yet, nothing at all, not
 * readable, more to come. A feed as ARIA describes it: the arrow keys go from one to the next, Tab goes through one.
 */
import { CommandError } from '@belfry/client'
import { type KeyboardEvent, useState } from 'react'
import { useConnection } from '../connection.ts'
import { BellIcon } from '../icons.tsx'
import { useBelfry } from '../provider.tsx'
import type { ActionLinksProps } from './ActionLinks.tsx'
import { useKeptFocus } from './kept-focus.ts'
import { NotificationItem } from './NotificationItem.tsx'
import { Problem, useAttempts } from './problem.tsx'
import { type NotificationsInComponent, useNotifications } from './use-notifications.ts'

export interface NotificationListProps extends Pick<ActionLinksProps, 'onAction'> {
  /** Only these; all if absent. */
  readonly category?: string | undefined
}

export function NotificationList({ category, onAction }: NotificationListProps) {
  const notifications = useNotifications({ category })
  const { status, items, hasMore, error } = notifications
  const attempts = useAttempts()
  const feed = useKeptFocus(items.length)
  return (
    <div className="belfry-list" {...feed.handlers} ref={feed.ref} tabIndex={-1}>
      <Problem {...attempts} />
      {items.length > 0 ? (
        <>
          <Feed notifications={notifications} attempt={attempts.attempt} onAction={onAction} />
          {hasMore && <LoadMore notifications={notifications} attempt={attempts.attempt} />}
        </>
      ) : status === 'failed' ? (
        <Failed error={error} reload={notifications.reload} />
      ) : status === 'ready' && !hasMore ? (
        <Empty />
      ) : status === 'ready' ? (
        <LoadMore notifications={notifications} attempt={attempts.attempt} />
      ) : (
        <Loading />
      )}
    </div>
  )
}

interface PartProps {
  readonly notifications: NotificationsInComponent
  readonly attempt: ReturnType<typeof useAttempts>['attempt']
}

function Feed({ notifications, attempt, onAction }: PartProps & Pick<ActionLinksProps, 'onAction'>) {
  const { labels } = useBelfry()
  const [focusedId, setFocusedId] = useState<string>()
  const { items, hasMore, markRead, markUnread, dismiss, delete: remove } = notifications
  const current = Math.max(
    0,
    items.findIndex(({ id }) => id === focusedId),
  )
  return (
    <div role="feed" aria-label={labels.notifications} className="belfry-feed" onKeyDown={goByKey}>
      {items.map((notification, index) => {
        const { id } = notification
        return (
          // biome-ignore lint/a11y/noStaticElementInteractions: it only notes where the focus is
          <div key={id} onFocus={() => setFocusedId(id)}>
            <NotificationItem
              notification={notification}
              place={[index + 1, hasMore ? -1 : items.length]}
              isCurrent={index === current}
              onAction={onAction}
              onMarkRead={() => attempt(labels.markRead, markRead(id))}
              onMarkUnread={() => attempt(labels.markUnread, markUnread(id))}
              onDismiss={() => attempt(labels.dismiss, dismiss(id))}
              onDelete={() => attempt(labels.delete, remove(id))}
            />
          </div>
        )
      })}
    </div>
  )
}

const steps: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 1,
  PageUp: -1,
  Home: -Infinity,
  End: Infinity,
}

function goByKey(event: KeyboardEvent<HTMLElement>): void {
  const step = steps[event.key]
  if (step === undefined || event.altKey || event.metaKey) return
  const articles = [...event.currentTarget.querySelectorAll<HTMLElement>('article')]
  const now = articles.findIndex((article) => article.contains(document.activeElement))
  const next = Math.min(articles.length - 1, Math.max(0, now + step))
  event.preventDefault()
  articles[next]?.focus()
}

function LoadMore({ notifications, attempt }: PartProps) {
  const { labels } = useBelfry()
  const [isLoading, setIsLoading] = useState(false)
  const load = () => {
    if (isLoading) return
    setIsLoading(true)
    void attempt(labels.loadMore, notifications.loadMore()).then(() => setIsLoading(false))
  }
  return (
    <button type="button" className="belfry-button belfry-more" aria-disabled={isLoading} onClick={load}>
      {isLoading ? labels.loading : labels.loadMore}
    </button>
  )
}

function Loading() {
  const { labels } = useBelfry()
  return (
    <div className="belfry-loading">
      <span role="status" className="belfry-unseen">
        {labels.loading}
      </span>
      <span />
      <span />
      <span />
    </div>
  )
}

function Empty() {
  const { labels } = useBelfry()
  return (
    <div className="belfry-empty">
      <BellIcon />
      <strong>{labels.empty}</strong>
      <p>{labels.emptyHint}</p>
    </div>
  )
}

function Failed({ error, reload }: { readonly error: unknown; readonly reload: () => Promise<void> }) {
  const { labels } = useBelfry()
  const { retry } = useConnection()
  const [isTrying, setIsTrying] = useState(false)
  const again = () => {
    if (isTrying) return
    setIsTrying(true)
    retry()
    void reload().finally(() => setIsTrying(false))
  }
  return (
    <div className="belfry-empty" role="alert">
      <strong>{labels.failed}</strong>
      {error instanceof CommandError && <p>{labels.reason(error.code, error.message)}</p>}
      <button type="button" className="belfry-button" aria-disabled={isTrying} onClick={again}>
        {isTrying ? labels.trying : labels.tryAgain}
      </button>
    </div>
  )
}
