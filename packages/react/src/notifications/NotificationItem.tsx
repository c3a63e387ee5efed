/** One notification of the list, with what can be done with it. */
import type { Notification } from '@belfry/contract'
import { useId, useState } from 'react'
import { CheckIcon, CriticalIcon, DeleteIcon, DismissIcon, ImportantIcon, UnreadIcon } from '../icons.tsx'
import { useBelfry } from '../provider.tsx'
import { ActionLinks, type ActionLinksProps } from './ActionLinks.tsx'
import { priorityToShow } from './priority.ts'
import { RelativeTime } from './RelativeTime.tsx'

interface NotificationItemProps extends Pick<ActionLinksProps, 'onAction'> {
  readonly notification: Notification
  /** Its place in the list, from 1 on, and how many there are; -1 where nobody knows. */
  readonly place: readonly [number, number]
  /** The one of the list that the Tab key comes to. */
  readonly isCurrent: boolean
  readonly onMarkRead: () => void
  readonly onMarkUnread: () => void
  readonly onDismiss: () => void
  readonly onDelete: () => void
}

/** Longer ones are shown in part: about what three lines hold. */
const messageCharactersShown = 180

export function NotificationItem(props: NotificationItemProps) {
  const { notification, place, isCurrent, onAction, onMarkRead } = props
  const { labels } = useBelfry()
  const id = useId()
  const isUnread = notification.readAt === null
  const tabIndex = isCurrent ? 0 : -1
  return (
    <article
      className="belfry-item"
      data-unread={isUnread}
      data-priority={notification.priority}
      aria-labelledby={`${id}title`}
      aria-describedby={`${id}facts`}
      aria-posinset={place[0]}
      aria-setsize={place[1]}
      tabIndex={tabIndex}
    >
      <span className="belfry-item-mark" aria-hidden="true" />
      <div className="belfry-item-body">
        <h3 id={`${id}title`} className="belfry-item-title">
          {isUnread && <span className="belfry-unseen">{labels.unread}: </span>}
          <bdi>{notification.title}</bdi>
        </h3>
        <Message text={notification.message} tabIndex={tabIndex} />
        <Facts id={`${id}facts`} notification={notification} />
        <ActionLinks
          notification={notification}
          onAction={onAction}
          onFollow={isUnread ? onMarkRead : undefined}
          tabIndex={tabIndex}
        />
      </div>
      <Tools {...props} titleId={`${id}title`} tabIndex={tabIndex} />
    </article>
  )
}

function Message({ text, tabIndex }: { readonly text: string | null; readonly tabIndex: number }) {
  const { labels } = useBelfry()
  const [isOpen, setIsOpen] = useState(false)
  if (text === null || text === '') return null
  const isLong = text.length > messageCharactersShown || text.split('\n').length > 3
  return (
    <>
      <p className="belfry-item-message" dir="auto" data-cut={isLong && !isOpen}>
        {text}
      </p>
      {isLong && (
        <button
          type="button"
          className="belfry-link"
          aria-expanded={isOpen}
          tabIndex={tabIndex}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen ? labels.showLess : labels.showAll}
        </button>
      )}
    </>
  )
}

export function Facts({ id, notification }: { readonly id?: string; readonly notification: Notification }) {
  const { labels } = useBelfry()
  const priority = priorityToShow(notification)
  return (
    <p id={id} className="belfry-facts">
      {priority !== undefined && (
        <span className="belfry-priority" data-priority={priority}>
          {priority === 'critical' ? <CriticalIcon /> : <ImportantIcon />}
          {labels.priority(priority)}
        </span>
      )}
      <bdi>{labels.category(notification.category)}</bdi>
      <RelativeTime at={notification.createdAt} />
    </p>
  )
}

interface ToolsProps extends NotificationItemProps {
  readonly titleId: string
  readonly tabIndex: number
}

function Tools(props: ToolsProps) {
  const { notification, titleId, tabIndex, onMarkRead, onMarkUnread, onDismiss, onDelete } = props
  const { labels } = useBelfry()
  const [isAsking, setIsAsking] = useState(false)
  const isUnread = notification.readAt === null
  const tool = (name: string) => ({
    type: 'button' as const,
    className: 'belfry-tool',
    tabIndex,
    title: name,
    'aria-label': name,
    'aria-describedby': titleId,
  })
  return (
    <div className="belfry-tools">
      <button
        {...tool(isUnread ? labels.markRead : labels.markUnread)}
        onClick={isUnread ? onMarkRead : onMarkUnread}
      >
        {isUnread ? <CheckIcon /> : <UnreadIcon />}
      </button>
      <button {...tool(labels.dismiss)} onClick={onDismiss}>
        <DismissIcon />
      </button>
      <button
        {...tool(isAsking ? labels.confirmDelete : labels.delete)}
        data-asking={isAsking}
        onClick={() => (isAsking ? onDelete() : setIsAsking(true))}
        onBlur={() => setIsAsking(false)}
      >
        <DeleteIcon />
        {isAsking && <span aria-hidden="true">{labels.confirmDelete}</span>}
      </button>
    </div>
  )
}
