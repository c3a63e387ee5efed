/** The committed description of the schema is what the migrations make, and they undo what they do. */
import { readFileSync } from 'node:fs'
import { describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../adapters/postgres/database.ts'
import { migrateDown, migrateUp, migrationStatus } from '../adapters/postgres/migrations.ts'
import { describeSchema } from '../adapters/postgres/schema-description.ts'
import { silentLogger } from '../adapters/postgres/testing/silent-logger.ts'
import { type TestDatabase, testDatabase } from '../adapters/postgres/testing/test-database.ts'
import { schemaModules } from './schema.ts'

const schema = 'belfry'
const everything = { steps: Number.MAX_SAFE_INTEGER }

describe('the schema after all migrations', () => {
  it('is the one in packages/server/schema.txt', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    await migrateUp({ url: world.url, schema }, schemaModules)
    const committed = readFileSync(new URL('../../schema.txt', import.meta.url), 'utf8')
    expect(
      await described(world),
      'The migrations make another schema than packages/server/schema.txt says. If that is meant, run "npm run schema" and commit the file.',
    ).toBe(committed)
  })

  it('is empty after all of them were undone, and the same after they were applied again', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const connection = { url: world.url, schema }
    await migrateUp(connection, [])
    const empty = await described(world)

    const applied = await migrateUp(connection, schemaModules)
    const full = await described(world)
    expect(full).not.toBe(empty)
    const undone = await migrateDown(connection, schemaModules, everything)
    expect(undone.map(({ id }) => id)).toEqual(applied.map(({ id }) => id).toReversed())
    expect(await described(world)).toBe(empty)
    expect(await world.sql(`select * from ${schema}.migrations`)).toEqual([])

    await migrateUp(connection, schemaModules)
    expect(await described(world)).toBe(full)
  })

  it('is the same step by step: each migration undoes itself alone', async () => {
    await using world = await testDatabase(inject('postgresUrl'))
    const connection = { url: world.url, schema }
    const ids = (await migrationStatus(connection, schemaModules)).map(({ id }) => id)
    await migrateUp(connection, [])
    for (const id of ids) {
      const before = await described(world)
      const upTo = schemaModules.map(({ name, migrations }) => ({
        name,
        migrations: migrations.filter((migration) => migration.id <= id),
      }))
      await migrateUp(connection, upTo)
      const after = await described(world)
      await migrateDown(connection, upTo, { steps: 1 })
      expect(await described(world), `${id} is undone`).toBe(before)
      await migrateUp(connection, upTo)
      expect(await described(world), `${id} is done again`).toBe(after)
    }
  })
})

async function described({ url }: TestDatabase): Promise<string> {
  const database = createDatabase({ url, schema, logger: silentLogger })
  try {
    return await describeSchema(database, schema)
  } finally {
    await database.close()
  }
}
