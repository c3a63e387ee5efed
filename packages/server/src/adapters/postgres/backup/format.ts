/**
 * The backup file: one gzip stream of frames, then a seal. No frame knows how many follow it, so that a backup
 * is written and read in bounded memory whatever its size.
 *
 *   H  header     what wrote it, when, and which migrations the data had
 *   T  table      its name and columns; then its rows as COPY writes them:
 *   D  data       a piece of them, not more than `frameBytesMax`
 *   E  end        how many rows the table has
 *   S  sequences  where they stand
 *   F  footer     how many tables and rows there are in all
 *
 * A frame is one letter, four bytes of length (big endian) and its content, JSON except for D. The seal is the
 * text `sealMark` and the SHA-256 of everything before it: a file that was cut or altered anywhere is refused.
 */
import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { z } from 'zod'
import { StartRefusal } from '../../../engine/start-refusal.ts'

export const formatVersion = 1

/** COPY sends at most 64 KiB at a time; a length beyond this is not ours and must not be waited for. */
const frameBytesMax = 16 * 1024 * 1024
const frameHeadBytes = 5
const sealMark = Buffer.from('BELFRY-SEAL-0001', 'latin1')
const sealBytes = sealMark.length + 32

const count = z.number().int().min(0)

export const backupHeader = z.object({
  product: z.literal('belfry'),
  format: z.literal(formatVersion),
  belfryVersion: z.string(),
  postgresVersion: z.string(),
  /** The schema whose tables it holds; restoring may put them into one of another name. */
  schema: z.string(),
  /** Schemas of others whose rows it holds too. */
  furtherSchemas: z.array(z.string()),
  createdAt: z.iso.datetime(),
  migrations: z.array(
    z.object({ module: z.string(), id: z.string(), checksum: z.string(), appliedAt: z.iso.datetime() }),
  ),
  tableCount: count,
})

const table = z.object({ schema: z.string(), name: z.string(), columns: z.array(z.string()) })
const end = z.object({ rows: count })
const sequences = z.array(
  z.object({ schema: z.string(), name: z.string(), lastValue: z.string(), isCalled: z.boolean() }),
)
const footer = z.object({ tables: count, rows: count })

export type BackupHeader = z.infer<typeof backupHeader>
export type BackupTable = z.infer<typeof table>
export type BackupSequences = z.infer<typeof sequences>

export type Frame =
  | { readonly kind: 'header'; readonly content: BackupHeader }
  | { readonly kind: 'table'; readonly content: BackupTable }
  | { readonly kind: 'data'; readonly content: Buffer }
  | { readonly kind: 'end'; readonly content: z.infer<typeof end> }
  | { readonly kind: 'sequences'; readonly content: BackupSequences }
  | { readonly kind: 'footer'; readonly content: z.infer<typeof footer> }

const letters = { header: 'H', table: 'T', data: 'D', end: 'E', sequences: 'S', footer: 'F' } as const
const kinds = new Map(Object.entries(letters).map(([kind, letter]) => [letter as string, kind]))

export function* encodeFrame({ kind, content }: Frame): Generator<Buffer> {
  const payload = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
  const head = Buffer.alloc(frameHeadBytes)
  head.write(letters[kind], 'latin1')
  head.writeUInt32BE(payload.length, 1)
  yield head
  yield payload
}

/** Throws a `backup_invalid` refusal where the bytes are not frames. */
export async function* decodeFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let needed = frameHeadBytes
  for await (const chunk of source) {
    pending.push(chunk)
    pendingBytes += chunk.length
    while (pendingBytes >= needed) {
      const bytes = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending)
      const length = bytes.readUInt32BE(1)
      if (length > frameBytesMax) throw invalidBackup('it holds a piece that is too long')
      needed = frameHeadBytes + length
      const isWhole = bytes.length >= needed
      if (isWhole) yield parseFrame(bytes.toString('latin1', 0, 1), bytes.subarray(frameHeadBytes, needed))
      const rest = isWhole ? bytes.subarray(needed) : bytes
      if (isWhole) needed = frameHeadBytes
      pending = [rest]
      pendingBytes = rest.length
    }
  }
  if (pendingBytes > 0) throw invalidBackup('it ends too early')
}

/** Appends the seal. */
export function seal(): Transform {
  const hash = createHash('sha256')
  return new Transform({
    transform(chunk: Buffer, _, callback) {
      hash.update(chunk)
      callback(null, chunk)
    },
    flush(callback) {
      callback(null, Buffer.concat([sealMark, hash.digest()]))
    },
  })
}

/** Takes the seal off, and fails at the end when it does not fit what came before. */
export function unseal(): Transform {
  const hash = createHash('sha256')
  let held: Buffer = Buffer.alloc(0)
  return new Transform({
    transform(chunk: Buffer, _, callback) {
      const bytes = Buffer.concat([held, chunk])
      const content = bytes.subarray(0, Math.max(0, bytes.length - sealBytes))
      held = bytes.subarray(content.length)
      hash.update(content)
      callback(null, content)
    },
    flush(callback) {
      const expected = Buffer.concat([sealMark, hash.digest()])
      const isWhole = held.length === sealBytes && held.equals(expected)
      callback(isWhole ? null : invalidBackup('it was cut off or altered'))
    },
  })
}

export function invalidBackup(reason: string, cause?: unknown): StartRefusal {
  return new StartRefusal(
    'backup_invalid',
    `This file is not a whole, unaltered backup of Belfry: ${reason}. Nothing was changed.`,
    { cause },
  )
}

const contents = { header: backupHeader, table, end, sequences, footer }

function parseFrame(letter: string, payload: Buffer): Frame {
  const kind = kinds.get(letter)
  if (kind === 'data') return { kind, content: payload }
  if (kind === undefined || !(kind in contents)) throw invalidBackup('it holds a piece of an unknown kind')
  const schema = contents[kind as keyof typeof contents]
  try {
    return { kind, content: schema.parse(JSON.parse(payload.toString())) } as Frame
  } catch (error) {
    throw invalidBackup(`its ${kind} cannot be read`, error)
  }
}
