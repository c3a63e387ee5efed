/** The notifications of an inbox; a click on one shows all of it below. */
import type { InboxView } from '@belfry/contract'
import { ChevronRight } from 'lucide-react'
import { useId, useState } from 'react'
import { type Column, Table } from '../../components/Table.tsx'
import { dateTime } from '../../format.ts'
import { Priority, When } from './cells.tsx'
import { DeliveryLink } from './links.tsx'
import { StateBadge } from './StateBadge.tsx'
import '../../components/code-block.css'

type InboxNotification = InboxView['notifications'][number]

export function InboxTable({ notifications }: { notifications: readonly InboxNotification[] }) {
  const [open, setOpen] = useState<string>()
  const details = useId()
  const columns: readonly Column<InboxNotification>[] = [
    {
      key: 'title',
      title: 'Notification',
      heads: true,
      cell: ({ id, title, type }) => (
        <button
          type="button"
          className="row-toggle"
          aria-expanded={open === id}
          aria-controls={open === id ? details : undefined}
          onClick={() => setOpen(open === id ? undefined : id)}
        >
          <ChevronRight className="row-toggle-mark" size="0.9375rem" aria-hidden="true" />
          <span>
            <bdi>{title}</bdi>
            <span className="muted cell-note">
              <bdi>{type}</bdi>
            </span>
          </span>
          <span className="visually-hidden">details</span>
        </button>
      ),
    },
    { key: 'state', title: 'State', cell: ({ state }) => <StateBadge state={state} /> },
    { key: 'category', title: 'Category', cell: ({ category }) => <bdi>{category}</bdi> },
    { key: 'priority', title: 'Priority', cell: ({ priority }) => <Priority priority={priority} /> },
    { key: 'created', title: 'Sent', cell: ({ createdAt }) => <When at={createdAt} /> },
    { key: 'read', title: 'Read', cell: ({ readAt }) => <When at={readAt} /> },
  ]
  return (
    <Table
      caption="Notifications of this user, the newest first"
      columns={columns}
      rows={notifications}
      keyOf={({ id }) => id}
      className="inbox-table"
      stateOf={({ id }) => (open === id ? 'open' : '')}
      below={(notification) =>
        open === notification.id ? <Details id={details} notification={notification} /> : undefined
      }
    />
  )
}

function Details({ id, notification }: { id: string; notification: InboxNotification }) {
  const { message, data, actions, workspaceId, expiresAt, dismissedAt } = notification
  const facts = [
    workspaceId === null ? '' : `workspace ${workspaceId}`,
    dismissedAt === null ? '' : `dismissed ${dateTime(dismissedAt)}`,
    expiresAt === null ? '' : `expires ${dateTime(expiresAt)}`,
  ].filter((fact) => fact !== '')
  return (
    <section className="notification-details" id={id} aria-label="Details of the notification">
      {message !== null && (
        <p className="notification-message" dir="auto">
          {message}
        </p>
      )}
      {actions.length > 0 && (
        <ul className="notification-actions">
          {actions.map((action, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: nothing says that their ids differ
            <li key={index}>
              <bdi>{action.label}</bdi>{' '}
              <span className="muted">
                <code dir="auto">{action.id}</code>
                {action.url !== undefined && <code dir="auto"> {action.url}</code>}
              </span>
            </li>
          ))}
        </ul>
      )}
      {Object.keys(data).length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard, too
        <pre className="code-block notification-data" tabIndex={0}>
          {JSON.stringify(data, null, 2)}
        </pre>
      )}
      <p className="notification-foot">
        {facts.length > 0 && <span className="muted figures">{sentence(facts.join(', '))}</span>}
        <DeliveryLink id={notification.id}>Who else got it</DeliveryLink>
      </p>
    </section>
  )
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase()}${text.slice(1)}`
}
