/** How a notification looks in a centre: plain, with what any centre has. */
import type { Notification } from '@belfry/contract'
import { Bell } from 'lucide-react'
import { shortTime } from '../../format.ts'
import './notification-preview.css'

export interface PreviewedNotification
  extends Pick<Notification, 'title' | 'message' | 'category' | 'priority' | 'createdAt' | 'expiresAt'> {
  readonly actions: readonly { readonly id: string; readonly label: string }[]
}

/** By day and by night. */
export function NotificationPreviews({ notification }: { notification: PreviewedNotification }) {
  return (
    <div className="previews">
      <NotificationPreview theme="light" notification={notification} />
      {/* The same once more: those who listen have heard it. */}
      <div aria-hidden="true">
        <NotificationPreview theme="dark" notification={notification} />
      </div>
    </div>
  )
}

interface NotificationPreviewProps {
  /** Absent: that of the console. */
  readonly theme?: 'light' | 'dark'
  readonly notification: PreviewedNotification
}

export function NotificationPreview({ theme, notification }: NotificationPreviewProps) {
  const { title, message, category, priority, actions, createdAt, expiresAt } = notification
  return (
    <div className="preview" data-theme={theme}>
      <p className="preview-head">
        <Bell size="1rem" aria-hidden="true" />
        <span>Notifications</span>
        <span className="preview-count">1</span>
      </p>
      <div className="preview-item">
        <span className="preview-dot" aria-hidden="true" />
        <div className="preview-text">
          <p className="preview-title" dir="auto">
            {title === '' ? <span className="muted">The title stands here</span> : title}
          </p>
          {message !== null && message !== '' && (
            <p className="preview-message" dir="auto">
              {message}
            </p>
          )}
          {actions.length > 0 && (
            <p className="preview-actions">
              {actions.map(({ id, label }, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: they hold no state, and may be alike while they are written
                <span key={index} dir="auto">
                  {label === '' ? id || 'Action' : label}
                </span>
              ))}
            </p>
          )}
          <p className="preview-foot">
            {urgent.has(priority) && <strong>{priority}</strong>}
            <span dir="auto">{category}</span>
            <time dateTime={createdAt}>{shortTime(createdAt)}</time>
            {expiresAt !== null && <span>until {shortTime(expiresAt)}</span>}
          </p>
        </div>
      </div>
    </div>
  )
}

const urgent: ReadonlySet<Notification['priority']> = new Set(['critical', 'high'])
