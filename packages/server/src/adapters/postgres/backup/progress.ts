/** How far a backup or a restore is, for a person who waits. */
export interface BackupProgress {
  readonly table: string
  /** From 0. */
  readonly tableIndex: number
  readonly tableCount: number
  /** Of this table, so far. */
  readonly rows: number
  /** Of this table, so far, uncompressed. */
  readonly bytes: number
}

export type OnBackupProgress = (progress: BackupProgress) => void

/** COPY writes each row on a line of its own, and a line feed inside a value as `\n`. */
export function countRows(data: Buffer): number {
  let rows = 0
  for (let at = data.indexOf(10); at !== -1; at = data.indexOf(10, at + 1)) rows += 1
  return rows
}
