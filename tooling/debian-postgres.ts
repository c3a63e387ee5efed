/**
 * A PostgreSQL as an operator has it: Debian's own, on a directory, a port and a password of its own, gone after
 * use. `apt-get install postgresql` brings the programs; the server that Debian sets up is neither needed nor touched.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { until } from '../packages/server/src/engine/testing/until.ts'

export interface DebianPostgres {
  readonly major: number
  /** The superuser's, over TCP and with a password. */
  readonly url: string
  /** The superuser's, over the unix socket. */
  readonly socketUrl: string
  /** The same server, for another user or database. */
  urlOf(login: { user?: string; password?: string; database?: string }): string
  /** Runs SQL as superuser, on a connection of its own. */
  sql(text: string, database?: string): Promise<Record<string, unknown>[]>
  /** Ends the server in the way of `pg_ctl stop`; its data stays. */
  halt(): Promise<void>
  /** Begins it again, on the same port. */
  resume(): Promise<void>
  /** Ends it and removes everything. */
  stop(): Promise<void>
}

const oldestMajor = 14
const superuser = 'postgres'
/** A connection is ready within milliseconds of a start; a busy machine takes longer. */
const readyWithinMs = 30_000

export async function startDebianPostgres(): Promise<DebianPostgres> {
  const { major, programs } = findPrograms()
  const user = unprivilegedUser()
  const root = mkdtempSync(join(tmpdir(), 'belfry-debian-'))
  // PostgreSQL belongs to somebody else when we are root, and makes the rest inside.
  const owned = run(user, 'mktemp', ['-d', join(tmpdir(), 'belfry-cluster-XXXXXX')]).trim()
  const cluster = join(owned, 'cluster')
  const log = join(root, 'postgres.log')
  const password = randomBytes(12).toString('hex')
  const removeAll = () => {
    for (const directory of [root, owned]) rmSync(directory, { recursive: true, force: true })
  }

  const urlOf = (login: { user?: string; password?: string; database?: string } = {}) =>
    `postgres://${login.user ?? superuser}:${login.password ?? password}@127.0.0.1:${port}/${login.database ?? 'postgres'}`
  const sql = async (text: string, database = 'postgres') => {
    const client = new pg.Client({ connectionString: urlOf({ database }) })
    client.on('error', () => undefined)
    await client.connect()
    try {
      const result: unknown = await client.query(text)
      const last = Array.isArray(result) ? result.at(-1) : result
      return (last as pg.QueryResult<Record<string, unknown>>).rows
    } finally {
      await client.end()
    }
  }

  const begin = async () => {
    const options = ['-D', cluster, '-p', String(port), '-c', 'listen_addresses=127.0.0.1']
    const child = spawnAs(user, join(programs, 'postgres'), [
      ...options,
      ...['-c', `unix_socket_directories=${owned}`],
      // Nothing here has to outlive the machine.
      ...['-c', 'fsync=off'],
    ])
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => appendFileSync(log, chunk))
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    await until(
      async () => {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`Debian's PostgreSQL ${major} ended at once: ${readFileSync(log, 'utf8')}`)
        return sql('select 1').then(
          () => true,
          () => false,
        )
      },
      { what: `Debian's PostgreSQL ${major} answers`, withinMs: readyWithinMs },
    ).catch(async (error: unknown) => {
      child.kill('SIGQUIT')
      await ended
      throw error
    })
    return { child, ended }
  }

  let port = 0
  let running: { child: ChildProcess; ended: Promise<void> } | undefined
  const halt = async () => {
    // The "fast" way: sessions are ended, what was committed is kept.
    running?.child.kill('SIGINT')
    await running?.ended
    running = undefined
  }
  try {
    initialise(user, programs, cluster, password)
    port = await freePort()
    running = await begin()
  } catch (error) {
    removeAll()
    throw error
  }
  return {
    major,
    url: urlOf(),
    socketUrl: `postgres://${superuser}:${password}@/postgres?host=${encodeURIComponent(owned)}&port=${port}`,
    urlOf,
    sql,
    halt,
    async resume() {
      running ??= await begin()
    },
    async stop() {
      await halt()
      removeAll()
    },
  }
}

function findPrograms(): { major: number; programs: string } {
  const home = '/usr/lib/postgresql'
  const majors = (existsSync(home) ? readdirSync(home) : [])
    .map(Number)
    .filter((major) => major >= oldestMajor && existsSync(join(home, String(major), 'bin', 'postgres')))
  const major = Math.max(...majors)
  if (majors.length === 0)
    throw new Error(
      `These tests need Debian's PostgreSQL, ${oldestMajor} or later, in ${home}: run "apt-get install postgresql".`,
    )
  return { major, programs: join(home, String(major), 'bin') }
}

function initialise(user: User | undefined, programs: string, cluster: string, password: string): void {
  const passwordFile = `${cluster}-password`
  run(user, 'sh', ['-c', 'umask 077; cat > "$0"', passwordFile], password)
  run(user, join(programs, 'initdb'), [
    ...['--pgdata', cluster, '--username', superuser, '--pwfile', passwordFile],
    ...['--auth', 'scram-sha-256', '--locale', 'C.UTF-8', '--encoding', 'UTF8', '--no-sync'],
  ])
}

interface User {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses root. */
function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined) throw new Error('There is no user "nobody" to run PostgreSQL as.')
  return { uid: Number(uid), gid: Number(gid) }
}

/** However this process ends, the server ends with it. */
function spawnAs(user: User | undefined, program: string, options: readonly string[]): ChildProcess {
  const identity = user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  return spawn('setpriv', ['--pdeathsig', 'INT', ...identity, program, ...options], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
  })
}

function run(user: User | undefined, program: string, options: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(program, options, {
    ...user,
    cwd: '/',
    input,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
  })
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? ''}${stderr}${stdout}`)
  return stdout
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}
