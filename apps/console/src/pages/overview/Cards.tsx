/** On what the server runs: its database and its process. */
import type { DatabaseView } from '@belfry/contract'
import { Badge } from '../../components/Badge.tsx'
import { Card } from '../../components/Card.tsx'
import { KeyValueList } from '../../components/KeyValueList.tsx'
import { Meter } from '../../components/Meter.tsx'
import type { LiveOverview } from '../../data/live.ts'
import { dateTime, duration, millisecondsText, sizeText } from '../../format.ts'
import { Link } from '../../router.tsx'

/** A difference below this is the network and rounding, not a clock. */
const skewWorthTellingMs = 5_000

export function DatabaseCard({ database, stale }: { database: DatabaseView; stale: string | undefined }) {
  return (
    <Card title="Database" actions={<Link href="/database">Migrations and more</Link>}>
      <KeyValueList
        facts={[
          {
            name: 'State',
            value: (
              <>
                <Badge tone={database.state === 'up' ? 'well' : 'bad'}>
                  {database.state === 'up' ? 'Up' : 'Down'}
                </Badge>
                {stale !== undefined && <span className="muted"> {stale}</span>}
              </>
            ),
          },
          { name: 'PostgreSQL', value: `${database.version ?? 'unknown'}, ${database.kind}` },
          {
            name: 'Size',
            value: database.sizeBytes === undefined ? 'unknown' : sizeText(database.sizeBytes),
          },
          {
            name: 'Connections',
            value: (
              <Meter
                value={database.connectionsOpen}
                max={database.connectionsMax}
                label="Open connections"
              />
            ),
          },
          {
            name: 'Round trip',
            value: database.pingMs === undefined ? 'unknown' : millisecondsText(database.pingMs),
          },
        ]}
      />
    </Card>
  )
}

export function ServerCard({ data }: { data: LiveOverview }) {
  const { overview, clockSkewMs } = data
  const facts = [
    { name: 'Host', value: <bdi>{overview.hostname}</bdi> },
    { name: 'Version', value: <bdi>{overview.version}</bdi> },
    { name: 'Node.js', value: <bdi>{overview.nodeVersion}</bdi> },
    { name: 'Process', value: String(overview.pid) },
    { name: 'Started', value: dateTime(overview.startedAt) },
  ]
  const skew = Math.abs(clockSkewMs) < skewWorthTellingMs ? undefined : duration(Math.abs(clockSkewMs))
  return (
    <Card title="Server">
      <KeyValueList
        facts={
          skew === undefined
            ? facts
            : [
                ...facts,
                { name: 'Clock', value: `${skew} ${clockSkewMs > 0 ? 'ahead of' : 'behind'} this browser` },
              ]
        }
      />
    </Card>
  )
}
