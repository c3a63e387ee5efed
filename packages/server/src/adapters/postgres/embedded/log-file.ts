/** A log that a process without us writes to, kept within a bound. */
import { closeSync, copyFileSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'

/** Where the log is cut, in bytes. One older part of the same size is kept beside it as `<path>.1`. */
export const logBytesMax = 4 * 1024 * 1024

/** Runs `start` with a descriptor that appends to the log. */
export function withLogDescriptor<Result>(path: string, start: (descriptor: number) => Result): Result {
  const descriptor = openSync(path, 'a', 0o600)
  try {
    return start(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Cuts in place: the writer appends, so its next line lands at the start of the emptied file. */
export function cutLog(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || stats.size <= logBytesMax) return
  copyFileSync(path, `${path}.1`)
  truncateSync(path)
}

export function logSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** What was written since the log had `size` bytes. */
export function logSince(path: string, size: number): string {
  try {
    return readFileSync(path).subarray(size).toString()
  } catch {
    return ''
  }
}
