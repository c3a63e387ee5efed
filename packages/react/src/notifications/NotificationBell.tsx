/** The bell: how many are unread, the centre when it is pressed, and what comes in while the page is open. */
import { Popover } from 'radix-ui'
import { useId, useState } from 'react'
import { BellIcon } from '../icons.tsx'
import { useBelfry } from '../provider.tsx'
import type { ActionLinksProps } from './ActionLinks.tsx'
import { NotificationCentre } from './NotificationCentre.tsx'
import { NotificationToasts } from './NotificationToasts.tsx'
import { useNotifications } from './use-notifications.ts'

export interface NotificationBellProps extends Pick<ActionLinksProps, 'onAction'> {
  /** Whether what comes in pops up. They do if absent; say `false` where `NotificationToasts` stands elsewhere. */
  readonly toasts?: boolean
  /** Where the centre and the toasts are put. The page's body if absent. */
  readonly container?: HTMLElement | null | undefined
}

/** Two digits fit. */
const unreadShownMax = 99

export function NotificationBell({ toasts = true, container, onAction }: NotificationBellProps) {
  const { labels } = useBelfry()
  const { unread } = useNotifications()
  const [isOpen, setIsOpen] = useState(false)
  const headingId = useId()
  return (
    <>
      <Popover.Root open={isOpen} onOpenChange={setIsOpen}>
        <Popover.Trigger asChild>
          <button type="button" className="belfry-bell">
            <span className="belfry-unseen">{labels.bell(unread)}</span>
            <BellIcon />
            {unread > 0 && (
              // A new number is drawn anew, and so moves for a moment.
              <span key={unread} className="belfry-badge" aria-hidden="true">
                {unread > unreadShownMax ? `${unreadShownMax}+` : unread}
              </span>
            )}
          </button>
        </Popover.Trigger>
        <Popover.Portal container={container}>
          <Popover.Content
            className="belfry-panel"
            aria-labelledby={headingId}
            align="end"
            sideOffset={8}
            collisionPadding={8}
            onOpenAutoFocus={focusFirst}
          >
            <NotificationCentre headingId={headingId} onAction={onAction} />
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
      {toasts && <NotificationToasts isQuiet={isOpen} container={container} />}
    </>
  )
}

/** The newest one, from which the arrow keys go on; the panel itself while there is none. */
function focusFirst(event: Event): void {
  const panel = event.currentTarget
  if (!(panel instanceof HTMLElement)) return
  event.preventDefault()
  const first = panel.querySelector<HTMLElement>('article') ?? panel
  first.focus({ preventScroll: true })
}
