/** The first page: is all well, how is it going, and on what does it run. */
import type { SystemSample } from '@belfry/contract'
import { useMemo } from 'react'
import { ConnectionBanner } from '../../components/ConnectionBanner.tsx'
import { LiveControl } from '../../components/LiveControl.tsx'
import { PageHeader } from '../../components/PageHeader.tsx'
import { Segments } from '../../components/Segments.tsx'
import { Skeleton } from '../../components/Skeleton.tsx'
import { Spark } from '../../components/Spark.tsx'
import { Stat, Stats } from '../../components/Stat.tsx'
import { TimeSeries } from '../../components/TimeSeries.tsx'
import { type LiveOverview, paused, retryNow, useLiveOverview } from '../../data/live.ts'
import { useStore } from '../../data/store.ts'
import {
  clockTime,
  count,
  milliseconds,
  millisecondsText,
  number,
  percent,
  percentText,
  size,
  sizeText,
} from '../../format.ts'
import { useQuery } from '../../router.tsx'
import { DatabaseCard, ServerCard } from './Cards.tsx'
import { FirstLoadFailed } from './FirstLoadFailed.tsx'
import { Health } from './Health.tsx'
import './overview.css'

const windows = [
  { value: '1', text: '1 min' },
  { value: '5', text: '5 min' },
  { value: '15', text: '15 min' },
] as const

type Window = (typeof windows)[number]['value']

export function Overview() {
  const live = useLiveOverview()
  return (
    <>
      <PageHeader title="Overview" actions={<LiveControl live={live} />} />
      <ConnectionBanner live={live} onRetry={retryNow} />
      {'data' in live ? (
        <Readings data={live.data} lost={live.phase === 'lost'} />
      ) : live.phase === 'failed' ? (
        <FirstLoadFailed failure={live.failure} retryAt={live.retryAt} />
      ) : (
        <Skeleton what="the overview" heights={['7.5rem', '9rem', '18rem', '12rem']} />
      )}
    </>
  )
}

function Readings({ data, lost }: { data: LiveOverview; lost: boolean }) {
  const [asked, setAsked] = useQuery('window')
  const span: Window = windows.find((option) => option.value === asked)?.value ?? '5'
  const seconds = Number(span) * 60
  const isPaused = useStore(paused)
  const shown = useMemo(() => inWindow(data.samples, seconds), [data.samples, seconds])
  const latest = shown.at(-1)
  const stale = lost || isPaused ? `as of ${clockTime(data.receivedAt)}` : undefined

  const memory = shown.map((sample) => sample.memoryBytes)
  const cpu = shown.map((sample) => sample.cpuShare)
  const requests = shown.map((sample) => sample.requests)
  const delay = shown.map((sample) => sample.loopDelayP99Ms)
  const times = useMemo(() => shown.map((sample) => Date.parse(sample.at)), [shown])
  const delayLines = useMemo(
    () => [
      {
        name: 'p99',
        color: '--series-bronze',
        filled: true,
        values: shown.map((sample) => sample.loopDelayP99Ms),
      },
      {
        name: 'p50',
        color: '--series-patina',
        dashed: true,
        values: shown.map((sample) => sample.loopDelayP50Ms),
      },
    ],
    [shown],
  )
  const requestLines = useMemo(
    () => [
      {
        name: 'answered',
        color: '--series-ink',
        filled: true,
        values: shown.map((sample) => sample.requests),
      },
    ],
    [shown],
  )
  return (
    <>
      <Health data={data} lost={lost} />
      <div className="overview-window">
        <h2>Readings</h2>
        <Segments
          label="Time shown"
          options={windows}
          value={span}
          onChange={(next) => setAsked(next === '5' ? '' : next)}
        />
      </div>
      <Stats>
        <Stat
          label="Requests per second"
          value={latest === undefined ? undefined : { figure: count(latest.requests), unit: '' }}
          note={
            requests.length > 0 && `peak ${count(Math.max(...requests))}, mean ${count(mean(requests), 1)}`
          }
          stale={stale}
          trend={<Spark values={requests} ceiling={5} tone="ink" />}
        />
        <Stat
          label="Event-loop delay, p99"
          value={latest === undefined ? undefined : milliseconds(latest.loopDelayP99Ms)}
          note={delay.length > 0 && `peak ${millisecondsText(Math.max(...delay))}`}
          stale={stale}
          trend={<Spark values={delay} ceiling={10} tone="bronze" />}
        />
        <Stat
          label="CPU, of one core"
          value={latest === undefined ? undefined : percent(latest.cpuShare)}
          note={cpu.length > 0 && `peak ${percentText(Math.max(...cpu))}`}
          stale={stale}
          trend={<Spark values={cpu} ceiling={0.5} tone="patina" />}
        />
        <Stat
          label="Memory"
          value={size(latest?.memoryBytes ?? data.overview.memoryBytes)}
          note={memory.length > 0 && `peak ${sizeText(Math.max(...memory))}`}
          stale={stale}
          trend={<Spark values={memory} ceiling={Math.max(1, ...memory) * 1.3} tone="patina" />}
        />
      </Stats>
      <div className="overview-charts">
        <TimeSeries
          title="Event-loop delay"
          times={times}
          lines={delayLines}
          windowSeconds={seconds}
          text={millisecondsText}
          axisText={(value) =>
            value === 0 ? '0 ms' : value < 1 ? `${number(value, 1)} ms` : wholeMilliseconds(value)
          }
          ceiling={5}
        />
        <TimeSeries
          title="Requests per second"
          times={times}
          lines={requestLines}
          windowSeconds={seconds}
          text={(value) => count(value)}
          axisText={(value) => count(value, Number.isInteger(value) ? 0 : 1)}
          ceiling={5}
        />
      </div>
      <div className="overview-cards">
        <DatabaseCard database={data.database} stale={stale} />
        <ServerCard data={data} />
      </div>
    </>
  )
}

/** The samples of the last seconds, counted back from the newest: the server's clock, not ours. */
function inWindow(samples: readonly SystemSample[], seconds: number): readonly SystemSample[] {
  const newest = samples.at(-1)
  if (newest === undefined) return samples
  const from = new Date(Date.parse(newest.at) - seconds * 1000).toISOString()
  return samples.filter((sample) => sample.at > from)
}

function wholeMilliseconds(value: number): string {
  return value < 10_000 ? `${number(value, Number.isInteger(value) ? 0 : 1)} ms` : millisecondsText(value)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
