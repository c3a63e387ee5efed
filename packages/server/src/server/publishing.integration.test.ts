/** Events from other processes, and from transactions, over a real database to clients. */
import { randomBytes } from 'node:crypto'
import { defineNamespace, type PublishEventsRequest, stream } from '@belfry/contract'
import { describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { createDatabase } from '../adapters/postgres/database.ts'
import { createPostgresEventLog } from '../adapters/postgres/events/event-log.ts'
import { migrateUp } from '../adapters/postgres/migrations.ts'
import { createPostgresRequestKeys } from '../adapters/postgres/requests/request-keys.ts'
import { testDatabase } from '../adapters/postgres/testing/test-database.ts'
import { serveNamespace } from '../engine/namespace-handlers.ts'
import { sql } from '../engine/sql.ts'
import { openRealtimeWorld } from '../engine/testing/realtime-world.ts'
import { createRecordingLogger } from '../engine/testing/recording-logger.ts'
import { createTestClock } from '../engine/testing/test-clock.ts'
import { until } from '../engine/testing/until.ts'
import { createEventsService } from '../modules/events/service.ts'
import { schemaModules } from './schema.ts'
import { createTransactions } from './transactions.ts'

const post = z.object({ n: z.int() })
const options = { summary: 'A post.', rooms: ['user', 'workspace'] } as const
const posts = defineNamespace({
  name: '/posts',
  summary: 'Posts.',
  durable: true,
  events: {
    'post:created': stream(post, options),
    'post:stored': stream(post, { ...options, by: 'server' }),
  },
  commands: {},
})
const talk = defineNamespace({
  name: '/talk',
  summary: 'Talk.',
  events: { 'talk:said': stream(post, options) },
  commands: {},
})
const ana = { kind: 'user', id: 'ana' }

describe('events of other processes', () => {
  it('reach the clients, those of durable namespaces and the others', async () => {
    await using world = await openWorld()
    const heard = await world.hear()
    const reply = await world.service.publish(
      { events: [publication(1), publication(2), publication(3, '/talk', 'talk:said')] },
      'billing',
    )
    expect(reply).toEqual({ published: 3, repeated: false })
    await until(() => heard().length === 3)
    expect(heard().toSorted()).toEqual(['post:created 1', 'post:created 2', 'talk:said 3'])
  })

  it('are published once, however often a request comes with its key, also at the same time', async () => {
    await using world = await openWorld()
    const heard = await world.hear()
    const request = { events: [publication(1), publication(2)], key: 'k1' }
    const replies = await Promise.all(
      [1, 2, 3, 4, 5].map(() => world.service.publish(structuredClone(request), 'billing')),
    )
    expect(replies.filter(({ repeated }) => !repeated)).toHaveLength(1)
    expect(await world.service.publish(request, 'billing')).toEqual({ published: 2, repeated: true })
    expect((await world.service.publish(request, 'shipping')).repeated).toBe(false)
    await until(() => heard().length === 4)
    await expect(
      world.service.publish({ events: [publication(9)], key: 'k1' }, 'billing'),
    ).rejects.toMatchObject({ code: 'key_reused' })
  })

  it.each<readonly [string, Partial<PublishEventsRequest['events'][number]>, string, string]>([
    ['a namespace that there is not', { namespace: '/nowhere' }, 'unknown_namespace', 'body.events.1'],
    ['an event that there is not', { event: 'post:eaten' }, 'unknown_event', 'body.events.1'],
    ['what the server alone publishes', { event: 'post:stored' }, 'not_publishable', 'body.events.1'],
    ['data of another shape', { data: { n: 'one' } }, 'validation_failed', 'body.events.1.data.n'],
    [
      'a room of another kind',
      { rooms: [{ kind: 'team', id: 'red' }] },
      'validation_failed',
      'body.events.1.rooms',
    ],
  ])('are refused all together for %s, and its place is named', async (_what, wrong, code, path) => {
    await using world = await openWorld()
    const heard = await world.hear()
    const request = { events: [publication(1), { ...publication(2), ...wrong }], key: 'k1' }
    await expect(world.service.publish(request, 'billing')).rejects.toMatchObject({
      code,
      fields: [{ path }],
    })
    // The key was not used up.
    expect((await world.service.publish({ events: [publication(3)], key: 'k1' }, 'billing')).repeated).toBe(
      false,
    )
    await until(() => heard().length === 1)
    expect(heard()).toEqual(['post:created 3'])
  })
})

describe('a transaction', () => {
  it('tells what it wrote when it is committed, and nothing when it is rolled back', async () => {
    await using world = await openWorld()
    const heard = await world.hear()
    await world.database.query(sql`create table notes (n integer)`)
    const write = (n: number, fails: boolean) =>
      world.transaction(async (transaction) => {
        await transaction.query(sql`insert into notes (n) values (${n})`)
        await transaction.publish(posts, 'post:created', { n }, { rooms: [ana] })
        await transaction.publish(talk, 'talk:said', { n }, { rooms: [ana] })
        expect(heard().some((line) => line.endsWith(` ${n}`))).toBe(false)
        if (fails) throw new Error('no')
      })
    await write(1, false)
    await expect(write(2, true)).rejects.toThrow('no')
    await write(3, false)
    await until(() => heard().length === 4)
    expect(heard().toSorted()).toEqual(['post:created 1', 'post:created 3', 'talk:said 1', 'talk:said 3'])
    expect(await world.database.query(sql`select n from notes order by n`)).toEqual([{ n: 1 }, { n: 3 }])
    expect(world.logger.at('error')).toEqual([])
  })

  it('is refused what no contract allows, and can go on', async () => {
    await using world = await openWorld()
    const heard = await world.hear()
    await world.transaction(async (transaction) => {
      const wrong = transaction.publish(posts, 'post:created', { n: 'x' } as never, { rooms: [ana] })
      await expect(wrong).rejects.toMatchObject({ code: 'validation_failed' })
      await transaction.publish(posts, 'post:created', { n: 1 }, { rooms: [ana] })
    })
    await until(() => heard().length === 1)
  })
})

function publication(n: number, namespace = '/posts', event = 'post:created') {
  return { namespace, event, data: { n }, rooms: [ana], except: [] }
}

async function openWorld() {
  const server = await testDatabase(inject('postgresUrl'))
  await migrateUp({ url: server.url }, schemaModules)
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const database = createDatabase({ url: server.url, logger })
  const keys = createPostgresRequestKeys({ database, clock, logger })
  const durable = createPostgresEventLog({ database, clock, logger, randomBytes })
  const live = await openRealtimeWorld({
    namespaces: [serveNamespace(posts, { commands: {} }), serveNamespace(talk, { commands: {} })],
    durable,
  })
  return {
    logger,
    database,
    service: createEventsService({ database, keys, realtime: () => live.realtime }),
    transaction: createTransactions(database, live.realtime),
    /** A client of both namespaces, and what it heard so far. */
    async hear() {
      const sessions = [
        await live.enter('/posts', { userId: 'ana' }),
        await live.enter('/talk', { userId: 'ana' }),
      ]
      return () => {
        live.memory.flush()
        return sessions.flatMap(({ events }) =>
          events.map(({ name, data }) => `${name} ${(data as { n: number }).n}`),
        )
      }
    },
    async [Symbol.asyncDispose]() {
      await keys.close()
      await durable.close()
      await live[Symbol.asyncDispose]()
      await database.close()
      await server[Symbol.asyncDispose]()
    },
  }
}
