/** Commands that need the database, whether a server is running or not. */
import { createLogger } from '../adapters/logging/logger.ts'
import type { Logger } from '../engine/ports/logger.ts'
import { sql } from '../engine/sql.ts'
import {
  connectRefusal,
  type OpenDatabaseOptions,
  type OpenedDatabase,
  openDatabase,
} from '../server/open-database.ts'
import { loadSettings, type Settings } from '../server/settings.ts'
import { type CommandContext, CommandFailure, Interrupted } from './command.ts'

export interface DatabaseCommand {
  readonly opened: OpenedDatabase
  readonly settings: Settings
  readonly logger: Logger
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

export async function withDatabase<Result>(
  { terminal, environment }: CommandContext,
  use: OpenDatabaseOptions['use'],
  work: (command: DatabaseCommand) => Promise<Result>,
): Promise<Result> {
  const { settings } = loadSettings(environment)
  // A command speaks for itself; of what happens below it only trouble is worth a line.
  const logger = createLogger({ level: 'warn', pretty: true, destination: process.stderr })
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    const opened = await openDatabase({
      settings,
      logger,
      use,
      onProgress: (message) => terminal.progress(message),
      signal: interrupted.signal,
    })
    try {
      if (use === 'own' && opened.kind === 'external') await refuseWhileServed(opened)
      return await work({ opened, settings, logger, signal: interrupted.signal })
    } finally {
      await opened.close()
    }
  } catch (error) {
    throw interrupted.signal.aborted
      ? new Interrupted('Interrupted.', { cause: error })
      : connectRefusal(error)
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

/** The embedded database has its owner lock; in a database of the operator's, servers are known by their name. */
async function refuseWhileServed({ database }: OpenedDatabase): Promise<void> {
  const [others] = await database.query(sql<{ count: number }>`
    select count(*) as count from pg_stat_activity
    where datname = current_database() and application_name = 'belfry' and pid <> pg_backend_pid()`)
  if (others !== undefined && others.count > 0) {
    throw new CommandFailure('A Belfry server is connected to this database: stop it first.')
  }
}
