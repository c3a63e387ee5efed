/**
 * What recovery and slow readers read: the stream events of each namespace, in one order, for a while.
 *
 * LG1  A namespace has one total order (R1): `append` answers the offsets 1, 2, 3 … without gaps within an
 *      epoch, whichever node appends, and never the same one twice. Namespaces do not share offsets.
 * LG2  Entries of one caller stand in the order of its calls, also when it did not wait for the answers.
 * LG3  What `append` has answered can be read from then on, by every node, exactly as it was given. Who gave
 *      an entry does not change it afterwards, nor does who reads it.
 * LG4  `read` gives what follows `after`, in order and without a hole: at most `limit` entries, and at least
 *      one unless `after` is the head. With them comes the head, so that a reader knows when it has caught
 *      up.
 * LG5  There is no silent gap. Where the entry right after `after` is gone, the answer is `trimmed` and no
 *      entry. Who stands at the entry before the oldest one has missed nothing; nor has who stands at the
 *      head, however long ago that was and though every entry is gone.
 * LG6  A position of another epoch, or beyond the head, is answered `epoch-changed`: nothing proves that what
 *      follows in this log is what the reader lacks.
 * LG7  An epoch is 1 to 7 of [0-9a-z], so that a cursor keeps its bound (R2), and nobody can foresee it. It
 *      stays as long as no entry was lost that was not trimmed. After a restart, a position is answered with
 *      the entries that followed it, or with a gap; no position is ever given to two entries (R16).
 * LG8  Each namespace is bounded by the number of its entries, their bytes (`entryBytes`) and their age since
 *      they were appended; whichever is reached first. The oldest go first, none before a bound is passed,
 *      and at the latest `logTrimPeriodMs` after it. Zero keeps nothing: then only who missed nothing
 *      recovers.
 * LG9  A namespace that was never heard of has an empty log: head 0, in an epoch that the first entry will
 *      share. Beyond `namespacesMax` a further one is refused with `TooManyNamespaces`, and those that exist
 *      are untouched.
 */
import type { Position, Room } from '@belfry/contract'
import type { Awaitable } from '../awaitable.ts'

export interface EventLog {
  /** A promise that rejects leaves open whether the entry was appended; it was not appended twice. */
  append(namespace: string, entry: LogEntry): Awaitable<Position>
  read(namespace: string, from: ReadFrom): Promise<ReadResult>
  /** Of the newest entry, whether it was trimmed or not; offset 0 before the first. */
  head(namespace: string): Promise<Position>
  /** Of the oldest entry that can still be read; one beyond the head when there is none. */
  floor(namespace: string): Promise<Position>
}

/** What a publisher said. */
export interface LogEntry {
  readonly name: string
  readonly rooms: readonly Room[]
  /** Whoever is in one of these gets nothing. */
  readonly except: readonly Room[]
  /** The payload as JSON text, without `_meta`. */
  readonly data: string
  /** Binary fields of the payload, which are placeholders in `data`. */
  readonly attachments: readonly Uint8Array[]
  /** When it was published. Says nothing about its place in the log, nor about its age there. */
  readonly atMs: number
}

export interface LoggedEntry {
  readonly position: Position
  readonly entry: LogEntry
}

export interface ReadFrom {
  readonly after: Position
  /** Entries, at most; 1 or more. */
  readonly limit: number
}

export type ReadResult =
  | { readonly gap: undefined; readonly entries: readonly LoggedEntry[]; readonly head: Position }
  | { readonly gap: LogGap; readonly head: Position }

export type LogGap = 'trimmed' | 'epoch-changed'

export interface LogBounds {
  readonly entriesMax: number
  readonly bytesMax: number
  readonly ageMsMax: number
}

/**
 * Twice as long as a session may be away, so that age alone trims nobody who may still come back; and what a
 * busy namespace makes in that time: 16 MiB are 30,000 events of 300 bytes.
 */
export const defaultLogBounds: LogBounds = {
  entriesMax: 50_000,
  bytesMax: 16 * 1024 * 1024,
  ageMsMax: 10 * 60 * 1000,
}

/**
 * Of a log on disk: a client that kept its cursor over a night comes back without a reset. The disk is to be no
 * surprise: half a gigabyte a namespace, at most.
 */
export const durableLogBounds: LogBounds = {
  entriesMax: 1_000_000,
  bytesMax: 512 * 1024 * 1024,
  ageMsMax: 24 * 60 * 60 * 1000,
}

/**
 * Namespaces are written by developers, not by clients: more of them is a name made from data. With full
 * logs, 1 GiB.
 */
export const logNamespacesMax = 64

/** How long an entry may outlive its bound. */
export const logTrimPeriodMs = 1_000

/** What every adapter lets its owner choose. */
export interface LogOptions {
  /** Asked once for each namespace; what it leaves out is as in `defaultLogBounds`. */
  readonly boundsOf?: (namespace: string) => Partial<LogBounds>
  readonly namespacesMax?: number
}

export class TooManyNamespaces extends Error {
  override readonly name = 'TooManyNamespaces'

  constructor(namespace: string, namespacesMax: number) {
    super(`There are logs for ${namespacesMax} namespaces, and none may be added for ${namespace}.`)
  }
}

/**
 * What an entry takes in memory besides its text. Measured on Node 26: 160 bytes; 270 with a list of rooms of
 * its own.
 */
const entryOverheadBytes = 250

/** What an entry counts for its bound: text as UTF-8, attachments, and what surrounds them. */
export function entryBytes({ name, rooms, except, data, attachments }: LogEntry): number {
  let bytes = entryOverheadBytes + name.length + Buffer.byteLength(data)
  for (const room of rooms) bytes += room.length
  for (const room of except) bytes += room.length
  for (const attachment of attachments) bytes += attachment.byteLength
  return bytes
}

/** 36 bits: a log that begins 1,000 times meets an epoch it had before with a chance of 1 in 150,000. */
const epochLength = 7

export function newEpoch(randomBytes: (count: number) => Uint8Array): string {
  let number = 0
  for (const byte of randomBytes(6)) number = number * 256 + byte
  return (number % 36 ** epochLength).toString(36).padStart(epochLength, '0')
}

/** A reader that asked for nothing would ask for ever. */
export function checkReadLimit(limit: number): void {
  if (!(limit >= 1)) throw new RangeError('A reader asks for one entry or more.')
}
