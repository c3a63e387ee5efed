/** The database: how it is, and which migrations it has. */
import type { DatabaseView, MigrationsView, MigrationView } from '@belfry/contract'
import { Badge, type Tone } from '../components/Badge.tsx'
import { Card } from '../components/Card.tsx'
import { ConnectionBanner } from '../components/ConnectionBanner.tsx'
import { EmptyState } from '../components/EmptyState.tsx'
import { ErrorNotice } from '../components/ErrorNotice.tsx'
import { LiveControl } from '../components/LiveControl.tsx'
import { Meter } from '../components/Meter.tsx'
import { Moment } from '../components/Moment.tsx'
import { PageHeader } from '../components/PageHeader.tsx'
import { Skeleton } from '../components/Skeleton.tsx'
import { Stat, Stats } from '../components/Stat.tsx'
import { type Column, Table } from '../components/Table.tsx'
import { useNow } from '../data/clock.ts'
import { paused, retryNow, useLiveOverview } from '../data/live.ts'
import { useResource } from '../data/resource.ts'
import { useStore } from '../data/store.ts'
import { clockTime, milliseconds, plural, size } from '../format.ts'
import { FirstLoadFailed } from './overview/FirstLoadFailed.tsx'
import './database.css'

const states: Record<MigrationView['state'], { text: string; tone: Tone }> = {
  applied: { text: 'Applied', tone: 'well' },
  pending: { text: 'Pending', tone: 'warn' },
  unknown: { text: 'Unknown', tone: 'bad' },
}

export function Database() {
  const live = useLiveOverview()
  const isPaused = useStore(paused)
  const migrations = useResource<MigrationsView>('/api/v1/system/migrations')
  return (
    <>
      <PageHeader title="Database" actions={<LiveControl live={live} />}>
        The PostgreSQL that keeps everything Belfry must not forget.
      </PageHeader>
      <ConnectionBanner live={live} onRetry={retryNow} />
      {'data' in live ? (
        <State
          database={live.data.database}
          stale={live.phase === 'lost' || isPaused ? `as of ${clockTime(live.data.receivedAt)}` : undefined}
        />
      ) : live.phase === 'failed' ? (
        <FirstLoadFailed failure={live.failure} retryAt={live.retryAt} />
      ) : (
        <Skeleton what="the state of the database" heights={['8rem']} />
      )}
      {migrations.failure !== undefined && (
        <ErrorNotice
          title="The migrations could not be read"
          failure={migrations.failure}
          onRetry={migrations.reload}
        />
      )}
      {migrations.value !== undefined ? (
        <Migrations migrations={migrations.value.migrations} />
      ) : (
        migrations.loading && <Skeleton what="the migrations" heights={['16rem']} />
      )}
    </>
  )
}

function State({ database, stale }: { database: DatabaseView; stale: string | undefined }) {
  const up = database.state === 'up'
  return (
    <div className="database-state">
      {!up && (
        <p className="database-down" role="alert">
          <Badge tone="bad">Down</Badge> The database cannot be reached. See whether PostgreSQL is running;
          Belfry reconnects by itself.
        </p>
      )}
      <Stats>
        <Stat
          label="State"
          value={{ figure: up ? 'Up' : 'Down', unit: '' }}
          note={database.kind === 'embedded' ? 'run by Belfry' : 'run by you'}
          stale={stale}
        />
        <Stat
          label="PostgreSQL"
          value={database.version === undefined ? undefined : { figure: database.version, unit: '' }}
          note={database.kind}
        />
        <Stat
          label="Size on disk"
          value={database.sizeBytes === undefined ? undefined : size(database.sizeBytes)}
          stale={stale}
        />
        <Stat
          label="Connections"
          value={{ figure: String(database.connectionsOpen), unit: `of ${database.connectionsMax}` }}
          note={
            <Meter
              value={database.connectionsOpen}
              max={database.connectionsMax}
              label="Open connections"
              bare
            />
          }
          stale={stale}
        />
        <Stat
          label="Round trip"
          value={database.pingMs === undefined ? undefined : milliseconds(database.pingMs)}
          note={up ? 'last check' : 'no answer'}
          stale={stale}
        />
      </Stats>
    </div>
  )
}

function Migrations({ migrations }: { migrations: readonly MigrationView[] }) {
  const now = useNow(true)
  const pending = migrations.filter((migration) => migration.state === 'pending').length
  const unknown = migrations.filter((migration) => migration.state === 'unknown').length
  const columns: readonly Column<MigrationView>[] = [
    {
      key: 'id',
      title: 'Migration',
      heads: true,
      cell: (migration) => <code dir="auto">{migration.id}</code>,
    },
    { key: 'module', title: 'Module', cell: (migration) => <bdi>{migration.module}</bdi> },
    {
      key: 'state',
      title: 'State',
      cell: (migration) => <Badge tone={states[migration.state].tone}>{states[migration.state].text}</Badge>,
    },
    {
      key: 'at',
      title: 'Applied',
      cell: (migration) =>
        migration.appliedAt === undefined ? (
          <span className="muted">not yet</span>
        ) : (
          <Moment at={migration.appliedAt} now={now} />
        ),
    },
  ]
  return (
    <Card
      title="Migrations"
      className="migrations"
      actions={
        <span className="muted figures">
          {[
            `${migrations.length - pending - unknown} applied`,
            pending > 0 ? `${pending} pending` : '',
            unknown > 0 ? `${unknown} unknown` : '',
          ]
            .filter((part) => part !== '')
            .join(', ')}
        </span>
      }
    >
      {pending > 0 && (
        <p className="migrations-note">
          {plural(pending, 'migration is', 'migrations are')} waiting. Run <code>belfry migrate</code>, or
          start the server again.
        </p>
      )}
      {unknown > 0 && (
        <p className="migrations-note">
          {plural(unknown, 'migration is', 'migrations are')} in the database but not in this version of
          Belfry. A newer version has run on it; do not go back without a backup.
        </p>
      )}
      {migrations.length === 0 ? (
        <EmptyState title="No migrations">No module of this server has tables of its own.</EmptyState>
      ) : (
        <Table
          caption="Migrations and their states"
          columns={columns}
          rows={migrations}
          keyOf={(migration) => `${migration.module}/${migration.id}`}
        />
      )}
    </Card>
  )
}
