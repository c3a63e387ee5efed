/**
 * A database of a test's own on the test server, gone with the test:
 *
 *   await using world = await testDatabase(inject('postgresUrl'))
 *
 * Disposing fails when the test left a connection open.
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { until } from '../../../engine/testing/until.ts'

export interface TestDatabase extends AsyncDisposable {
  readonly name: string
  /** The superuser's URL of the new database. */
  readonly url: string
  /** Runs SQL as superuser, in a database beside the new one. */
  admin(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  /** Runs SQL as superuser in the new database, on a connection of its own. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  connections(): Promise<number>
  /** Ends every session in the new database, as an operator or a crash would. */
  endSessions(): Promise<void>
}

export async function testDatabase(postgresUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const url = withDatabase(postgresUrl, name)
  const administrator = new pg.Client({ connectionString: postgresUrl })
  await administrator.connect()
  const admin = async (text: string, values: unknown[] = []) => (await administrator.query(text, values)).rows
  // Half of the work of the usual way, which the oldest versions do not have.
  const [{ version } = {}] = await admin(`select current_setting('server_version_num')::int as version`)
  await admin(`create database ${name} ${Number(version) >= 150_000 ? 'strategy file_copy' : ''}`)

  const sessions = () =>
    admin(
      `select pid, application_name, state, query from pg_stat_activity
        where datname = $1 and backend_type = 'client backend'`,
      [name],
    )

  return {
    name,
    url,
    admin,
    async sql(text, values = []) {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      try {
        // Without values several commands are possible.
        const result = await (values.length === 0 ? client.query(text) : client.query(text, values))
        return Array.isArray(result) ? result.at(-1)?.rows : result.rows
      } finally {
        await client.end()
      }
    },
    async connections() {
      return (await sessions()).length
    },
    async endSessions() {
      // Waits until they have ended, five seconds each at most.
      await admin('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [name])
    },
    async [Symbol.asyncDispose]() {
      let left: Record<string, unknown>[] = []
      try {
        // A session ends a moment after its connection was closed.
        await until(
          async () => {
            left = await sessions()
            return left.length === 0
          },
          { withinMs: 5000 },
        )
      } catch {
        throw new Error(`The test left ${left.length} connections open: ${JSON.stringify(left)}`)
      } finally {
        await admin(`drop database ${name} with (force)`)
        await administrator.end()
      }
    },
  }
}

/** The same server and user, another database. */
export function withDatabase(url: string, name: string): string {
  return url.replace(/^(\w+:\/\/[^/]*)\/[^?]*/, `$1/${name}`)
}
