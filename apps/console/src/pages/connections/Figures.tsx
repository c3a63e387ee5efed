/** Connections in figures: how many, over what, and what does not go well. */
import type { SocketStats } from '@belfry/contract'
import { Meter } from '../../components/Meter.tsx'
import { Stat, Stats } from '../../components/Stat.tsx'
import { paused } from '../../data/live.ts'
import type { PolledState } from '../../data/polled.ts'
import { useStore } from '../../data/store.ts'
import { clockTime, count, number, plural, roundTripText, size } from '../../format.ts'

export function Figures({ live }: { live: Extract<PolledState<SocketStats>, { data: object }> }) {
  const isPaused = useStore(paused)
  const { value, receivedAt } = live.data
  const { connections, users, namespaces, queuedBytes, roundTripMs } = value
  const { current, peak, max, byTransport } = connections
  const stale = live.phase === 'lost' || isPaused ? `as of ${clockTime(receivedAt)}` : undefined
  const sessions = namespaces.reduce((sum, namespace) => sum + namespace.sessions, 0)
  const refused = Object.values(connections.refused).reduce((sum, times) => sum + times, 0)
  return (
    <div className="connections-figures">
      <Stats>
        <Stat
          label="Connected now"
          value={{ figure: count(current), unit: '' }}
          note={
            <span className="connections-max">
              <Meter value={current} max={max} label="Connections" bare /> of {count(max)}
            </span>
          }
          stale={stale}
        />
        <Stat label="Peak" value={{ figure: count(peak), unit: '' }} note="since the start" stale={stale} />
        <Stat
          label="Users"
          value={{ figure: count(users), unit: '' }}
          note={plural(sessions, 'session')}
          stale={stale}
        />
        <Stat
          label="WebSocket"
          value={{ figure: count(byTransport.websocket), unit: '' }}
          note={`${number(byTransport.polling)} by polling`}
          stale={stale}
        />
        <Stat
          label="Refused"
          value={{ figure: count(refused), unit: '' }}
          note={reasons(connections.refused) || 'since the start'}
          stale={stale}
        />
        <Stat
          label="Waiting to be sent"
          value={size(queuedBytes)}
          note={roundTrips(roundTripMs) || 'for slow readers'}
          stale={stale}
        />
      </Stats>
    </div>
  )
}

/** The most frequent ones first. */
function reasons(byReason: Readonly<Record<string, number>>): string {
  return Object.entries(byReason)
    .toSorted(([, one], [, other]) => other - one)
    .map(([reason, times]) => `${number(times)} ${reason.replaceAll('_', ' ')}`)
    .join(', ')
}

function roundTrips({ p50, p99 }: SocketStats['roundTripMs']): string {
  return p50 === null || p99 === null ? '' : `round trip p50 ${roundTripText(p50)}, p99 ${roundTripText(p99)}`
}
