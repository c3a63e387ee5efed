/**
 * The `Database` port on PostgreSQL. Statements are spread over a few pipelined connections; a transaction
 * gets a connection for itself. Who cannot be served yet waits in turn (`pool.ts`).
 */
import { Refusal } from '@belfry/contract'
import type { Database, DatabaseState, Transaction, TransactionOptions } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Statement } from '../../engine/sql.ts'
import type { ConnectionOptions } from './connection.ts'
import { PreparationStale } from './pipeline.ts'
import { Pool } from './pool.ts'
import { runTransaction } from './transaction.ts'

export interface DatabaseOptions extends ConnectionOptions {
  readonly logger: Logger
  /** Connections open at once. Default 10. One of them is kept for statements outside transactions. */
  readonly connectionsMax?: number
  /** How long calls wait while the database is away (DB4). Default 5,000. */
  readonly patienceMs?: number
  /** How long calls wait for a free connection while the database is there. Default 30,000. */
  readonly turnMs?: number
  /** How long one statement may run before PostgreSQL ends it. Default 30,000. */
  readonly statementTimeoutMs?: number
  /** How long a connection may be idle before it is closed; one stays. Default 30,000. */
  readonly idleMs?: number
  /** For the jitter of reconnecting. Default `Math.random`. */
  readonly random?: () => number
}

export interface PostgresDatabase extends Database {
  /**
   * Resolves once a connection is open. Rejects with a `ConnectError` at once when the server refuses it, and
   * after `patienceMs` when there is nobody to answer.
   */
  ready(): Promise<void>
  /**
   * Waits until what was begun has ended, `withinMs` (default 10,000) at most, then closes every connection.
   * Later calls are refused with `shutting_down`.
   */
  close(options?: { readonly withinMs?: number }): Promise<void>
}

/** Opens no connection yet; the first call does, or `ready`. */
export function createDatabase(options: DatabaseOptions): PostgresDatabase {
  const pool = new Pool({
    connection: options,
    logger: options.logger,
    connectionsMax: options.connectionsMax ?? 10,
    patienceMs: options.patienceMs ?? 5000,
    turnMs: options.turnMs ?? 30_000,
    statementTimeoutMs: options.statementTimeoutMs ?? 30_000,
    idleMs: options.idleMs ?? 30_000,
    random: options.random ?? Math.random,
  })
  let closing = false

  const refuseWhenClosing = () => {
    if (closing) throw new Refusal('shutting_down')
  }

  return {
    async query<Row>(statement: Statement<Row>): Promise<Row[]> {
      refuseWhenClosing()
      for (;;) {
        try {
          const { rows } = await pool.run(statement)
          return rows
        } catch (error) {
          if (!(error instanceof PreparationStale)) throw error
        }
      }
    },

    async transaction<Result>(
      work: (transaction: Transaction) => Promise<Result>,
      { waitsBriefly = false }: TransactionOptions = {},
    ): Promise<Result> {
      refuseWhenClosing()
      const pipeline = await pool.acquire()
      try {
        return await runTransaction(pipeline, work, { logger: options.logger, waitsBriefly })
      } finally {
        pool.release(pipeline)
      }
    },

    state(): DatabaseState {
      return pool.state()
    },

    ready(): Promise<void> {
      return pool.ready()
    },

    async close({ withinMs = 10_000 } = {}): Promise<void> {
      closing = true
      await pool.close(withinMs)
    },
  }
}
