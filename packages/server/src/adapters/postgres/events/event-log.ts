/**
 * The durable log: what was committed stays, and recovers clients after a crash of the server (R17). One relay for each
 * namespace gives positions and hands on; this file opens them, reads, and trims.
 */
import { Refusal } from '@belfry/contract'
import { createPeriods } from '../../../engine/periods.ts'
import type { Clock } from '../../../engine/ports/clock.ts'
import type { Database } from '../../../engine/ports/database.ts'
import {
  checkReadLimit,
  defaultLogBounds,
  type LogBounds,
  type LogOptions,
  logNamespacesMax,
  logTrimPeriodMs,
  newEpoch,
  TooManyNamespaces,
} from '../../../engine/ports/log.ts'
import type { Logger } from '../../../engine/ports/logger.ts'
import type { DurableLog, OutboxSubscriber } from '../../../engine/ports/outbox.ts'
import { entryOf, Relay } from './relay.ts'
import { type LogRow, openLog, readEntries, readHeads, readLog, trimLog, trimMax } from './statements.ts'

export interface PostgresEventLogOptions extends LogOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  randomBytes(count: number): Uint8Array
}

export interface PostgresEventLog extends DurableLog {
  /** Waits for what is being handed on. What waits in the outbox is for the next start. */
  close(): Promise<void>
}

/** What other processes committed is noticed after so long; what this one did, at once. */
const lookPeriodMs = 1_000

export function createPostgresEventLog(options: PostgresEventLogOptions): PostgresEventLog {
  const { database, clock, logger, boundsOf, namespacesMax = logNamespacesMax } = options
  const relays = new Map<string, Promise<Relay>>()
  const subscribers = new Set<OutboxSubscriber>()
  const periods = createPeriods(options)
  let isClosed = false

  const open = async (namespace: string): Promise<Relay> => {
    const epoch = newEpoch((count) => options.randomBytes(count))
    const row = await openLog(database, namespace, { epoch, namespacesMax })
    if (row === undefined) throw new TooManyNamespaces(namespace, namespacesMax)
    return new Relay({ namespace, database, clock, logger, subscribers }, row.head)
  }
  const relayOf = (namespace: string): Promise<Relay> => {
    if (isClosed) return Promise.reject(new Refusal('shutting_down'))
    const known = relays.get(namespace)
    if (known !== undefined) return known
    const opening = open(namespace)
    relays.set(namespace, opening)
    opening.catch(() => relays.delete(namespace))
    return opening
  }
  const rowOf = async (namespace: string): Promise<LogRow> => {
    await relayOf(namespace)
    return (await readLog(database, namespace)) ?? missing(namespace)
  }
  const opened = async (): Promise<Relay[]> =>
    (await Promise.allSettled(relays.values())).flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    )

  periods.every(lookPeriodMs, 'the outbox could not be looked at', async () => {
    const all = new Map((await opened()).map((relay) => [relay.namespace, relay]))
    if (all.size === 0) return
    for (const { namespace, head, isWaiting } of await readHeads(database, [...all.keys()])) {
      const relay = all.get(namespace)
      if (relay !== undefined && (isWaiting || head > relay.handedOn)) relay.wake(head)
    }
  })
  const trim = async (namespace: string): Promise<void> => {
    const bounds: LogBounds = { ...defaultLogBounds, ...boundsOf?.(namespace) }
    while ((await trimLog(database, namespace, bounds, clock.now())) === trimMax) if (isClosed) return
  }
  periods.every(logTrimPeriodMs, 'the log could not be trimmed', async () => {
    for (const { namespace } of await opened()) await trim(namespace)
  })

  return {
    async append(namespace, entry) {
      return (await relayOf(namespace)).append(entry)
    },
    async enqueue(transaction, namespace, entries) {
      const relay = await relayOf(namespace)
      await relay.enqueue(transaction, entries)
    },
    subscribe(subscriber) {
      // One that is given twice is two.
      const own = { ...subscriber }
      subscribers.add(own)
      return () => subscribers.delete(own)
    },
    async read(namespace, { after, limit }) {
      checkReadLimit(limit)
      await relayOf(namespace)
      const rows = await readEntries(database, namespace, { after: after.offset, limit })
      const { epoch, head: offset, floor } = rows[0] ?? missing(namespace)
      const head = { epoch, offset }
      if (after.epoch !== epoch || after.offset > offset) return { gap: 'epoch-changed', head }
      if (after.offset < floor - 1) return { gap: 'trimmed', head }
      const entries = rows.flatMap((row) =>
        row.position === null ? [] : [{ position: { epoch, offset: row.position }, entry: entryOf(row) }],
      )
      return { gap: undefined, entries, head }
    },
    async head(namespace) {
      const { epoch, head } = await rowOf(namespace)
      return { epoch, offset: head }
    },
    async floor(namespace) {
      const { epoch, floor } = await rowOf(namespace)
      return { epoch, offset: floor }
    },
    async close() {
      isClosed = true
      await periods.stop()
      for (const relay of await opened()) await relay.close()
    },
  }
}

/** Somebody removed the row of a log under a running server. */
function missing(namespace: string): never {
  throw new Error(`The log of ${namespace} is not there any more.`)
}
