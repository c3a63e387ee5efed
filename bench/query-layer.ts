/**
 * What a layer over the driver costs: bare `pg`, our `sql` over the Database port, Kysely with a dialect of ours
 * that names statements, and Kysely as it comes. All in one run, taking turns, against the same server.
 *
 *   TEST_DATABASE_URL=postgres://… node bench/query-layer.ts
 *
 * Writes bench/results/query-layer.json and .md. The figures carry the decision in docs/adr/0003.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresDialect,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import pg from 'pg'

const inFlight = 64
const connections = 4
const rounds = 7
const roundMs = 1500
const importRuns = 7

const selectText = 'select id, user_id, title, read from bench_notes where user_id = $1 order by id limit 20'
const insertText = 'insert into bench_events (user_id, kind, body) values ($1, $2, $3)'
const body = JSON.stringify({ text: 'a body of a common size', at: 1, of: [1, 2, 3] })

interface Note {
  id: number
  user_id: number
  title: string
  read: boolean
}
interface Tables {
  bench_notes: Note
  bench_events: { user_id: number; kind: string; body: string }
}

interface Contender {
  readonly name: string
  select(user: number): Promise<unknown[]>
  insert(user: number): Promise<unknown>
  close(): Promise<void>
}

interface Figures {
  opsPerSecond: number
  cpuMicrosPerOp: number
}

if (!process.execArgv.includes('--conditions=source')) runWithSources()
else await main()

/** Our packages are read from their sources, as the tests do. */
function runWithSources(): void {
  const self = fileURLToPath(import.meta.url)
  const { status } = spawnSync(process.execPath, ['--conditions=source', self], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}

async function main(): Promise<void> {
  const url = process.env['TEST_DATABASE_URL']
  if (url === undefined) {
    process.stderr.write(
      'Set TEST_DATABASE_URL to a PostgreSQL in which two tables named bench_… may be made.\n',
    )
    process.exitCode = 1
    return
  }
  const loadBefore = os.loadavg()[0] ?? 0
  const version = await prepare(url)
  const contenders = [await barePg(url), await ours(url), await kyselyNamed(url), kyselyAsItComes(url)]
  const measured = new Map(contenders.map(({ name }) => [name, { select: [], insert: [] } as Samples]))
  // One round to warm up, then in turns, each round beginning with another.
  for (let round = -1; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(turn + round + 1) % contenders.length]
      if (contender === undefined) continue
      for (const work of ['select', 'insert'] as const) {
        const figures = await measure(contender, work)
        if (round >= 0) measured.get(contender.name)?.[work].push(figures)
      }
    }
  }
  for (const contender of contenders) await contender.close()
  await run(url, 'drop table bench_notes; drop table bench_events')
  report(version, measured, loadBefore)
}

interface Samples {
  select: Figures[]
  insert: Figures[]
}

async function measure(contender: Contender, work: 'select' | 'insert'): Promise<Figures> {
  let operations = 0
  let user = 0
  const endAt = performance.now() + roundMs
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const loop = async () => {
    while (performance.now() < endAt) {
      user = (user + 1) % 500
      const answer = await contender[work](user)
      if (work === 'select' && Array.isArray(answer) && answer.length !== 20)
        throw new Error('20 rows expected')
      operations += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  const seconds = (performance.now() - startedAt) / 1000
  const { user: cpuUser, system } = process.cpuUsage(cpuBefore)
  return { opsPerSecond: operations / seconds, cpuMicrosPerOp: (cpuUser + system) / operations }
}

async function barePg(url: string): Promise<Contender> {
  const clients = await pipelinedClients(url)
  let turn = 0
  const query = async (name: string, text: string, values: unknown[]) => {
    turn = (turn + 1) % clients.length
    const result = await clients[turn]?.query({ name, text, values })
    return result?.rows ?? []
  }
  return {
    name: 'pg, named and pipelined',
    select: (user) => query('select', selectText, [user]),
    insert: (user) => query('insert', insertText, [user, 'note', body]),
    close: async () => {
      for (const client of clients) await client.end()
    },
  }
}

async function ours(url: string): Promise<Contender> {
  const { createDatabase } = await import('../packages/server/src/adapters/postgres/database.ts')
  const { sql } = await import('../packages/server/src/engine/sql.ts')
  const { silentLogger } = await import('../packages/server/src/adapters/postgres/testing/silent-logger.ts')
  const database = createDatabase({ url, logger: silentLogger, connectionsMax: connections })
  await database.ready()
  return {
    name: 'sql over the Database port',
    select: (user) =>
      database.query<Note>(
        sql`select id, user_id, title, read from bench_notes where user_id = ${user} order by id limit 20`,
      ),
    insert: (user) =>
      database.query(
        sql`insert into bench_events (user_id, kind, body) values (${user}, ${'note'}, ${body})`,
      ),
    close: () => database.close(),
  }
}

async function kyselyNamed(url: string): Promise<Contender> {
  const clients = await pipelinedClients(url)
  const kysely = new Kysely<Tables>({ dialect: namingDialect(clients) })
  return {
    ...throughKysely(kysely),
    name: 'Kysely, named and pipelined by a dialect of ours',
    close: async () => {
      await kysely.destroy()
      for (const client of clients) await client.end()
    },
  }
}

function kyselyAsItComes(url: string): Contender {
  const pool = new pg.Pool({ connectionString: url, max: connections })
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return { ...throughKysely(kysely), name: 'Kysely as it comes', close: () => kysely.destroy() }
}

function throughKysely(kysely: Kysely<Tables>): Pick<Contender, 'select' | 'insert'> {
  return {
    select: (user) =>
      kysely
        .selectFrom('bench_notes')
        .select(['id', 'user_id', 'title', 'read'])
        .where('user_id', '=', user)
        .orderBy('id')
        .limit(20)
        .execute(),
    insert: (user) =>
      kysely.insertInto('bench_events').values({ user_id: user, kind: 'note', body }).execute(),
  }
}

/** Connections are shared, as there are no transactions here. */
function namingDialect(clients: readonly pg.Client[]): Dialect {
  const names = new Map<string, string>()
  const nameOf = (text: string) => {
    const name = names.get(text) ?? `k${names.size}`
    names.set(text, name)
    return name
  }
  const connectionOf = (client: pg.Client): DatabaseConnection => ({
    async executeQuery<Row>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
      const { rows } = await client.query({ name: nameOf(text), text, values: [...parameters] })
      return { rows: rows as Row[] }
    },
    // biome-ignore lint/correctness/useYield: a stream is never asked for
    async *streamQuery() {
      throw new Error('Not here.')
    },
  })
  const shared = clients.map(connectionOf)
  let turn = 0
  const driver: Driver = {
    async init() {},
    async acquireConnection() {
      turn = (turn + 1) % shared.length
      const connection = shared[turn]
      if (connection === undefined) throw new Error('No connection.')
      return connection
    },
    async beginTransaction() {},
    async commitTransaction() {},
    async rollbackTransaction() {},
    async releaseConnection() {},
    async destroy() {},
  }
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driver,
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }
}

async function pipelinedClients(url: string): Promise<pg.Client[]> {
  const clients = Array.from(
    { length: connections },
    () => new pg.Client({ connectionString: url, pipeline: true }),
  )
  await Promise.all(clients.map((client) => client.connect()))
  return clients
}

async function prepare(url: string): Promise<string> {
  await run(
    url,
    `drop table if exists bench_notes; drop table if exists bench_events;
    create table bench_notes (id int generated always as identity primary key, user_id int not null, title text not null, read boolean not null default false);
    insert into bench_notes (user_id, title) select n % 500, 'A notification with a title number ' || n from generate_series(1, 50000) n;
    create index on bench_notes (user_id, id);
    create table bench_events (id bigint generated always as identity primary key, user_id int not null, kind text not null, body jsonb not null);
    analyze bench_notes`,
  )
  const [row] = await run(url, 'show server_version')
  return String(row?.['server_version'])
}

async function run(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const result = await client.query(text)
  await client.end()
  return result.rows ?? []
}

/** What importing one more package takes when `pg` is there already, in processes of their own. */
function importCost(name: string): { milliseconds: number; megabytes: number } {
  const runs = Array.from({ length: importRuns }, () => {
    const script = `await import('pg'); const before = process.memoryUsage().rss; const at = performance.now();
      await import(${JSON.stringify(name)});
      process.stdout.write(JSON.stringify([performance.now() - at, process.memoryUsage().rss - before]))`
    const output = execFileSync(
      process.execPath,
      ['--conditions=source', '--input-type=module', '--eval', script],
      { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' },
    )
    return JSON.parse(output) as [number, number]
  })
  return {
    milliseconds: median(runs.map(([milliseconds]) => milliseconds)),
    megabytes: median(runs.map(([, bytes]) => bytes)) / 1024 / 1024,
  }
}

function report(postgres: string, measured: Map<string, Samples>, loadBefore: number): void {
  const results = {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: {
      cpu: os.cpus()[0]?.model.trim(),
      cores: os.cpus().length,
      node: process.versions.node,
      postgres,
      loadBefore,
    },
    load: { inFlight, connections, rounds, roundMs },
    contenders: [...measured].map(([name, { select, insert }]) => ({
      name,
      select: medians(select),
      insert: medians(insert),
    })),
    import: { kysely: importCost('kysely') },
  }
  const directory = new URL('./results/', import.meta.url)
  writeFileSync(new URL('query-layer.json', directory), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(new URL('query-layer.md', directory), markdownOf(results))
  process.stdout.write(markdownOf(results))
}

function markdownOf(results: {
  date: string
  commit: string
  machine: { cpu: string | undefined; cores: number; node: string; postgres: string; loadBefore: number }
  contenders: { name: string; select: Figures; insert: Figures }[]
  import: Record<string, { milliseconds: number; megabytes: number }>
}): string {
  const { machine } = results
  const row = ({ name, select, insert }: { name: string; select: Figures; insert: Figures }) =>
    `| ${name} | ${thousands(select)} | ${micros(select)} | ${thousands(insert)} | ${micros(insert)} |`
  const imports = Object.entries(results.import).map(
    ([name, { milliseconds, megabytes }]) =>
      `| ${name} | ${milliseconds.toFixed(0)} ms | ${megabytes.toFixed(1)} MB |`,
  )
  return `# Query layer

${inFlight} in flight over ${connections} connections, medians of ${rounds} rounds of ${roundMs / 1000} s, taking turns in one process.
${machine.cpu}, ${machine.cores} cores, shared with PostgreSQL ${machine.postgres} and others (load ${machine.loadBefore.toFixed(1)} before the run). Node ${machine.node}. ${results.date}, commit ${results.commit}.
Made by \`node bench/query-layer.ts\`.

| | select 20 rows, per second | CPU µs each | insert, per second | CPU µs each |
|---|---|---|---|---|
${results.contenders.map(row).join('\n')}

CPU is that of the Node process alone.

| import, when \`pg\` is loaded | time | memory |
|---|---|---|
${imports.join('\n')}
`
}

function thousands({ opsPerSecond }: Figures): string {
  return `${(opsPerSecond / 1000).toFixed(1)}k`
}

function micros({ cpuMicrosPerOp }: Figures): string {
  return cpuMicrosPerOp.toFixed(1)
}

function medians(figures: readonly Figures[]): Figures {
  return {
    opsPerSecond: median(figures.map(({ opsPerSecond }) => opsPerSecond)),
    cpuMicrosPerOp: median(figures.map(({ cpuMicrosPerOp }) => cpuMicrosPerOp)),
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'none yet'
  }
}
