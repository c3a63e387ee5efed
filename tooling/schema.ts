/** `npm run schema`: writes packages/server/schema.txt, the schema after all migrations, for reviews to read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrateUp } from '../packages/server/src/adapters/postgres/migrations.ts'
import { describeSchema } from '../packages/server/src/adapters/postgres/schema-description.ts'
import { silentLogger } from '../packages/server/src/adapters/postgres/testing/silent-logger.ts'
import { openDatabase } from '../packages/server/src/server/open-database.ts'
import { schemaModules } from '../packages/server/src/server/schema.ts'
import { loadSettings } from '../packages/server/src/server/settings.ts'

const file = join(import.meta.dirname, '..', 'packages', 'server', 'schema.txt')
const dataDirectory = mkdtempSync(join(tmpdir(), 'belfry-schema-'))
try {
  const { settings } = loadSettings({ BELFRY_DATA_DIR: dataDirectory })
  const opened = await openDatabase({
    settings,
    logger: silentLogger,
    use: 'own',
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
  try {
    await migrateUp(opened.connection, schemaModules)
    writeFileSync(file, await describeSchema(opened.database, settings.databaseSchema))
  } finally {
    await opened.close()
  }
} finally {
  rmSync(dataDirectory, { recursive: true, force: true })
}
