/**
 * What becomes of events while lines break: the same clients, the same outages from the same seed, the same events,
 * against Belfry and against stock `socket.io` with and without its own recovery. Every server and the fleet of clients
 * have a process of their own; the server's process publishes.
 */
import { createRequire } from 'node:module'
import os from 'node:os'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Outage, planOutages } from '../faults/outages.ts'
import type { Verdict } from '../ledger/verdict.ts'
import type { FleetCalls, FleetResult } from './fleet-process.ts'
import { type Child, startChild } from './processes.ts'
import type { ServerCalls } from './servers/server-calls.ts'

export const serverNames = ['belfry', 'socket.io', 'socket.io with recovery'] as const
export type ServerName = (typeof serverNames)[number]

export interface Scenario {
  readonly clients: number
  readonly rooms: number
  readonly eventsPerSecond: number
  readonly eventBytes: number
  readonly pollingPercent: number
  readonly seed: number
  /** Events for so long, and a little more until everybody is back. */
  readonly seconds: number
  /** Each line breaks every so often, by itself; or all at once, and once. */
  readonly cuts: 'each' | 'at-once'
  readonly cutEverySeconds: number
  readonly cutSeconds: number
  /** Clients beside them whose lines do not break. */
  readonly uncut: number
}

export const defaultScenario: Scenario = {
  clients: 2_000,
  rooms: 20,
  eventsPerSecond: 200,
  eventBytes: 200,
  pollingPercent: 0,
  seed: 1,
  seconds: 60,
  cuts: 'each',
  cutEverySeconds: 15,
  cutSeconds: 2,
  uncut: 20,
}

export interface RecoveryOptions {
  readonly scenario: Scenario
  readonly servers: readonly ServerName[]
  /** From where `socket.io` is looked for: a directory. */
  readonly directory: string
  /** CPU profiles of the servers go there. */
  readonly profiles?: string
  progress(line: string): void
}

export interface RecoveryResult extends FleetResult {
  readonly server: ServerName
  readonly version: string
  readonly outages: number
  /** Clients that were lost, and let in again. */
  readonly cameBack: number
  readonly stayedAway: number
  /** Of those that were recovered: from the first attempt over a whole line to the last event that was missed. */
  readonly caughtUpMs: Quantiles
  readonly serverCpuSeconds: number
  readonly fleetCpuSeconds: number
  readonly serverMemoryBytes: number
  /** The longest that the server's event loop was late. */
  readonly serverLateMs: number
}

export interface Quantiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export class StockMissing extends Error {
  override readonly name = 'StockMissing'
}

/** A client that nobody cut has the last event within that, or never. */
const settleSeconds = 15
/** The longest back-off, a slow connect, and some more. */
const returnSeconds = 20

export async function benchRecovery(options: RecoveryOptions): Promise<RecoveryResult[]> {
  const stock = options.servers.some((name) => name !== 'belfry') ? findStock(options.directory) : undefined
  const results: RecoveryResult[] = []
  for (const name of options.servers) results.push(await runAgainst(name, stock, options))
  return results
}

interface Stock {
  readonly url: string
  readonly version: string
}

function findStock(directory: string): Stock {
  for (const from of [join(directory, 'package.json'), import.meta.filename]) {
    try {
      const require = createRequire(from)
      const { version } = require('socket.io/package.json') as { version: string }
      return { url: pathToFileURL(require.resolve('socket.io')).href, version }
    } catch {
      // Not from there.
    }
  }
  throw new StockMissing(
    'socket.io is not installed here: "npm install --save-dev socket.io", or leave it out.',
  )
}

async function runAgainst(
  name: ServerName,
  stock: Stock | undefined,
  { scenario, profiles, progress }: RecoveryOptions,
): Promise<RecoveryResult> {
  const running: Child<never>[] = []
  try {
    const nodeOptions = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
    const words = name === 'socket.io with recovery' ? ['recovery'] : []
    const server = await startChild<ServerCalls>(
      ownFile(join('servers', name === 'belfry' ? 'belfry' : 'stock')),
      {
        core: 0,
        nodeOptions,
        words: name === 'belfry' || stock === undefined ? [] : [stock.url, ...words],
      },
    )
    running.push(server)
    const fleet = await startChild<FleetCalls>(ownFile('fleet-process'), { core: 1 })
    running.push(fleet)
    // By themselves: how long an event takes to them is not to depend on how busy the others are.
    // They share a core: what the watchers wait for the fleet there is no latency of the server.
    if (fleet.process.pid !== undefined) os.setPriority(fleet.process.pid, os.constants.priority.PRIORITY_LOW)
    const watchers = await startChild<FleetCalls>(ownFile('fleet-process'), { core: 1 })
    running.push(watchers)
    return await run({
      name,
      version: name === 'belfry' ? '' : (stock?.version ?? ''),
      scenario,
      progress,
      server,
      fleet,
      watchers,
    })
  } finally {
    for (const child of running.toReversed()) await child.stop()
  }
}

interface Run {
  readonly name: ServerName
  readonly version: string
  readonly scenario: Scenario
  progress(line: string): void
  readonly server: Child<ServerCalls>
  readonly fleet: Child<FleetCalls>
  /** Whose lines do not break. */
  readonly watchers: Child<FleetCalls>
}

async function run({
  name,
  version,
  scenario,
  progress,
  server,
  fleet,
  watchers,
}: Run): Promise<RecoveryResult> {
  const { clients, uncut, rooms, seed, pollingPercent, eventsPerSecond, eventBytes } = scenario
  progress(`${name}: ${(clients + uncut).toLocaleString('en')} clients connect`)
  const start = {
    port: await server.call('port', null),
    rooms,
    seed,
    pollingPercent,
    unrecoveredIsTold: name === 'socket.io with recovery',
  }
  await fleet.call('start', { ...start, first: 0, clients })
  await watchers.call('start', { ...start, first: clients, clients: uncut })
  const [serverBefore, fleetBefore] = [await server.call('sample', null), await fleet.call('state', null)]
  const plan = planOf(scenario)
  await server.call('schedule', { rooms, perSecond: eventsPerSecond, bytes: eventBytes })
  const stopTelling = tellProgress(name, scenario, fleet, progress)
  try {
    await fleet.call('follow', plan)
    await untilBack(fleet, clients)
    // Whoever is in by now gets these, so that it is seen who does not.
    await pause(1_000)
    await server.call('stopPublishing', null)
    await untilSettled(server, [fleet, watchers])
  } finally {
    stopTelling()
  }
  const [serverAfter, fleetAfter] = [await server.call('sample', null), await fleet.call('state', null)]
  const ofFleet = await fleet.call('result', null)
  const ofWatchers = await watchers.call('result', null)
  const back = ofFleet.returns.filter(({ enteredAtMs }) => enteredAtMs > 0)
  return {
    verdict: added(ofFleet.verdict, ofWatchers.verdict),
    returns: ofFleet.returns,
    counts: ofFleet.counts,
    latencyMs: ofWatchers.latencyMs,
    server: name,
    version,
    outages: plan.length,
    cameBack: back.length,
    stayedAway: clients - fleetAfter.inside,
    caughtUpMs: quantiles(
      back
        .filter(({ recovered }) => recovered)
        .map(({ caughtUpAtMs, attemptAtMs }) => caughtUpAtMs - attemptAtMs),
    ),
    serverCpuSeconds: (serverAfter.cpuMs - serverBefore.cpuMs) / 1_000,
    fleetCpuSeconds: (fleetAfter.cpuMs - fleetBefore.cpuMs) / 1_000,
    serverMemoryBytes: serverAfter.memoryBytes,
    serverLateMs: serverAfter.lateMs,
  }
}

type Counted = FleetResult['verdict']

/** Of two groups of clients that heard the same events. */
function added(one: Counted, other: Counted): Counted {
  const sum = (key: { [Key in keyof Verdict]: Verdict[Key] extends number ? Key : never }[keyof Verdict]) =>
    one[key] + other[key]
  const reasons = { ...one.reasons }
  for (const [reason, count] of Object.entries(other.reasons))
    reasons[reason] = (reasons[reason] ?? 0) + count
  return {
    clients: sum('clients'),
    events: one.events,
    due: sum('due'),
    delivered: sum('delivered'),
    missing: sum('missing'),
    told: sum('told'),
    twice: sum('twice'),
    outOfOrder: sum('outOfOrder'),
    foreign: sum('foreign'),
    resets: sum('resets'),
    needlessResets: sum('needlessResets'),
    reasons,
    differences: [...one.differences, ...other.differences],
    isWhole: one.isWhole && other.isWhole,
  }
}

function planOf({ cuts, clients, seed, seconds, cutEverySeconds, cutSeconds }: Scenario): Outage[] {
  const durationMs = seconds * 1_000
  if (cuts === 'at-once')
    return Array.from({ length: clients }, (_, line) => ({
      atMs: durationMs / 2,
      forMs: cutSeconds * 1_000,
      line,
      cut: {},
    }))
  return planOutages({
    seed,
    lines: clients,
    // The last one ends with the events.
    durationMs: Math.max(0, durationMs - cutSeconds * 1_100),
    everyMs: cutEverySeconds * 1_000,
    forMs: cutSeconds * 1_000,
  })
}

function tellProgress(
  name: ServerName,
  { clients, seconds }: Scenario,
  fleet: Child<FleetCalls>,
  progress: (line: string) => void,
): () => void {
  const beganMs = performance.now()
  const timer = setInterval(() => {
    void fleet.call('state', null).then(
      ({ inside, receipts, lost }) => {
        const passed = Math.min(seconds, Math.round((performance.now() - beganMs) / 1_000))
        const shown = [inside, clients, receipts, lost].map((number) => number.toLocaleString('en'))
        progress(
          `${name}: ${passed} of ${seconds} s, ${shown[0]} of ${shown[1]} connected, ${shown[2]} deliveries, ${shown[3]} cuts`,
        )
      },
      () => undefined,
    )
  }, 1_000)
  return () => clearInterval(timer)
}

async function untilBack(fleet: Child<FleetCalls>, clients: number): Promise<void> {
  const giveUpAtMs = performance.now() + returnSeconds * 1_000
  while (performance.now() < giveUpAtMs) {
    if ((await fleet.call('state', null)).inside === clients) return
    await pause(100)
  }
}

async function untilSettled(server: Child<ServerCalls>, fleets: readonly Child<FleetCalls>[]): Promise<void> {
  const published = await server.call('published', null)
  const giveUpAtMs = performance.now() + settleSeconds * 1_000
  for (const fleet of fleets)
    while (!(await fleet.call('isSettled', published))) {
      if (performance.now() > giveUpAtMs) break
      await pause(200)
    }
  // What would come twice has a moment to do so.
  await pause(300)
}

function quantiles(values: number[]): Quantiles {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const ownFile = (name: string) => join(import.meta.dirname, `${name}${extname(import.meta.filename)}`)
