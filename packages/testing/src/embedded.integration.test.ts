/** The whole product behind the same interface: what needs a database, on a clock that is moved by hand. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createNotifications } from '@belfry/client'
import { notificationsNamespace } from '@belfry/contract'
import { sql } from 'belfry'
import { expect, it } from 'vitest'
import { startTestServer, until } from './index.ts'
import { acme, ana, bob, ledger, posts, servePosts } from './testing/posts.ts'

const directories = () => readdirSync(tmpdir()).filter((name) => name.startsWith('belfry-testing-'))

it('serves clients, transactions with statements, notifications and REST, and leaves nothing', async () => {
  const before = directories()
  await using server = await startTestServer({ ...servePosts(), database: 'embedded' })
  const client = server.client(ana)
  const live = await server.open(client, posts)
  const entries = server.events(await server.open(client, ledger), 'entry:made')
  expect(await live.command('post:view', { id: 'a' })).toEqual({ views: 1 })

  await server.transaction(async (transaction) => {
    const [row] = await transaction.query(sql<{ n: number }>`select 6 * 7 as n`)
    await transaction.publish(ledger, 'entry:made', { n: row?.n ?? 0 }, { rooms: [acme] })
  })
  expect((await entries.next()).data).toEqual({ n: 42 })

  const notifications = createNotifications(client)
  notifications.state.subscribe(() => {})
  await until(() => notifications.state.get().status === 'ready')
  await server.notifications.send({ userId: 'ana', type: 'mention', title: 'Bob mentioned you' })
  await until(() => notifications.state.get().unread === 1 && notifications.state.get().items.length === 1)
  const [item] = notifications.state.get().items
  expect(new Date(item?.createdAt ?? 0).getTime()).toBe(server.clock.now())
  const others = await server.open(server.client(bob), notificationsNamespace)
  expect(await others.command('notification:getAll', {})).toMatchObject({ notifications: [], unread: 0 })

  const health = await fetch(`${server.address}/healthz`)
  expect(health.status).toBe(200)

  await server.clock.advance('1m')
  expect(client.state.get().status).toBe('connected')
  await server.restart()
  await server.clock.advance('10s')
  expect(client.state.get().status).toBe('connected')
  await until(() => notifications.state.get().unread === 1)
  expect((await server.notifications.list('ana', { limit: 10 })).notifications).toHaveLength(1)
  await server.close()
  expect(directories()).toEqual(before)
})

it('refuses wrong settings before it makes a directory', async () => {
  const before = directories()
  const settings = { DATABASE_POOL_MAX: 'many' }
  await expect(startTestServer({ database: 'embedded', settings })).rejects.toMatchObject({
    code: 'settings_invalid',
  })
  expect(directories()).toEqual(before)
})
