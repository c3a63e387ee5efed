/** An inbox in figures, and whether the count that its owner is told is what the rows say. */
import type { InboxView } from '@belfry/contract'
import { TriangleAlert } from 'lucide-react'
import { Stat, Stats } from '../../components/Stat.tsx'
import { paused } from '../../data/live.ts'
import type { PolledState } from '../../data/polled.ts'
import { useStore } from '../../data/store.ts'
import { clockTime, count, number, plural } from '../../format.ts'

export function InboxFigures({ live }: { live: Extract<PolledState<InboxView>, { data: object }> }) {
  const isPaused = useStore(paused)
  const { told, counted, states, sessions, isWhole } = live.data.value
  const stale = live.phase === 'lost' || isPaused ? `as of ${clockTime(live.data.receivedAt)}` : undefined
  const figure = (label: string, value: number, note: string) => (
    <Stat label={label} value={{ figure: count(value), unit: '' }} note={note} stale={stale} />
  )
  const isWrong = isWhole && told.unread !== counted
  const more = isWhole ? '' : 'or more'
  return (
    <>
      {isWrong && (
        <p className="wrong-count" role="alert">
          <TriangleAlert size="1rem" aria-hidden="true" />
          <span>
            The count is wrong: the user is told {number(told.unread)}, and{' '}
            {plural(counted, 'row is', 'rows are')} unread. This is a defect of Belfry.
          </span>
        </p>
      )}
      <div className="notification-figures">
        <Stats>
          {figure('Unread, as told', told.unread, comparison(isWhole, isWrong, counted))}
          {figure('Read', states.read, more || 'in the list')}
          {figure('Dismissed', states.dismissed, more || 'out of the list')}
          {figure('Expired', states.expired, more || 'removed within seconds')}
          {figure('Connected', sessions, sessions === 1 ? 'session now' : 'sessions now')}
        </Stats>
      </div>
    </>
  )
}

function comparison(isWhole: boolean, isWrong: boolean, counted: number): string {
  if (!isWhole) return 'too many rows to compare'
  return isWrong ? `the rows say ${number(counted)}` : 'the rows say the same'
}
