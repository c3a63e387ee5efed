/** Tables of what was measured, with everything that a reader needs to believe them, or not. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { isPinned } from '../../packages/testing/src/bench/processes.ts'
import type { Metric, Scenario } from './scenario.ts'

/** One entry for each round. */
export type Rounds = readonly Readonly<Record<string, number>>[]

export interface Measured {
  readonly scenario: Scenario
  readonly belfry: Rounds
  readonly stock: Rounds
}

export interface Run {
  readonly rounds: number
  readonly isQuick: boolean
  readonly loadBefore: number
  readonly stockVersion: string
  readonly measured: readonly Measured[]
}

/** A generator that is busy for so much of the time is what limits the figure. */
const busyShare = 0.95
/** Where neither was busy for so much of it, something else had the machine, and the figure says little. */
const disturbedShare = 0.85

export function report(run: Run, shallSave: boolean): void {
  const results = {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: {
      cpu: os.cpus()[0]?.model.trim(),
      cores: os.cpus().length,
      system: `${os.type()} ${os.release()}`,
      node: process.versions.node,
      loadBefore: run.loadBefore,
      isPinned,
    },
    stock: run.stockVersion,
    rounds: run.rounds,
    scenarios: run.measured.map(({ scenario: { name }, belfry, stock }) => ({ name, belfry, stock })),
  }
  const markdown = markdownOf(run, results)
  if (shallSave) {
    const directory = new URL('../results/', import.meta.url)
    writeFileSync(new URL('wire.json', directory), `${JSON.stringify(results, null, 2)}\n`)
    writeFileSync(new URL('wire.md', directory), markdown)
  }
  console.log(`\n${markdown}`)
}

interface Results {
  readonly date: string
  readonly commit: string
  readonly machine: {
    readonly cpu: string | undefined
    readonly cores: number
    readonly system: string
    readonly node: string
    readonly loadBefore: number
    readonly isPinned: boolean
  }
}

function markdownOf(run: Run, { date, commit: at, machine }: Results): string {
  const cores = machine.isPinned
    ? 'server on one core, generator on another'
    : 'server and generator not kept on cores of their own'
  const sections = run.measured.map(
    ({ scenario, belfry, stock }) => `## ${scenario.title}

${scenario.method}

| | Belfry | socket.io | Belfry is better by | bound |
|---|---|---|---|---|
${scenario.metrics.map((metric) => row(metric, belfry, stock)).join('\n')}
${scenario.metrics.map((metric) => busyLine(metric, belfry, stock)).join('')}`,
  )
  return `# Wire

Our socket server with its engine against socket.io ${run.stockVersion} over its \`ws\`, each in a process of its own, in turns.
Ours takes events through contract, log and broker, and adds \`_meta\` and a cursor; commands are checked against their
contract. The stock server checks tokens (HS256) with \`node:crypto\` and payloads by hand; compression and recovery are off.
Medians of ${run.rounds} round${run.rounds === 1 ? '' : 's'}; in brackets the least and the greatest.${run.isQuick ? ' A quick look, not a measurement.' : ''}
${machine.cpu}, ${machine.cores} cores, ${machine.system}, ${cores} (load ${machine.loadBefore.toFixed(1)} before the run). Node ${machine.node}. ${date}, commit ${at}.
Made by \`node bench/wire.ts\`.

${sections.join('\n')}
≥: the generator was at its limit. CPU is that of the server's process, with what the kernel
does for it; over loopback, the kernel also does the receiver's part of TCP in it.
`
}

export function row(metric: Metric, belfry: Rounds, stock: Rounds): string {
  const ours = valuesOf(metric.key, belfry)
  const theirs = valuesOf(metric.key, stock)
  const ratio = metric.better === 'higher' ? median(ours) / median(theirs) : median(theirs) / median(ours)
  const isBounded = (rounds: Rounds) => isLimitedByGenerator(metric, rounds)
  const mark = isBounded(belfry) && !isBounded(stock) ? '≥ ' : ''
  const cells = [
    metric.label,
    cell(metric, ours, isBounded(belfry)),
    cell(metric, theirs, isBounded(stock)),
    `${mark}${ratio.toFixed(ratio < 10 ? 2 : 1)}×`,
    boundOf(metric, belfry, ratio, !isDisturbed(metric, [belfry, stock])),
  ]
  return `| ${cells.join(' | ')} |`
}

/** Who was at the limit. */
function busyLine(metric: Metric, belfry: Rounds, stock: Rounds): string {
  const { label, busy } = metric
  if (busy === undefined) return ''
  const share = (key: string, rounds: Rounds) => `${(medianOf(key, rounds) * 100).toFixed(0)} %`
  const both = (rounds: Rounds) =>
    `${share(busy.server, rounds)} (generator ${share(busy.generator, rounds)})`
  const warning = isDisturbed(metric, [belfry, stock])
    ? ' **Neither server nor generator was at its limit: something else used the machine.**'
    : ''
  return `\nBusy, ${label}: Belfry ${both(belfry)}, socket.io ${both(stock)}.${warning}\n`
}

function boundOf(metric: Metric, belfry: Rounds, ratio: number, isJudged: boolean): string {
  const { must, unit, key } = metric
  if (must === undefined) return ''
  const [text, isMet] =
    'ratioAtLeast' in must
      ? [`≥ ${must.ratioAtLeast}×`, ratio >= must.ratioAtLeast]
      : [`< ${must.below} ${unit}`, medianOf(key, belfry) < must.below]
  if (!isJudged) return `${text}, not judged`
  return isMet ? text : `${text}, **missed**`
}

function cell({ unit, digits }: Metric, values: readonly number[], isBounded: boolean): string {
  const shown = (value: number) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  const spread = values.length > 1 ? ` (${shown(Math.min(...values))} … ${shown(Math.max(...values))})` : ''
  return `${isBounded ? '≥ ' : ''}${shown(median(values))} ${unit}${spread}`
}

function isLimitedByGenerator({ busy }: Metric, rounds: Rounds): boolean {
  return busy !== undefined && medianOf(busy.generator, rounds) >= busyShare
}

function isDisturbed({ busy }: Metric, sides: readonly Rounds[]): boolean {
  if (busy === undefined) return false
  return sides.some(
    (rounds) => Math.max(medianOf(busy.server, rounds), medianOf(busy.generator, rounds)) < disturbedShare,
  )
}

function valuesOf(key: string, rounds: Rounds): number[] {
  return rounds.map((figures) => figures[key] ?? Number.NaN)
}

function medianOf(key: string, rounds: Rounds): number {
  return median(valuesOf(key, rounds))
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'none yet'
  }
}
