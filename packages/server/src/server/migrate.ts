/** Brings the schema of an opened database up to date, and says what the database user lacks where that fails. */
import {
  type MigrateOptions,
  type Migrating,
  type MigrationStep,
  migrateUp,
} from '../adapters/postgres/migrations.ts'
import { sql } from '../engine/sql.ts'
import { StartRefusal, systemErrorCode } from '../engine/start-refusal.ts'
import type { OpenedDatabase } from './open-database.ts'

export async function migrateOpened(
  opened: OpenedDatabase,
  modules: readonly Migrating[],
  options: MigrateOptions,
): Promise<MigrationStep[]> {
  try {
    return await migrateUp(opened.connection, modules, options)
  } catch (error) {
    if (!privilegeCodes.has(systemErrorCode(error) ?? '')) throw error
    throw (await missingPrivilege(opened, error)) ?? error
  }
}

/** "insufficient privilege", and "no schema has been selected to create in": that of one that may not be used. */
const privilegeCodes = new Set(['42501', '3F000'])

interface Privileges {
  readonly user: string
  readonly database: string
  readonly exists: boolean
  readonly mayUse: boolean
  readonly mayCreate: boolean
}

async function missingPrivilege(
  { database, connection }: OpenedDatabase,
  cause: unknown,
): Promise<StartRefusal | undefined> {
  const schema = connection.schema ?? 'public'
  const [found] = await database.query(sql<Privileges>`
    select current_user as user, current_database() as database, n.oid is not null as exists,
      coalesce(has_schema_privilege(n.oid, 'usage'), false) as "mayUse",
      coalesce(has_schema_privilege(n.oid, 'create'), false) as "mayCreate"
    from (select ${schema}::text as name) wanted left join pg_namespace n on n.nspname = wanted.name`)
  if (found === undefined) return undefined
  const sentence = sentenceOf(found, schema)
  return sentence === undefined ? undefined : new StartRefusal('database_refused', sentence, { cause })
}

function sentenceOf(
  { user, database, exists, mayUse, mayCreate }: Privileges,
  schema: string,
): string | undefined {
  const who = `The database user "${user}" may not`
  const [quotedUser, quotedSchema] = [user, schema].map((name) => `"${name.replaceAll('"', '""')}"`)
  if (!exists)
    return `${who} create the schema "${schema}" in the database "${database}": run 'create schema ${quotedSchema} authorization ${quotedUser}' there as its owner, or set DATABASE_URL to another user.`
  const grant = `run 'grant usage, create on schema ${quotedSchema} to ${quotedUser}' there as its owner, or set DATABASE_URL to another user`
  if (!mayUse) return `${who} use the schema "${schema}" in the database "${database}": ${grant}.`
  if (!mayCreate)
    return `${who} create tables in the schema "${schema}" of the database "${database}": ${grant}.`
  return undefined
}
