/** The watchman's call: "All is well", or what is not. */
import { BellRing, TriangleAlert } from 'lucide-react'
import { useNow } from '../../data/clock.ts'
import { type LiveOverview, paused } from '../../data/live.ts'
import { useStore } from '../../data/store.ts'
import { Logo } from '../../design/Logo.tsx'
import { clockTime, duration, plural } from '../../format.ts'
import { troubles } from './health.ts'
import './health.css'

export function Health({ data, lost }: { data: LiveOverview; lost: boolean }) {
  const isPaused = useStore(paused)
  const found = troubles(data.samples, data.database)
  const worst = lost
    ? 'lost'
    : found.some((trouble) => trouble.tone === 'bad')
      ? 'bad'
      : found.length > 0
        ? 'warn'
        : 'well'
  const { overview } = data
  return (
    <section className="health" data-state={worst} aria-labelledby="health">
      <div className="health-mark">
        {worst === 'well' ? (
          <Logo size="4.25rem" />
        ) : worst === 'bad' ? (
          <BellRing size="1.875rem" aria-hidden="true" />
        ) : (
          <TriangleAlert size="1.875rem" aria-hidden="true" />
        )}
      </div>
      <div className="health-words">
        <div role="status">
          <h2 id="health">{call(worst, found.length, data, found[0]?.sentence)}</h2>
        </div>
        <p className="health-facts figures">
          <span>
            Belfry <bdi>{overview.version}</bdi>
          </span>
          <span>
            <bdi>{overview.hostname}</bdi>
          </span>
          <span>
            {lost ? 'was up' : 'up'} <Uptime data={data} stopped={isPaused || lost} />
          </span>
        </p>
        {!lost && found.length > 0 && (
          <ul className="health-troubles">
            {found.map((trouble) => (
              <li key={trouble.sentence}>
                {found.length > 1 && <strong>{trouble.sentence} </strong>}
                {trouble.remedy}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  )
}

/** Ticks by this browser's clock, corrected to the server's, so that it needs no traffic. */
function Uptime({ data, stopped }: { data: LiveOverview; stopped: boolean }) {
  const now = useNow(stopped)
  const at = stopped ? data.receivedAt : Math.max(now, data.receivedAt)
  return <>{duration(at + data.clockSkewMs - Date.parse(data.overview.startedAt))}</>
}

function call(worst: string, count: number, data: LiveOverview, only: string | undefined): string {
  if (worst === 'lost') return `Not heard from since ${clockTime(data.receivedAt)}`
  if (worst === 'well') return 'All is well'
  return count === 1 && only !== undefined
    ? only.replace(/\.$/, '')
    : `${plural(count, 'thing')} need attention`
}
