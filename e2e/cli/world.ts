/** A place with settings and a database of its own that commands and servers are run on. */
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { silentLogger } from '../../packages/server/src/adapters/postgres/testing/silent-logger.ts'
import { until } from '../../packages/server/src/engine/testing/until.ts'
import { openDatabase } from '../../packages/server/src/server/open-database.ts'
import { loadSettings } from '../../packages/server/src/server/settings.ts'
import { migratedDirectory, type Product, startProduct, temporaryDirectory } from '../product.ts'
import { postgresProcesses } from '../start/surroundings.ts'
import { mustSucceed } from './command-line.ts'

export interface World {
  /** For files of the test. */
  readonly directory: string
  readonly environment: Record<string, string>
  /** The first thing in a world whose test is not about it: gives it the tables that `belfry migrate up` makes. */
  migrate(): Promise<void>
  /** Uses the database, whether a server is running on it or not. */
  use<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result>
  /** Starts a server, which `leave` stops. */
  start(): Promise<Product>
  /** Stops what was started, checks that nothing runs on, and removes everything. */
  leave(): Promise<void>
}

/** How the tests come to worlds: each is empty and knows nothing of the others. */
export interface Worlds {
  readonly kind: 'embedded' | 'external'
  /** What a command says that has to be alone, while a server is running. */
  readonly inUse: RegExp
  create(): Promise<World>
}

export const embeddedWorlds: Worlds = {
  kind: 'embedded',
  inUse: /Another Belfry \(process \d+.*is using the data directory/,
  create: async () => createWorld({}, async () => undefined),
}

/** `environment` says where the database is; without DATABASE_URL it is the embedded one. */
export function createWorld(
  environment: Record<string, string>,
  removeDatabase: () => Promise<unknown>,
): World {
  const directory = temporaryDirectory()
  const dataDirectory = join(directory, 'data')
  const settings: Record<string, string> = {
    ...environment,
    BELFRY_DATA_DIR: dataDirectory,
    LOG_LEVEL: 'warn',
  }
  const products: Product[] = []
  return {
    directory,
    environment: settings,
    async migrate() {
      if (settings['DATABASE_URL'] !== undefined) {
        await mustSucceed(['migrate', 'up'], { environment: settings })
        return
      }
      migratedDirectory(dataDirectory)
    },
    async use(work) {
      const { url, close } = await reach(settings)
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => undefined)
      try {
        await client.connect()
        return await work(client)
      } finally {
        await client.end()
        await close()
      }
    },
    async start() {
      const product = await startProduct({ dataDirectory, environment: settings })
      products.push(product)
      return product
    },
    async leave() {
      for (const product of products) await product.stop()
      const left = postgresProcesses(dataDirectory)
      for (const pid of left) process.kill(pid, 'SIGKILL')
      await removeDatabase()
      rmSync(directory, { recursive: true, force: true })
      if (left.length > 0) throw new Error(`PostgreSQL was left running: ${left.join(', ')}.`)
    },
  }
}

/** Where the database is; the embedded one is started when no server is running on it. */
async function reach(environment: Record<string, string>) {
  const { settings } = loadSettings(environment)
  // Not as Belfry, which a command that wants to be alone would take for a server.
  if (settings.databaseUrl !== undefined) return { url: settings.databaseUrl, close: async () => undefined }
  const opened = await openDatabase({
    settings,
    logger: silentLogger,
    use: 'share',
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
  return { url: opened.connection.url, close: () => opened.close() }
}

/** Names and moments that are easily altered on the way. */
const oddNames = [
  '',
  ' ',
  '\\N',
  '\\.',
  'tab\tand\nline\r\nend',
  `"quoted" 'and' \\escaped\\`,
  'Ünïcödé 🔔 ‮',
  '{a,"b"}',
  '--',
]

/** Puts rows into every table of this version. */
export async function fill(world: World): Promise<void> {
  await world.use(async (client) => {
    for (const table of ['sign_in_links', 'operator_sessions']) {
      for (const [index, name] of oddNames.entries()) {
        await client.query(`insert into belfry.${table} values ($1, $2, $3, $4, $5)`, [
          createHash('sha256').update(name).digest(),
          name,
          index === 0 ? [] : oddNames.slice(0, index),
          index === 0 ? '-infinity' : '2024-02-29T23:59:59.999999Z',
          index === 1 ? 'infinity' : '2999-12-31T00:00:00Z',
        ])
      }
    }
  })
}

/** So many rows that a backup of them has some size: their names do not compress. */
export async function fillUp(world: World, rows: number): Promise<void> {
  await world.use((client) =>
    client.query(
      `insert into belfry.sign_in_links
        select sha256(n::text::bytea), encode(sha256(('a' || n)::bytea), 'hex'), '{}', now(), now() + interval '1 day'
        from generate_series(1, $1) n`,
      [rows],
    ),
  )
}

/** All rows of all tables in all schemas that are not PostgreSQL's own, in one text. */
export function contents(world: World): Promise<string> {
  return world.use(async (client) => {
    // Of a sequence, without the numbers that it has ready in the log.
    const { rows: tables } = await client.query<{ name: string; row: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name,
          case c.relkind when 'S' then '(last_value, is_called)' else 't' end as row
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'S', 'm') and n.nspname !~ '^(pg_|information_schema)' order by 1`,
    )
    const lines: string[] = []
    for (const { name, row } of tables) {
      const { rows } = await client.query<{ row: string }>(
        `select ${row}::text as row from ${name} t order by ${row}::text collate "C"`,
      )
      lines.push(`${name}: ${rows.length} rows`, ...rows.map(({ row }) => row))
    }
    return lines.join('\n')
  })
}

/** Waits until a session of `world` matches a condition on `pg_stat_activity`. */
export async function untilSession(client: pg.Client, condition: string): Promise<void> {
  await until(
    async () => {
      // Within a transaction the first look would be remembered.
      await client.query('select pg_stat_clear_snapshot()')
      const { rows } = await client.query(
        `select from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and (${condition})`,
      )
      return rows.length > 0
    },
    { what: `a session with ${condition}`, withinMs: 20_000 },
  )
}
