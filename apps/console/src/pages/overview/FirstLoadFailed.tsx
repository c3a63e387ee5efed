/** Nothing was ever heard: what went wrong, and when it is tried again. */
import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import type { Failure } from '../../data/api.ts'
import { useNow } from '../../data/clock.ts'
import { retryNow } from '../../data/live.ts'

export function FirstLoadFailed({ failure, retryAt }: { failure: Failure; retryAt: number }) {
  const seconds = Math.max(0, Math.ceil((retryAt - useNow()) / 1000))
  return (
    <ErrorNotice title="The overview could not be read" failure={failure} onRetry={retryNow}>
      <p className="figures" aria-hidden="true">
        The console tries again by itself {seconds === 0 ? 'now' : `in ${seconds} s`}.
      </p>
    </ErrorNotice>
  )
}
