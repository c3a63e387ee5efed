/** What goes on: a log as it happens, and what every event and command costs. */
import type { EventCounts } from '@belfry/contract'
import { useEffect } from 'react'
import { ConnectionBanner } from '../../components/ConnectionBanner.tsx'
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { LiveControl } from '../../components/LiveControl.tsx'
import { PageHeader } from '../../components/PageHeader.tsx'
import { useReading } from '../../components/reading.ts'
import { Skeleton } from '../../components/Skeleton.tsx'
import { doubtActivity, reopenActivity, useActivity } from '../../data/activity.ts'
import { usePolled } from '../../data/polled.ts'
import { Counters } from './Counters.tsx'
import { Log } from './Log.tsx'
import './events.css'

const everyMs = 5_000

export function Events() {
  const log = useActivity()
  const reading = useReading()
  const counts = usePolled<EventCounts>('/api/v1/events/analytics', { everyMs, held: () => reading.isRead })
  const isUnreachable = counts.live.phase === 'lost' && counts.live.failure === undefined
  useEffect(() => {
    if (isUnreachable) doubtActivity()
  }, [isUnreachable])
  const retry = (): void => {
    reopenActivity()
    counts.readNow()
  }
  return (
    <>
      <PageHeader title="Events" actions={<LiveControl live={log} />}>
        What goes over the sockets of this server, as it happens.
      </PageHeader>
      <ConnectionBanner live={log.phase === 'lost' ? log : counts.live} onRetry={retry} />
      {'data' in log ? (
        <Log log={log.data} counts={'data' in counts.live ? counts.live.data.value : undefined} />
      ) : (
        <Skeleton what="the log" heights={['2.25rem', '24rem']} />
      )}
      {'data' in counts.live ? (
        <div {...reading.handlers}>
          <Counters live={counts.live} isHeld={counts.isHeld} />
        </div>
      ) : counts.live.phase === 'failed' ? (
        <ErrorNotice
          title="The counters could not be read"
          failure={counts.live.failure}
          onRetry={counts.readNow}
        />
      ) : (
        <Skeleton what="the counters" heights={['16rem']} />
      )}
    </>
  )
}
