/** The inbox of one user as an operator sees it: nothing here is marked as read. */
import type { InboxView } from '@belfry/contract'
import { Button } from '../../components/Button.tsx'
import { ConnectionBanner } from '../../components/ConnectionBanner.tsx'
import { EmptyState } from '../../components/EmptyState.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { usePaging } from '../../components/paging.ts'
import { useReading } from '../../components/reading.ts'
import { SearchField } from '../../components/SearchField.tsx'
import { Skeleton } from '../../components/Skeleton.tsx'
import { useSettled } from '../../components/settled.ts'
import { usePolled } from '../../data/polled.ts'
import { useQuery } from '../../router.tsx'
import { Sessions } from './cells.tsx'
import { InboxFigures } from './InboxFigures.tsx'
import { type InboxFilter, InboxFilters, isFiltered, useInboxFilter } from './InboxFilters.tsx'
import { InboxTable } from './InboxTable.tsx'
import { ListTools } from './ListTools.tsx'
import { useUserSuggestions } from './user-suggestions.ts'
import '../../components/sheet.css'

const everyMs = 5_000
const perPage = 25

export function Inbox() {
  const [user, setUser] = useQuery('user')
  const userId = useSettled(user.trim())
  const users = useUserSuggestions(user)
  return (
    <>
      <div className="notification-tools">
        <SearchField
          label="Id of a user"
          value={user}
          onChange={setUser}
          suggestions={users.map((one) => one.userId)}
        />
      </div>
      {userId === '' ? (
        <div className="sheet">
          <EmptyState title="Whose inbox?">
            <p>Write the id of a user, as tokens name them.</p>
            {users.length > 0 && (
              <ul className="suggested-users">
                {users.map((one) => (
                  <li key={one.userId}>
                    <Button onClick={() => setUser(one.userId)}>
                      <bdi>{one.userId}</bdi> <Sessions sessions={one.sessions} />
                    </Button>
                  </li>
                ))}
              </ul>
            )}
          </EmptyState>
        </div>
      ) : (
        <InboxOf key={userId} userId={userId} />
      )}
    </>
  )
}

function InboxOf({ userId }: { userId: string }) {
  const filter = useInboxFilter()
  const paging = usePaging(JSON.stringify(filter.asked))
  const reading = useReading()
  const path = pathOf(userId, filter.asked, paging.cursor)
  const inbox = usePolled<InboxView>(path, {
    everyMs,
    held: ({ notifications }) => reading.isRead && notifications.length > 0,
  })
  const shown = 'data' in inbox.live ? inbox.live.data : undefined
  const isCurrent = shown?.path === path
  return (
    <>
      <ConnectionBanner live={inbox.live} onRetry={inbox.readNow} />
      {inbox.live.phase === 'failed' && (
        <ErrorNotice
          title="The inbox could not be read"
          failure={inbox.live.failure}
          onRetry={inbox.readNow}
        />
      )}
      {inbox.live.phase === 'loading' && <Skeleton what="the inbox" heights={['7rem', '2.25rem', '20rem']} />}
      {'data' in inbox.live && shown !== undefined && (
        <>
          <InboxFigures live={inbox.live} />
          <div className="notification-tools">
            <InboxFilters filter={filter} />
            <ListTools
              of="notifications"
              live={inbox.live}
              isHeld={inbox.isHeld}
              paging={paging}
              nextCursor={isCurrent ? shown.value.nextCursor : null}
              onRefresh={inbox.readNow}
            />
          </div>
          <div className="sheet notifications-sheet" aria-busy={!isCurrent} {...reading.handlers}>
            {shown.value.notifications.length > 0 ? (
              <InboxTable notifications={shown.value.notifications} />
            ) : (
              <Nothing
                isFiltered={isFiltered(filter.asked)}
                onShowAll={filter.clear}
                onFirst={paging.page > 1 ? paging.first : undefined}
              />
            )}
          </div>
        </>
      )}
    </>
  )
}

interface NothingProps {
  readonly isFiltered: boolean
  readonly onShowAll: () => void
  readonly onFirst: (() => void) | undefined
}

function Nothing({ isFiltered: hasFilter, onShowAll, onFirst }: NothingProps) {
  if (onFirst !== undefined)
    return (
      <EmptyState title="Nothing is left on this page">
        <Button onClick={onFirst}>Back to the first page</Button>
      </EmptyState>
    )
  if (hasFilter)
    return (
      <EmptyState title="No notification matches">
        <Button onClick={onShowAll}>Show all notifications</Button>
      </EmptyState>
    )
  return (
    <EmptyState title="This inbox is empty">
      Nobody has sent anything to this user, or it was deleted. Ids are compared as a whole.
    </EmptyState>
  )
}

function pathOf(userId: string, asked: InboxFilter, cursor: string | undefined): string {
  const query = new URLSearchParams({ userId, limit: String(perPage) })
  for (const [name, value] of Object.entries(asked)) if (value !== '') query.set(name, value)
  if (cursor !== undefined) query.set('cursor', cursor)
  return `/api/v1/notifications/inbox?${query}`
}
