/** Reads a backup file in order, and believes it only when all of it was seen. */
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import {
  type BackupHeader,
  type BackupSequences,
  type BackupTable,
  decodeFrames,
  type Frame,
  invalidBackup,
  unseal,
} from './format.ts'

export interface BackupTotals {
  readonly tables: number
  readonly rows: number
}

export interface BackupVisitor {
  /** Reads `data` to its end, and resolves with the number of rows in it. */
  table(table: BackupTable, data: AsyncIterable<Buffer>, index: number): Promise<number>
  sequences(sequences: BackupSequences): Promise<void>
}

/** Resolves with what `consume` made of the frames only when the seal was right and nothing followed. */
export async function readFrames<Result>(
  input: Readable,
  signal: AbortSignal | undefined,
  consume: (frames: AsyncGenerator<Frame>) => Promise<Result>,
): Promise<Result> {
  let result: { readonly value: Result } | undefined
  const stages = [input, unseal(), createGunzip()] as const
  try {
    await pipeline(
      ...stages,
      async (source: AsyncIterable<Buffer>) => {
        const frames = decodeFrames(source)
        const value = await consume(frames)
        const { done } = await frames.next()
        if (done !== true) throw invalidBackup('something follows its end')
        result = { value }
      },
      signal === undefined ? {} : { signal },
    )
  } catch (error) {
    signal?.throwIfAborted()
    throw isDamage(error) ? invalidBackup('its content cannot be read', error) : error
  }
  if (result === undefined) throw invalidBackup('it ends too early')
  return result.value
}

export async function readHeader(frames: AsyncGenerator<Frame>): Promise<BackupHeader> {
  const frame = await nextFrame(frames)
  if (frame.kind !== 'header') throw invalidBackup('it does not begin like one')
  return frame.content
}

/** Everything after the header. */
export async function readContent(
  frames: AsyncGenerator<Frame>,
  visitor: BackupVisitor,
): Promise<BackupTotals> {
  const totals = { tables: 0, rows: 0 }
  for (;;) {
    const frame = await nextFrame(frames)
    if (frame.kind === 'table') {
      const expected = { rows: -1 }
      const rows = await visitor.table(frame.content, dataOf(frames, expected), totals.tables)
      if (rows !== expected.rows) throw invalidBackup(`rows of its table "${frame.content.name}" are missing`)
      totals.tables += 1
      totals.rows += rows
    } else if (frame.kind === 'sequences') {
      await visitor.sequences(frame.content)
    } else if (frame.kind === 'footer') {
      const { tables, rows } = frame.content
      if (tables !== totals.tables || rows !== totals.rows) throw invalidBackup('tables are missing')
      return totals
    } else {
      throw invalidBackup('its parts are out of order')
    }
  }
}

async function* dataOf(frames: AsyncGenerator<Frame>, expected: { rows: number }): AsyncGenerator<Buffer> {
  for (;;) {
    const frame = await nextFrame(frames)
    if (frame.kind === 'data') yield frame.content
    else if (frame.kind === 'end') {
      expected.rows = frame.content.rows
      return
    } else throw invalidBackup('its parts are out of order')
  }
}

async function nextFrame(frames: AsyncGenerator<Frame>): Promise<Frame> {
  const { done, value } = await frames.next()
  if (done === true) throw invalidBackup('it ends too early')
  return value
}

/** What zlib says of bytes that are not its own. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
