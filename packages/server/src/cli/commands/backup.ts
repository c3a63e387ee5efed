/** `belfry backup`: everything in the database, as of one moment, in one file, while the server goes on. */
import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { writeBackup } from '../../adapters/postgres/backup/write-backup.ts'
import { belfryVersion } from '../../server/version.ts'
import { showProgress, size } from '../backup-progress.ts'
import { type Command, type CommandContext, UsageError } from '../command.ts'
import { withDatabase } from '../with-database.ts'

export const backup: Command = {
  usage: `Usage: belfry backup FILE
       belfry backup - > FILE

Writes every table to FILE, as they were at one moment, also while a server is running. Run it with the same
settings (BELFRY_DATA_DIR or DATABASE_URL) as the server. The generated secrets in the data directory are not in
it: keep a copy of jwt-secret if tokens are to stay valid.`,

  async run(words, context) {
    const { positionals } = parseArgs({ args: [...words], options: {}, allowPositionals: true })
    const [file] = positionals
    if (file === undefined || positionals.length > 1)
      throw new UsageError('"belfry backup" needs the name of one file.')
    return file === '-' ? toStandardOutput(context) : toFile(file, context)
  },
}

async function toFile(file: string, context: CommandContext): Promise<number> {
  const { terminal } = context
  // Under its name a backup is always whole.
  const unfinished = `${file}.unfinished`
  try {
    const { tables, rows } = await withDatabase(context, 'share', ({ opened, signal }) =>
      writeBackup(opened.connection, createWriteStream(unfinished, { mode: 0o600 }), {
        belfryVersion,
        onProgress: showProgress(terminal, 'Saving'),
        signal,
      }),
    )
    renameSync(unfinished, file)
    terminal.done(`${file}: ${rows} rows of ${tables} tables, ${size(statSync(file).size)}`)
    return 0
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}

async function toStandardOutput(context: CommandContext): Promise<number> {
  if (process.stdout.isTTY)
    throw new UsageError(
      'A backup is no text for a terminal: send it somewhere, as in "belfry backup - > FILE".',
    )
  await withDatabase(context, 'share', ({ opened, signal }) =>
    writeBackup(opened.connection, process.stdout, { belfryVersion, signal }),
  )
  return 0
}
