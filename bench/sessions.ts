/**
 * How fast sessions are stored: beginning, coming back, and joining rooms, one at a time and many, beside a store that
 * gives PostgreSQL one statement for each call, prepared, over a pool of `pg` with as many connections.
 *
 *   node --conditions=source bench/sessions.ts [--save]
 *
 * Both commit before they answer, in the same embedded PostgreSQL on the same machine, and take turns.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Room, roomName, type SessionId, type UserId } from '@belfry/contract'
import pg from 'pg'
import { createDatabase } from '../packages/server/src/adapters/postgres/database.ts'
import { startEmbeddedPostgres } from '../packages/server/src/adapters/postgres/embedded/embedded.ts'
import { acquireOwnerLock } from '../packages/server/src/adapters/postgres/embedded/owner-lock.ts'
import { createSessions } from '../packages/server/src/adapters/postgres/sessions/migrations/0009_create_sessions.ts'
import { createPostgresSessionStore } from '../packages/server/src/adapters/postgres/sessions/session-store.ts'
import { silentLogger as logger } from '../packages/server/src/adapters/postgres/testing/silent-logger.ts'
import { systemClock as clock } from '../packages/server/src/engine/ports/clock.ts'
import type { NodeId } from '../packages/server/src/engine/ports/session-store.ts'
import { ensureDataDirectory } from '../packages/server/src/server/data-directory.ts'

const connectionsMax = 10
const roomsOfSession = 5
const turns = 5
const node = 'bench' as NodeId
const namespace = '/bench'
const epoch = 'epoch1'
const works = ['create', 'attach', 'join'] as const

interface Contender {
  readonly name: string
  create(n: number): Promise<unknown>
  attach(n: number): Promise<unknown>
  join(n: number, room: Room): Promise<unknown>
  detachAll(): Promise<void>
  close(): Promise<void>
}

const { values } = parseArgs({ options: { save: { type: 'boolean' } } })
const loadBefore = os.loadavg()[0] ?? 0
const dataDirectory = mkdtempSync(join(tmpdir(), 'belfry-bench-'))
ensureDataDirectory(dataDirectory)
const lock = await acquireOwnerLock(dataDirectory, new Date())
const ignore = () => undefined
const signal = new AbortController().signal
const postgres = await startEmbeddedPostgres({ dataDirectory, lock, logger, onProgress: ignore, signal })
const rows: string[] = []
const back: string[] = []

const contenders = [await belfry(), await oneStatementEach()]
try {
  for (const atOnce of [1, 500]) {
    const seen = new Map(contenders.map(({ name }) => [name, works.map((): number[] => [])]))
    const count = atOnce === 1 ? 500 : 5_000
    for (let turn = -1; turn < turns; turn += 1) {
      for (const contender of turn % 2 === 0 ? contenders : contenders.toReversed()) {
        for (const [index, work] of works.entries()) {
          const perSecond = await measure(contender, work, { atOnce, count, turn })
          // The first turn is to warm up.
          if (turn >= 0) seen.get(contender.name)?.[index]?.push(perSecond)
        }
      }
    }
    for (const [index, work] of works.entries()) {
      const [ours = 0, theirs = 0] = contenders.map(({ name }) => median(seen.get(name)?.[index] ?? []))
      const cells = [work, atOnce, whole(ours), whole(theirs), `${(ours / theirs).toFixed(1)} ×`]
      rows.push(`| ${cells.join(' | ')} |`)
    }
  }
  for (const contender of contenders) {
    const all = Array.from({ length: 10_000 }, (_, n) => 10_000_000 + n)
    await inParallel(500, all, (n) => contender.create(n))
    const took: number[] = []
    for (let turn = 0; turn < turns; turn += 1) {
      await contender.detachAll()
      const startedAt = performance.now()
      await Promise.all(all.map((n) => contender.attach(n)))
      took.push(performance.now() - startedAt)
    }
    back.push(`| ${contender.name} | ${whole(median(took))} ms | ${took.map((ms) => whole(ms)).join(', ')} |`)
  }
} finally {
  for (const contender of contenders) await contender.close()
  await postgres.stop()
  lock.release()
  rmSync(dataDirectory, { recursive: true, force: true })
}

const page = [
  '# Sessions in PostgreSQL',
  '',
  `\`node --conditions=source bench/sessions.ts --save\` at ${commit()}: ${os.cpus()[0]?.model}, ${os.cpus().length} cores, Node`,
  `${process.version}, PostgreSQL 18 on the same machine, which may have had other work (load ${loadBefore.toFixed(1)} before the run, ${(os.loadavg()[0] ?? 0).toFixed(1)} after it). Calls of each kind,`,
  `the median of ${turns} turns; sessions in ${roomsOfSession} rooms. Beside it a store that gives PostgreSQL one statement for each call,`,
  `prepared, over a pool of \`pg\` with ${connectionsMax} connections, as ours has; its table and indexes are the same, and it has no`,
  'bounds. Both commit before they answer.',
  '',
  '| | at once | a second | one statement each | |',
  '| --- | --- | --- | --- | --- |',
  ...rows,
  '',
  '10,000 sessions that are away and come back at once:',
  '',
  '| | until the last has its session | turns |',
  '| --- | --- | --- |',
  ...back,
  '',
].join('\n')
process.stdout.write(page)
if (values.save === true) writeFileSync(join(import.meta.dirname, 'results', 'sessions.md'), page)

async function measure(
  contender: Contender,
  work: (typeof works)[number],
  { atOnce, count, turn }: { readonly atOnce: number; readonly count: number; readonly turn: number },
): Promise<number> {
  const first = (turn + 1) * count + (atOnce === 1 ? 1_000_000 : 2_000_000)
  const numbers = Array.from({ length: count }, (_, n) => first + n)
  const startedAt = performance.now()
  await inParallel(atOnce, numbers, (n) =>
    work === 'join' ? contender.join(n, room(`further-${n}`)) : contender[work](n),
  )
  return (count / (performance.now() - startedAt)) * 1_000
}

async function inParallel(
  atOnce: number,
  numbers: readonly number[],
  run: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const loop = async () => {
    while (next < numbers.length) {
      const n = numbers[next] ?? 0
      next += 1
      if ((await run(n)) === undefined) throw new Error(`There is no session ${n}.`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
}

async function belfry(): Promise<Contender> {
  const url = await freshDatabase('bench_belfry')
  const database = createDatabase({ url, logger, connectionsMax })
  const store = createPostgresSessionStore({ database, clock, logger, node })
  return {
    name: 'Belfry',
    create: async (n) => store.create({ ...startOf(n), start: { epoch, offset: n }, rooms: roomsOf(n) }),
    attach: async (n) => store.attach(startOf(n).pid, startOf(n), node),
    join: async (n, added) => store.join(startOf(n).pid, [added], { epoch, offset: n }),
    detachAll: async () => {
      await store.detachNode(node, clock.now())
    },
    async close() {
      await store.close()
      await database.close()
    },
  }
}

async function oneStatementEach(): Promise<Contender> {
  const url = await freshDatabase('bench_each')
  const pool = new pg.Pool({ connectionString: url, max: connectionsMax })
  // Its connections end a moment after it says so.
  pool.on('error', ignore)
  const run = async (name: string, text: string, values: unknown[]) =>
    (await pool.query({ name, text, values })).rows[0]
  const returning = 'returning *'
  return {
    name: 'One statement each',
    create(n) {
      const { pid, id, userId } = startOf(n)
      const joined = JSON.stringify(roomsOf(n).map((each) => [each, epoch, n]))
      return run(
        'create',
        `insert into sessions (pid, id, user_id, namespace, node, generation, version, start_epoch, start_offset,
            whole_epoch, whole_offset, rooms, rooms_left)
          values ($1, $2, $3, $4, $5, 1, 1, $6, $7, $6, $7, $8, '[]') ${returning}`,
        [pid, id, userId, namespace, node, epoch, n, joined],
      )
    },
    attach(n) {
      const { pid, userId } = startOf(n)
      return run(
        'attach',
        `update sessions set generation = generation + 1, node = $4, detached_at_ms = null, departure = null
          where pid = $1 and user_id = $2 and namespace = $3 ${returning}`,
        [pid, userId, namespace, node],
      )
    },
    join: (n, added) =>
      run(
        'join',
        'update sessions set rooms = (rooms::jsonb || jsonb_build_array($2::jsonb))::json where pid = $1 returning pid',
        [startOf(n).pid, JSON.stringify([added, epoch, n])],
      ),
    async detachAll() {
      await pool.query('update sessions set detached_at_ms = 1, departure = 1 where detached_at_ms is null')
    },
    close: () => pool.end(),
  }
}

async function freshDatabase(name: string): Promise<string> {
  await command(postgres.url, `create database ${name}`)
  const url = postgres.url.replace(/^(\w+:\/\/[^/]*)\/[^?]*/, `$1/${name}`)
  await command(url, createSessions.up)
  return url
}

async function command(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(text)
  await client.end()
}

function startOf(n: number) {
  // As unlike each other as pids are.
  const pid = `${((n * 2_654_435_761) % 4_294_967_296).toString(36)}-of-session-${n}`
  const userId = `user-${n % 1_000}` as UserId
  return { pid, id: `session-${n}` as SessionId, userId, namespace, node }
}

function roomsOf(n: number): Room[] {
  return Array.from({ length: roomsOfSession }, (_, index) => room(`${n}-${index}`))
}

function room(id: string): Room {
  return roomName({ kind: 'episode', id })
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en')
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
}
