/**
 * Transactions for the program that hosts Belfry: what it writes and what it tells belong together. If the transaction
 * is committed, its events leave; if not, nobody hears of them.
 *
 *   await belfry.transaction(async (transaction) => {
 *     const [post] = await transaction.query(sql<Post>`insert into posts … returning *`)
 *     await transaction.publish(posts, 'post:created', post, { rooms: [{ kind: 'workspace', id: 'acme' }] })
 *   })
 */
import type { EventInput, EventName, NamespaceContract } from '@belfry/contract'
import type { Database, Transaction } from '../engine/ports/database.ts'
import type { Recipients } from '../engine/realtime/dispatcher.ts'
import type { Realtime } from '../engine/realtime/realtime.ts'

export interface PublishingTransaction extends Transaction {
  /** On a durable namespace, not even a crash loses the event: it is stored with what else the transaction wrote. */
  publish<N extends NamespaceContract, Name extends EventName<N>>(
    contract: N,
    name: Name,
    data: EventInput<N, Name>,
    to: Recipients,
  ): Promise<void>
}

export type RunTransaction = <Result>(
  work: (transaction: PublishingTransaction) => Promise<Result>,
) => Promise<Result>

export function createTransactions(
  database: Pick<Database, 'transaction'>,
  realtime: Pick<Realtime, 'publishIn'>,
): RunTransaction {
  return (work) =>
    database.transaction((transaction) =>
      work({
        query: (statement) => transaction.query(statement),
        afterCommit: (action) => transaction.afterCommit(action),
        publish: (contract, name, data, to) => realtime.publishIn(transaction, contract, name, data, to),
      }),
    )
}
