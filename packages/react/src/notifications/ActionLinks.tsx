/** What a sender offers to do: links, and words for the application, if it wants to hear them. */
import type { Notification } from '@belfry/contract'
import { safeLink } from './safe-href.ts'

export type NotificationAction = Notification['actions'][number]

export interface ActionLinksProps {
  readonly notification: Notification
  /** Hears of actions that are no link; without it they are not shown. */
  readonly onAction?: ((notification: Notification, action: NotificationAction) => void) | undefined
  /** A link was followed. */
  readonly onFollow?: (() => void) | undefined
  readonly tabIndex?: number | undefined
}

export function ActionLinks({ notification, onAction, onFollow, tabIndex }: ActionLinksProps) {
  const parts = notification.actions.flatMap((action, index) => {
    const { label, url } = action
    const key = `${index} ${action.id}`
    if (url === undefined) {
      if (onAction === undefined) return []
      return (
        <button
          key={key}
          type="button"
          className="belfry-button"
          tabIndex={tabIndex}
          onClick={() => onAction(notification, action)}
        >
          <bdi>{label}</bdi>
        </button>
      )
    }
    const link = safeLink(url, location.href)
    if (link === undefined) return []
    return (
      <a
        key={key}
        className="belfry-button"
        href={link.href}
        tabIndex={tabIndex}
        {...(link.isElsewhere ? { target: '_blank', rel: 'noreferrer' } : {})}
        onClick={onFollow}
      >
        <bdi>{label}</bdi>
      </a>
    )
  })
  return parts.length === 0 ? null : <div className="belfry-actions">{parts}</div>
}
