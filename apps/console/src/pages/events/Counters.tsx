/** Every event and command in figures since the start of the server; a click on a column sorts by it. */
import type { EventCounts } from '@belfry/contract'
import { EmptyState } from '../../components/EmptyState.tsx'
import { Select } from '../../components/Select.tsx'
import { Spark } from '../../components/Spark.tsx'
import { Standing } from '../../components/Standing.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import type { PolledState } from '../../data/polled.ts'
import { count, millisecondsText, number, plural, sizeText } from '../../format.ts'
import { Link, useQuery } from '../../router.tsx'
import '../../components/sheet.css'

type Count = EventCounts['events'][number]

interface CountColumn extends Column<Count> {
  readonly by: (count: Count) => string | number
}

const columns: readonly CountColumn[] = [
  {
    key: 'name',
    title: 'Name',
    heads: true,
    by: ({ name }) => name,
    cell: ({ name, namespace, kind }) => (
      <>
        <code dir="auto">{name}</code>
        <span className="muted counter-note">
          {kind} on <code dir="auto">{namespace}</code>
        </span>
      </>
    ),
  },
  {
    key: 'count',
    title: 'Count',
    kind: 'figures',
    by: (row) => row.count,
    cell: (row) => count(row.count),
  },
  {
    key: 'deliveries',
    title: 'Deliveries',
    kind: 'figures',
    by: ({ kind, deliveries }) => (kind === 'event' ? deliveries : -1),
    cell: ({ kind, deliveries }) => (kind === 'event' ? count(deliveries) : <None />),
  },
  {
    key: 'bytes',
    title: 'Bytes',
    kind: 'figures',
    by: ({ bytes }) => bytes,
    cell: ({ bytes }) => sizeText(bytes),
  },
  {
    key: 'handler',
    title: 'Handler',
    kind: 'figures',
    by: ({ handlerMsMean, handlerMsMax }) => (handlerMsMax > 0 ? handlerMsMean : -1),
    cell: (row) => (row.handlerMsMax > 0 ? <HandlerTime count={row} /> : <None />),
  },
  {
    key: 'errors',
    title: 'Errors',
    kind: 'figures',
    by: errorsOf,
    cell: ({ errors }) => <Errors errors={errors} />,
  },
  {
    key: 'hour',
    title: 'Last hour',
    kind: 'figures',
    by: lastHour,
    cell: (row) => <LastHour count={row} />,
  },
]

interface CountersProps {
  readonly live: Extract<PolledState<EventCounts>, { data: object }>
  readonly isHeld: boolean
}

export function Counters({ live, isHeld }: CountersProps) {
  const [asked, setAsked] = useQuery('sort')
  const sort = readSort(asked)
  const rows = sorted(live.data.value.events, sort)
  /** The same column again turns it round. Figures begin with the greatest, words with A. */
  const onSort = (key: string): void => {
    const isFigures = columns.find((column) => column.key === key)?.kind === 'figures'
    const isDescending = key === sort.key ? !sort.isDescending : isFigures
    setAsked(`${isDescending ? '-' : ''}${key}`)
  }
  return (
    <section className="sheet counters" aria-labelledby="counters-title">
      <header className="counters-head">
        <h2 id="counters-title">By event and command</h2>
        <span className="muted">since the start of the server</span>
        <Standing live={live} held={isHeld} />
        <Select
          label="Sort by"
          className="counters-sort"
          value={`${sort.isDescending ? '-' : ''}${sort.key}`}
          options={columns.flatMap(({ key, title, kind }) => [
            { value: `-${key}`, text: `${title}, ${kind === 'figures' ? 'most first' : 'Z to A'}` },
            { value: key, text: `${title}, ${kind === 'figures' ? 'least first' : 'A to Z'}` },
          ])}
          onChange={setAsked}
        />
      </header>
      {rows.length === 0 ? (
        <EmptyState title="Nothing to count">No module of this server has events or commands.</EmptyState>
      ) : (
        <div className="counters-scroll">
          <Table
            caption="Events and commands in figures"
            columns={columns}
            rows={rows}
            keyOf={({ kind, namespace, name }) => `${kind} ${namespace} ${name}`}
            className="counters-table"
            sorting={{
              key: sort.key,
              direction: sort.isDescending ? 'descending' : 'ascending',
              onSort,
            }}
          />
        </div>
      )}
    </section>
  )
}

interface Sort {
  readonly key: string
  readonly isDescending: boolean
}

function readSort(asked: string): Sort {
  const key = asked.replace(/^-/, '')
  if (!columns.some((column) => column.key === key)) return { key: 'count', isDescending: true }
  return { key, isDescending: asked.startsWith('-') }
}

/** What is equal stays in the order of the names. */
function sorted(counts: readonly Count[], { key, isDescending }: Sort): readonly Count[] {
  const by = columns.find((column) => column.key === key)?.by ?? (({ name }: Count) => name)
  const turn = isDescending ? -1 : 1
  return counts.toSorted(
    (one, other) => turn * compare(by(one), by(other)) || compare(nameOf(one), nameOf(other)),
  )
}

function compare(one: string | number, other: string | number): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function nameOf({ name, namespace, kind }: Count): string {
  return `${name} ${namespace} ${kind}`
}

function errorsOf({ errors }: Count): number {
  return Object.values(errors).reduce((sum, times) => sum + times, 0)
}

function lastHour({ minutes }: Count): number {
  return minutes.reduce((sum, times) => sum + times, 0)
}

function None() {
  return <span className="muted">–</span>
}

function HandlerTime({ count: { handlerMsMean, handlerMsMax } }: { count: Count }) {
  return (
    <span>
      {handlerText(handlerMsMean)}
      <span className="muted counter-note">at most {handlerText(handlerMsMax)}</span>
    </span>
  )
}

function handlerText(ms: number): string {
  return ms < 0.01 ? '< 0.01 ms' : millisecondsText(ms)
}

function Errors({ errors }: { errors: Count['errors'] }) {
  const codes = Object.entries(errors).toSorted(([, one], [, other]) => other - one)
  if (codes.length === 0) return <None />
  return (
    <ul className="counter-errors">
      {codes.map(([code, times]) => (
        <li key={code}>
          {number(times)}{' '}
          <Link href={`/docs/errors#${code}`}>
            <code>{code}</code>
          </Link>
        </li>
      ))}
    </ul>
  )
}

function LastHour({ count: row }: { count: Count }) {
  const sum = lastHour(row)
  const peak = Math.max(0, ...row.minutes)
  return (
    <span className="counter-hour">
      <span>
        {count(sum)}
        {sum > 0 && <span className="visually-hidden">, at most {plural(peak, 'time')} a minute</span>}
      </span>
      <Spark values={row.minutes} ceiling={4} tone={row.kind === 'event' ? 'bronze' : 'ink'} />
    </span>
  )
}
