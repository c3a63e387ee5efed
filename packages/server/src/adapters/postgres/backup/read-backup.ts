/**
 * Brings a backup back, in one transaction that commits only after the whole file has been seen to be
 * unaltered: until then the database is as it was. The schema is built by the modules' own migrations up to
 * where the backup was, filled, and then migrated on to what this version needs.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import copyStreams from 'pg-copy-streams'
import { StartRefusal } from '../../../engine/start-refusal.ts'
import {
  type ConnectionOptions,
  cutWhenAborted,
  defaultSchema,
  destroyClient,
  endClient,
  openPlainClient,
} from '../connection.ts'
import { historyOf } from '../host-schemas.ts'
import { createMigrationTable, holdMigrationLock } from '../migration-record.ts'
import {
  type KnownMigration,
  type Migrating,
  type MigrationStep,
  migrateUp,
  orderedMigrations,
  refuseForeignHistory,
  runMigration,
} from '../migrations.ts'
import { backupErrorOf, watchConnection } from './backup-error.ts'
import {
  listDrops,
  listMaterializedViews,
  listObstacles,
  listOutsideDependants,
  listTables,
  quoted,
  type Table,
} from './catalogue.ts'
import type { BackupHeader, BackupSequences, BackupTable, Frame } from './format.ts'
import { invalidBackup } from './format.ts'
import type { BackupContents } from './inspect-backup.ts'
import { countRows, type OnBackupProgress } from './progress.ts'
import { readContent, readFrames, readHeader } from './read-frames.ts'

export interface ReadBackupOptions {
  readonly modules: readonly Migrating[]
  /** Drops what the schema holds, and the rows of further schemas. Without it both must be empty. */
  readonly replace?: boolean
  readonly onProgress?: OnBackupProgress
  readonly signal?: AbortSignal
}

export interface RestoreSummary extends BackupContents {
  /** Steps that this version needed and the backup did not have yet. */
  readonly migrated: readonly MigrationStep[]
}

export async function readBackup(
  connection: ConnectionOptions,
  input: Readable,
  options: ReadBackupOptions,
): Promise<RestoreSummary> {
  const client = await openPlainClient(connection)
  const isLost = watchConnection(client)
  const stopListening = cutWhenAborted(client, options.signal)
  const schema = connection.schema ?? defaultSchema
  let contents: BackupContents
  let failure = 'The backup could not be restored'
  try {
    await holdMigrationLock(client, schema, 'alone')
    await client.query('begin')
    contents = await readFrames(input, options.signal, (frames) => load(client, schema, frames, options))
    failure = 'Whether the backup was restored is not known'
    await client.query('commit')
  } catch (error) {
    const wasLost = isLost()
    // PostgreSQL rolls back what a connection leaves open.
    destroyClient(client)
    options.signal?.throwIfAborted()
    throw backupErrorOf(error, failure, wasLost)
  } finally {
    stopListening()
  }
  await endClient(client)
  return { ...contents, migrated: await migrateUp(connection, options.modules) }
}

async function load(
  client: pg.Client,
  schema: string,
  frames: AsyncGenerator<Frame>,
  options: ReadBackupOptions,
): Promise<BackupContents> {
  const header = await readHeader(frames)
  const migrations = migrationsOf(header, options.modules)
  const schemas = [schema, ...header.furtherSchemas]
  await makeRoom(client, schema, header.furtherSchemas, options.replace ?? false)
  await createMigrationTable(client, schema)
  for (const migration of migrations) await runMigration(client, migration, 'up')

  const listed = await listTables(client, schemas)
  const tables = new Map(listed.map((table) => [quoted(table.schema, table.name), table]))
  const obstacles = await listObstacles(client, schemas)
  for (const command of obstacles.before) await client.query(command)
  const histories = await historiesOf(client, header.furtherSchemas)
  // Migrations may have filled tables, and the backup holds those rows as well.
  await client.query(`truncate ${[...tables.keys()].join(', ')}`)

  const placed = (from: string) => (from === header.schema ? schema : from)
  const totals = await readContent(frames, {
    async table(table, data, tableIndex) {
      const target = tables.get(quoted(placed(table.schema), table.name))
      refuseUnlikeTable(table, target)
      const report = (rows: number, bytes: number) =>
        options.onProgress?.({ table: table.name, tableIndex, tableCount: header.tableCount, rows, bytes })
      return await fillTable(client, { ...table, schema: placed(table.schema) }, data, report)
    },
    sequences: (sequences) => setSequences(client, sequences, placed),
  })
  refuseOtherHistory(histories, await historiesOf(client, header.furtherSchemas))
  for (const command of obstacles.after) await client.query(command)
  for (const view of await listMaterializedViews(client, schemas)) {
    await client.query(`refresh materialized view ${view}`)
  }
  for (const { afterRestore } of options.modules)
    if (afterRestore !== undefined) await client.query(afterRestore)
  return { header, ...totals }
}

/** Those that the backup had, of what this version knows. */
function migrationsOf(header: BackupHeader, modules: readonly Migrating[]): KnownMigration[] {
  const known = orderedMigrations(modules)
  refuseForeignHistory(known, header.migrations)
  const had = new Set(header.migrations.map(({ id }) => id))
  return known.filter(({ id }) => had.has(id))
}

async function makeRoom(
  client: pg.Client,
  schema: string,
  furtherSchemas: readonly string[],
  replace: boolean,
): Promise<void> {
  const drops = await listDrops(client, schema)
  if (drops.length > 0 && !replace) throw notEmpty(`the schema "${schema}" holds something already`)
  const outside = await listOutsideDependants(client, schema)
  if (outside.length > 0) {
    throw new StartRefusal(
      'backup_target_not_empty',
      `Outside of the schema "${schema}", ${outside.join(', ')} depend on it and would be lost. Drop them first. Nothing was changed.`,
    )
  }
  for (const command of drops) await client.query(command)
  if (replace) return
  for (const table of await listTables(client, furtherSchemas)) {
    const name = quoted(table.schema, table.name)
    const { rows } = await client.query(`select from ${name} limit 1`)
    if (rows.length > 0) throw notEmpty(`the table ${name} has rows already`)
  }
}

type Histories = ReadonlyMap<string, string>

async function historiesOf(client: pg.Client, schemas: readonly string[]): Promise<Histories> {
  const histories = new Map<string, string>()
  for (const schema of schemas) histories.set(schema, await historyOf(client, schema))
  return histories
}

/** Rows of one version in tables of another: the next start would run steps that have run, or leave some out. */
function refuseOtherHistory(here: Histories, restored: Histories): void {
  for (const [schema, history] of restored) {
    if (history === here.get(schema)) continue
    throw new StartRefusal(
      'backup_target_not_empty',
      `The tables in the schema "${schema}" went through other migrations than those in the backup. Let the version of your program that the backup is from make them in an empty database, stop it, and restore there. Nothing was changed.`,
    )
  }
}

function notEmpty(what: string): StartRefusal {
  return new StartRefusal(
    'backup_target_not_empty',
    `A backup is restored into an empty database, but ${what}. Take another one, or have what is there replaced. Nothing was changed.`,
  )
}

function refuseUnlikeTable(table: BackupTable, target: Table | undefined): void {
  if (target === undefined) {
    throw new StartRefusal(
      'backup_invalid',
      `The backup holds a table ${quoted(table.schema, table.name)}, which nothing creates: no migration of this version, and nobody else. Nothing was changed.`,
    )
  }
  const [has, takes] = [table.columns, target.columns].map((columns) => columns.toSorted().join(', '))
  if (has === takes) return
  throw new StartRefusal(
    'backup_invalid',
    `The table ${quoted(table.schema, table.name)} has the columns ${has} in the backup, but ${takes} here. Nothing was changed.`,
  )
}

/** Resolves with the rows PostgreSQL counted. */
async function fillTable(
  client: pg.Client,
  { schema, name, columns }: BackupTable,
  data: AsyncIterable<Buffer>,
  report: (rows: number, bytes: number) => void,
): Promise<number> {
  const list = columns.length === 0 ? '' : `(${columns.map((column) => quoted(column)).join(', ')})`
  const copy = client.query(copyStreams.from(`copy ${quoted(schema, name)} ${list} from stdin`))
  let [rows, bytes] = [0, 0]
  const counted = async function* () {
    report(rows, bytes)
    for await (const piece of data) {
      yield piece
      rows += countRows(piece)
      bytes += piece.length
      report(rows, bytes)
    }
  }
  try {
    await pipeline(Readable.from(counted(), { objectMode: false }), copy)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !isDataRefused(error)) throw error
    throw invalidBackup(`PostgreSQL does not take its table "${name}" (${error.message})`, error)
  }
  return copy.rowCount
}

async function setSequences(
  client: pg.Client,
  sequences: BackupSequences,
  placed: (schema: string) => string,
): Promise<void> {
  for (const { schema, name, lastValue, isCalled } of sequences) {
    await client.query('select setval($1::text::regclass, $2::text::bigint, $3)', [
      quoted(placed(schema), name),
      lastValue,
      isCalled,
    ])
  }
}

/** Classes of errors in what is loaded: bad data, broken constraints. */
function isDataRefused({ code = '' }: pg.DatabaseError): boolean {
  return code.startsWith('22') || code.startsWith('23')
}
