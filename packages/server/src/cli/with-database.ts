/** Commands that need the database, whether a server is running or not. */
import { createLogger } from '../adapters/logging/logger.ts'
import type { Logger } from '../engine/ports/logger.ts'
import { type OpenDatabaseOptions, type OpenedDatabase, openDatabase } from '../server/open-database.ts'
import { loadSettings, type Settings } from '../server/settings.ts'
import { type CommandContext, Interrupted } from './command.ts'

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
      return await work({ opened, settings, logger, signal: interrupted.signal })
    } finally {
      await opened.close()
    }
  } catch (error) {
    throw interrupted.signal.aborted ? new Interrupted('Interrupted.', { cause: error }) : error
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}
