/** The cluster: PostgreSQL's own directory of files, made once by `initdb`. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { StartRefusal } from '../../../engine/start-refusal.ts'
import type { AlivePipe } from './alive-pipe.ts'
import { explainPostgresFailure } from './failures.ts'
import type { PostgresPrograms } from './programs.ts'
import type { SystemUser } from './system-user.ts'

/** The superuser of the embedded PostgreSQL, and the database that Belfry uses in it. */
export const databaseUser = 'belfry'

export interface ClusterPaths {
  /** The files of the cluster; belongs to the user that PostgreSQL runs as. */
  readonly cluster: string
  /** The superuser's password; only we can read it. */
  readonly passwordFile: string
}

export function clusterExists(paths: ClusterPaths): boolean {
  return existsSync(paths.cluster)
}

/**
 * Makes the cluster beside its final place and renames it when it is whole and synced, so that a start that was
 * cut off leaves nothing that looks like data.
 */
export async function createCluster(
  paths: ClusterPaths,
  programs: PostgresPrograms,
  user: SystemUser,
  alive: AlivePipe,
): Promise<void> {
  refuseFullDisk(dirname(paths.cluster))
  const password = randomBytes(24).toString('base64url')
  const unfinished = `${paths.cluster}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { mode: 0o700 })
  chownSync(unfinished, user.uid, user.gid)
  const secrets = mkdtempSync(join(tmpdir(), 'belfry-'))
  const secretFile = join(secrets, 'password')
  try {
    writeFileSync(secretFile, password, { mode: 0o600 })
    chownSync(secretFile, user.uid, user.gid)
    chownSync(secrets, user.uid, user.gid)
    const options = [
      `--pgdata=${unfinished}`,
      `--username=${databaseUser}`,
      `--pwfile=${secretFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ]
    // Syncing each file as it is written takes much longer than syncing all of them at the end.
    await runInitdb(programs, user, alive, [...options, '--no-sync'])
    await runInitdb(programs, user, alive, [`--pgdata=${unfinished}`, '--sync-only'])
  } finally {
    rmSync(secrets, { recursive: true, force: true })
  }
  writeFileSync(paths.passwordFile, password, { mode: 0o600 })
  renameSync(unfinished, paths.cluster)
}

/** Refuses data that the programs at hand cannot read. Run by root, hands it to the user that PostgreSQL runs as. */
export function checkCluster(paths: ClusterPaths, programs: PostgresPrograms): void {
  const major = Number(readClusterFile(paths, 'PG_VERSION'))
  if (major === programs.majorVersion) return
  throw new StartRefusal(
    'data_directory_other_version',
    `The data in ${paths.cluster} was written by PostgreSQL ${major}, and this Belfry brings PostgreSQL ${programs.majorVersion}: make a backup with the Belfry that wrote it ("belfry backup"), then restore it into an empty data directory ("belfry restore").`,
  )
}

/** A new cluster takes about 40 MB, and its first log files 32 MB. */
const roomForClusterBytes = 100_000_000

function refuseFullDisk(directory: string): void {
  const { bavail, bsize } = statfsSync(directory)
  if (bavail * bsize >= roomForClusterBytes) return
  throw new StartRefusal(
    'disk_full',
    `A new database needs about 100 MB, and the disk of ${directory} has ${Math.floor((bavail * bsize) / 1_000_000)} MB left: make room, then start again.`,
  )
}

export function readPassword(paths: ClusterPaths): string {
  try {
    return readFileSync(paths.passwordFile, 'utf8')
  } catch (error) {
    throw new StartRefusal(
      'data_directory_incomplete',
      `The password of the embedded PostgreSQL cannot be read from ${paths.passwordFile}: put that file back from a backup, or move ${paths.cluster} away to begin with an empty database.`,
      { cause: error },
    )
  }
}

function readClusterFile(paths: ClusterPaths, name: string): string {
  try {
    return readFileSync(join(paths.cluster, name), 'utf8').trim()
  } catch (error) {
    throw new StartRefusal(
      'data_directory_incomplete',
      `${join(paths.cluster, name)} cannot be read, so ${paths.cluster} is no whole PostgreSQL cluster: restore it, or move it away to begin with an empty database.`,
      { cause: error },
    )
  }
}

/** Asynchronous, so that Ctrl-C is heard meanwhile. */
function runInitdb(
  programs: PostgresPrograms,
  user: SystemUser,
  alive: AlivePipe,
  options: readonly string[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const initdb = alive.handOver((descriptor) =>
      spawn(programs.initdb, options, {
        ...user.spawnAs,
        cwd: '/',
        env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
        stdio: ['ignore', 'pipe', 'pipe', descriptor],
      }),
    )
    let output = ''
    const collect = (chunk: Buffer) => {
      output += chunk.toString()
    }
    initdb.stdout?.on('data', collect)
    initdb.stderr?.on('data', collect)
    initdb.on('error', (error) =>
      reject(explainPostgresFailure('PostgreSQL', { error, output, program: programs.initdb })),
    )
    initdb.on('close', (code) => {
      if (code === 0) resolve()
      else reject(explainPostgresFailure('PostgreSQL', { output, program: programs.initdb }))
    })
  })
}
