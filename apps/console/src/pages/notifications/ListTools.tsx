/** How old a list is, where one is in it, and the way on. */
import { RefreshCw } from 'lucide-react'
import { IconButton } from '../../components/Button.tsx'
import { Pager } from '../../components/Pager.tsx'
import type { Paging } from '../../components/paging.ts'
import { Standing } from '../../components/Standing.tsx'
import type { Followed, LiveState } from '../../data/live.ts'
import { number } from '../../format.ts'

interface ListToolsProps {
  /** What is listed: "users". */
  readonly of: string
  readonly live: LiveState<Followed>
  readonly isHeld: boolean
  readonly paging: Paging
  /** Of the page after this one; null if there is none, or it is not known yet. */
  readonly nextCursor: string | null
  readonly onRefresh: () => void
}

export function ListTools({ of, live, isHeld, paging, nextCursor, onRefresh }: ListToolsProps) {
  return (
    <div className="list-tools">
      <Standing live={live} held={isHeld} />
      <IconButton
        label="Refresh now"
        icon={<RefreshCw size="0.9375rem" aria-hidden="true" />}
        onClick={onRefresh}
      />
      <output className="muted figures">
        {paging.page > 1 || nextCursor !== null ? `Page ${number(paging.page)}` : ''}
      </output>
      <Pager
        of={of}
        onPrevious={paging.page > 1 ? paging.previous : undefined}
        onNext={nextCursor !== null ? () => paging.next(nextCursor) : undefined}
      />
    </div>
  )
}
