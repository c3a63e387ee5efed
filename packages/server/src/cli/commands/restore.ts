/** `belfry restore`: reads what `belfry backup` wrote into an empty database, wholly or not at all. */
import { type FileHandle, open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readBackup } from '../../adapters/postgres/backup/read-backup.ts'
import { schemaModules } from '../../server/schema.ts'
import { showProgress } from '../backup-progress.ts'
import { type Command, CommandFailure, UsageError } from '../command.ts'
import { readFailure } from '../files.ts'
import { withDatabase } from '../with-database.ts'

export const restore: Command = {
  usage: `Usage: belfry restore FILE [--replace]

  --replace  drop what the database holds; without it, only an empty one is filled

Reads FILE (or "-", standard input) in one transaction: when anything is wrong with it, nothing changes. The server
must be stopped.`,

  async run(words, context) {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { replace: { type: 'boolean' } },
      allowPositionals: true,
    })
    const [file] = positionals
    if (file === undefined || positionals.length > 1)
      throw new UsageError('"belfry restore" needs the name of one file.')
    const { terminal } = context
    const fail = (error: unknown) => {
      throw readFailure(file, error)
    }
    // Opened before the database is: a start takes longer than to see that there is no such file.
    const handle = file === '-' ? undefined : await openFile(file).catch(fail)
    const { header, rows, tables, migrated } = await withDatabase(context, 'own', ({ opened, signal }) =>
      readBackup(opened.connection, handle?.createReadStream() ?? process.stdin, {
        modules: schemaModules,
        replace: values.replace === true,
        onProgress: showProgress(terminal, 'Restoring'),
        signal,
      }),
    )
      .catch(fail)
      .finally(() => handle?.close())
    const from = `written by Belfry ${header.belfryVersion} on ${header.createdAt}`
    terminal.done(`${rows} rows of ${tables} tables, ${from}`)
    if (migrated.length > 0) terminal.done(`${migrated.length} migrations applied on top`)
    return 0
  },
}

async function openFile(file: string): Promise<FileHandle> {
  const handle = await open(file)
  if (!(await handle.stat()).isDirectory()) return handle
  await handle.close()
  throw new CommandFailure(`${file} is a directory; name a file.`)
}
