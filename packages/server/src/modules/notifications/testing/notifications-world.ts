/** The module on a database of its own, with clients in memory. */
import { randomBytes } from 'node:crypto'
import { type SendNotificationInput, sendNotificationRequest, type UserId } from '@belfry/contract'
import { expect } from 'vitest'
import { createDatabase, type DatabaseOptions } from '../../../adapters/postgres/database.ts'
import { createPostgresEventLog } from '../../../adapters/postgres/events/event-log.ts'
import { createEventLog } from '../../../adapters/postgres/events/migrations/0002_create_event_log.ts'
import { createRequestKeys } from '../../../adapters/postgres/requests/migrations/0005_create_request_keys.ts'
import { createPostgresRequestKeys } from '../../../adapters/postgres/requests/request-keys.ts'
import { testDatabase } from '../../../adapters/postgres/testing/test-database.ts'
import type { MemorySession } from '../../../engine/memory/transport-client.ts'
import type { Realtime } from '../../../engine/realtime/realtime.ts'
import { openRealtimeWorld } from '../../../engine/testing/realtime-world.ts'
import { createRecordingLogger } from '../../../engine/testing/recording-logger.ts'
import { createTestClock } from '../../../engine/testing/test-clock.ts'
import { createNotificationsModule, notificationsMigrations } from '../module.ts'

/** `line` makes what the module reaches its database through, of the database's own URL. */
export async function openNotificationsWorld(
  postgresUrl: string,
  line: (url: string) => Promise<Partial<DatabaseOptions>> = async () => ({}),
) {
  const server = await testDatabase(postgresUrl)
  for (const { up } of [createEventLog, createRequestKeys, ...notificationsMigrations]) await server.sql(up)
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const database = createDatabase({ url: server.url, logger, ...(await line(server.url)) })
  const durable = createPostgresEventLog({ database, clock, logger, randomBytes })
  const keys = createPostgresRequestKeys({ database, clock, logger })
  let realtime: Realtime | undefined
  const module = createNotificationsModule({
    database,
    clock,
    logger,
    keys,
    retentionDays: 30,
    realtime: () => realtime as Realtime,
  })
  const live = await openRealtimeWorld({ namespaces: [...(module.namespaces ?? [])], durable, clock })
  realtime = live.realtime
  const { service } = module
  return {
    server,
    realtime: live.realtime,
    clock,
    logger,
    database,
    module,
    service,
    send: (input: SendNotificationInput, sender = '') =>
      service.send(sendNotificationRequest.parse(input), { sender }),
    /** A client of this user, and what it heard. */
    async enter(userId: string, workspaces: readonly string[] = []) {
      const session: MemorySession = await live.enter('/notifications', { userId, workspaces })
      const heard = () => {
        live.memory.flush()
        return session.events
      }
      const of = (name: string) =>
        heard()
          .filter((event) => event.name === name)
          .map(({ data }) => data)
      expect(live.realtime.users.sessionsOf(userId as UserId).length).toBeGreaterThan(0)
      return { heard, of }
    },
    async [Symbol.asyncDispose]() {
      await module.stop?.()
      await keys.close()
      await durable.close()
      await live[Symbol.asyncDispose]()
      await database.close()
      await server[Symbol.asyncDispose]()
    },
  }
}
