/** Who got a notification: what each did with it, and whether they are connected at this moment. */
import type { NotificationState, RecipientList } from '@belfry/contract'
import { useState } from 'react'
import { EmptyState } from '../../components/EmptyState.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { usePaging } from '../../components/paging.ts'
import { useReading } from '../../components/reading.ts'
import { SearchField } from '../../components/SearchField.tsx'
import { Segments } from '../../components/Segments.tsx'
import { Skeleton } from '../../components/Skeleton.tsx'
import { useSettled } from '../../components/settled.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { usePolled } from '../../data/polled.ts'
import { Sessions, When } from './cells.tsx'
import { ListTools } from './ListTools.tsx'
import { InboxLink } from './links.tsx'
import { StateBadge, stateChoices } from './StateBadge.tsx'
import '../../components/sheet.css'

type Recipient = RecipientList['recipients'][number]

const everyMs = 5_000
const perPage = 25

const columns: readonly Column<Recipient>[] = [
  { key: 'user', title: 'User', heads: true, cell: ({ userId }) => <InboxLink userId={userId} /> },
  { key: 'state', title: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { key: 'stored', title: 'Stored', cell: ({ storedAt }) => <When at={storedAt} /> },
  { key: 'read', title: 'Read', cell: ({ readAt }) => <When at={readAt} /> },
  { key: 'dismissed', title: 'Dismissed', cell: ({ dismissedAt }) => <When at={dismissedAt} /> },
  { key: 'now', title: 'Now', cell: ({ sessions }) => <Sessions sessions={sessions} /> },
]

const choices = [{ value: 'all', text: 'All' }, ...stateChoices] as const

export function Recipients({ id }: { id: string }) {
  const [state, setState] = useState<NotificationState | 'all'>('all')
  const [user, setUser] = useState('')
  const wanted = useSettled(user.trim())
  const paging = usePaging(`${state} ${wanted}`)
  const reading = useReading()
  const path = pathOf(id, state, wanted, paging.cursor)
  const list = usePolled<RecipientList>(path, {
    everyMs,
    held: ({ recipients }) => reading.isRead && recipients.length > 0,
  })
  const shown = 'data' in list.live ? list.live.data : undefined
  const isCurrent = shown?.path === path
  return (
    <section className="recipients" aria-labelledby="recipients-title">
      <h2 id="recipients-title">Who got it</h2>
      <div className="notification-tools">
        <SearchField label="Id of a user" value={user} onChange={setUser} />
        <Segments label="State" options={choices} value={state} onChange={setState} />
        {shown !== undefined && (
          <ListTools
            of="users"
            live={list.live}
            isHeld={list.isHeld}
            paging={paging}
            nextCursor={isCurrent ? shown.value.nextCursor : null}
            onRefresh={list.readNow}
          />
        )}
      </div>
      {list.live.phase === 'failed' && (
        <ErrorNotice
          title="Who got it could not be read"
          failure={list.live.failure}
          onRetry={list.readNow}
        />
      )}
      {list.live.phase === 'loading' && <Skeleton what="who got it" heights={['16rem']} />}
      {shown !== undefined && (
        <div className="sheet notifications-sheet" aria-busy={!isCurrent} {...reading.handlers}>
          {shown.value.recipients.length > 0 ? (
            <Table
              caption="Who got it, in the order of their ids"
              columns={columns}
              rows={shown.value.recipients}
              keyOf={({ userId }) => userId}
              className="recipients-table"
            />
          ) : (
            <EmptyState title="Nobody">
              {state === 'all' && wanted === ''
                ? 'Nobody has it: it went to nobody, or all have deleted it.'
                : 'Nobody of this state and this id has it. Ids are compared as a whole.'}
            </EmptyState>
          )}
        </div>
      )}
    </section>
  )
}

function pathOf(id: string, state: string, user: string, cursor: string | undefined): string {
  const query = new URLSearchParams({ limit: String(perPage) })
  if (state !== 'all') query.set('state', state)
  if (user !== '') query.set('userId', user)
  if (cursor !== undefined) query.set('cursor', cursor)
  return `/api/v1/notifications/sent/${encodeURIComponent(id)}/recipients?${query}`
}
