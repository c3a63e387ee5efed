/**
 * `belfry bench recovery`: breaks the lines of thousands of clients, and counts what they missed, beside stock
 * `socket.io`. What it needs is in `@belfry/testing`, which a server does without.
 */
import { access, constants, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type Command, CommandFailure, UsageError } from '../command.ts'

/** What is used of `@belfry/testing/bench`, which knows this package and not the other way round. */
interface Bench {
  readonly defaultScenario: Scenario
  readonly serverNames: readonly string[]
  benchRecovery(options: {
    readonly scenario: Scenario
    readonly servers: readonly string[]
    readonly directory: string
    progress(line: string): void
  }): Promise<readonly Result[]>
  describeScenario(scenario: Scenario): string
  tableLines(results: readonly Result[]): readonly string[]
  drawPicture(scenario: Scenario, results: readonly Result[]): string
}

interface Scenario {
  readonly clients: number
  readonly rooms: number
  readonly eventsPerSecond: number
  readonly seed: number
  readonly seconds: number
  readonly cuts: string
  readonly cutEverySeconds: number
  readonly cutSeconds: number
  readonly pollingPercent: number
}

interface Result {
  readonly server: string
  readonly verdict: { readonly isWhole: boolean; readonly differences: readonly string[] }
}

/** In a table of three columns nobody reads more. */
const differencesShown = 5

export const bench: Command = {
  usage: `Usage: belfry bench recovery [--clients 2000] [--rooms 20] [--events 200] [--seconds 60]
                             [--cut-every 15] [--cut-for 2] [--all-at-once] [--polling 0] [--seed 1]
                             [--against NAME ...] [--picture FILE] [--json FILE]

  --events       events a second, over all rooms; each goes to one room
  --cut-every    seconds from one cut of a line to its next one, about
  --cut-for      seconds until a line is mended
  --all-at-once  all lines are cut at the same time, once, instead
  --polling      of a hundred clients, so many poll
  --seed         the same clients, cuts and waits come again with the same number
  --against      belfry, socket.io or "socket.io with recovery"; all of them if absent
  --picture      an SVG file
  --json         all figures

Its servers and clients run on this machine, and use two processors as far as they can. It needs @belfry/testing, and
socket.io for the comparison, in the directory in which it is called.`,

  async run(words, { terminal }) {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        clients: { type: 'string' },
        rooms: { type: 'string' },
        events: { type: 'string' },
        seconds: { type: 'string' },
        'cut-every': { type: 'string' },
        'cut-for': { type: 'string' },
        'all-at-once': { type: 'boolean', default: false },
        polling: { type: 'string' },
        seed: { type: 'string' },
        against: { type: 'string', multiple: true },
        picture: { type: 'string' },
        json: { type: 'string' },
      },
    })
    if (positionals.length !== 1 || positionals[0] !== 'recovery')
      throw new UsageError('"belfry bench" knows one bench: belfry bench recovery')
    const given = await loadBench()
    const { defaultScenario: usual } = given
    const scenario = {
      ...usual,
      clients: readNumber('--clients', values.clients, usual.clients, 1, 20_000),
      rooms: readNumber('--rooms', values.rooms, usual.rooms, 1, 1_000),
      eventsPerSecond: readNumber('--events', values.events, usual.eventsPerSecond, 1, 10_000),
      seconds: readNumber('--seconds', values.seconds, usual.seconds, 1, 3_600),
      cutEverySeconds: readNumber('--cut-every', values['cut-every'], usual.cutEverySeconds, 0.5, 3_600),
      cutSeconds: readNumber('--cut-for', values['cut-for'], usual.cutSeconds, 0.05, 600),
      pollingPercent: readNumber('--polling', values.polling, usual.pollingPercent, 0, 100),
      seed: readNumber('--seed', values.seed, usual.seed, 0, 2 ** 31 - 1),
      cuts: values['all-at-once'] ? 'at-once' : usual.cuts,
    }
    const servers = values.against ?? given.serverNames
    for (const name of servers)
      if (!given.serverNames.includes(name))
        throw new UsageError(`--against has "${name}", but takes ${given.serverNames.join(', ')}.`)
    // Before it takes minutes.
    for (const file of [values.picture, values.json]) if (file !== undefined) await mustBeWritable(file)
    terminal.print(given.describeScenario(scenario))
    const results = await given
      .benchRecovery({
        scenario,
        servers,
        directory: process.cwd(),
        progress: (line) => terminal.progress(line),
      })
      .catch((error: unknown) => {
        throw error instanceof Error && error.name === 'StockMissing'
          ? new CommandFailure(error.message)
          : error
      })
    terminal.print()
    for (const line of given.tableLines(results)) terminal.print(line)
    for (const { server, verdict } of results) {
      if (verdict.isWhole) continue
      terminal.print(`\n${server}, the first of what was lost:`)
      for (const line of verdict.differences.slice(0, differencesShown)) terminal.print(`  ${line}`)
    }
    if (values.picture !== undefined) await write(values.picture, given.drawPicture(scenario, results))
    if (values.json !== undefined)
      await write(values.json, `${JSON.stringify({ scenario, results }, undefined, 2)}\n`)
    const own = results.find(({ server }) => server === 'belfry')
    return own?.verdict.isWhole === false ? 1 : 0
  },
}

/** From where it is called, or beside this package. */
async function loadBench(): Promise<Bench> {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.filename]) {
    let path: string
    try {
      path = createRequire(from).resolve('@belfry/testing/bench')
    } catch {
      continue
    }
    return (await import(pathToFileURL(path).href)) as Bench
  }
  throw new CommandFailure(
    'This needs a package that is not installed here: "npm install --save-dev @belfry/testing socket.io".',
  )
}

function readNumber(
  option: string,
  text: string | undefined,
  usual: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return usual
  const value = Number(text)
  const isRight = text.trim() !== '' && value >= least && value <= most
  if (isRight && (Number.isInteger(value) || option.startsWith('--cut'))) return value
  throw new UsageError(`${option} has "${text}", but takes a number from ${least} to ${most}.`)
}

async function mustBeWritable(file: string): Promise<void> {
  await access(dirname(resolve(file)), constants.W_OK).catch(cannotWrite(file))
}

async function write(file: string, content: string): Promise<void> {
  await writeFile(resolve(file), content).catch(cannotWrite(file))
}

const cannotWrite = (file: string) => (error: unknown) => {
  throw new CommandFailure(`${file} cannot be written: ${(error as Error).message}`, { cause: error })
}
