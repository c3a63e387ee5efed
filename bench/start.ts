/**
 * How long a newcomer waits, and what an idle server takes: `./start` in fresh copies of the repository with an
 * empty and with a filled npm cache, later starts, stops, and the memory of the server and of PostgreSQL.
 *
 *   node bench/start.ts [--warm-only]
 *
 * Writes bench/results/start.json and .md. `--warm-only` leaves out the empty cache, which needs the network.
 */
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const repository = join(import.meta.dirname, '..')
const laterStarts = 7
/** Long enough for garbage of the start to be collected, or not: what an operator sees a little later. */
const idleMs = 30_000

interface Run {
  readonly readyMs: number
  readonly pid: number
  stop(): Promise<number>
}

const place = mkdtempSync(join(os.tmpdir(), 'belfry-bench-'))
if (process.getuid?.() === 0) chmodSync(place, 0o711)
const withEmptyCache = !process.argv.includes('--warm-only')
try {
  const cache = join(place, 'npm-cache')
  const emptyCacheMs = withEmptyCache ? await firstStart('empty', { npm_config_cache: cache }) : undefined
  const warmCacheMs = await firstStart('warm', withEmptyCache ? { npm_config_cache: cache } : {})

  const later: number[] = []
  const stops: number[] = []
  for (let round = 0; round < laterStarts; round++) {
    const run = await start(join(place, 'warm'), join(place, 'warm-data'), {})
    later.push(run.readyMs)
    stops.push(await run.stop())
  }
  const idle = await start(join(place, 'warm'), join(place, 'warm-data'), {})
  await delay(idleMs)
  const serverRssMB = rssMB(idle.pid)
  const postgres = postgresProcesses(join(place, 'warm-data')).map(pssMB)
  await idle.stop()

  report({
    emptyCacheMs,
    warmCacheMs,
    laterMs: median(later),
    laterMsMax: Math.max(...later),
    stopMs: median(stops),
    stopMsMax: Math.max(...stops),
    serverRssMB,
    postgresPssMB: postgres.reduce((sum, each) => sum + each, 0),
    postgresProcesses: postgres.length,
  })
} finally {
  rmSync(place, { recursive: true, force: true })
}

/** From a copy of what git tracks to the ready line. */
async function firstStart(name: string, environment: Record<string, string>): Promise<number> {
  const clone = join(place, name)
  const tracked = execFileSync('git', ['ls-files'], { cwd: repository, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
  for (const path of tracked.filter((file) => existsSync(join(repository, file)))) {
    mkdirSync(dirname(join(clone, path)), { recursive: true })
    cpSync(join(repository, path), join(clone, path))
  }
  const run = await start(clone, join(place, `${name}-data`), environment)
  await run.stop()
  return run.readyMs
}

async function start(
  clone: string,
  dataDirectory: string,
  environment: Record<string, string>,
): Promise<Run> {
  const began = performance.now()
  const child = spawn(join(clone, 'start'), [], {
    env: { ...process.env, ...environment, PORT: '0', BELFRY_DATA_DIR: dataDirectory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('Ctrl-C stops it')) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    void ended.then(() => reject(new Error(`It ended before it was ready:\n${output}`)))
  })
  const readyMs = performance.now() - began
  return {
    readyMs,
    pid: child.pid ?? 0,
    async stop() {
      const asked = performance.now()
      child.kill('SIGTERM')
      await ended
      return performance.now() - asked
    },
  }
}

function postgresProcesses(dataDirectory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${dataDirectory}/`)
      } catch {
        return false
      }
    })
}

function rssMB(pid: number): number {
  return field(`/proc/${pid}/status`, /VmRSS:\s+(\d+)/) / 1_000
}

function pssMB(pid: number): number {
  return field(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+)/m) / 1_000
}

function field(path: string, pattern: RegExp): number {
  return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1])
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

function report(figures: Record<string, number | undefined>): void {
  const machine = {
    cpu: os.cpus()[0]?.model,
    cores: os.cpus().length,
    system: `${os.type()} ${os.release()}`,
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: repository,
    encoding: 'utf8',
  }).trim()
  const results = { date: new Date().toISOString().slice(0, 10), commit, machine, figures }
  const seconds = (ms: number | undefined) =>
    ms === undefined ? 'not measured' : `${(ms / 1_000).toFixed(2)} s`
  const megabytes = (value: number | undefined) => `${(value ?? Number.NaN).toFixed(0)} MB`
  const rows = [
    ['fresh copy, empty npm cache, to ready', seconds(figures['emptyCacheMs']), '< 120 s'],
    ['fresh copy, filled npm cache, to ready', seconds(figures['warmCacheMs']), '< 60 s'],
    [`later start, median of ${laterStarts}`, seconds(figures['laterMs']), '< 3 s'],
    [`later start, slowest of ${laterStarts}`, seconds(figures['laterMsMax']), '< 3 s'],
    [`stop, slowest of ${laterStarts}`, seconds(figures['stopMsMax']), '< 5 s'],
    [`server, idle for ${idleMs / 1_000} s, RSS`, megabytes(figures['serverRssMB']), '< 120 MB'],
    [
      `PostgreSQL, idle, PSS of its ${figures['postgresProcesses']} processes`,
      megabytes(figures['postgresPssMB']),
      '< 120 MB',
    ],
  ]
  const markdown = `# Start

${machine.cpu}, ${machine.cores} cores, ${machine.system}. ${results.date}, commit ${commit}.
Made by \`node bench/start.ts\`.

| | measured | bound |
|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}
`
  if (withEmptyCache) {
    const target = join(import.meta.dirname, 'results', 'start')
    writeFileSync(`${target}.json`, `${JSON.stringify(results, null, 2)}\n`)
    writeFileSync(`${target}.md`, markdown)
  }
  console.log(markdown)
}
