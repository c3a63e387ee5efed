/** `belfry backup`: everything in the database, as of one moment, in one file, while the server goes on. */
import { realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { writeBackup } from '../../adapters/postgres/backup/write-backup.ts'
import { listHostSchemas } from '../../adapters/postgres/host-schemas.ts'
import { belfryVersion } from '../../server/version.ts'
import { showProgress, size } from '../backup-progress.ts'
import { type Command, type CommandContext, CommandFailure, UsageError } from '../command.ts'
import { writeFailure } from '../files.ts'
import { withDatabase } from '../with-database.ts'

export const backup: Command = {
  usage: `Usage: belfry backup FILE
       belfry backup - > FILE

Writes every table to FILE, as they were at one moment, also while a server is running: those of Belfry, and those
that a hosting program made with it. Run it with the same
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
  const target = regularFile(file)
  // Under its name a backup is always whole; two that run at once do not write into each other.
  const unfinished = `${target}.unfinished-${process.pid}`
  // Opened before the database is: a start takes longer than to see that there is no such directory.
  const handle = await open(unfinished, 'wx', 0o600).catch((error: unknown) => {
    throw writeFailure(file, error)
  })
  try {
    const { tables, rows } = await withDatabase(context, 'share', async ({ opened, signal }) =>
      writeBackup(opened.connection, handle.createWriteStream({ flush: true }), {
        belfryVersion,
        furtherSchemas: await listHostSchemas(opened.connection),
        onProgress: showProgress(terminal, 'Saving'),
        signal,
      }),
    )
    renameSync(unfinished, target)
    terminal.done(`${file}: ${rows} rows of ${tables} tables, ${size(statSync(target).size)}`)
    return 0
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw writeFailure(file, error)
  } finally {
    await handle.close()
  }
}

/** Where `file` leads. A device or a pipe would be replaced by a file, not written to. */
function regularFile(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) return file
  if (found.isDirectory()) throw new CommandFailure(`${file} is a directory; name a file.`)
  if (!found.isFile())
    throw new CommandFailure(`${file} is no ordinary file: use "belfry backup - > ${file}".`)
  return realpathSync(file)
}

async function toStandardOutput(context: CommandContext): Promise<number> {
  if (process.stdout.isTTY)
    throw new UsageError(
      'A backup is no text for a terminal: send it somewhere, as in "belfry backup - > FILE".',
    )
  await withDatabase(context, 'share', async ({ opened, signal }) =>
    writeBackup(opened.connection, process.stdout, {
      belfryVersion,
      furtherSchemas: await listHostSchemas(opened.connection),
      signal,
    }),
  ).catch((error: unknown) => {
    throw writeFailure('standard output', error)
  })
  return 0
}
