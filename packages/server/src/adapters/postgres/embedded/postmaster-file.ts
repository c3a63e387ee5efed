/** `postmaster.pid`, as PostgreSQL writes it into the cluster's directory while a server runs on it. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode } from '../../../engine/start-refusal.ts'

export interface PostmasterFile {
  readonly pid: number
  readonly clusterDirectory: string
  readonly socketDirectory: string
  /** `starting`, `ready`, `stopping` or `standby`; empty until PostgreSQL has written it. */
  readonly status: string
}

export function readPostmasterFile(clusterDirectory: string): PostmasterFile | undefined {
  let text: string
  try {
    text = readFileSync(join(clusterDirectory, 'postmaster.pid'), 'utf8')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
  // Lines: pid, directory, start time, port, socket directory, listen address, shared memory, status.
  const [pid, directory, , , socketDirectory, , , status] = text.split('\n')
  return {
    pid: Math.abs(Number(pid)),
    clusterDirectory: directory ?? '',
    socketDirectory: socketDirectory ?? '',
    status: status?.trim() ?? '',
  }
}

/** Only when it is certain that no process of the cluster lives: PostgreSQL trusts this file. */
export function removePostmasterFile(clusterDirectory: string): void {
  rmSync(join(clusterDirectory, 'postmaster.pid'), { force: true })
}
