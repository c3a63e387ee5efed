/**
 * Schemas with tables of the program that hosts Belfry. Which they are is written at their table `migrations`, so that
 * commands, which know nothing of that program, keep its rows too.
 */
import pg from 'pg'
import { type ConnectionOptions, defaultSchema, endClient, openPlainClient } from './connection.ts'
import { holdMigrationLock } from './migration-record.ts'

/** `connection` is that of the host's schema. */
export async function noteHostSchema(connection: ConnectionOptions, belfrySchema?: string): Promise<void> {
  const client = await openPlainClient(connection)
  try {
    // Two that start at once may not both write it, and only the owner of the table may at all.
    await holdMigrationLock(client, connection.schema ?? defaultSchema, 'alone')
    const note = noteOf(belfrySchema)
    const { rows } = await client.query<{ note: string | null }>(
      `select obj_description('migrations'::regclass, 'pg_class') as note`,
    )
    if (rows[0]?.note !== note) await client.query(`comment on table migrations is ${pg.escapeLiteral(note)}`)
  } finally {
    await endClient(client)
  }
}

/** Those of the programs that host the Belfry of this connection. */
export async function listHostSchemas(connection: ConnectionOptions): Promise<string[]> {
  const client = await openPlainClient(connection)
  try {
    const { rows } = await client.query<{ schema: string }>(
      `select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relname = 'migrations' and c.relkind = 'r' and obj_description(c.oid, 'pg_class') = $1
        order by 1`,
      [noteOf(connection.schema)],
    )
    return rows.map(({ schema }) => schema)
  } finally {
    await endClient(client)
  }
}

/** What the tables of a schema went through, as text to compare; empty where nothing is noted. */
export async function historyOf(client: pg.Client, schema: string): Promise<string> {
  const table = `${pg.escapeIdentifier(schema)}.migrations`
  const { rows } = await client.query<{ isNoted: boolean }>(
    `select coalesce(obj_description(to_regclass($1), 'pg_class'), '') like $2 as "isNoted"`,
    [table, `${noteBegin}%`],
  )
  if (rows[0]?.isNoted !== true) return ''
  const history = await client.query<{ entry: string }>(
    `select id || ' ' || checksum as entry from ${table} order by id`,
  )
  return history.rows.map(({ entry }) => entry).join('\n')
}

const noteBegin = 'Tables of a program that hosts the Belfry in schema '

function noteOf(belfrySchema = defaultSchema): string {
  return `${noteBegin}${belfrySchema}`
}
