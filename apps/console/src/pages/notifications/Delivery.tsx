/** What became of one notification: in figures, and for each who got it. */
import type { SentDetails } from '@belfry/contract'
import { ArrowLeft } from 'lucide-react'
import { Card } from '../../components/Card.tsx'
import { ConnectionBanner } from '../../components/ConnectionBanner.tsx'
import { CopyButton } from '../../components/CopyButton.tsx'
import { EmptyState } from '../../components/EmptyState.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { type Fact, KeyValueList } from '../../components/KeyValueList.tsx'
import { Skeleton } from '../../components/Skeleton.tsx'
import { Stat, Stats } from '../../components/Stat.tsx'
import { paused } from '../../data/live.ts'
import { type PolledState, usePolled } from '../../data/polled.ts'
import { useStore } from '../../data/store.ts'
import { clockTime, count, dateTime, percentText } from '../../format.ts'
import { Link } from '../../router.tsx'
import { Priority } from './cells.tsx'
import { NotificationPreview } from './NotificationPreview.tsx'
import { Recipients } from './Recipients.tsx'
import '../../components/code-block.css'

const everyMs = 5_000

export function Delivery({ id }: { id: string }) {
  const details = usePolled<SentDetails>(`/api/v1/notifications/sent/${encodeURIComponent(id)}`, { everyMs })
  const { live } = details
  return (
    <>
      <p>
        <Link className="back-link" href="/notifications?view=sent">
          <ArrowLeft size="1rem" aria-hidden="true" />
          All that was sent
        </Link>
      </p>
      <ConnectionBanner live={live} onRetry={details.readNow} />
      {live.phase === 'loading' && <Skeleton what="the notification" heights={['7rem', '12rem', '20rem']} />}
      {live.phase === 'failed' &&
        (live.failure.code === 'not_found' ? (
          <EmptyState title="There is no such notification">
            None with the id <code>{id}</code> was sent for as long as notifications are kept.
          </EmptyState>
        ) : (
          <ErrorNotice
            title="The notification could not be read"
            failure={live.failure}
            onRetry={details.readNow}
          />
        ))}
      {'data' in live && (
        <>
          <h2 className="delivery-title">
            <bdi>{live.data.value.title}</bdi>
          </h2>
          <Figures live={live} />
          <div className="delivery">
            <Card title="Sent">
              <KeyValueList facts={factsOf(live.data.value)} />
            </Card>
            <Card title="Content">
              <Content details={live.data.value} />
            </Card>
          </div>
          <Recipients id={id} />
        </>
      )}
    </>
  )
}

function Figures({ live }: { live: Extract<PolledState<SentDetails>, { data: object }> }) {
  const isPaused = useStore(paused)
  const { recipients, read, states, gone } = live.data.value
  const stale = live.phase === 'lost' || isPaused ? `as of ${clockTime(live.data.receivedAt)}` : undefined
  const figure = (label: string, value: number, note: string) => (
    <Stat label={label} value={{ figure: count(value), unit: '' }} note={note} stale={stale} />
  )
  return (
    <div className="notification-figures">
      <Stats>
        {figure('Got it', recipients, recipients === 1 ? 'user' : 'users')}
        {figure('Read it', read, recipients === 0 ? '' : `${percentText(read / recipients)} of them`)}
        {figure('Unread', states.unread, 'in their list')}
        {figure('Dismissed', states.dismissed, 'out of their list')}
        {figure('Gone', gone + states.expired, 'deleted or expired')}
      </Stats>
    </div>
  )
}

function factsOf({
  id,
  sender,
  type,
  category,
  priority,
  workspaceId,
  createdAt,
  expiresAt,
}: SentDetails): readonly Fact[] {
  const facts: Fact[] = [
    {
      name: 'Id',
      value: (
        <span className="copied-id">
          <code>{id}</code>
          <CopyButton text={id} label="Copy the id" />
        </span>
      ),
    },
    { name: 'At', value: dateTime(createdAt) },
    { name: 'By', value: sender === '' ? 'the application' : <bdi>{sender}</bdi> },
    { name: 'Type', value: <bdi>{type}</bdi> },
    { name: 'Category', value: <bdi>{category}</bdi> },
    { name: 'Priority', value: <Priority priority={priority} /> },
  ]
  if (workspaceId !== null) facts.push({ name: 'Workspace', value: <bdi>{workspaceId}</bdi> })
  if (expiresAt !== null) facts.push({ name: 'Expires', value: dateTime(expiresAt) })
  return facts
}

function Content({ details }: { details: SentDetails }) {
  const { content } = details
  if (content === null)
    return <p className="muted">Nobody has it any more, so nothing but its title is known.</p>
  return (
    <div className="delivery-content">
      <NotificationPreview
        notification={{ ...details, message: content.message, actions: content.actions }}
      />
      {Object.keys(content.data).length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard, too
        <pre className="code-block notification-data" tabIndex={0}>
          {JSON.stringify(content.data, null, 2)}
        </pre>
      )}
    </div>
  )
}
