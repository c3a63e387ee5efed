import type { Statement } from '../sql.ts'

/** Runs statements. Rows come back as plain objects, in the order of the result. */
export interface Queryable {
  query<Row>(statement: Statement<Row>): Promise<Row[]>
}

/** A transaction that is open. Statements run in the order they were given. */
export interface Transaction extends Queryable {
  /** Runs `action` once this transaction has been committed; never when it was rolled back. */
  afterCommit(action: () => void): void
}

/**
 * A PostgreSQL database, 14 or later.
 *
 * DB1  When `query` has resolved outside a transaction, what it wrote survives a crash of any process.
 * DB2  `transaction` commits when `work` resolves, and rolls back when it rejects; the caller gets that error.
 *      Where a statement of it had failed, or the commit fails, it is rolled back and rejects, whatever `work`
 *      made of that.
 * DB3  What one transaction wrote is invisible to others until it is committed, and then wholly visible.
 * DB4  While the database is away, calls wait up to `patienceMs`, then reject with a `database_unavailable` refusal.
 *      A statement that was on its way when the database went is rejected the same way and never sent twice:
 *      whether it took effect is unknown to the caller.
 * DB5  When the database comes back, later calls succeed without anybody's hand.
 * DB6  `afterCommit` actions run after the commit, in order, once. After a roll-back they never run. One that
 *      throws is logged; the transaction stays committed and the others run.
 * DB7  A statement that PostgreSQL refuses rejects with `DatabaseError` and does not disturb its neighbours. Where
 *      it takes no changes at the moment, read-only or without room, that is a `database_unavailable` refusal.
 * DB8  At most `connectionsMax` connections are open; further transactions wait their turn, first come, first
 *      served. Who waited `turnMs` for a free one is told `database_unavailable`. From two connections on, one is
 *      kept for statements outside of transactions, so that work in a transaction may ask for something beside it.
 * DB9  In a transaction that `waitsBriefly`, a statement that has waited `briefLockWaitMs` for what another
 *      transaction holds rejects with a `DatabaseError` of the code `lockNotFree`. That costs no way of its own.
 */
export interface Database extends Queryable {
  transaction<Result>(
    work: (transaction: Transaction) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>
  state(): DatabaseState
}

export interface TransactionOptions {
  /** Many are in it, and are not to wait for one of them. */
  readonly waitsBriefly?: boolean
}

/** A commit takes some milliseconds: who holds something for longer is busy with something else. */
export const briefLockWaitMs = 200
export const lockNotFree = '55P03'
/** A statement took longer than any may, waiting or working. */
export const statementTooSlow = '57014'

export interface DatabaseState {
  readonly state: 'up' | 'down'
  readonly connectionsOpen: number
  readonly connectionsMax: number
}

/** PostgreSQL refused a statement. `code` is its SQLSTATE, such as `23505` for a duplicate key. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  readonly code: string
  readonly constraint: string | undefined

  constructor(message: string, options: { code: string; constraint?: string | undefined; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.code = options.code
    this.constraint = options.constraint
  }
}
