/** One sample of the process a second, the last fifteen minutes of them, and everybody who watches them come. */
import type {
  DatabaseView,
  MigrationView,
  SettingView,
  SystemOverview,
  SystemSample,
  SystemTick,
} from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import { watchDatabase } from './database-watch.ts'
import { createLatest } from './latest.ts'
import type { ProcessProbe } from './probe.ts'
import { createRing } from './ring.ts'

export interface SystemOptions {
  readonly clock: Clock
  readonly probe: ProcessProbe
  /** Counted up by whoever answers requests. */
  readonly requestCounter: { readonly answered: number }
  readonly databaseKind: DatabaseView['kind']
  /** May take its time and may fail; it is asked every five seconds, in the background. */
  askDatabase(): Promise<DatabaseView>
  readonly settings: readonly SettingView[]
  listMigrations(): Promise<readonly MigrationView[]>
  readonly process: Pick<SystemOverview, 'version' | 'nodeVersion' | 'hostname' | 'pid'>
}

export interface SystemService {
  overview(): SystemOverview
  ticks(signal: AbortSignal): AsyncIterable<SystemTick>
  settings(): readonly SettingView[]
  migrations(): Promise<readonly MigrationView[]>
  start(): Promise<void>
  stop(): void
}

/** Fifteen minutes of seconds, some 200 bytes each. */
const samplesMax = 900
const sampleMs = 1_000

export function createSystemService(options: SystemOptions): SystemService {
  const { clock, probe, requestCounter } = options
  const startedAt = isoTime(clock.now())
  const samples = createRing<SystemSample>(samplesMax)
  const ticks = createLatest<SystemTick>()
  const database = watchDatabase({
    kind: options.databaseKind,
    ask: () => options.askDatabase(),
    now: () => clock.now(),
  })
  let answeredBefore = requestCounter.answered
  let memoryBytes = 0
  let stopSampling: (() => void) | undefined

  function takeSample(): void {
    const reading = probe.read()
    const { answered } = requestCounter
    const sample: SystemSample = {
      at: isoTime(clock.now()),
      memoryBytes: reading.memoryBytes,
      cpuShare: reading.elapsedMs > 0 ? rounded(reading.cpuMs / reading.elapsedMs) : 0,
      loopDelayP50Ms: rounded(reading.loopDelayP50Ms),
      loopDelayP99Ms: rounded(reading.loopDelayP99Ms),
      requests: answered - answeredBefore,
    }
    answeredBefore = answered
    memoryBytes = reading.memoryBytes
    samples.push(sample)
    database.refresh()
    ticks.publish({ sample, database: database.view() })
  }

  return {
    overview: () => ({
      ...options.process,
      startedAt,
      memoryBytes,
      database: database.view(),
      samples: samples.list(),
    }),
    ticks: (signal) => ticks.watch(signal),
    settings: () => options.settings,
    migrations: () => options.listMigrations(),
    async start() {
      // The first sample shall not call a database down that only has not been asked yet.
      database.refresh()
      await database.settled()
      takeSample()
      stopSampling = clock.every(sampleMs, takeSample)
    },
    stop() {
      stopSampling?.()
      ticks.close()
      probe.close()
    },
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** A thousandth is finer than anything measured here, and fifteen minutes of samples stay short on the wire. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
