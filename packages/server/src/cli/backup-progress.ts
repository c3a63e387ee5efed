/** How far a backup or a restore is, in words. */
import type { OnBackupProgress } from '../adapters/postgres/backup/progress.ts'
import type { Terminal } from './terminal.ts'

/** A line a tenth of a second reads as movement; more would only cost time. */
const showEveryMs = 100

export function showProgress(terminal: Terminal, verb: string): OnBackupProgress {
  let shownAt = 0
  return ({ table, tableIndex, tableCount, rows, bytes }) => {
    if (performance.now() - shownAt < showEveryMs) return
    shownAt = performance.now()
    terminal.progress(`${verb} ${table} (${tableIndex + 1} of ${tableCount}): ${rows} rows, ${size(bytes)}`)
  }
}

export function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  // As it will be shown: 999,999 bytes are 1.0 MB, not 1000.0 KB.
  while (Math.round(value * 10) >= 10_000 && unit < units.length - 1) {
    value /= 1_000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
