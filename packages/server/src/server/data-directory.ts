/** Where Belfry keeps what must survive: its database and the secrets it made for itself. */
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { StartRefusal, systemErrorCode } from '../engine/start-refusal.ts'

/** Root has a place that the user of PostgreSQL can enter; everybody else the one their system sets aside. */
export function defaultDataDirectory(): string {
  if (process.getuid?.() === 0) return '/var/lib/belfry'
  const home = homeDirectory()
  if (process.platform === 'darwin') return join(home, 'Library', 'Application Support', 'belfry')
  return join(process.env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'belfry')
}

/** A user with neither HOME nor an entry in the list of users has none; then data lies where the start happens. */
function homeDirectory(): string {
  try {
    return homedir()
  } catch {
    return process.cwd()
  }
}

export function ensureDataDirectory(directory: string): void {
  try {
    makeDirectory(directory)
    // Somebody may have made it before, closed.
    if (process.getuid?.() === 0 && statSync(directory).uid === 0) chmodSync(directory, 0o711)
    refuseOtherUser(directory)
    const probe = join(directory, `.write-test-${process.pid}`)
    writeFileSync(probe, 'x')
    rmSync(probe)
  } catch (error) {
    if (error instanceof StartRefusal) throw error
    throw notWritable(directory, error)
  }
}

/**
 * With its parents. Not `recursive`, with which Node tries for ever where the parent exists and yet nothing can be
 * made in it, such as in /proc or in the directory of an automounter.
 */
function makeDirectory(directory: string): void {
  try {
    makeOneDirectory(directory)
  } catch (error) {
    const parent = dirname(directory)
    if (systemErrorCode(error) !== 'ENOENT' || parent === directory) throw error
    makeDirectory(parent)
    makeOneDirectory(directory)
  }
}

function makeOneDirectory(directory: string): void {
  // Under root, PostgreSQL runs as somebody else and has to pass through; the secrets inside have modes of their own.
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700
  try {
    mkdirSync(directory, { mode })
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST' || !statSync(directory).isDirectory()) throw error
  }
}

function refuseOtherUser(directory: string): void {
  const own = process.getuid?.()
  const owner = statSync(directory).uid
  if (own === undefined || own === owner || own === 0) return
  throw new StartRefusal(
    'data_directory_other_user',
    `The data directory ${directory} belongs to the user with id ${owner}: start Belfry as that user, or set BELFRY_DATA_DIR to a directory of your own.`,
  )
}

function notWritable(directory: string, error: unknown): StartRefusal {
  const options = { cause: error }
  switch (systemErrorCode(error)) {
    case 'EROFS':
      return new StartRefusal(
        'data_directory_not_writable',
        `The data directory ${directory} lies on a read-only file system: set BELFRY_DATA_DIR to a directory that can be written.`,
        options,
      )
    case 'EACCES':
    case 'EPERM':
      return new StartRefusal(
        'data_directory_not_writable',
        `This user may not write to the data directory ${directory}: change its owner, or set BELFRY_DATA_DIR to a directory of your own.`,
        options,
      )
    case 'ENOSPC':
    case 'EDQUOT':
      return new StartRefusal(
        'disk_full',
        `There is no room left on the disk of ${directory}: make some, then start again.`,
        options,
      )
    case 'ENOTDIR':
    case 'EEXIST':
      return new StartRefusal(
        'data_directory_not_writable',
        `${directory} cannot be a data directory, because a file is in the way: set BELFRY_DATA_DIR to another path.`,
        options,
      )
    default:
      return new StartRefusal(
        'data_directory_not_writable',
        `Belfry cannot use the data directory ${directory} (${error instanceof Error ? error.message : String(error)}).`,
        options,
      )
  }
}
