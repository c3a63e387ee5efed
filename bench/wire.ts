/**
 * What our own implementation of the wire brings: our socket server and stock `socket.io`, in the same run, taking
 * turns, under the same clients.
 *
 *   node bench/wire.ts [--only fan-out] [--rounds 3] [--quick] [--save] [--profile <folder>]
 *
 * `--only` may stand several times. `--quick` is one short round, to see that everything works. `--save` writes
 * bench/results/wire.json and .md. `--profile` puts CPU profiles of the servers into a folder.
 */
import { createRequire } from 'node:module'
import os from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Child, startChild } from '../packages/testing/src/bench/processes.ts'
import { commands } from './wire/commands.ts'
import { fanOut } from './wire/fan-out.ts'
import type { GeneratorCalls } from './wire/generator.ts'
import { memory } from './wire/memory.ts'
import { oneClient } from './wire/one-client.ts'
import { type Measured, report, row } from './wire/report.ts'
import type { Scenario } from './wire/scenario.ts'
import type { ServerCalls } from './wire/server-calls.ts'
import { storm } from './wire/storm.ts'

const scenarios: readonly Scenario[] = [fanOut, memory(1), memory(4), storm, commands, oneClient]

const servers = { belfry: 'belfry-server.ts', stock: 'stock-server.ts' } as const
type ServerName = keyof typeof servers
const serverCore = 0
const generatorCore = 1

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '3' },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})
const rounds = values.quick ? 1 : Number(values.rounds)
const chosen = scenarios.filter(({ name }) => values.only === undefined || values.only.includes(name))
if (chosen.length === 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`Scenarios: ${scenarios.map(({ name }) => name).join(', ')}. Rounds: 1 or more.`)
  process.exit(1)
}

const loadBefore = os.loadavg()[0] ?? 0
const measured: Measured[] = []
for (const scenario of chosen) measured.push(await alternate(scenario))
const { version: stockVersion } = createRequire(import.meta.url)('socket.io/package.json')
report({ rounds, isQuick: values.quick, loadBefore, stockVersion, measured }, values.save)

async function alternate(scenario: Scenario): Promise<Measured> {
  const figures = { belfry: [] as Record<string, number>[], stock: [] as Record<string, number>[] }
  console.log(scenario.title)
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of ['belfry', 'stock'] as const) figures[name].push(await runAgainst(name, scenario))
    const last = { belfry: figures.belfry.slice(-1), stock: figures.stock.slice(-1) }
    console.log(`  round ${round} of ${rounds}: Belfry, socket.io`)
    for (const metric of scenario.metrics) console.log(`    ${row(metric, last.belfry, last.stock)}`)
  }
  return { scenario, ...figures }
}

/** Every run has new processes: nobody inherits a heap, or code that another scenario warmed. */
async function runAgainst(name: ServerName, scenario: Scenario): Promise<Record<string, number>> {
  const children: Child<never>[] = []
  try {
    const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
    const server = await startChild<ServerCalls>(pathOf(servers[name]), {
      core: serverCore,
      nodeOptions: profile,
    })
    children.push(server)
    const generator = await startChild<GeneratorCalls>(pathOf('generator.ts'), { core: generatorCore })
    children.push(generator)
    const port = await server.call('port', null)
    return await scenario.run({ server, generator, port, haste: values.quick ? 3 : 1 })
  } finally {
    for (const child of children.toReversed()) await child.stop()
  }
}

function pathOf(file: string): string {
  return join(import.meta.dirname, 'wire', file)
}
