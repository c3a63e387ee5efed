/**
 * One server a data directory, always.
 *
 * The lock is the operating system's record lock on `owner.lock`. It dies with the process however that ends, is
 * granted to exactly one of any number of racing starters, and holds between containers and pid namespaces that
 * mount the directory, because it belongs to the file and not to a name. Node offers no call for it; SQLite, which
 * is inside Node, takes exactly this lock for an exclusive transaction, and the file stays empty.
 *
 * `owner.json` beside it says who holds the lock, so that a refusal can name the owner, and stays behind when the
 * owner was killed. It is how a copy of a directory in use is recognised: the copy names another inode.
 */
import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { StartRefusal } from '../../../engine/start-refusal.ts'

export interface Owner {
  readonly pid: number
  readonly hostname: string
  /** Changes with every boot of the kernel, and is shared by all containers on it. */
  readonly bootId: string
  readonly pidNamespace: string
  readonly inode: number
  readonly startedAt: string
}

export interface OwnerLock {
  /** Who held the directory last and did not let go of it in an orderly way. */
  readonly previous: Owner | undefined
  /** Forgets the owner and lets go. Call it when nothing of ours uses the directory any more. */
  release(): void
}

export async function acquireOwnerLock(directory: string, now: Date): Promise<OwnerLock> {
  const lock = await lockFile(join(directory, 'owner.lock'))
  if (lock === undefined) throw inUse(directory, readOwner(directory))
  try {
    const previous = readOwner(directory)
    refuseCopies(directory, previous)
    const self = describeSelf(directory, now)
    writeFileSync(ownerPath(directory), `${JSON.stringify(self, null, 2)}\n`, { mode: 0o600 })
    return {
      previous,
      release() {
        rmSync(ownerPath(directory), { force: true })
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Whether a process of ours could look `owner` up by its pid. */
export function sharesProcessesWith(owner: Owner): boolean {
  return owner.bootId === bootId() && owner.pidNamespace === pidNamespace()
}

export function readOwner(directory: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(ownerPath(directory), 'utf8'))
    return isOwner(owner) ? owner : undefined
  } catch {
    // Absent, or cut off by a crash of the machine while it was written: nobody can be named.
    return undefined
  }
}

async function lockFile(path: string): Promise<{ release(): void } | undefined> {
  const { DatabaseSync } = await importSqlite()
  // Nobody else may even read it: a read lock of theirs would look like an owner.
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
  const file = new DatabaseSync(path, { timeout: racePatienceMs })
  try {
    file.exec('pragma journal_mode = memory; begin exclusive')
  } catch (error) {
    file.close()
    if (isBusy(error)) return undefined
    throw new StartRefusal(
      'data_directory_unsuitable',
      `The file system of ${path} cannot lock files; put BELFRY_DATA_DIR on a local disk.`,
      { cause: error },
    )
  }
  return { release: () => file.close() }
}

/** Node 22 warns that SQLite is experimental there; record locks, all that we use of it, are as old as SQLite. */
async function importSqlite(): Promise<typeof import('node:sqlite')> {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return await import('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Racing starters may hinder each other for an instant; only who still finds it locked after this has lost. */
const racePatienceMs = 500
const sqliteBusy = 5

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}

function inUse(directory: string, owner: Owner | undefined): StartRefusal {
  if (owner === undefined) {
    return new StartRefusal(
      'data_directory_in_use',
      `Another Belfry is using the data directory ${directory}.`,
    )
  }
  const where = sharesProcessesWith(owner) ? '' : ` in another container on ${owner.hostname}`
  return new StartRefusal(
    'data_directory_in_use',
    `Another Belfry (process ${owner.pid}${where}, since ${owner.startedAt}) is using the data directory ${directory}: stop it first, or set BELFRY_DATA_DIR to another directory.`,
  )
}

function refuseCopies(directory: string, previous: Owner | undefined): void {
  if (previous === undefined) return
  if (previous.inode !== statSync(directory).ino) {
    throw new StartRefusal(
      'data_directory_copied',
      `${directory} was copied or moved while a server was using it, so its files may not fit together: use "belfry backup" and "belfry restore" to copy data, or, if you know that no server ran at that moment, delete ${ownerPath(directory)}.`,
    )
  }
  const movedHost = previous.bootId !== bootId() && previous.hostname !== hostname()
  if (movedHost && isNetworkFileSystem(directory)) {
    throw new StartRefusal(
      'data_directory_elsewhere',
      `${directory} lies on a network file system and was last used by ${previous.hostname}, which did not let go of it: make sure that no Belfry runs there, then delete ${ownerPath(directory)}.`,
    )
  }
}

/** `f_type` of NFS, SMB (three generations), FUSE, 9p and Ceph: locks there may not reach other hosts. */
const networkFileSystems = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x00c36400,
])

function isNetworkFileSystem(directory: string): boolean {
  return networkFileSystems.has(statfsSync(directory).type >>> 0)
}

function describeSelf(directory: string, now: Date): Owner {
  return {
    pid: process.pid,
    hostname: hostname(),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    inode: statSync(directory).ino,
    startedAt: now.toISOString(),
  }
}

function ownerPath(directory: string): string {
  return join(directory, 'owner.json')
}

/** Systems without /proc have one kernel and one pid namespace as far as we can tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return 'unknown'
  }
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== 'object' || value === null) return false
  const owner = value as Record<string, unknown>
  return (
    typeof owner['pid'] === 'number' &&
    typeof owner['inode'] === 'number' &&
    ['hostname', 'bootId', 'pidNamespace', 'startedAt'].every((key) => typeof owner[key] === 'string')
  )
}
