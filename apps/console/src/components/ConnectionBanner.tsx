/** Says that what is shown is old, how old, and when the next attempt comes. */
import { Unplug } from 'lucide-react'
import { useNow } from '../data/clock.ts'
import type { Followed, LiveState } from '../data/live.ts'
import { clockTime } from '../format.ts'
import { Button } from './Button.tsx'
import './connection-banner.css'

interface ConnectionBannerProps {
  readonly live: LiveState<Followed>
  readonly onRetry: () => void
}

export function ConnectionBanner({ live, onRetry }: ConnectionBannerProps) {
  return (
    <div role="status" className="connection-banner-place">
      {live.phase === 'lost' && (
        <div className="connection-banner">
          <Unplug size="1.125rem" aria-hidden="true" />
          <p>
            <strong>{live.failure?.sentence ?? 'The connection to the server was lost.'}</strong>{' '}
            <span className="figures">Last data {clockTime(live.data.receivedAt)}.</span>
          </p>
          <NextAttempt retryAt={live.retryAt} trying={live.trying} />
          <Button onClick={onRetry} disabled={live.trying}>
            Try now
          </Button>
        </div>
      )}
    </div>
  )
}

/** Counts down for those who look; a spoken countdown would be noise. */
function NextAttempt({ retryAt, trying }: { retryAt: number; trying: boolean }) {
  const seconds = Math.max(0, Math.ceil((retryAt - useNow()) / 1000))
  return (
    <span className="connection-banner-next figures" aria-hidden="true">
      {trying || seconds === 0 ? 'Trying…' : `Next attempt in ${seconds} s`}
    </span>
  )
}
