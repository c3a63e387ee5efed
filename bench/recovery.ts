/**
 * What becomes of events while lines break: `belfry bench recovery` with the goals of this house, Belfry beside stock
 * `socket.io` with and without its own recovery, under the same clients and the same outages.
 *
 *   node --conditions=source bench/recovery.ts [--only each-2s] [--against belfry] [--quick] [--save] [--profile <folder>]
 *
 * `--only` and `--against` may stand several times. `--quick` is a tenth of the clients for 12 seconds. `--save` writes
 * bench/results/recovery.json and .md, and a picture for each scenario. What happens to processes that are killed is
 * proved by `RECOVERY_ROUNDS=20 vitest run --project product e2e/chaos/recovery.test.ts`.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  benchRecovery,
  defaultScenario,
  describeScenario,
  drawPicture,
  markdownTable,
  type RecoveryResult,
  type Scenario,
  serverNames,
  tableLines,
} from '@belfry/testing/bench'

interface Goal {
  readonly what: string
  isMet(result: RecoveryResult): boolean
  seen(result: RecoveryResult): string
}

const whole: Goal = {
  what: 'everything delivered, once and in order',
  isMet: ({ verdict }) => verdict.isWhole && verdict.delivered === verdict.due,
  seen: ({ verdict }) => `${verdict.delivered.toLocaleString('en')} of ${verdict.due.toLocaleString('en')}`,
}
const within = (what: string, below: number, value: (result: RecoveryResult) => number): Goal => ({
  what: `${what} < ${below.toLocaleString('en')} ms`,
  isMet: (result) => value(result) < below,
  seen: (result) => `${Math.round(value(result)).toLocaleString('en')} ms`,
})
const caughtUp = within('caught up, p99', 500, ({ caughtUpMs }) => caughtUpMs.p99)

const allAtOnce: Scenario = {
  ...defaultScenario,
  clients: 10_000,
  uncut: 200,
  eventsPerSecond: 100,
  seconds: 20,
  cuts: 'at-once',
}
const allAtOnceGoals: readonly Goal[] = [
  whole,
  within('each caught up', 2_000, ({ caughtUpMs }) => caughtUpMs.max),
  within('clients that were not cut, p99', 50, ({ latencyMs }) => latencyMs.p99),
]

const scenarios: readonly {
  readonly name: string
  readonly scenario: Scenario
  readonly goals: readonly Goal[]
}[] = [
  { name: 'each-2s', scenario: defaultScenario, goals: [whole, caughtUp] },
  { name: 'each-1s', scenario: { ...defaultScenario, cutSeconds: 1 }, goals: [whole, caughtUp] },
  { name: 'all-at-once', scenario: { ...allAtOnce, eventsPerSecond: 50 }, goals: allAtOnceGoals },
  // The server's core is busy for three quarters and more before the cut.
  { name: 'all-at-once-busy', scenario: allAtOnce, goals: allAtOnceGoals },
]

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    against: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})
const loadBefore = os.loadavg()[0] ?? 0
const results = join(import.meta.dirname, 'results')
const sections: string[] = []
const figures: object[] = []
for (const { name, scenario: usual, goals } of scenarios) {
  if (values.only !== undefined && !values.only.includes(name)) continue
  const scenario = values.quick ? { ...usual, clients: usual.clients / 10, seconds: 12 } : usual
  console.log(`\n${describeScenario(scenario)}\n`)
  const measured = await benchRecovery({
    scenario,
    servers: serverNames.filter((each) => values.against === undefined || values.against.includes(each)),
    directory: import.meta.dirname,
    progress: (line) => process.stdout.isTTY && process.stdout.write(`\r\u001b[K${line}`),
    ...(values.profile === undefined ? {} : { profiles: values.profile }),
  })
  console.log(`\n${tableLines(measured).join('\n')}\n`)
  const judged = goals.map((goal) => judge(goal, measured)).filter((line) => line !== undefined)
  for (const line of judged) console.log(line)
  // The single returns are thousands.
  figures.push({ name, scenario, results: measured.map(({ returns: _returns, ...rest }) => rest) })
  const picture = `recovery-${name}.svg`
  if (values.save) writeFileSync(join(results, picture), drawPicture(scenario, measured))
  sections.push(
    `## ${describeScenario(scenario)}\n\n${markdownTable(measured)}\n\n${judged.map((line) => `- ${line}`).join('\n')}\n\n![${name}](${picture})`,
  )
}
if (values.save) save()

function judge({ what, isMet, seen }: Goal, measured: readonly RecoveryResult[]): string | undefined {
  const belfry = measured.find(({ server }) => server === 'belfry')
  if (belfry === undefined) return undefined
  return `${what}: ${seen(belfry)}${isMet(belfry) ? '' : ', **missed**'}`
}

function save(): void {
  const machine = {
    processor: os.cpus()[0]?.model.trim(),
    cores: os.cpus().length,
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    loadBefore,
  }
  const date = new Date().toISOString().slice(0, 10)
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  writeFileSync(
    join(results, 'recovery.json'),
    `${JSON.stringify({ machine, date, commit, scenarios: figures }, undefined, 2)}\n`,
  )
  writeFileSync(
    join(results, 'recovery.md'),
    `# Events over broken lines

${machine.processor}, ${machine.cores} cores, ${machine.system} (load ${loadBefore.toFixed(1)} before the run). Node ${machine.node}. ${date}, commit ${commit}.
Made by \`node --conditions=source bench/recovery.ts --save\`.

Server and clients have a process and a core of their own. Clients come back as stock clients do, with its back-off (1 s, 5 s,
0.5) and its pid and last string. "Caught up": of those that were recovered, from the beginning of the first attempt over a
whole line to the last event that was published before the client was let in. "Others": from publishing to a client whose line
does not break, in a process of its own. "Lost and told": the client learned of it at the place of the loss; for
\`socket.io\` with recovery, by \`recovered: false\`.

${sections.join('\n\n')}
`,
  )
}
