/**
 * What comes in while the page is open: seen for a while in a corner, and said to those who listen. A critical one is said
 * at once and stays until it is closed. Time stands still for toasts that are pointed at, and while nobody sees the page.
 */
import type { Notification } from '@belfry/contract'
import { Portal } from 'radix-ui'
import { type RefObject, useEffect, useId, useRef, useState, useSyncExternalStore } from 'react'
import { DismissIcon } from '../icons.tsx'
import { useBelfry } from '../provider.tsx'
import { ActionLinks, type ActionLinksProps } from './ActionLinks.tsx'
import { Announcer, useAnnouncements } from './announcer.tsx'
import { Facts } from './NotificationItem.tsx'
import { stillNews, withToast } from './toast-queue.ts'
import { useNotifications } from './use-notifications.ts'

export interface NotificationToastsProps extends Pick<ActionLinksProps, 'onAction'> {
  /** They are said and not shown: what they tell is seen elsewhere. */
  readonly isQuiet?: boolean
  /** Where they are put. The page's body if absent. */
  readonly container?: HTMLElement | null | undefined
}

/** Long enough to read a title and two lines twice. */
const shownMs = 8_000

export function NotificationToasts({ isQuiet = false, container, onAction }: NotificationToastsProps) {
  const { labels } = useBelfry()
  const [toasts, setToasts] = useState<readonly Notification[]>([])
  const announcements = useAnnouncements()
  const { items } = useNotifications({
    onNew(notification) {
      announcements.announce(notification)
      if (!isQuiet) setToasts((before) => withToast(before, notification))
    },
  })
  const shown = stillNews(toasts, items)
  const [isPointedAt, setIsPointedAt] = useState(false)
  const isHidden = useIsPageHidden()
  const cameFrom = useRef<Element>(null)
  const close = (id: string) => setToasts((before) => before.filter((each) => each.id !== id))

  const isEmpty = shown.length === 0
  // What is taken away tells nobody that it is left.
  useEffect(() => {
    if (isEmpty) setIsPointedAt(false)
  }, [isEmpty])
  // What was seen in the list is not shown once more when that is closed.
  useEffect(() => {
    if (isQuiet) setToasts([])
  }, [isQuiet])

  return (
    <Portal.Root container={container} className="belfry-toasts-place">
      <Announcer {...announcements} />
      {!isEmpty && (
        <section
          className="belfry-toasts"
          aria-label={labels.newNotifications}
          onPointerEnter={() => setIsPointedAt(true)}
          onPointerLeave={() => setIsPointedAt(false)}
          onFocus={({ currentTarget, relatedTarget }) => {
            setIsPointedAt(true)
            if (!currentTarget.contains(relatedTarget)) cameFrom.current = relatedTarget
          }}
          onBlur={() => setIsPointedAt(false)}
        >
          {shown.map((notification) => (
            <Toast
              key={notification.id}
              notification={notification}
              standsStill={isPointedAt || isHidden}
              cameFrom={cameFrom}
              onAction={onAction}
              onClose={() => close(notification.id)}
            />
          ))}
        </section>
      )}
    </Portal.Root>
  )
}

interface ToastProps extends Pick<ActionLinksProps, 'onAction'> {
  readonly notification: Notification
  readonly standsStill: boolean
  /** What had the focus before a toast got it. */
  readonly cameFrom: RefObject<Element | null>
  readonly onClose: () => void
}

function Toast({ notification, standsStill, cameFrom, onAction, onClose }: ToastProps) {
  const { labels } = useBelfry()
  const { markRead } = useNotifications()
  const id = useId()
  const stays = standsStill || notification.priority === 'critical'
  // biome-ignore lint/correctness/useExhaustiveDependencies: the time is that of this toast, whatever is drawn meanwhile
  useEffect(() => {
    if (stays) return
    const timer = setTimeout(onClose, shownMs)
    return () => clearTimeout(timer)
  }, [stays])
  return (
    <article className="belfry-toast" data-priority={notification.priority} aria-labelledby={id}>
      <div className="belfry-item-body">
        <h3 id={id} className="belfry-item-title">
          <bdi>{notification.title}</bdi>
        </h3>
        {notification.message !== null && notification.message !== '' && (
          <p className="belfry-item-message" dir="auto" data-cut="true">
            {notification.message}
          </p>
        )}
        <Facts notification={notification} />
        <ActionLinks
          notification={notification}
          onAction={onAction}
          // If that fails, it stays unread in the list.
          onFollow={() => void markRead(notification.id).catch(() => {})}
        />
      </div>
      <button
        type="button"
        className="belfry-tool"
        aria-label={labels.close}
        aria-describedby={id}
        onClick={({ currentTarget }) => {
          if (currentTarget.matches(':focus-visible')) leave(currentTarget, cameFrom.current)
          onClose()
        }}
      >
        <DismissIcon />
      </button>
    </article>
  )
}

/** To the next toast, and from the last one back to where the keyboard came from. */
function leave(button: Element, cameFrom: Element | null): void {
  const buttons = button.closest('.belfry-toasts')?.querySelectorAll('.belfry-toast > .belfry-tool')
  const next = [...(buttons ?? [])].find((each) => each !== button) ?? cameFrom
  if (next instanceof HTMLElement) next.focus()
}

function useIsPageHidden(): boolean {
  return useSyncExternalStore(subscribeToVisibility, isPageHidden, () => false)
}

const isPageHidden = () => document.visibilityState === 'hidden'

function subscribeToVisibility(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener)
  return () => document.removeEventListener('visibilitychange', listener)
}
