/** A transaction on a connection that is its own until it ends. */

import { DatabaseError, type Transaction } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Statement } from '../../engine/sql.ts'
import type { Pipeline } from './pipeline.ts'

export async function runTransaction<Result>(
  pipeline: Pipeline,
  work: (transaction: Transaction) => Promise<Result>,
  { logger, waitsBriefly }: { readonly logger: Logger; readonly waitsBriefly: boolean },
): Promise<Result> {
  const transaction = new OpenTransaction(pipeline, waitsBriefly)
  let result: Result
  try {
    result = await work(transaction)
  } catch (error) {
    await transaction.rollBack()
    throw error
  }
  const actions = await transaction.commit()
  for (const action of actions) {
    try {
      action()
    } catch (error) {
      // The transaction is committed: nothing that happens now may look to the caller as if it were not.
      logger.error({ error }, 'An action after a commit failed.')
    }
  }
  return result
}

/**
 * unopened → opening → open → over. `begin` leaves with the first statement; the others wait until that one
 * was answered, because if `begin` failed they would run outside any transaction.
 */
class OpenTransaction implements Transaction {
  readonly #pipeline: Pipeline
  readonly #waitsBriefly: boolean
  readonly #actions: (() => void)[] = []
  #over = false
  #opening: Promise<void> | undefined
  /** Why the first statement failed: then the transaction holds nothing, and never will. */
  #failedToOpen: unknown
  #firstFailure: unknown

  constructor(pipeline: Pipeline, waitsBriefly: boolean) {
    this.#pipeline = pipeline
    this.#waitsBriefly = waitsBriefly
  }

  async query<Row>(statement: Statement<Row>): Promise<Row[]> {
    this.#refuseWhenOver()
    try {
      if (this.#opening === undefined) return await this.#open(statement)
      await this.#opening
      if (this.#failedToOpen !== undefined) throw rolledBack(this.#failedToOpen)
      const { rows } = await this.#pipeline.run(statement, 'inside')
      return rows
    } catch (error) {
      this.#firstFailure ??= error
      throw error
    }
  }

  afterCommit(action: () => void): void {
    this.#refuseWhenOver()
    this.#actions.push(action)
  }

  async commit(): Promise<readonly (() => void)[]> {
    this.#over = true
    if (this.#opening === undefined) return this.#actions
    await this.#opening
    if (this.#failedToOpen !== undefined) {
      await this.#sendRollback()
      throw rolledBack(this.#failedToOpen)
    }
    const { command } = await this.#pipeline.end('commit')
    // PostgreSQL answers the commit of a transaction in which a statement failed with ROLLBACK, not an error.
    if (command !== 'COMMIT') throw rolledBack(this.#firstFailure)
    return this.#actions
  }

  async rollBack(): Promise<void> {
    this.#over = true
    if (this.#opening === undefined) return
    await this.#opening
    await this.#sendRollback()
  }

  async #open<Row>(statement: Statement<Row>): Promise<Row[]> {
    const answer = this.#pipeline.run(statement, this.#waitsBriefly ? 'first of brief' : 'first')
    this.#opening = answer.then(
      () => undefined,
      (error) => {
        this.#failedToOpen = error
      },
    )
    const { rows } = await answer
    return rows
  }

  async #sendRollback(): Promise<void> {
    try {
      await this.#pipeline.end('rollback')
    } catch {
      // Whatever the connection is in now, nobody else shall get it; PostgreSQL rolls back when it goes.
      this.#pipeline.destroy()
    }
  }

  #refuseWhenOver(): void {
    if (this.#over) throw new Error('This transaction is over: its work was done before this statement came.')
  }
}

const inFailedTransaction = '25P02'

function rolledBack(cause: unknown): DatabaseError {
  return new DatabaseError('The transaction was rolled back, because a statement in it had failed.', {
    code: inFailedTransaction,
    cause,
  })
}
