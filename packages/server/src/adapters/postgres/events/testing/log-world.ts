/** Durable logs on a database of their own, with a line to it that can be cut. */
import { randomBytes } from 'node:crypto'
import type { LogOptions } from '../../../../engine/ports/log.ts'
import { createRecordingLogger } from '../../../../engine/testing/recording-logger.ts'
import { createTestClock, type TestClock } from '../../../../engine/testing/test-clock.ts'
import { createDatabase } from '../../database.ts'
import { startProxy } from '../../testing/proxy.ts'
import { testDatabase } from '../../testing/test-database.ts'
import { createPostgresEventLog, type PostgresEventLog } from '../event-log.ts'
import { createEventLog } from '../migrations/0002_create_event_log.ts'

export async function openLogWorld(postgresUrl: string) {
  const server = await testDatabase(postgresUrl)
  await server.sql(createEventLog.up)
  const proxy = await startProxy(server.url)
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const database = createDatabase({ url: proxy.url, logger, patienceMs: 1_000 })
  const beside = createDatabase({ url: server.url, logger })
  let logs: PostgresEventLog[] = []
  const closeAll = async () => {
    await Promise.all(logs.map((log) => log.close()))
    logs = []
  }
  return {
    server,
    proxy,
    clock,
    logger,
    transaction: database.transaction,
    /** A transaction that does not go through the proxy. */
    direct: beside.transaction,
    async open(options: LogOptions = {}, ownTime: TestClock = clock) {
      const log = createPostgresEventLog({ ...options, database, clock: ownTime, logger, randomBytes })
      logs.push(log)
      return log
    },
    restart: closeAll,
    async [Symbol.asyncDispose]() {
      await closeAll()
      await database.close()
      await beside.close()
      await server[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    },
  }
}
