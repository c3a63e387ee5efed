/** Who is connected: figures, a table that stands still while somebody reads it, and the way to end a connection. */
import type { ConnectionsView, SocketStats } from '@belfry/contract'
import { RefreshCw } from 'lucide-react'
import { useState } from 'react'
import { Button, IconButton } from '../../components/Button.tsx'
import { ConnectionBanner } from '../../components/ConnectionBanner.tsx'
import { EmptyState } from '../../components/EmptyState.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { LiveControl } from '../../components/LiveControl.tsx'
import { PageHeader } from '../../components/PageHeader.tsx'
import { Pager } from '../../components/Pager.tsx'
import { type Paging, usePaging } from '../../components/paging.ts'
import { useReading } from '../../components/reading.ts'
import { SearchField } from '../../components/SearchField.tsx'
import { Skeleton } from '../../components/Skeleton.tsx'
import { Standing } from '../../components/Standing.tsx'
import { useSettled } from '../../components/settled.ts'
import { type PolledData, usePolled } from '../../data/polled.ts'
import { number, plural } from '../../format.ts'
import { useQuery } from '../../router.tsx'
import { ConnectionTable } from './ConnectionTable.tsx'
import { DisconnectDialog } from './DisconnectDialog.tsx'
import { concerns, type Target } from './disconnect.ts'
import { Figures } from './Figures.tsx'
import { FirstClient } from './FirstClient.tsx'
import '../../components/sheet.css'
import './connections.css'

/** Two requests each time; an operator may ask about once a second. */
const everyMs = 5_000
/** As many as one still looks through; on a narrow screen each is a card. */
const perPage = 25

export function Connections() {
  const [user, setUser] = useQuery('user')
  const wanted = useSettled(user.trim())
  const paging = usePaging(wanted)
  const [target, setTarget] = useState<Target>()
  const [ended, setEnded] = useState<ReadonlySet<string>>(new Set())
  const reading = useReading()
  const path = pathOf(wanted, paging.cursor)
  const list = usePolled<ConnectionsView>(path, {
    everyMs,
    // Nobody reads an empty table. While a window asks about a row, the row stays where it is behind it.
    held: ({ connections }) => (reading.isRead && connections.length > 0) || target !== undefined,
  })
  // Figures that wrap in another way would move the table below them.
  const stats = usePolled<SocketStats>('/api/v1/socket/stats', { everyMs, held: () => list.isHeld })
  const readNow = (): void => {
    stats.readNow()
    list.readNow()
  }
  const show = (userId: string): void => {
    setUser(userId)
    focusSearch()
  }
  const shown = 'data' in list.live ? list.live.data : undefined
  const rows = shown?.value.connections ?? []
  const nextCursor = shown?.value.nextCursor ?? null
  // Until the next page is there, it is not known whether another follows.
  const isCurrent = shown?.path === path
  const lost = [list.live, stats.live].find(({ phase }) => phase === 'lost')
  return (
    <>
      <PageHeader title="Connections" actions={<LiveControl />}>
        The clients of this server, and the sessions they have on its namespaces.
      </PageHeader>
      <ConnectionBanner live={lost ?? list.live} onRetry={readNow} />
      {'data' in stats.live ? (
        <Figures live={stats.live} />
      ) : (
        stats.live.phase !== 'failed' && <Skeleton what="the figures" heights={['7rem']} />
      )}
      {list.live.phase === 'failed' && (
        <ErrorNotice
          title="The connections could not be read"
          failure={list.live.failure}
          onRetry={readNow}
        />
      )}
      {list.live.phase === 'loading' && <Skeleton what="the connections" heights={['2.25rem', '20rem']} />}
      {shown !== undefined && (
        <>
          <div className="connections-tools">
            <SearchField label="Id of a user" value={user} onChange={setUser} />
            {wanted !== '' && rows.length > 0 && (
              <Button onClick={() => setTarget(userOf(wanted, shown))}>
                <span>
                  Disconnect all of <bdi>{wanted}</bdi>
                </span>
              </Button>
            )}
            <div className="connections-place">
              <Standing live={list.live} held={list.isHeld} />
              <IconButton
                label="Refresh now"
                icon={<RefreshCw size="0.9375rem" aria-hidden="true" />}
                onClick={readNow}
              />
              <output className="muted figures">{countText(shown, wanted, paging.page)}</output>
              <Pager
                of="connections"
                onPrevious={paging.page > 1 ? () => paging.previous() : undefined}
                onNext={isCurrent && nextCursor !== null ? () => paging.next(nextCursor) : undefined}
              />
            </div>
          </div>
          <div className="sheet connections-sheet" aria-busy={!isCurrent} {...reading.handlers}>
            {rows.length > 0 ? (
              <ConnectionTable
                connections={rows}
                ended={ended}
                onDisconnect={setTarget}
                onShowOnly={wanted === '' ? show : undefined}
              />
            ) : (
              <Nobody wanted={wanted} paging={paging} onShowAll={() => show('')} />
            )}
          </div>
        </>
      )}
      {target !== undefined && (
        <DisconnectDialog
          target={target}
          onClose={() => setTarget(undefined)}
          onDone={() => {
            const concerned = rows.filter((connection) => concerns(target, connection))
            // What was ended on earlier pages is forgotten: the set stays as small as a page.
            const left = rows.filter(({ id }) => ended.has(id))
            setEnded(new Set([...left, ...concerned].map(({ id }) => id)))
            setTarget(undefined)
          }}
        />
      )}
    </>
  )
}

/** What was pressed goes away with what it stood in; from here one goes on. */
function focusSearch(): void {
  document.querySelector<HTMLElement>('[data-page-search]')?.focus()
}

function pathOf(user: string, cursor: string | undefined): string {
  const query = new URLSearchParams({ limit: String(perPage) })
  if (cursor !== undefined) query.set('cursor', cursor)
  if (user !== '') query.set('userId', user)
  return `/api/v1/socket/connections?${query}`
}

function countText({ value }: PolledData<ConnectionsView>, user: string, page: number): string {
  const { connections, total, nextCursor } = value
  const shown = connections.length
  const isWhole = page === 1 && nextCursor === null
  const place = isWhole ? '' : `Page ${number(page)}: `
  if (user !== '') return `${place}${plural(shown, 'connection')} of this user`
  return isWhole ? plural(shown, 'connection') : `${place}${shown} of ${plural(total, 'connection')}`
}

function userOf(id: string, { value }: PolledData<ConnectionsView>): Target {
  const sessions = value.connections.flatMap((connection) => connection.sessions)
  const name = sessions.find(({ userId }) => userId === id)?.name ?? null
  return { by: 'user', user: { id, name } }
}

interface NobodyProps {
  readonly wanted: string
  readonly paging: Paging
  readonly onShowAll: () => void
}

function Nobody({ wanted, paging, onShowAll }: NobodyProps) {
  if (paging.page > 1) {
    return (
      <EmptyState title="Nobody is left on this page">
        <Button
          onClick={() => {
            paging.first()
            focusSearch()
          }}
        >
          Back to the first page
        </Button>
      </EmptyState>
    )
  }
  if (wanted === '') return <FirstClient />
  return (
    <EmptyState title="This user is not connected">
      <p>
        Nobody with the id <code dir="auto">{wanted}</code> has a connection. Ids are compared as a whole.
      </p>
      <Button onClick={onShowAll}>Show all connections</Button>
    </EmptyState>
  )
}
