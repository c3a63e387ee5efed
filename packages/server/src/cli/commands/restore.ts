/** `belfry restore`: reads what `belfry backup` wrote into an empty database, wholly or not at all. */
import { type FileHandle, open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type BackupContents, inspectBackup } from '../../adapters/postgres/backup/inspect-backup.ts'
import { readBackup } from '../../adapters/postgres/backup/read-backup.ts'
import { schemaModules } from '../../server/schema.ts'
import { showProgress } from '../backup-progress.ts'
import { type Command, CommandFailure, UsageError } from '../command.ts'
import { readFailure } from '../files.ts'
import { withDatabase } from '../with-database.ts'

export const restore: Command = {
  usage: `Usage: belfry restore FILE [--replace | --check]

  --replace  drop what the database holds; without it, only an empty one is filled
  --check    only read FILE, and say whether it is whole; needs no database

Reads FILE (or "-", standard input) in one transaction: when anything is wrong with it, nothing changes. The server
must be stopped, but for --check.`,

  async run(words, context) {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { replace: { type: 'boolean' }, check: { type: 'boolean' } },
      allowPositionals: true,
    })
    const [file] = positionals
    if (file === undefined || positionals.length > 1)
      throw new UsageError('"belfry restore" needs the name of one file.')
    if (values.check === true && values.replace === true)
      throw new UsageError('"belfry restore" takes --replace or --check, not both.')
    const { terminal } = context
    const fail = (error: unknown) => {
      throw readFailure(file, error)
    }
    // Opened before the database is: a start takes longer than to see that there is no such file.
    const handle = file === '-' ? undefined : await openFile(file).catch(fail)
    if (values.check === true) {
      const found = await inspectBackup(handle?.createReadStream() ?? process.stdin)
        .catch(fail)
        .finally(() => handle?.close())
      terminal.done(`whole: ${contents(found)}`)
      return 0
    }
    const { migrated, ...restored } = await withDatabase(context, 'own', ({ opened, signal }) =>
      readBackup(opened.connection, handle?.createReadStream() ?? process.stdin, {
        modules: schemaModules,
        replace: values.replace === true,
        onProgress: showProgress(terminal, 'Restoring'),
        signal,
      }),
    )
      .catch(fail)
      .finally(() => handle?.close())
    terminal.done(contents(restored))
    if (migrated.length > 0) terminal.done(`${migrated.length} migrations applied on top`)
    return 0
  },
}

function contents({ header, rows, tables }: BackupContents): string {
  return `${rows} rows of ${tables} tables, written by Belfry ${header.belfryVersion} on ${header.createdAt}`
}

async function openFile(file: string): Promise<FileHandle> {
  const handle = await open(file)
  if (!(await handle.stat()).isDirectory()) return handle
  await handle.close()
  throw new CommandFailure(`${file} is a directory; name a file.`)
}
