/** Makes the tables of the program that hosts Belfry: reads its folder, and applies what is missing. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { noteHostSchema } from '../adapters/postgres/host-schemas.ts'
import {
  type MigrateOptions,
  type MigrationStep,
  orderedMigrations,
} from '../adapters/postgres/migrations.ts'
import type { Migration } from '../engine/migration.ts'
import { StartRefusal, systemErrorCode } from '../engine/start-refusal.ts'
import type { HostTables } from './host-tables.ts'
import { migrateOpened } from './migrate.ts'
import type { OpenedDatabase } from './open-database.ts'
import { schemaName } from './setting-kinds.ts'

export async function migrateHostTables(
  opened: OpenedDatabase,
  { schema, migrations }: HostTables,
  options: MigrateOptions,
): Promise<MigrationStep[]> {
  refuseSchema(schema, opened.connection.schema)
  const module = { name: schema, migrations: readMigrations(migrations) }
  const connection = { ...opened.connection, schema }
  const applied = await migrateOpened({ ...opened, connection }, [module], options).catch(
    (error: unknown) => {
      throw error instanceof StartRefusal && error.code === 'schema_newer'
        ? newer(schema, migrations, error)
        : error
    },
  )
  await noteHostSchema(connection, opened.connection.schema)
  return applied
}

function refuseSchema(schema: string, own: string | undefined): void {
  const parsed = schemaName.parse(schema)
  if ('mistake' in parsed) throw invalid(`The schema "${schema}" ${parsed.mistake}.`)
  if (schema === own)
    throw invalid(`The schema "${schema}" is that of Belfry itself: name another one for your tables.`)
}

function readMigrations(folder: string | URL): Migration[] {
  const path = typeof folder === 'string' ? folder : fileURLToPath(folder)
  const migrations = listFiles(path).map((name): Migration => {
    const id = /^(\d{4}_[a-z0-9_]+)\.sql$/.exec(name)?.[1]
    if (id === undefined)
      throw invalid(`${join(path, name)} is no name for a migration: call it like 0001_create_things.sql.`)
    return { id, up: readFile(join(path, name)), down: '' }
  })
  const same = migrations.find(({ id }, index) => migrations[index - 1]?.id.slice(0, 4) === id.slice(0, 4))
  if (same !== undefined)
    throw invalid(
      `Two migrations in ${path} have the number ${same.id.slice(0, 4)}: give one of them the next.`,
    )
  if (migrations.length === 0) throw invalid(`There is no migration in ${path}.`)
  return orderedMigrations([{ name: path, migrations }])
}

/** In their order. What editors and systems leave beside them (`.DS_Store`) is none of ours. */
function listFiles(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => !name.startsWith('.'))
      .toSorted()
  } catch (error) {
    throw unreadable(path, error)
  }
}

function readFile(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
  if (text.trim() === '') throw invalid(`The migration ${path} is empty.`)
  return text
}

function unreadable(path: string, error: unknown): StartRefusal {
  return invalid(`The migrations of your tables cannot be read: ${path} (${systemErrorCode(error)}).`, error)
}

function newer(schema: string, folder: string | URL, cause: unknown): StartRefusal {
  return new StartRefusal(
    'schema_newer',
    `The tables in the schema "${schema}" belong to a newer version of your program: they went through migrations that ${folder} does not have. Start that version.`,
    { cause },
  )
}

function invalid(sentence: string, cause?: unknown): StartRefusal {
  return new StartRefusal('host_tables_invalid', sentence, { cause })
}
