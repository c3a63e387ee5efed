/** The table `migrations`, which says what a schema went through, and the lock that guards it. */
import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Migration } from '../../engine/migration.ts'
import { StartRefusal } from '../../engine/start-refusal.ts'

export interface AppliedMigration {
  readonly module: string
  readonly id: string
  readonly checksum: string
  readonly appliedAt: Date
}

/** How long to wait for another server that migrates: longer than any step should take. */
const lockWaitMinutes = 10

/** Creates the schema and the table where they are missing. */
export async function createMigrationTable(client: pg.Client, schema: string): Promise<void> {
  // Looked up first: `create schema if not exists` asks for a right on the database even when it does nothing.
  const { rows } = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (rows.length === 0) await client.query(`create schema ${pg.escapeIdentifier(schema)}`)
  if (await tableExists(client)) return
  await client.query(`
    create table migrations (
      module text not null,
      id text primary key,
      checksum text not null,
      applied_at timestamptz not null default clock_timestamp()
    )`)
}

export async function readApplied(client: pg.Client): Promise<AppliedMigration[]> {
  if (!(await tableExists(client))) return []
  const { rows } = await client.query<AppliedMigration>(
    'select module, id, checksum, applied_at as "appliedAt" from migrations order by id',
  )
  return rows
}

/**
 * Held until the connection ends, however it ends. `alone` to change the schema; `shared` to read it whole
 * while nobody changes it.
 */
export async function holdMigrationLock(
  client: pg.Client,
  schema: string,
  mode: 'alone' | 'shared',
): Promise<void> {
  const lock = mode === 'alone' ? 'pg_advisory_lock' : 'pg_advisory_lock_shared'
  await client.query(`set lock_timeout = '${lockWaitMinutes}min'`)
  try {
    await client.query(`select ${lock}(hashtextextended('belfry migrations ' || $1, 0))`, [schema])
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== lockNotAvailable) throw error
    throw new StartRefusal(
      'migration_failed',
      `Another server has been migrating or backing up this database for ${lockWaitMinutes} minutes. Wait for it, or end it.`,
      { cause: error },
    )
  }
  await client.query('set lock_timeout = 0')
}

const lockNotAvailable = '55P03'

/** White space does not count, so that reformatting is not taken for a change. */
export function checksumOf({ up, down }: Migration): string {
  const normalised = [up, down].map((text) => text.replace(/\s+/g, ' ').trim()).join('\0')
  return createHash('sha256').update(normalised).digest('hex')
}

async function tableExists(client: pg.Client): Promise<boolean> {
  // Not to_regclass: the search path holds PostgreSQL's own schema as well, and temporary tables.
  const { rows } = await client.query(
    `select 1 from pg_class where relname = 'migrations' and relnamespace = to_regnamespace(quote_ident(current_schema()))`,
  )
  return rows.length > 0
}
