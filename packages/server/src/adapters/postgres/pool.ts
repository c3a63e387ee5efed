/**
 * The connections of one database, and who gets them.
 *
 * A connection is shared (statements of everybody, pipelined), or taken (one transaction's), or retired (it
 * closes when it has nothing to do). Statements go to the shared connection with the least to do; transactions
 * wait in turn, and leave one connection to the statements, so that work inside a transaction which asks the
 * database something outside of it is answered.
 *
 * When the last connection is lost, one is opened anew with growing pauses, whether anybody asks or not.
 */
import { Refusal } from '@belfry/contract'
import type { DatabaseState } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Statement } from '../../engine/sql.ts'
import { ConnectError, type ConnectionOptions } from './connection.ts'
import { type Answer, Pipeline } from './pipeline.ts'
import { WaitingLine } from './waiting-line.ts'

export interface PoolOptions {
  readonly connection: ConnectionOptions
  readonly logger: Logger
  readonly connectionsMax: number
  readonly patienceMs: number
  readonly turnMs: number
  readonly statementTimeoutMs: number
  readonly idleMs: number
  readonly random: () => number
}

/**
 * Statements under way on one connection. More would not be answered sooner, and all of them are lost with
 * the connection; those behind it wait here, where they can still go another way.
 */
const inFlightMax = 64

/** From here on a further connection is worth its process on the server. */
const busyFrom = 4

/** A connection without an answer for so long runs something slow: others are better off elsewhere. */
const slowAfterMs = 25

/** A transaction that does nothing holds its locks and its connection: PostgreSQL ends it. */
const idleInTransactionTimeoutMs = 60_000

/** Beyond the statement timeout, by which PostgreSQL answers whatever happens. A silent one is gone. */
const silenceGraceSeconds = 5

const retryFirstMs = 50
/** Well below the patience of callers, so that they are served when the database is back. */
const retryLastMs = 1000

export class Pool {
  readonly #options: PoolOptions
  readonly #shared = new Set<Pipeline>()
  readonly #taken = new Set<Pipeline>()
  readonly #statements: WaitingLine<Pipeline>
  readonly #transactions: WaitingLine<Pipeline>
  readonly #arrivals: WaitingLine<void>
  readonly #openings = new Set<Promise<void>>()
  readonly #endings = new Set<Promise<void>>()
  #failures = 0
  #lastFailure: ConnectError | undefined
  #retryTimer: NodeJS.Timeout | undefined
  #ticker: NodeJS.Timeout | undefined
  #closing = false
  #closed = false
  #drained: (() => void) | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    const away = () => this.#open === 0
    const line = <Ticket>() =>
      new WaitingLine<Ticket>({
        limitMs: () => (away() ? options.patienceMs : options.turnMs),
        refusal: () => (away() ? this.#awayRefusal() : this.#busyRefusal()),
        onRefused: () => this.#serve(),
      })
    this.#statements = line()
    this.#transactions = line()
    this.#arrivals = line()
  }

  /** Sends it at once, or when there is room. */
  run<Row>(statement: Statement<Row>): Promise<Answer<Row>> {
    if (this.#statements.length === 0) {
      const pipeline = this.#roomForStatement()
      if (pipeline !== undefined) return pipeline.run(statement, 'alone')
    }
    // Sent while the turn is given, not after: by then the connection may belong to a transaction.
    const answer = this.#statements.wait((pipeline) => pipeline.run(statement, 'alone'))
    this.#serve()
    return answer
  }

  /** A connection for a transaction. */
  acquire(): Promise<Pipeline> {
    const pipeline = this.#transactions.wait((taken) => taken)
    this.#serve()
    return pipeline
  }

  release(pipeline: Pipeline): void {
    if (this.#taken.delete(pipeline)) this.#shared.add(pipeline)
    this.#serve()
  }

  async ready(): Promise<void> {
    if (this.#open > 0) return
    const arrived = this.#arrivals.wait(() => undefined)
    this.#openMore()
    try {
      await arrived
    } catch (error) {
      throw this.#lastFailure ?? error
    }
  }

  state(): DatabaseState {
    return {
      state: this.#open > 0 ? 'up' : 'down',
      connectionsOpen: this.#open,
      connectionsMax: this.#options.connectionsMax,
    }
  }

  async close(withinMs: number): Promise<void> {
    this.#closing = true
    const drained = Promise.withResolvers<void>()
    this.#drained = drained.resolve
    const timer = setTimeout(drained.resolve, withinMs)
    this.#serve()
    await drained.promise
    this.#closed = true
    clearTimeout(timer)
    clearTimeout(this.#retryTimer)
    clearInterval(this.#ticker)
    for (const line of [this.#statements, this.#transactions, this.#arrivals]) {
      line.refuseAll(() => new Refusal('shutting_down'))
    }
    for (const pipeline of [...this.#shared, ...this.#taken]) this.#end(pipeline)
    await Promise.all(this.#openings)
    await Promise.all(this.#endings)
  }

  get #open(): number {
    return this.#shared.size + this.#taken.size
  }

  get #canOpen(): boolean {
    const count = this.#open + this.#openings.size + this.#endings.size
    return count < this.#options.connectionsMax && this.#retryTimer === undefined && !this.#closed
  }

  /** Has room for a statement; opens a further connection where that is worth it. */
  #roomForStatement(): Pipeline | undefined {
    const best = this.#leastBusy()
    if (best === undefined || best.inFlight === 0) return best
    const isSlow = performance.now() - best.movedAt > slowAfterMs
    if (isSlow || best.inFlight >= busyFrom) this.#openOne()
    const isBetterComing = isSlow && this.#openings.size > 0
    return best.inFlight < inFlightMax && !isBetterComing ? best : undefined
  }

  /** Of two with as much to do, the one that moved last: the other may be held up. */
  #leastBusy(): Pipeline | undefined {
    let best: Pipeline | undefined
    for (const pipeline of this.#shared) {
      if (pipeline.retired) continue
      if (
        best === undefined ||
        pipeline.inFlight < best.inFlight ||
        (pipeline.inFlight === best.inFlight && pipeline.movedAt > best.movedAt)
      ) {
        best = pipeline
      }
    }
    return best
  }

  /** Gives out what there is to those who wait. */
  #serve(): void {
    while (this.#statements.length > 0) {
      const pipeline = this.#roomForStatement()
      if (pipeline === undefined) break
      this.#statements.admit(pipeline)
    }
    while (this.#transactions.length > 0) {
      const pipeline = this.#freeForTransaction()
      if (pipeline === undefined) break
      this.#shared.delete(pipeline)
      this.#taken.add(pipeline)
      this.#transactions.admit(pipeline)
    }
    for (const pipeline of this.#shared) {
      if (pipeline.retired && pipeline.inFlight === 0) this.#end(pipeline)
    }
    this.#openMore()
    if (this.#closing && this.#isIdle) this.#drained?.()
  }

  #freeForTransaction(): Pipeline | undefined {
    const takenMax = Math.max(1, this.#options.connectionsMax - 1)
    if (this.#taken.size >= takenMax) return undefined
    const best = this.#leastBusy()
    if (best?.inFlight === 0) return best
    // A busy one is worth taking only when no further one can be had; `begin` then queues behind its statements.
    return this.#canOpen || this.#openings.size > 0 ? undefined : best
  }

  get #isIdle(): boolean {
    const waiting = this.#statements.length + this.#transactions.length
    return (
      waiting === 0 && this.#taken.size === 0 && [...this.#shared].every(({ inFlight }) => inFlight === 0)
    )
  }

  /** As many as those who wait could use; while the database is away, one attempt at a time. */
  #openMore(): void {
    const wanted = this.#transactions.length + Math.min(1, this.#statements.length + this.#arrivals.length)
    const limit = this.#failures > 0 ? Math.min(1, wanted) : wanted
    while (this.#openings.size < limit && this.#canOpen) this.#startOpening()
  }

  #openOne(): void {
    if (this.#openings.size === 0 && this.#canOpen) this.#startOpening()
  }

  #startOpening(): void {
    const outcome = Pipeline.open(
      this.#options.connection,
      { statementTimeoutMs: this.#options.statementTimeoutMs, idleInTransactionTimeoutMs },
      { onAnswer: () => this.#onAnswer(), onLost: (lost, cause) => this.#onLost(lost, cause) },
    )
    const opening: Promise<void> = outcome.then(
      (pipeline) => {
        this.#openings.delete(opening)
        this.#onOpened(pipeline)
      },
      (error) => {
        this.#openings.delete(opening)
        this.#onFailedToOpen(
          error instanceof ConnectError ? error : new ConnectError('unreachable', `${error}`),
        )
      },
    )
    this.#openings.add(opening)
  }

  #onOpened(pipeline: Pipeline): void {
    if (this.#closed) {
      this.#end(pipeline)
      return
    }
    if (pipeline.lost) {
      this.#onFailedToOpen(new ConnectError('unreachable', 'The database closed the connection at once.'))
      return
    }
    if (this.#failures > 0) this.#options.logger.info({}, 'The database is back.')
    this.#failures = 0
    this.#lastFailure = undefined
    this.#shared.add(pipeline)
    this.#ticker ??= setInterval(() => this.#onSecond(), 1000).unref()
    while (this.#arrivals.length > 0) this.#arrivals.admit()
    this.#serve()
  }

  #onFailedToOpen(error: ConnectError): void {
    if (this.#closed) return
    this.#failures += 1
    this.#lastFailure = error
    if (this.#failures === 1) this.#options.logger.warn({ error }, 'A connection to the database failed.')
    if (error.reason !== 'unreachable') this.#arrivals.refuseAll(() => error)
    const pause = Math.min(retryFirstMs * 2 ** (this.#failures - 1), retryLastMs)
    this.#retryTimer ??= setTimeout(
      () => {
        this.#retryTimer = undefined
        if (this.#open === 0) this.#openOne()
        this.#serve()
      },
      pause * (0.5 + this.#options.random() / 2),
    ).unref()
    this.#serve()
  }

  #onAnswer(): void {
    if (this.#statements.length > 0 || this.#transactions.length > 0 || this.#closing) this.#serve()
  }

  #onLost(pipeline: Pipeline, cause: Error): void {
    const known = this.#shared.delete(pipeline) || this.#taken.delete(pipeline)
    if (!known || this.#closed) return
    if (this.#open === 0) {
      this.#options.logger.warn({ error: cause }, 'The connection to the database was lost.')
      for (const line of [this.#statements, this.#transactions]) line.limitChanged()
      this.#openOne()
    }
    this.#serve()
  }

  /** Finds connections that went silent, and those nobody needed for a while. */
  #onSecond(): void {
    const { statementTimeoutMs, idleMs } = this.#options
    for (const pipeline of [...this.#shared, ...this.#taken]) {
      pipeline.quietSeconds += 1
      const quietMs = pipeline.quietSeconds * 1000
      if (pipeline.inFlight > 0) {
        const silent = statementTimeoutMs > 0 && quietMs > statementTimeoutMs + silenceGraceSeconds * 1000
        if (silent) pipeline.destroy()
      } else if (this.#shared.has(pipeline) && quietMs > idleMs && this.#open > 1) {
        this.#end(pipeline)
      }
    }
  }

  #end(pipeline: Pipeline): void {
    this.#shared.delete(pipeline)
    this.#taken.delete(pipeline)
    if (pipeline.inFlight > 0) {
      pipeline.destroy()
      return
    }
    const ending: Promise<void> = pipeline.close().then(() => {
      this.#endings.delete(ending)
      if (!this.#closed) this.#serve()
    })
    this.#endings.add(ending)
  }

  #awayRefusal(): Refusal {
    return new Refusal('database_unavailable', undefined, { cause: this.#lastFailure })
  }

  #busyRefusal(): Refusal {
    const seconds = Math.round(this.#options.turnMs / 1000)
    return new Refusal(
      'database_unavailable',
      `No connection to the database became free within ${seconds} seconds. Nothing was changed.`,
    )
  }
}
