/** The durable log of a server without a database: its events belong to transactions, and are gone with the process. */
import type { Position } from '@belfry/contract'
import type { EventLog, LogEntry } from '../ports/log.ts'
import type { Logger } from '../ports/logger.ts'
import type { DurableLog, OutboxSubscriber } from '../ports/outbox.ts'

export interface MemoryDurableLogOptions {
  readonly log: EventLog
  readonly logger: Logger
}

export function createMemoryDurableLog({ log, logger }: MemoryDurableLogOptions): DurableLog {
  const subscribers = new Set<OutboxSubscriber>()

  async function append(namespace: string, entry: LogEntry): Promise<Position> {
    const position = await log.append(namespace, entry)
    for (const subscriber of subscribers) {
      try {
        subscriber.entry(namespace, position, entry)
      } catch (error) {
        logger.error({ error, namespace }, 'a handler of the log failed')
      }
    }
    return position
  }

  return {
    append,
    async enqueue(transaction, namespace, entries) {
      transaction.afterCommit(() => {
        for (const entry of entries)
          append(namespace, entry).catch((error: unknown) =>
            logger.error({ error, namespace }, 'an event could not be appended after its transaction'),
          )
      })
    },
    subscribe(subscriber) {
      // One that is given twice is two.
      const own = { ...subscriber }
      subscribers.add(own)
      return () => subscribers.delete(own)
    },
    read: (namespace, from) => log.read(namespace, from),
    head: (namespace) => log.head(namespace),
    floor: (namespace) => log.floor(namespace),
  }
}
