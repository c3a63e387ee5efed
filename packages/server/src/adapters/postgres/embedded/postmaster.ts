/** One run of the PostgreSQL server process: begun by us, or found running and taken over. */
import { spawn } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { StartRefusal, systemErrorCode } from '../../../engine/start-refusal.ts'
import type { AlivePipe } from './alive-pipe.ts'
import { databaseUser } from './cluster.ts'
import { explainPostgresFailure } from './failures.ts'
import { logSince, logSize, withLogDescriptor } from './log-file.ts'
import { readPostmasterFile } from './postmaster-file.ts'
import type { PostgresPrograms } from './programs.ts'
import type { SystemUser } from './system-user.ts'

export interface Postmaster {
  readonly pid: number
  readonly socketDirectory: string
  /** Resolves when the server process is gone, for whatever reason, or when nobody watches it any more. */
  readonly gone: Promise<void>
  /** From here on we wait for its end: Node must not think that there is nothing left to wait for. */
  awaitEnd(): void
  /** Why it did not start or ended, as far as it said. */
  lastWords(): { readonly error?: Error | undefined; readonly output: string }
}

export interface PostmasterPlace {
  readonly cluster: string
  readonly logFile: string
  readonly alive: AlivePipe
  readonly user: SystemUser
  readonly programs: PostgresPrograms
  readonly connectionsMax: number
}

/** How often a process that is not our child is looked after, and how often a start asks whether it is ready. */
const lookAgainMs = 20
const watchStrangerMs = 500

/**
 * `synchronous_commit` and `fsync` keep their defaults: what was acknowledged is on disk. No TCP, no TLS (the
 * libraries in the package are old): one unix socket in a directory that only its user may enter.
 */
function serverOptions(socketDirectory: string, connectionsMax: number): readonly string[] {
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: socketDirectory,
    unix_socket_permissions: '0700',
    ssl: 'off',
    max_connections: String(connectionsMax),
    // Idle, all processes together take about 25 MB; this bounds what the page cache of PostgreSQL adds under load.
    shared_buffers: '64MB',
    max_wal_size: '512MB',
    // No replicas of an embedded server: less to write, and fewer processes.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_logical_replication_workers: '0',
    // Parallel queries want /dev/shm, which containers keep small; the queries of a live application are short.
    max_parallel_workers_per_gather: '0',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
    logging_collector: 'off',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** Call it only when nobody lives: what a killed server left in `socketDirectory` is removed. */
export function startPostmaster(place: PostmasterPlace, socketDirectory: string): Postmaster {
  clearSocketDirectory(socketDirectory, place.user)
  const logStart = logSize(place.logFile)
  let failure: Error | undefined
  const child = place.alive.handOver((aliveDescriptor) =>
    withLogDescriptor(place.logFile, (logDescriptor) =>
      spawn(
        place.programs.postgres,
        ['-D', place.cluster, ...serverOptions(socketDirectory, place.connectionsMax)],
        {
          ...place.user.spawnAs,
          cwd: '/',
          env: { LC_ALL: 'C', TZ: 'UTC' },
          // A session of its own: Ctrl-C reaches the whole foreground group, and we drain before the database stops.
          detached: true,
          stdio: ['ignore', logDescriptor, logDescriptor, aliveDescriptor],
        },
      ),
    ),
  )
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failure = error
      resolve()
    })
    child.once('exit', () => resolve())
  })
  child.unref()
  return {
    pid: child.pid ?? 0,
    socketDirectory,
    gone,
    awaitEnd: () => child.ref(),
    lastWords: () => ({ error: failure, output: logSince(place.logFile, logStart) }),
  }
}

/** Watches a server process that a killed Belfry left running. */
export function adoptPostmaster(pid: number, socketDirectory: string, signal: AbortSignal): Postmaster {
  const watch = async () => {
    while (isRunning(pid)) await delay(watchStrangerMs, undefined, { ref: false, signal })
  }
  return {
    pid,
    socketDirectory,
    gone: watch().catch(() => undefined),
    awaitEnd: () => undefined,
    lastWords: () => ({ output: '' }),
  }
}

export type Readiness = 'ready' | 'starting' | 'stopping' | 'unreachable'

/** Asks once. Everything but "ready" may change by itself. */
export async function askReadiness(socketDirectory: string, password: string): Promise<Readiness> {
  const client = new pg.Client({
    host: socketDirectory,
    user: databaseUser,
    password,
    database: 'postgres',
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const existing = await client.query('select from pg_database where datname = $1', [databaseUser])
    // `initdb` makes no database of ours; a crash may come between it and here, so it is looked for each time.
    if (existing.rowCount === 0) await client.query(`create database ${databaseUser}`)
    return 'ready'
  } catch (error) {
    const code = systemErrorCode(error)
    // 57P03 cannot_connect_now: starting up, recovering after a crash, or shutting down.
    if (code === '57P03') return /shutting down/.test(String(error)) ? 'stopping' : 'starting'
    if (code === '28P01') {
      throw new StartRefusal(
        'data_directory_incomplete',
        'The embedded PostgreSQL does not accept the password in its data directory: put the file "postgres/password" that belongs to the data back.',
        { cause: error },
      )
    }
    return 'unreachable'
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** A server that neither answers nor says that it is starting up is given up after this. */
const silenceMsMax = 30_000

/** Resolves when a started server answers. Replaying the log of a crash may take long: `onWait` tells for how long. */
export async function untilReady(
  postmaster: Postmaster,
  place: PostmasterPlace,
  password: string,
  onWait: (elapsedMs: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let gone = false
  void postmaster.gone.then(() => {
    gone = true
  })
  const began = performance.now()
  let heard = began
  while (!gone && performance.now() - heard < silenceMsMax) {
    // The status file is asked first: a connection that comes too early is an error in the log.
    const status = readPostmasterFile(place.cluster)?.status
    if (status === 'starting') heard = performance.now()
    if (status === 'ready' && (await askReadiness(postmaster.socketDirectory, password)) === 'ready') return
    onWait(performance.now() - began)
    await delay(lookAgainMs, undefined, { signal })
  }
  throw explainPostgresFailure('PostgreSQL', { ...postmaster.lastWords(), program: place.programs.postgres })
}

/** How long PostgreSQL gets to stop in order, and how long to break off; both end within the 5 s of a whole stop. */
const orderlyStopMs = 3_000
const brokenStopMs = 800

/** Ends the server process and waits until none of its processes lives. */
export async function stopPostmaster(
  pid: number,
  place: Pick<PostmasterPlace, 'alive' | 'cluster'>,
): Promise<void> {
  // Fast shutdown: sessions are broken off, data files are written.
  signal(pid, 'SIGINT')
  if (await nobodyLives(place.alive, orderlyStopMs)) return
  // Immediate shutdown: safe, but the next start replays the log.
  signal(pid, 'SIGQUIT')
  if (await nobodyLives(place.alive, brokenStopMs)) return
  signal(pid, 'SIGKILL')
  await clearStragglers(place)
}

/** After a postmaster was killed, its sessions end by themselves, but one that computes may take its time. */
export async function clearStragglers(place: Pick<PostmasterPlace, 'alive' | 'cluster'>): Promise<boolean> {
  if (await nobodyLives(place.alive, brokenStopMs)) return true
  for (const pid of processesIn(place.cluster)) signal(pid, 'SIGKILL')
  return nobodyLives(place.alive, orderlyStopMs)
}

export async function nobodyLives(alive: AlivePipe, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  while (alive.someoneLives()) {
    if (performance.now() > deadline) return false
    await delay(lookAgainMs)
  }
  return true
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemErrorCode(error) === 'EPERM'
  }
}

/** Processes that PostgreSQL runs on the cluster. */
function processesIn(cluster: string): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => isProcessOf(pid, cluster))
  } catch {
    return []
  }
}

/** PostgreSQL makes the cluster the working directory of its processes; a stranger with an old pid has another. */
export function isProcessOf(pid: number, cluster: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === cluster &&
      readFileSync(`/proc/${pid}/comm`, 'utf8') === 'postgres\n'
    )
  } catch {
    return false
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error
  }
}

/** The path of a unix socket has room for about 100 bytes, and its file name takes 18 of them. */
const socketDirectoryBytesMax = 80
const socketDirectoryPrefix = 'belfry-socket-'
const randomSuffixLength = 6

/**
 * One for as long as Belfry runs: a server that is started again after a crash is found at the same place. Beside
 * the data where the path is short enough, else in the temporary directory, which other programs tidy up and which
 * a service may have for itself alone.
 */
export function makeSocketDirectory(dataDirectory: string): string {
  const parents = [dataDirectory, tmpdir(), '/tmp']
  const parent = parents.find(
    (path) =>
      Buffer.byteLength(join(path, socketDirectoryPrefix)) + randomSuffixLength <= socketDirectoryBytesMax,
  )
  return mkdtempSync(join(parent ?? '/tmp', socketDirectoryPrefix))
}

/** What killed servers left beside the data. Call it only when nobody lives. */
export function removeSocketDirectories(dataDirectory: string): void {
  for (const name of readdirSync(dataDirectory)) removeSocketDirectory(join(dataDirectory, name))
}

function clearSocketDirectory(directory: string, user: SystemUser): void {
  // Something that tidies the temporary directory may have taken it away in the meantime.
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chownSync(directory, user.uid, user.gid)
  for (const name of readdirSync(directory)) rmSync(join(directory, name))
}

export function removeSocketDirectory(directory: string): void {
  if (basename(directory).startsWith(socketDirectoryPrefix))
    rmSync(directory, { recursive: true, force: true })
}
