/**
 * What a transaction that stays open costs the others: PostgreSQL may not clean the outbox meanwhile, and each round of
 * the relay passes over what was relayed before.
 *
 *   node --conditions=source bench/old-transaction.ts [--save]
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { createDatabase } from '../packages/server/src/adapters/postgres/database.ts'
import { startEmbeddedPostgres } from '../packages/server/src/adapters/postgres/embedded/embedded.ts'
import { acquireOwnerLock } from '../packages/server/src/adapters/postgres/embedded/owner-lock.ts'
import { createPostgresEventLog } from '../packages/server/src/adapters/postgres/events/event-log.ts'
import { createEventLog } from '../packages/server/src/adapters/postgres/events/migrations/0002_create_event_log.ts'
import { silentLogger as logger } from '../packages/server/src/adapters/postgres/testing/silent-logger.ts'
import { entryOf } from '../packages/server/src/engine/testing/log-contract.ts'
import { createTestClock } from '../packages/server/src/engine/testing/test-clock.ts'
import { ensureDataDirectory } from '../packages/server/src/server/data-directory.ts'

const sends = 100_000
const step = 20_000
const atOnce = 32
const alone = 300
const namespace = '/posts'

const { values } = parseArgs({ options: { save: { type: 'boolean' } } })
const dataDirectory = mkdtempSync(join(tmpdir(), 'belfry-bench-'))
ensureDataDirectory(dataDirectory)
const lock = await acquireOwnerLock(dataDirectory, new Date())
const ignore = () => undefined
const signal = new AbortController().signal
const postgres = await startEmbeddedPostgres({ dataDirectory, lock, logger, onProgress: ignore, signal })
const beside = new pg.Client({ connectionString: postgres.url })
const old = new pg.Client({ connectionString: postgres.url })
await Promise.all([beside.connect(), old.connect()])
await beside.query(`create extension pgstattuple; ${createEventLog.up}`)
const database = createDatabase({ url: postgres.url, logger })
const log = createPostgresEventLog({ database, clock: createTestClock(), logger, randomBytes })
const arrived = new Map<number, () => void>()
log.subscribe({
  entry: (_namespace, { offset }) => arrived.get(offset)?.(),
  missed: ignore,
})
let sent = 0
const rows: string[] = []

try {
  await burst(5_000)
  await beside.query('vacuum event_outbox, event_logs')
  await look('before')
  await old.query('begin isolation level repeatable read')
  await old.query('select count(*) from event_outbox')
  for (let done = step; done <= sends; done += step) {
    const perSecond = await burst(step)
    await look(`${done.toLocaleString('en')} sends later, ${perSecond.toLocaleString('en')} a second`)
  }
  await old.query('commit')
  await beside.query('vacuum event_outbox, event_logs')
  await look('after it ended, and a vacuum')
} finally {
  await log.close()
  await database.close()
  await Promise.all([beside.end(), old.end()])
  await postgres.stop()
  lock.release()
  rmSync(dataDirectory, { recursive: true, force: true })
}

const page = [
  '# An old transaction',
  '',
  `\`node --conditions=source bench/old-transaction.ts --save\` at ${commit()}: ${os.cpus()[0]?.model}, ${os.cpus().length} cores,`,
  `Node ${process.version}, PostgreSQL 18 on the same machine, which had other work (load ${os.loadavg()[0]?.toFixed(1)}).`,
  'A transaction of another program stays open, while others with an event each are committed, 32 at a time. A look into the',
  'outbox is part of each round of the relay: what PostgreSQL needs for it when nothing waits, the best of 20. One alone is',
  'from the begin of its transaction to the handler, 300 of them one after the other.',
  '',
  '| | dead rows of the outbox | with its indexes | a look into it | one alone, p50 | p99 |',
  '| --- | --- | --- | --- | --- | --- |',
  ...rows,
  '',
].join('\n')
process.stdout.write(page)
if (values.save === true) writeFileSync(join(import.meta.dirname, 'results', 'old-transaction.md'), page)

function enqueue(): Promise<void> {
  sent += 1
  const entry = entryOf(sent)
  return database.transaction((transaction) => log.enqueue(transaction, namespace, [entry]))
}

/** How many a second. */
async function burst(count: number): Promise<number> {
  const began = performance.now()
  const all = arrival(sent + count)
  let left = count
  const work = async () => {
    while (left > 0) {
      left -= 1
      await enqueue()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  await all
  return Math.round((count / (performance.now() - began)) * 1_000)
}

async function look(what: string): Promise<void> {
  const took: number[] = []
  for (let n = 0; n < alone; n += 1) {
    const began = performance.now()
    const here = arrival(sent + 1)
    await enqueue()
    await here
    took.push(performance.now() - began)
  }
  took.sort((one, other) => one - other)
  const { rows: found } = await beside.query<{ dead: string; bytes: string }>(
    "select dead_tuple_count as dead, pg_total_relation_size('event_outbox') as bytes from pgstattuple('event_outbox')",
  )
  const { dead = '0', bytes = '0' } = found[0] ?? {}
  const round = await scan()
  const at = (share: number) => `${took[Math.floor(took.length * share)]?.toFixed(1)} ms`
  rows.push(
    `| ${what} | ${Number(dead).toLocaleString('en')} | ${(Number(bytes) / 1e6).toFixed(1)} MB | ${round} | ${at(0.5)} | ${at(0.99)} |`,
  )
}

/** What the relay asks the outbox, as statements.ts does. */
async function scan(): Promise<string> {
  const all: number[] = []
  let blocks = 0
  for (let n = 0; n < 20; n += 1) {
    const { rows: found } = await beside.query(`explain (analyze, buffers, format json)
      select outbox.ctid from event_logs log join event_outbox outbox on outbox.namespace = log.namespace
      where log.namespace = '${namespace}' order by outbox.id limit 500`)
    const [plan] = found[0]['QUERY PLAN'] as [
      { 'Execution Time': number; Plan: { 'Shared Hit Blocks': number } },
    ]
    all.push(plan['Execution Time'])
    blocks = plan.Plan['Shared Hit Blocks']
  }
  return `${Math.min(...all).toFixed(2)} ms, ${blocks.toLocaleString('en')} pages`
}

/** Positions follow each other: the event sent as the nth stands at n. */
function arrival(offset: number): Promise<void> {
  return new Promise((resolve) => {
    arrived.set(offset, () => {
      arrived.delete(offset)
      resolve()
    })
  })
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
}
