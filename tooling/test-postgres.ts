/**
 * One PostgreSQL server for a run of the tests: the embedded one, begun by our own supervisor in a directory that
 * goes away afterwards. `TEST_DATABASE_URL` names another, such as an older version, to run the same tests against.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../packages/server/src/adapters/postgres/embedded/embedded.ts'
import { acquireOwnerLock } from '../packages/server/src/adapters/postgres/embedded/owner-lock.ts'
import { ensureDataDirectory } from '../packages/server/src/server/data-directory.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL server for tests: a superuser's URL. Each test makes a database of its own in it. */
    postgresUrl: string
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env['TEST_DATABASE_URL']
  if (given !== undefined) {
    project.provide('postgresUrl', given)
    return undefined
  }
  const dataDirectory = mkdtempSync(join(tmpdir(), 'belfry-test-'))
  ensureDataDirectory(dataDirectory)
  const lock = await acquireOwnerLock(dataDirectory, new Date())
  const ignore = () => undefined
  const postgres = await startEmbeddedPostgres({
    dataDirectory,
    lock,
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    onProgress: ignore,
    signal: new AbortController().signal,
  })
  await forgetDurability(postgres.url)
  project.provide('postgresUrl', postgres.url)
  return async () => {
    await postgres.stop()
    lock.release()
    rmSync(dataDirectory, { recursive: true, force: true })
  }
}

/** Nothing here has to outlive the machine, and hundreds of databases are made. */
async function forgetDurability(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('alter system set fsync = off')
  await client.query('select pg_reload_conf()')
  await client.end()
}
