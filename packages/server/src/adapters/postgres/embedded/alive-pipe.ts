/**
 * Answers "does any process of this cluster still run?" for certain.
 *
 * Every PostgreSQL process inherits the reading end of a named pipe, `alive`. While one of them lives, in whatever
 * container or pid namespace, opening the pipe for writing succeeds; when the last is gone it fails with ENXIO.
 * A pid in `postmaster.pid` cannot say that: it may belong to a zombie, to a stranger that got the number later, or
 * to another namespace, and it says nothing about sessions that outlive their postmaster for a while.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, rmSync, statSync } from 'node:fs'
import { StartRefusal, systemErrorCode } from '../../../engine/start-refusal.ts'

export interface AlivePipe {
  someoneLives(): boolean
  /** Runs `start` with a descriptor for its child to inherit. */
  handOver<Result>(start: (descriptor: number) => Result): Result
}

export function alivePipe(path: string): AlivePipe {
  create(path)
  return {
    someoneLives() {
      try {
        closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
        return true
      } catch (error) {
        if (systemErrorCode(error) === 'ENXIO') return false
        throw error
      }
    },
    handOver(start) {
      const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      try {
        return start(descriptor)
      } finally {
        closeSync(descriptor)
      }
    },
  }
}

function create(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isFIFO()) return
  // An archive tool may have turned the pipe of a copied directory into a plain file.
  if (stats !== undefined) rmSync(path)
  const made = spawnSync('mkfifo', ['-m', '600', path], { encoding: 'utf8' })
  if (made.status === 0) return
  throw new StartRefusal(
    'data_directory_unsuitable',
    `Cannot make the named pipe ${path} (${made.error?.message ?? made.stderr.trim()}): put BELFRY_DATA_DIR on a local disk.`,
  )
}
