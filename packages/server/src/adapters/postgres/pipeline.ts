/**
 * A connection in pipeline mode: statements leave at once, answers come back in order, and each statement is
 * a unit of its own (a sync follows it), so that one that fails does not disturb its neighbours (DB7).
 */
import pg from 'pg'
import { briefLockWaitMs } from '../../engine/ports/database.ts'
import type { Statement } from '../../engine/sql.ts'
import {
  type ConnectionOptions,
  destroyClient,
  endClient,
  openClient,
  type SessionOptions,
} from './connection.ts'
import { answerLost, portErrorOf } from './errors.ts'
import { refuseSessionCommand } from './session-commands.ts'
import { type Encoded, encodeValues } from './values.ts'

export interface Answer<Row> {
  readonly rows: Row[]
  /** PostgreSQL's word for what it did: `INSERT`, `COMMIT`, `ROLLBACK`. */
  readonly command: string
}

export interface PipelineListener {
  /** A statement was answered, well or badly: there is room for another. */
  onAnswer(pipeline: Pipeline): void
  /** Called once. What was under way is rejected right after. */
  onLost(pipeline: Pipeline, cause: Error): void
}

/**
 * Where a statement runs. `first`: it opens the transaction it belongs to; `begin` travels with it in one
 * unit, so that when `begin` fails the statement is skipped too, and no round trip is spent on it. `first of brief`:
 * of a transaction that waits briefly.
 */
export type Place = 'alone' | 'first' | 'first of brief' | 'inside'

const waitBriefly = `set local lock_timeout = ${briefLockWaitMs}`

/** Prepared by every connection when it opens, under their own names. */
const transactionCommands = ['begin', 'commit', waitBriefly] as const

/**
 * PostgreSQL refused a prepared statement before running anything, because a table changed its shape or the
 * preparation is gone. Sent again it is sent unnamed, and not necessarily here: this connection may belong to
 * a transaction by now.
 */
export class PreparationStale extends Error {
  override readonly name = 'PreparationStale'

  constructor(cause: unknown) {
    super('The prepared statement can no longer be used.', { cause })
  }
}

/**
 * What a connection knows of a statement's name. `preparing`: sent, not answered; if PostgreSQL refuses to
 * parse it, whoever used the name meanwhile would fail for a reason not its own. `unusable`: the prepared
 * plan no longer fits the tables, or the name was taken by another text.
 */
type Preparation = { readonly text: string; state: 'preparing' | 'prepared' | 'unusable' }

export class Pipeline {
  /** Statements sent and not yet answered. */
  inFlight = 0
  /** When the last answer came, or the first statement left after a pause. */
  movedAt = performance.now()
  /** Seconds since then, as the pool counts them: a clock that jumps does not matter. */
  quietSeconds = 0
  /** No longer given to anybody; closed when it has nothing to do. */
  retired = false
  readonly #client: pg.Client
  readonly #listener: PipelineListener
  readonly #preparations = new Map<string, Preparation>()
  #lostBecause: Error | undefined

  static async open(
    options: ConnectionOptions,
    session: Omit<SessionOptions, 'pipeline'>,
    listener: PipelineListener,
  ): Promise<Pipeline> {
    const client = await openClient(options, { ...session, pipeline: true })
    const pipeline = new Pipeline(client, listener)
    await Promise.all(
      transactionCommands.map((text) => pipeline.#send({ name: text, text, values: [] }, 'inside')),
    )
    return pipeline
  }

  private constructor(client: pg.Client, listener: PipelineListener) {
    this.#client = client
    this.#listener = listener
    client.on('error', (error) => this.#lose(error))
    client.on('end', () => this.#lose(new Error('The connection was closed.')))
  }

  get lost(): boolean {
    return this.#lostBecause !== undefined
  }

  async run<Row>(statement: Statement<Row>, place: Place): Promise<Answer<Row>> {
    const values = encodeValues(statement.values)
    const { text } = statement
    const name = this.#usableName(statement, place)
    try {
      return await this.#send({ name, text, values }, place)
    } catch (error) {
      if (isPreparationStale(error)) {
        this.#abandonName(name, error)
        // A transaction is lost by any error, so only a statement alone can be sent again.
        if (place === 'alone') throw new PreparationStale(error)
      }
      throw this.#errorOf(error)
    }
  }

  /** Ends the transaction that `run` opened. The answer's command tells how: `COMMIT` or `ROLLBACK`. */
  async end(command: 'commit' | 'rollback'): Promise<Answer<unknown>> {
    try {
      return await this.#send(
        { name: command === 'commit' ? 'commit' : '', text: command, values: [] },
        'inside',
      )
    } catch (error) {
      throw this.#errorOf(error)
    }
  }

  /** Says goodbye. Only when nothing is in flight. */
  close(): Promise<void> {
    return endClient(this.#client)
  }

  /** Cuts the connection; what is in flight is rejected. */
  destroy(): void {
    this.#lose(new Error('The connection was cut.'))
  }

  #send<Row>(
    statement: { name: string; text: string; values: Encoded[] },
    place: Place,
  ): Promise<Answer<Row>> {
    if (this.#lostBecause !== undefined) return Promise.reject(this.#lostBecause)
    if (this.inFlight === 0) this.#move()
    this.inFlight += 1
    return new Promise((resolve, reject) => {
      const query = new pg.Query(
        { ...statement, queryMode: 'extended' } as pg.QueryConfig,
        (error, result) => {
          this.inFlight -= 1
          this.#move()
          this.#settlePreparation(statement.name, error)
          if (error) reject(error)
          else resolve(lastOf(result))
          this.#listener.onAnswer(this)
        },
      )
      if (place === 'first') sendBefore(query, ['begin'])
      if (place === 'first of brief') sendBefore(query, ['begin', waitBriefly])
      this.#client.query(query)
    })
  }

  #usableName(statement: Statement, place: Place): string {
    const { name, text } = statement
    const known = name === '' ? undefined : this.#preparations.get(name)
    if (known?.text === text && known.state === 'prepared') return name
    if (known === undefined) {
      refuseSessionCommand(text, place === 'alone' ? 'alone' : 'in a transaction')
      if (name !== '') this.#preparations.set(name, { text, state: 'preparing' })
      return name
    }
    return ''
  }

  #settlePreparation(name: string, error: unknown): void {
    const preparation = this.#preparations.get(name)
    if (preparation?.state !== 'preparing') return
    if (error) this.#preparations.delete(name)
    else preparation.state = 'prepared'
  }

  #abandonName(name: string, error: unknown): void {
    const preparation = this.#preparations.get(name)
    if (preparation !== undefined) preparation.state = 'unusable'
    if (codeOf(error) === statementUnknown) this.retired = true
  }

  #move(): void {
    this.movedAt = performance.now()
    this.quietSeconds = 0
  }

  #lose(cause: Error): void {
    if (this.#lostBecause !== undefined) return
    this.#lostBecause = cause
    destroyClient(this.#client)
    this.#listener.onLost(this, cause)
  }

  #errorOf(error: unknown): unknown {
    return this.#lostBecause === undefined ? portErrorOf(error) : answerLost(error)
  }
}

/** Somebody removed the session's prepared statements (`discard all`). */
const statementUnknown = '26000'
const featureNotSupported = '0A000'

function isPreparationStale(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false
  if (error.code === statementUnknown) return true
  return error.code === featureNotSupported && error.routine === 'RevalidateCachedQuery'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

function sendBefore(query: pg.Query, commands: readonly (typeof transactionCommands)[number][]): void {
  const submit = query.submit.bind(query)
  query.submit = (connection) => {
    connection.stream.cork()
    for (const statement of commands) {
      connection.bind({ statement }, true)
      connection.execute(null, true)
    }
    const refusedBeforeSending = submit(connection)
    connection.stream.uncork()
    return refusedBeforeSending
  }
}

/** The driver answers a unit of several commands (`begin` and its first statement) with a list. */
function lastOf<Row>(result: unknown): Answer<Row> {
  const answer = Array.isArray(result) ? result.at(-1) : result
  return answer as Answer<Row>
}
