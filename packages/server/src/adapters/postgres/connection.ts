/**
 * One connection to PostgreSQL: where it goes, how it is set up, and what is said when it cannot be had.
 * The pool (database.ts), migrations and backups open theirs here.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { valueTypes } from './values.ts'

export interface ConnectionOptions {
  /** `postgres://user:password@host:5432/database`, or `postgres://user:password@/database?host=/socket/directory`. */
  readonly url: string
  /** The only schema in the search path, besides PostgreSQL's own. Default: `public`. */
  readonly schema?: string
  /** How long connecting may take. Default 5,000: a new connection is ready within milliseconds. */
  readonly connectTimeoutMs?: number
}

export interface SessionOptions {
  /** Sends statements without waiting for the answers before them; one command per statement. */
  readonly pipeline: boolean
  /** How long one statement may run before PostgreSQL ends it. 0: as long as it takes. */
  readonly statementTimeoutMs: number
  /** How long a transaction may do nothing before PostgreSQL ends it. 0: as long as it likes. */
  readonly idleInTransactionTimeoutMs: number
}

export const defaultSchema = 'public'
const minimumVersion = 14
const connectTimeoutMs = 5000

/**
 * While PostgreSQL runs a statement it looks this often whether anybody still waits for it, so that the work
 * and the locks of a process that is gone end soon. Where the server's platform cannot look, it refuses.
 */
const lookForClient = "set client_connection_check_interval = '2s'"

/**
 * `unreachable`: may succeed later by itself. `refused` and `too_old`: the server answered, and somebody has
 * to change something. The message is a sentence for the operator, without the password.
 */
export class ConnectError extends Error {
  override readonly name = 'ConnectError'
  readonly reason: 'unreachable' | 'refused' | 'too_old'

  constructor(reason: ConnectError['reason'], message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** Rejects with a `ConnectError`. The client has an error listener: losing it never takes the process down. */
export async function openClient(options: ConnectionOptions, session: SessionOptions): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'belfry',
    pipeline: session.pipeline,
    types: valueTypes as pg.CustomTypesConfig,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  let lostBecause: Error | undefined
  client.on('error', (error) => {
    lostBecause = error
  })
  const limit = options.connectTimeoutMs ?? connectTimeoutMs
  const timer = setTimeout(() => {
    lostBecause = new Error(`it did not answer within ${limit} milliseconds`)
    destroyClient(client)
  }, limit)
  try {
    await client.connect()
    const version = await setUp(client, options.schema ?? defaultSchema, session)
    if (Math.floor(version / 10_000) < minimumVersion) throw versionRefused(options.url, version)
    return client
  } catch (error) {
    destroyClient(client)
    throw error instanceof ConnectError ? error : connectErrorOf(options.url, lostBecause ?? error)
  } finally {
    clearTimeout(timer)
  }
}

/**
 * A client for statements of several commands and for COPY, which a pipeline cannot carry. While the database
 * cannot be reached it tries again for `patienceMs`.
 */
export async function openPlainClient(options: ConnectionOptions, patienceMs = 0): Promise<pg.Client> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    try {
      return await openClient(options, {
        pipeline: false,
        statementTimeoutMs: 0,
        idleInTransactionTimeoutMs: 0,
      })
    } catch (error) {
      const mayComeBack = error instanceof ConnectError && error.reason === 'unreachable'
      if (!mayComeBack || performance.now() >= giveUpAt) throw error
      await delay(100)
    }
  }
}

/** Cuts the connection without a goodbye. What was under way is rejected. */
export function destroyClient(client: pg.Client): void {
  client.connection.stream.destroy()
}

/** A statement that waits, for a lock perhaps, ends at once when `signal` says so. Returns how to stop listening. */
export function cutWhenAborted(client: pg.Client, signal: AbortSignal | undefined): () => void {
  const cut = () => destroyClient(client)
  if (signal?.aborted) cut()
  signal?.addEventListener('abort', cut, { once: true })
  return () => signal?.removeEventListener('abort', cut)
}

/** Says goodbye, and waits for it a second at most: a server that is gone does not answer. */
export async function endClient(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => destroyClient(client), 1000)
  try {
    await client.end()
  } finally {
    clearTimeout(timer)
  }
}

/** Durability is not left to a default somebody set for the whole server (DB1). */
async function setUp(client: pg.Client, schema: string, session: SessionOptions): Promise<number> {
  const { rows } = await client.query<{ version: string }>({
    text: `select set_config('search_path', quote_ident($1), false),
      set_config('TimeZone', 'UTC', false),
      set_config('DateStyle', 'ISO, YMD', false),
      set_config('IntervalStyle', 'postgres', false),
      set_config('bytea_output', 'hex', false),
      set_config('statement_timeout', $2, false),
      set_config('idle_in_transaction_session_timeout', $3, false),
      set_config('synchronous_commit',
        case current_setting('synchronous_commit') when 'off' then 'on' else current_setting('synchronous_commit') end,
        false),
      current_setting('server_version_num') as version`,
    values: [schema, String(session.statementTimeoutMs), String(session.idleInTransactionTimeoutMs)],
  })
  await client.query(lookForClient).catch(() => undefined)
  return Number(rows[0]?.version)
}

function versionRefused(url: string, version: number): ConnectError {
  const text = `${Math.floor(version / 10_000)}.${version % 10_000}`
  return new ConnectError(
    'too_old',
    `Belfry needs PostgreSQL ${minimumVersion} or later, but ${targetOf(url)} is PostgreSQL ${text}.`,
  )
}

/** Codes of a server that is up and will keep saying no. Starting up, full or shutting down are not among them. */
const refusals = /^(28|3D|42|0A|22)/

function connectErrorOf(url: string, error: unknown): ConnectError {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof pg.DatabaseError && refusals.test(error.code ?? '')) {
    return new ConnectError('refused', `${targetOf(url)} refused the connection: ${message}.`, error)
  }
  return new ConnectError('unreachable', `${targetOf(url)} cannot be reached: ${message}.`, error)
}

/** Names the database for a person, without user and password. */
function targetOf(url: string): string {
  try {
    const { host, port, database } = new pg.Client({ connectionString: url })
    return `the database "${database}" at ${host.startsWith('/') ? host : `${host}:${port}`}`
  } catch {
    return 'the database'
  }
}
