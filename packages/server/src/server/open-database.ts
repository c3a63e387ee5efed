/**
 * The database that the settings name: a PostgreSQL of the operator's, or the embedded one, which is started on the
 * data directory or, by commands beside a running server, found there.
 */
import { join } from 'node:path'
import { ConnectError, type ConnectionOptions } from '../adapters/postgres/connection.ts'
import { createDatabase, type PostgresDatabase } from '../adapters/postgres/database.ts'
import { findRunningPostgres, startEmbeddedPostgres } from '../adapters/postgres/embedded/embedded.ts'
import { acquireOwnerLock } from '../adapters/postgres/embedded/owner-lock.ts'
import type { Logger } from '../engine/ports/logger.ts'
import { StartRefusal } from '../engine/start-refusal.ts'
import { ensureDataDirectory } from './data-directory.ts'
import type { Settings } from './settings.ts'

export interface OpenedDatabase {
  readonly database: PostgresDatabase
  readonly connection: ConnectionOptions
  readonly kind: 'embedded' | 'external'
  /** How we came to it, in words for a person who waits. */
  readonly summary: string
  /** Whether it is the embedded one of a server that runs beside us. */
  readonly isShared: boolean
  /** Closes connections, and stops PostgreSQL if this call started it. */
  close(): Promise<void>
}

export interface OpenDatabaseOptions {
  readonly settings: Settings
  readonly logger: Logger
  /**
   * `own`: a server, alone on the data directory. `share`: a command that may run beside a server and uses the
   * PostgreSQL that the server started.
   */
  readonly use: 'own' | 'share'
  onProgress(message: string): void
  readonly signal: AbortSignal
}

export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenedDatabase> {
  const { settings, logger } = options
  const source =
    settings.databaseUrl === undefined ? await openEmbedded(options) : external(settings.databaseUrl)
  const connection: ConnectionOptions = { url: source.url, schema: settings.databaseSchema }
  const database = createDatabase({ ...connection, logger, connectionsMax: settings.databasePoolMax })
  const close = async () => {
    await database.close({ withinMs: closeWithinMs })
    await source.close()
  }
  try {
    await database.ready()
  } catch (error) {
    await close()
    throw connectRefusal(error)
  }
  const { kind, summary, isShared = false } = source
  return { database, connection, kind, summary, isShared, close }
}

/** A stop has five seconds in all, and PostgreSQL may need most of them. */
const closeWithinMs = 1_000

interface Source {
  readonly url: string
  readonly kind: OpenedDatabase['kind']
  readonly summary: string
  readonly isShared?: boolean
  close(): Promise<void>
}

function external(url: string): Source {
  return { url, kind: 'external', summary: 'connected', close: async () => undefined }
}

async function openEmbedded(options: OpenDatabaseOptions): Promise<Source> {
  const { settings, logger, onProgress, signal } = options
  const directory = settings.dataDirectory
  ensureDataDirectory(directory)
  const lock = await acquireOwnerLock(directory, new Date()).catch(async (error: unknown) => {
    if (options.use === 'own' || !isInUse(error)) throw error
    const url = await findRunningPostgres(directory)
    if (url === undefined) throw error
    return url
  })
  if (typeof lock === 'string') {
    return {
      url: lock,
      kind: 'embedded',
      summary: 'found running',
      isShared: true,
      close: async () => undefined,
    }
  }
  try {
    const postgres = await startEmbeddedPostgres({
      dataDirectory: directory,
      lock,
      logger,
      onProgress,
      signal,
    })
    return {
      url: postgres.url,
      kind: 'embedded',
      summary: `PostgreSQL ${postgres.version}, ${originWords[postgres.origin]}`,
      async close() {
        await postgres.stop()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

const originWords = {
  created: 'created',
  started: 'started',
  recovered: 'recovered after a crash',
  adopted: 'taken over from a server that was killed',
} as const

function isInUse(error: unknown): boolean {
  return error instanceof StartRefusal && error.code === 'data_directory_in_use'
}

const connectRefusals = {
  unreachable: 'database_unreachable',
  refused: 'database_refused',
  too_old: 'database_too_old',
} as const

/** A connection that could not be had, as an operator should read it; anything else stays what it is. */
export function connectRefusal(error: unknown): unknown {
  if (!(error instanceof ConnectError)) return error
  return new StartRefusal(connectRefusals[error.reason], error.message, { cause: error })
}

/** Where generated secrets lie; they are made even when the database is elsewhere. */
export function secretPath(settings: Settings, name: string): string {
  return join(settings.dataDirectory, name)
}
