/** A point in time: exactly when, and how long ago. */
import { ago, dateTime } from '../format.ts'

export function Moment({ at, now }: { at: string; now: number }) {
  return (
    <time className="figures" dateTime={at}>
      {dateTime(at)} <span className="muted">({ago(at, now)})</span>
    </time>
  )
}
