/** Looks at a backup without a database. */
import type { Readable } from 'node:stream'
import type { BackupHeader } from './format.ts'
import { countRows } from './progress.ts'
import { type BackupTotals, readContent, readFrames, readHeader } from './read-frames.ts'

export interface BackupContents extends BackupTotals {
  readonly header: BackupHeader
}

/** Reads the whole file; rejects when it is not a whole, unaltered backup. */
export function inspectBackup(
  input: Readable,
  options: { readonly signal?: AbortSignal } = {},
): Promise<BackupContents> {
  return readFrames(input, options.signal, async (frames) => {
    const header = await readHeader(frames)
    const totals = await readContent(frames, {
      async table(_, data) {
        let rows = 0
        for await (const piece of data) rows += countRows(piece)
        return rows
      },
      async sequences() {},
    })
    return { header, ...totals }
  })
}
