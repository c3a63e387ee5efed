/** What more than one table of this page shows. */
import type { Notification } from '@belfry/contract'
import { Badge } from '../../components/Badge.tsx'
import { dateTime, plural, shortTime } from '../../format.ts'

/** A moment that may not have come. */
export function When({ at }: { at: string | null }) {
  if (at === null) return <span className="muted">–</span>
  return (
    <time className="figures" dateTime={at} title={dateTime(at)}>
      {shortTime(at)}
    </time>
  )
}

/** Only what stands out is marked. */
export function Priority({ priority }: { priority: Notification['priority'] }) {
  if (priority === 'critical') return <Badge tone="bad">critical</Badge>
  if (priority === 'high') return <Badge tone="warn">high</Badge>
  return <span className="muted">{priority}</span>
}

export function Sessions({ sessions }: { sessions: number }) {
  if (sessions === 0) return <span className="muted">away</span>
  return <Badge tone="well">{plural(sessions, 'session')}</Badge>
}
