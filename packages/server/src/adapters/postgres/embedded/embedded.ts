/**
 * The embedded PostgreSQL: a real server on a directory of ours, begun with Belfry, watched while it runs, and
 * stopped after it. Nothing to install, nothing to configure; see docs/adr/0002.
 *
 *   absent ──start──▶ starting ──ready──▶ running ──killed──▶ starting (again, with back-off)
 *   found alive ──adopt──▶ running          running ──stop──▶ stopping ──▶ stopped
 */
import { lchownSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../../engine/ports/logger.ts'
import { StartRefusal } from '../../../engine/start-refusal.ts'
import { alivePipe } from './alive-pipe.ts'
import { checkCluster, clusterExists, createCluster, databaseUser, readPassword } from './cluster.ts'
import { cutLog } from './log-file.ts'
import { type OwnerLock, sharesProcessesWith } from './owner-lock.ts'
import {
  adoptPostmaster,
  askReadiness,
  clearStragglers,
  isProcessOf,
  makeSocketDirectory,
  nobodyLives,
  type Postmaster,
  type PostmasterPlace,
  removeSocketDirectories,
  removeSocketDirectory,
  startPostmaster,
  stopPostmaster,
  untilReady,
} from './postmaster.ts'
import { readPostmasterFile, removePostmasterFile } from './postmaster-file.ts'
import { preparePrograms } from './programs.ts'
import { choosePostgresUser, type SystemUser } from './system-user.ts'

export interface EmbeddedPostgresOptions {
  /** Of Belfry; locked by the caller, who hands in the lock. PostgreSQL gets a directory inside. */
  readonly dataDirectory: string
  readonly lock: OwnerLock
  readonly logger: Logger
  /** What happens during a start, for somebody who waits for it. */
  onProgress(message: string): void
  /** Breaks a start off; what it began is stopped before it rejects. */
  readonly signal: AbortSignal
  /** Connections that Belfry itself may open; the server allows some more, for commands beside it. */
  readonly connectionsMax?: number
}

export interface EmbeddedPostgres {
  /** Where it listens; a start after a crash does not change it. */
  readonly url: string
  readonly version: string
  /** How this start came to a running server. */
  readonly origin: 'created' | 'started' | 'recovered' | 'adopted'
  stop(): Promise<void>
}

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger, onProgress } = options
  const paths = postgresPaths(options.dataDirectory)
  const user = choosePostgresUser()
  makeDirectories(paths, user)
  const alive = alivePipe(paths.alivePipe)
  const programs = preparePrograms(user, paths.programCopies)
  cutLog(paths.logFile)

  const created = !clusterExists(paths)
  if (created) {
    onProgress('creating the database')
    if (!(await nobodyLives(alive, 10_000))) throw stillInUse(paths.cluster)
    await createCluster(paths, programs, user, alive)
  }
  checkCluster(paths, programs)
  giveCluster(paths.cluster, user)
  const password = readPassword(paths)
  // PostgreSQL resolves links in the path it is given; /proc shows the resolved one.
  const place: PostmasterPlace = {
    cluster: realpathSync(paths.cluster),
    logFile: paths.logFile,
    alive,
    user,
    programs,
    connectionsMax: (options.connectionsMax ?? 0) + connectionsForOthers,
  }

  const stopping = new AbortController()
  let origin: EmbeddedPostgres['origin'] = created ? 'created' : 'started'
  const found = await takeOver(place, options.lock, password, stopping.signal, options.signal)
  if (found !== undefined) origin = 'adopted'
  else {
    if (clearStaleFiles(place, options.lock)) origin = 'recovered'
    removeSocketDirectories(paths.root)
  }
  const socketDirectory = found?.socketDirectory ?? makeSocketDirectory(paths.root)
  let current = found ?? startPostmaster(place, socketDirectory)
  if (found === undefined) {
    try {
      await ready(current, place, password, onProgress, options.signal)
    } catch (error) {
      await stopPostmaster(current.pid, place)
      removeSocketDirectory(socketDirectory)
      throw error
    }
  }

  const cutting = setInterval(() => cutLog(paths.logFile), 60_000).unref()
  const keepRunning = async () => {
    while (!stopping.signal.aborted) {
      await current.gone
      if (stopping.signal.aborted) return
      logger.error({ pid: current.pid }, 'PostgreSQL was killed or crashed; starting it again')
      await restart({ place, socketDirectory, password, logger, signal: stopping.signal }, (begun) => {
        current = begun
      })
      logger.info({ pid: current.pid }, 'PostgreSQL runs again')
    }
  }
  const watching = keepRunning().catch((error: unknown) => {
    if (!stopping.signal.aborted) logger.error({ err: error }, 'PostgreSQL is not watched any more')
  })

  return {
    url: connectionUrl(socketDirectory, password),
    version: programs.version,
    origin,
    async stop() {
      stopping.abort()
      clearInterval(cutting)
      current.awaitEnd()
      await stopPostmaster(current.pid, place)
      await watching
      removeSocketDirectory(socketDirectory)
    },
  }
}

/** The running server on a data directory that another process of ours owns; `undefined` when none answers. */
export async function findRunningPostgres(dataDirectory: string): Promise<string | undefined> {
  const paths = postgresPaths(dataDirectory)
  if (!clusterExists(paths)) return undefined
  const file = readPostmasterFile(paths.cluster)
  if (file === undefined) return undefined
  const password = readPassword(paths)
  if ((await askReadiness(file.socketDirectory, password)) !== 'ready') return undefined
  return connectionUrl(file.socketDirectory, password)
}

function connectionUrl(socketDirectory: string, password: string): string {
  return `postgres://${databaseUser}:${password}@/${databaseUser}?host=${encodeURIComponent(socketDirectory)}`
}

/** For `belfry backup` and the like, migrations, readiness checks, and somebody who looks around with psql. */
const connectionsForOthers = 40

interface PostgresPaths {
  readonly root: string
  readonly cluster: string
  readonly passwordFile: string
  readonly alivePipe: string
  readonly logFile: string
  readonly programCopies: string
}

function postgresPaths(dataDirectory: string): PostgresPaths {
  const root = join(dataDirectory, 'postgres')
  return {
    root,
    cluster: join(root, 'cluster'),
    passwordFile: join(root, 'password'),
    alivePipe: join(root, 'alive'),
    logFile: join(root, 'postgres.log'),
    programCopies: join(root, 'programs'),
  }
}

/** Under root PostgreSQL is somebody else, who must be able to pass through to the cluster and to the programs. */
function makeDirectories(paths: PostgresPaths, user: SystemUser): void {
  refuseOtherUser(paths.root)
  const mode = user.spawnAs.uid === undefined ? 0o700 : 0o711
  for (const directory of [paths.root, paths.programCopies]) mkdirSync(directory, { recursive: true, mode })
}

/** Root could use anybody's data, and would lock its owner out of it. */
function refuseOtherUser(directory: string): void {
  const owner = statSync(directory, { throwIfNoEntry: false })?.uid
  if (owner === undefined || owner === (process.getuid?.() ?? owner)) return
  throw new StartRefusal(
    'data_directory_other_user',
    `${directory} belongs to the user with id ${owner}: start Belfry as that user, or set BELFRY_DATA_DIR to a directory of your own.`,
  )
}

/** The user that PostgreSQL runs as may have changed: `nobody` at first, `belfry` once it exists. */
function giveCluster(cluster: string, user: SystemUser): void {
  const owner = statSync(cluster).uid
  if (owner === user.uid || user.spawnAs.uid === undefined) return
  for (const entry of readdirSync(cluster, { recursive: true, withFileTypes: true })) {
    lchownSync(join(entry.parentPath, entry.name), user.uid, user.gid)
  }
  lchownSync(cluster, user.uid, user.gid)
}

/**
 * A server process that outlived its Belfry is taken over when it can be looked up and answers; data that is being
 * used from another pid namespace is refused.
 */
async function takeOver(
  place: PostmasterPlace,
  lock: OwnerLock,
  password: string,
  watching: AbortSignal,
  signal: AbortSignal,
): Promise<Postmaster | undefined> {
  if (!place.alive.someoneLives()) return undefined
  if (lock.previous !== undefined && !sharesProcessesWith(lock.previous)) throw stillInUse(place.cluster)
  const file = readPostmasterFile(place.cluster)
  while (file !== undefined && place.alive.someoneLives()) {
    const readiness = await askReadiness(file.socketDirectory, password)
    if (readiness === 'ready') return adoptPostmaster(file.pid, file.socketDirectory, watching)
    if (readiness === 'unreachable') {
      // It lives, but its socket is gone, as after a tidy-up of the temporary directory: a new one starts in order.
      if (isProcessOf(file.pid, place.cluster)) await stopPostmaster(file.pid, place)
      break
    }
    await delay(50, undefined, { signal })
  }
  if (!(await clearStragglers(place))) throw stillInUse(place.cluster)
  return undefined
}

/** True when the last run did not end in order. Called when it is certain that no process of the cluster lives. */
function clearStaleFiles(place: PostmasterPlace, lock: OwnerLock): boolean {
  const file = readPostmasterFile(place.cluster)
  if (file === undefined) return lock.previous !== undefined
  if (lock.previous === undefined && !isSamePlace(file.clusterDirectory, place.cluster)) {
    throw new StartRefusal(
      'data_directory_copied',
      `${place.cluster} was copied from ${file.clusterDirectory} while PostgreSQL was using it, so its files may not fit together: use "belfry backup" and "belfry restore" to copy data, or, if you know that it had crashed before, delete ${join(place.cluster, 'postmaster.pid')}.`,
    )
  }
  removePostmasterFile(place.cluster)
  removeSocketDirectory(file.socketDirectory)
  return true
}

function isSamePlace(one: string, other: string): boolean {
  return one === other || lstatSync(one, { throwIfNoEntry: false })?.ino === lstatSync(other).ino
}

async function ready(
  postmaster: Postmaster,
  place: PostmasterPlace,
  password: string,
  onProgress: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await untilReady(
    postmaster,
    place,
    password,
    (elapsedMs) => {
      if (elapsedMs > 1_000)
        onProgress(`PostgreSQL is reading its log after a crash (${Math.round(elapsedMs / 1000)} s)`)
    },
    signal,
  )
}

/** Waits between attempts to start a server process that was killed, in milliseconds; the last repeats. */
const restartDelaysMs = [0, 100, 500, 1_000, 5_000]

interface RestartOptions {
  readonly place: PostmasterPlace
  readonly socketDirectory: string
  readonly password: string
  readonly logger: Logger
  readonly signal: AbortSignal
}

async function restart(options: RestartOptions, onBegun: (postmaster: Postmaster) => void): Promise<void> {
  const { place, socketDirectory, password, logger, signal } = options
  for (let attempt = 0; ; attempt++) {
    await delay(restartDelaysMs[Math.min(attempt, restartDelaysMs.length - 1)], undefined, { signal })
    try {
      if (!(await clearStragglers(place))) throw stillInUse(place.cluster)
      removePostmasterFile(place.cluster)
      signal.throwIfAborted()
      const postmaster = startPostmaster(place, socketDirectory)
      // Told before it is ready, so that a stop in the meantime finds the process.
      onBegun(postmaster)
      return await ready(postmaster, place, password, () => undefined, signal)
    } catch (error) {
      if (signal.aborted) throw error
      logger.error({ err: error, attempt }, 'PostgreSQL did not start again; trying once more')
    }
  }
}

function stillInUse(cluster: string): StartRefusal {
  return new StartRefusal(
    'data_directory_in_use',
    `A PostgreSQL process in another container is still using ${dirname(dirname(cluster))}: stop it there first.`,
  )
}
