/** What was sent lately, the newest first: to how many, and how many have read it. */
import type { SentList, SentNotification } from '@belfry/contract'
import { Button } from '../../components/Button.tsx'
import { ConnectionBanner } from '../../components/ConnectionBanner.tsx'
import { EmptyState } from '../../components/EmptyState.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { Meter } from '../../components/Meter.tsx'
import { usePaging } from '../../components/paging.ts'
import { useReading } from '../../components/reading.ts'
import { Skeleton } from '../../components/Skeleton.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { usePolled } from '../../data/polled.ts'
import { number, plural } from '../../format.ts'
import { Link } from '../../router.tsx'
import { Priority, When } from './cells.tsx'
import { ListTools } from './ListTools.tsx'
import { DeliveryLink } from './links.tsx'
import '../../components/sheet.css'

const everyMs = 5_000
/** As many as one still looks through. */
const perPage = 25

/** How far readers are counted in a list; `readCountMax` of the contract. */
const readCountMax = 1_000

const columns: readonly Column<SentNotification>[] = [
  {
    key: 'title',
    title: 'Notification',
    heads: true,
    cell: ({ id, title, type, category }) => (
      <>
        <DeliveryLink id={id}>
          <bdi>{title}</bdi>
        </DeliveryLink>
        <span className="muted cell-note">
          <bdi>{type}</bdi>, <bdi>{category}</bdi>
        </span>
      </>
    ),
  },
  { key: 'priority', title: 'Priority', cell: ({ priority }) => <Priority priority={priority} /> },
  { key: 'sent', title: 'Sent', cell: ({ createdAt }) => <When at={createdAt} /> },
  {
    key: 'by',
    title: 'By',
    cell: ({ sender }) =>
      sender === '' ? <span className="muted">the application</span> : <bdi>{sender}</bdi>,
  },
  {
    key: 'to',
    title: 'To',
    cell: ({ recipients, workspaceId }) => (
      <span className="figures">
        {plural(recipients, 'user')}
        {workspaceId !== null && (
          <span className="muted cell-note">
            <bdi>{workspaceId}</bdi>
          </span>
        )}
      </span>
    ),
  },
  {
    key: 'read',
    title: 'Read',
    kind: 'figures',
    cell: ({ recipients, read }) => (
      <span className="read-share">
        <span>{read >= readCountMax && recipients > read ? `${number(read)} or more` : number(read)}</span>
        <Meter
          value={read}
          max={recipients}
          label={`Read by ${number(read)} of ${number(recipients)}`}
          bare
        />
      </span>
    ),
  },
]

export function Sent() {
  const paging = usePaging('sent')
  const reading = useReading()
  const path = `/api/v1/notifications/sent?${query(paging.cursor)}`
  const list = usePolled<SentList>(path, { everyMs, held: ({ sent }) => reading.isRead && sent.length > 0 })
  const shown = 'data' in list.live ? list.live.data : undefined
  const isCurrent = shown?.path === path
  return (
    <>
      <ConnectionBanner live={list.live} onRetry={list.readNow} />
      {list.live.phase === 'failed' && (
        <ErrorNotice
          title="What was sent could not be read"
          failure={list.live.failure}
          onRetry={list.readNow}
        />
      )}
      {list.live.phase === 'loading' && <Skeleton what="what was sent" heights={['2.25rem', '20rem']} />}
      {shown !== undefined && (
        <>
          <ListTools
            of="what was sent"
            live={list.live}
            isHeld={list.isHeld}
            paging={paging}
            nextCursor={isCurrent ? shown.value.nextCursor : null}
            onRefresh={list.readNow}
          />
          <div className="sheet notifications-sheet" aria-busy={!isCurrent} {...reading.handlers}>
            {shown.value.sent.length > 0 ? (
              <Table
                caption="What was sent, the newest first"
                columns={columns}
                rows={shown.value.sent}
                keyOf={({ id }) => id}
                className="sent-table"
              />
            ) : (
              <NothingSent onFirst={paging.page > 1 ? paging.first : undefined} />
            )}
          </div>
        </>
      )}
    </>
  )
}

function NothingSent({ onFirst }: { onFirst: (() => void) | undefined }) {
  if (onFirst !== undefined)
    return (
      <EmptyState title="Nothing is left on this page">
        <Button onClick={onFirst}>Back to the first page</Button>
      </EmptyState>
    )
  return (
    <EmptyState title="Nothing was sent yet">
      Applications send with <code>POST /api/v1/notifications</code>; you can{' '}
      <Link href="/notifications">compose one</Link>. It is listed here for as long as notifications are kept.
    </EmptyState>
  )
}

function query(cursor: string | undefined): URLSearchParams {
  const asked = new URLSearchParams({ limit: String(perPage) })
  if (cursor !== undefined) asked.set('cursor', cursor)
  return asked
}
