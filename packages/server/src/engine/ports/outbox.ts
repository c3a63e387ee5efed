/**
 * Events that belong to a transaction: they leave if it is committed, and never without it (R17, R18). Each takes its
 * position in the log of its namespace after the commit, and is stored there before anybody gets it.
 *
 * OB1  What was enqueued in a transaction is handed on after it was committed, and never when it was rolled back.
 * OB2  The order of positions follows the commits: what was committed before another event was enqueued stands before
 *      it, and events of one transaction stand in the order in which they were enqueued.
 * OB3  A handler gets every entry that was stored since it subscribed, whoever appended it: in the order of
 *      positions, without a hole, once, also when an answer of the database was lost on the way.
 * OB4  What was committed and not handed on when a process died gets its position from the next one that opens.
 * OB5  While the database is away, `append` is refused, and what was committed waits; when it is back, what waits is
 *      handed on without anybody's hand.
 * OB6  When `append` answers, the handlers of this node have had the entry. One that throws is reported to the
 *      logger and disturbs neither the others nor the publisher.
 * OB7  Where entries were trimmed before a handler could have them, it is told so by `missed`, once, at the place of
 *      the hole.
 */
import type { Position } from '@belfry/contract'
import type { Transaction } from './database.ts'
import type { EventLog, LogEntry } from './log.ts'

export interface Outbox {
  /** Resolves when they are part of the transaction. Many at once cost little more than one. */
  enqueue(transaction: Transaction, namespace: string, entries: readonly LogEntry[]): Promise<void>
  /** In a transaction of its own. A promise that rejects leaves open whether the entry was stored. */
  append(namespace: string, entry: LogEntry): Promise<Position>
  subscribe(subscriber: OutboxSubscriber): () => void
}

export interface OutboxSubscriber {
  /** Ends before it returns: nobody waits for a promise. */
  entry(namespace: string, position: Position, entry: LogEntry): void
  missed(namespace: string): void
}

/** The log of namespaces whose events survive a crash: whatever comes into it, leaves through the outbox. */
export interface DurableLog extends EventLog, Outbox {
  append(namespace: string, entry: LogEntry): Promise<Position>
}
