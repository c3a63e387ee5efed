/** Sessions in a database of their own, with a line to it that can be cut. */
import type { NodeId, SessionStoreOptions } from '../../../../engine/ports/session-store.ts'
import type { Statement } from '../../../../engine/sql.ts'
import { createRecordingLogger } from '../../../../engine/testing/recording-logger.ts'
import { createTestClock, type TestClock } from '../../../../engine/testing/test-clock.ts'
import { until } from '../../../../engine/testing/until.ts'
import { createDatabase } from '../../database.ts'
import { startProxy } from '../../testing/proxy.ts'
import { testDatabase } from '../../testing/test-database.ts'
import { createSessions } from '../migrations/0009_create_sessions.ts'
import { createPostgresSessionStore, type PostgresSessionStore } from '../session-store.ts'

export interface SessionNodeOptions extends SessionStoreOptions {
  readonly node?: NodeId
  readonly othersAreGone?: boolean
}

export async function openSessionWorld(postgresUrl: string) {
  const server = await testDatabase(postgresUrl)
  await server.sql(createSessions.up)
  const proxy = await startProxy(server.url)
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const real = createDatabase({ url: proxy.url, logger, patienceMs: 1_000 })
  let asked = 0
  const database = {
    ...real,
    query<Row>(statement: Statement<Row>) {
      asked += 1
      return real.query(statement)
    },
  }
  const stores: PostgresSessionStore[] = []
  return {
    server,
    proxy,
    clock,
    logger,
    database,
    /** How many statements the stores gave to the database. */
    asked: () => asked,
    async open(
      { node = `world-${stores.length}` as NodeId, ...options }: SessionNodeOptions = {},
      ownTime: TestClock = clock,
    ) {
      const store = createPostgresSessionStore({ ...options, node, database, clock: ownTime, logger })
      stores.push(store)
      return store
    },
    /** The time of a node that was killed: it moves no more, unless the test says so. */
    stoppedClock: () => createTestClock(clock.now()),
    /** Ten seconds in which this node lives on, and has looked at the others as they were before. */
    async beat(node: NodeId, ownTime: TestClock = clock): Promise<void> {
      const heardAtMs = async () => {
        const rows = await server.sql('select heard_at_ms from session_nodes where node = $1', [node])
        return Number(rows[0]?.['heard_at_ms'])
      }
      const before = await heardAtMs()
      ownTime.advance(10_000)
      await until(async () => (await heardAtMs()) > before, { what: `${node} is heard` })
    },
    async nodes(): Promise<unknown[]> {
      const rows = await server.sql('select node from session_nodes order by node')
      return rows.map(({ node }) => node)
    },
    /** What the database says of itself agrees with its rows. */
    async count(): Promise<{ readonly rows: number; readonly away: number; readonly total: number }> {
      const [row] = await server.sql(`
        select count(*)::int as rows, count(detached_at_ms)::int as away,
          (select away::int from session_totals) as total
        from sessions`)
      return row as { rows: number; away: number; total: number }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(stores.map((store) => store.close()))
      await database.close()
      await server[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    },
  }
}
