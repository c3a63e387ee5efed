/**
 * Writes everything in a schema as of one moment, while others go on working: one transaction sees one state
 * of all tables. Migrations wait until it is done.
 */
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type pg from 'pg'
import copyStreams from 'pg-copy-streams'
import {
  type ConnectionOptions,
  cutWhenAborted,
  defaultSchema,
  destroyClient,
  openPlainClient,
} from '../connection.ts'
import { holdMigrationLock, readApplied } from '../migration-record.ts'
import { backupErrorOf, watchConnection } from './backup-error.ts'
import { listTables, quoted, readSequences, type Table } from './catalogue.ts'
import { encodeFrame, type Frame, formatVersion, seal } from './format.ts'
import { countRows, type OnBackupProgress } from './progress.ts'

export interface WriteBackupOptions {
  readonly belfryVersion: string
  /** Schemas of others (a job queue's) whose rows are to be kept too. Restoring needs their tables to exist. */
  readonly furtherSchemas?: readonly string[]
  readonly onProgress?: OnBackupProgress
  readonly signal?: AbortSignal
}

export interface BackupSummary {
  readonly tables: number
  readonly rows: number
}

/** Level 6, the default, needs twice the time and saves a twentieth of the bytes. */
const compressionLevel = 3

/** Ends `output` when everything is in it. What was written before a failure is refused when it is read. */
export async function writeBackup(
  connection: ConnectionOptions,
  output: Writable,
  options: WriteBackupOptions,
): Promise<BackupSummary> {
  const client = await openPlainClient(connection)
  const isLost = watchConnection(client)
  const stopListening = cutWhenAborted(client, options.signal)
  const summary = { tables: 0, rows: 0 }
  try {
    const schema = connection.schema ?? defaultSchema
    await holdMigrationLock(client, schema, 'shared')
    const frames = framesOf(client, schema, options, summary)
    const gzip = createGzip({ level: compressionLevel })
    const source = Readable.from(bytesOf(frames), { objectMode: false })
    await pipeline(
      source,
      gzip,
      seal(),
      output,
      options.signal === undefined ? {} : { signal: options.signal },
    )
    return summary
  } catch (error) {
    options.signal?.throwIfAborted()
    throw backupErrorOf(error, 'The backup could not be written', isLost())
  } finally {
    stopListening()
    // Without a goodbye: after a failure a COPY may still be under way, and there is nothing to commit.
    destroyClient(client)
  }
}

async function* bytesOf(frames: AsyncIterable<Frame>): AsyncGenerator<Buffer> {
  for await (const frame of frames) yield* encodeFrame(frame)
}

async function* framesOf(
  client: pg.Client,
  schema: string,
  options: WriteBackupOptions,
  summary: { tables: number; rows: number },
): AsyncGenerator<Frame> {
  const furtherSchemas = [...(options.furtherSchemas ?? [])]
  const schemas = [schema, ...furtherSchemas]
  // Fails rather than leave rows out silently where policies hide them.
  await client.query('set row_security = off')
  await client.query('begin transaction isolation level repeatable read, read only')
  const tables = await listTables(client, schemas)
  if (tables.length > 0) {
    const names = tables.map(({ schema, name }) => quoted(schema, name))
    await client.query(`lock table ${names.join(', ')} in access share mode`)
  }
  const { rows: versions } = await client.query<{ version: string }>(
    "select current_setting('server_version') as version",
  )
  const applied = await readApplied(client)
  yield {
    kind: 'header',
    content: {
      product: 'belfry',
      format: formatVersion,
      belfryVersion: options.belfryVersion,
      postgresVersion: versions[0]?.version ?? '',
      schema,
      furtherSchemas,
      createdAt: new Date().toISOString(),
      migrations: applied.map((record) => ({ ...record, appliedAt: record.appliedAt.toISOString() })),
      tableCount: tables.length,
    },
  }
  for (const [tableIndex, table] of tables.entries()) {
    const { schema, name, columns } = table
    yield { kind: 'table', content: { schema, name, columns } }
    let [rows, bytes] = [0, 0]
    const report = () =>
      options.onProgress?.({ table: name, tableIndex, tableCount: tables.length, rows, bytes })
    report()
    for await (const data of client.query(copyStreams.to(copyCommand(table)))) {
      rows += countRows(data)
      bytes += data.length
      yield { kind: 'data', content: data }
      report()
    }
    yield { kind: 'end', content: { rows } }
    summary.tables += 1
    summary.rows += rows
  }
  // Read last: a sequence knows no transaction, and may only be ahead of the rows, never behind.
  yield { kind: 'sequences', content: await readSequences(client, schemas) }
  yield { kind: 'footer', content: { ...summary } }
}

function copyCommand({ schema, name, columns, isPartitioned }: Table): string {
  const source = quoted(schema, name)
  const list = columns.map((column) => quoted(column)).join(', ')
  if (isPartitioned) return `copy (select ${list} from ${source}) to stdout`
  return list === '' ? `copy ${source} to stdout` : `copy ${source} (${list}) to stdout`
}
