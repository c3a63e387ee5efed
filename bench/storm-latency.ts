/**
 * What a storm of connects costs those who are connected: some clients get events all the time, and many others
 * connect in one moment. Three servers take turns: ours, ours that takes everybody in as they come, and stock
 * `socket.io`.
 *
 *   node --conditions=source bench/storm-latency.ts [--rounds 3] [--connected 2000] [--storm 8000] [--events 20] [--only stock]
 *
 * The server has a core for itself. The two generators, that of the clients whose events are timed and that of the
 * storm, share the other one, where the first comes first; how long turns of the server's event loop
 * are, in time of the processor, says what it does whatever else runs on the machine.
 */
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Child, startChild } from '../packages/testing/src/bench/processes.ts'
import type { GeneratorCalls, GeneratorSample } from './wire/generator.ts'
import type { ServerCalls } from './wire/server-calls.ts'

const servers = {
  belfry: ['belfry-server.ts'],
  'without admission': ['belfry-server.ts', '--without-admission'],
  stock: ['stock-server.ts'],
} as const
type ServerName = keyof typeof servers
const names = Object.keys(servers) as ServerName[]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    connected: { type: 'string', default: '2000' },
    storm: { type: 'string', default: '8000' },
    events: { type: 'string', default: '20' },
    only: { type: 'string', multiple: true },
  },
})
const connected = Number(values.connected)
const comers = Number(values.storm)
const perSecond = Number(values.events)
const quietMs = 3_000

/** More than that the kernel does not hold for a server (`net.core.somaxconn`); the others follow as these come in. */
const atOnceMax = 4_000

/** In the order of the columns. */
const columns = {
  busy: 'server busy before',
  beforeP50: 'before p50',
  beforeP99: 'before p99',
  stormP50: 'during p50',
  stormP99: 'during p99',
  stormMax: 'during max',
  turnP99: 'turn CPU p99',
  turnMax: 'turn CPU max',
  afterP99: 'after p99',
  allInMs: 'all in after',
  connectP99: 'connect p99',
  connectsPerSecond: 'connects/s',
} as const
type Figures = Record<keyof typeof columns, number>

console.log(
  `${connected} clients get ${perSecond} events a second each, ${comers} others connect at once; milliseconds. ` +
    `Load of the machine before: ${(os.loadavg()[0] ?? 0).toFixed(1)}.`,
)
const chosen = names.filter((name) => values.only === undefined || values.only.includes(name))
const figures = new Map<ServerName, Figures[]>(chosen.map((name) => [name, []]))
for (let round = 1; round <= Number(values.rounds); round += 1) {
  for (const name of chosen) {
    const measured = await stormAgainst(name)
    figures.get(name)?.push(measured)
    console.log(`round ${round}, ${name}: ${told(measured)}`)
  }
}
for (const [name, all] of figures) console.log(`middle, ${name}: ${told(middle(all))}`)

async function stormAgainst(name: ServerName): Promise<Figures> {
  const children: Child<never>[] = []
  const start = async <C extends Record<string, (argument: never) => unknown>>(
    file: string,
    core: number,
    words: readonly string[] = [],
  ) => {
    const child = await startChild<C>(join(import.meta.dirname, 'wire', file), { core, words })
    children.push(child)
    return child
  }
  try {
    const [file, ...words] = servers[name]
    const server = await start<ServerCalls>(file, 0, words)
    const listeners = await start<GeneratorCalls>('generator.ts', 1)
    const storm = await start<GeneratorCalls>('generator.ts', 1)
    // What the listeners wait for this one on their core is no latency of the server.
    if (storm.pid !== undefined) os.setPriority(storm.pid, os.constants.priority.PRIORITY_LOW)
    const port = await server.call('port', null)
    const all = { port, namespaces: 1 }
    // What was never run is slow, on each of them: a small storm before, of clients that go again.
    await storm.call('connect', { ...all, clients: 1_000, unfinishedMax: 256, workspace: 'others' })
    await storm.call('cutAll', null)
    await listeners.call('connect', { ...all, clients: connected, unfinishedMax: 256 })
    await server.call('schedule', { room: 'workspace', perSecond })
    await delay(1_000)
    await listeners.call('sample', null)
    const busyBefore = await server.call('sample', null)
    await delay(quietMs)
    const busyAfter = await server.call('sample', null)
    const before = await listeners.call('sample', null)
    await server.call('watchTurns', null)
    const result = await storm.call('connect', {
      ...all,
      clients: comers,
      unfinishedMax: Math.min(comers, atOnceMax),
      workspace: 'others',
    })
    const turns = await server.call('turns', null)
    const during = await listeners.call('sample', null)
    await delay(quietMs)
    const after = await listeners.call('sample', null)
    await refuseLoss(server, listeners)
    return {
      busy: (busyAfter.cpuMicros - busyBefore.cpuMicros) / (busyAfter.atMicros - busyBefore.atMicros),
      beforeP50: before.p50Ms,
      beforeP99: before.p99Ms,
      stormP50: during.p50Ms,
      stormP99: during.p99Ms,
      stormMax: during.maxMs,
      turnP99: turns?.p99Ms ?? Number.NaN,
      turnMax: turns?.maxMs ?? Number.NaN,
      afterP99: after.p99Ms,
      allInMs: result.allInMs,
      connectP99: result.p99Ms,
      connectsPerSecond: result.perSecond,
    }
  } finally {
    for (const child of children.toReversed()) await child.stop()
  }
}

/** A server that drops events would be a fast one. */
async function refuseLoss(server: Child<ServerCalls>, listeners: Child<GeneratorCalls>): Promise<void> {
  await server.call('stopPublishing', null)
  const { published } = await server.call('sample', null)
  const giveUpAt = performance.now() + 10_000
  for (;;) {
    const { events }: GeneratorSample = await listeners.call('sample', null)
    if (events === published * connected) return
    if (performance.now() > giveUpAt)
      throw new Error(`${published} events for ${connected} clients came ${events} times.`)
    await delay(20)
  }
}

function middle(all: readonly Figures[]): Figures {
  const middleOf = (key: keyof Figures) =>
    all.map((each) => each[key]).sort((one, other) => one - other)[Math.floor(all.length / 2)] ?? Number.NaN
  return Object.fromEntries(
    (Object.keys(columns) as (keyof Figures)[]).map((key) => [key, middleOf(key)]),
  ) as Figures
}

function told(measured: Figures): string {
  return (Object.entries(columns) as [keyof Figures, string][])
    .map(
      ([key, label]) =>
        `${label} ${measured[key].toFixed(key === 'busy' ? 2 : key.startsWith('turn') ? 1 : 0)}`,
    )
    .join(', ')
}
