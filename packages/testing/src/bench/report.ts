/** The results of a bench of recovery as lines for a terminal, and as a table for a document. */
import type { Quantiles, RecoveryResult, Scenario } from './recovery.ts'

export interface Column {
  readonly title: string
  readonly cell: (result: RecoveryResult) => string
}

export const columns: readonly Column[] = [
  { title: 'delivered', cell: ({ verdict: { delivered, due } }) => percent(delivered, due) },
  { title: 'lost silently', cell: ({ verdict: { missing } }) => whole(missing) },
  { title: 'lost and told', cell: ({ verdict: { told } }) => whole(told) },
  { title: 'twice', cell: ({ verdict: { twice } }) => whole(twice) },
  { title: 'out of order', cell: ({ verdict: { outOfOrder } }) => whole(outOfOrder) },
  {
    title: 'recovered',
    cell: ({ counts, cameBack }) => percent(counts['recovered'] ?? 0, cameBack),
  },
  { title: 'caught up, p50 / p99 / max', cell: ({ caughtUpMs }) => quantileCell(caughtUpMs) },
  {
    title: 'others, p50 / p99',
    cell: ({ latencyMs: { p50, p99 } }) => `${milliseconds(p50)} / ${milliseconds(p99)} ms`,
  },
  { title: 'CPU of the server', cell: ({ serverCpuSeconds }) => `${serverCpuSeconds.toFixed(1)} s` },
]

/** What was done to everybody, in a sentence. */
export function describeScenario(scenario: Scenario): string {
  const { clients, rooms, eventsPerSecond, seconds, cuts, cutEverySeconds, cutSeconds, uncut, seed } =
    scenario
  const lines =
    cuts === 'at-once'
      ? `all lines cut at once for ${cutSeconds} s, but for ${whole(uncut)} others`
      : `each line cut about every ${cutEverySeconds} s for about ${cutSeconds} s, but for ${whole(uncut)} others`
  return (
    `${whole(clients)} clients in ${rooms} rooms, ${whole(eventsPerSecond)} events a second for ${seconds} s; ` +
    `${lines}; seed ${seed}.`
  )
}

/** One row for each figure, one column for each server. */
export function tableLines(results: readonly RecoveryResult[]): string[] {
  const rows = [
    ['', ...results.map(titleOf)],
    ...columns.map(({ title, cell }) => [title, ...results.map(cell)]),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd(),
  )
}

export function markdownTable(results: readonly RecoveryResult[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    row(['', ...results.map(titleOf)]),
    row(['---', ...results.map(() => '---:')]),
    ...columns.map(({ title, cell }) => row([title, ...results.map(cell)])),
  ].join('\n')
}

export const titleOf = ({ server, version }: Pick<RecoveryResult, 'server' | 'version'>): string =>
  server === 'belfry' ? 'Belfry' : server.replace('socket.io', `socket.io ${version}`)

export const whole = (value: number): string => value.toLocaleString('en')

/** Not rounded up to 100 while something is missing. */
export function percent(part: number, all: number): string {
  if (all === 0) return '–'
  const exact = (part / all) * 100
  return `${part === all ? '100' : part === 0 ? '0' : (Math.floor(exact * 100) / 100).toFixed(2)} %`
}

function milliseconds(value: number): string {
  if (Number.isNaN(value)) return '–'
  return value < 10 ? value.toFixed(1) : whole(Math.round(value))
}

const quantileCell = ({ p50, p99, max }: Quantiles) =>
  Number.isNaN(p50) ? '–' : `${milliseconds(p50)} / ${milliseconds(p99)} / ${milliseconds(max)} ms`
