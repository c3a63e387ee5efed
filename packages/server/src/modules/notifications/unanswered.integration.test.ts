/** Notifications when answers of the database are lost on their way, or connections are few. */
import { sendNotificationRequest } from '@belfry/contract'
import { describe, expect, inject, it } from 'vitest'
import type { DatabaseOptions } from '../../adapters/postgres/database.ts'
import { type NetworkProxy, startProxy } from '../../adapters/postgres/testing/proxy.ts'
import { until } from '../../engine/testing/until.ts'
import { openNotificationsWorld } from './testing/notifications-world.ts'

const hello = { type: 'greeting', title: 'Hello' }
const away = { code: 'database_unavailable' }

describe('a commit whose answer was lost', () => {
  it('of a send tells the notification and the count all the same, and the same key sends nothing more', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    const request = { userIds: ['ana', 'bob'], ...hello, key: 'k1' }
    world.loseCommit()
    await expect(world.send(request)).rejects.toMatchObject(away)
    await world.eventually(() => ana('notification:new').length === 1)
    await world.eventually(() => ana('notification:unreadCount').length === 1)
    expect(ana('notification:unreadCount')).toMatchObject([{ unread: 1, revision: 1 }])
    expect(await world.send(request)).toMatchObject({ recipients: 2, repeated: true })
    world.clock.advance(60_000)
    await world.send({ userId: 'ana', ...hello })
    await world.eventually(() => ana('notification:unreadCount').length === 2)
    await world.eventually(() => ana('notification:new').length === 2)
    expect(ana('notification:unreadCount')[1]).toMatchObject({ unread: 2, revision: 2 })
  })

  it('of a change tells the count all the same', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    const { id } = await world.send({ userId: 'ana', ...hello })
    world.loseCommit()
    await expect(world.service.markRead('ana', id)).rejects.toMatchObject(away)
    await world.eventually(() => ana('notification:unreadCount').length === 2)
    expect(ana('notification:unreadCount')[1]).toMatchObject({ unread: 0, revision: 2 })
    await world.eventually(() => ana('notification:update').length === 1)
  })

  it('in a transaction of the caller tells the count when the caller asks again', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    const request = sendNotificationRequest.parse({ userId: 'ana', ...hello, key: 'k1' })
    world.loseCommit()
    const sent = world.database.transaction((transaction) => world.service.send(request, { transaction }))
    await expect(sent).rejects.toMatchObject(away)
    expect((await world.service.send(request)).repeated).toBe(true)
    await world.eventually(() => ana('notification:unreadCount').length === 1)
    expect(ana('notification:unreadCount')).toMatchObject([{ unread: 1, revision: 1 }])
  })

  it('is looked after when the database is back', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    world.loseCommit()
    await expect(world.send({ userId: 'ana', ...hello })).rejects.toMatchObject(away)
    await world.proxy.goAway()
    await world.eventually(() =>
      world.logger
        .at('debug')
        .some(({ message }) => message.startsWith('counts of notifications could not be read')),
    )
    expect(ana('notification:unreadCount')).toEqual([])
    await world.proxy.comeBack()
    await world.eventually(() => ana('notification:unreadCount').length === 1)
  })
})

it('what was rolled back tells nothing', async () => {
  await using world = await openWorld()
  const ana = await world.enter('ana')
  world.proxy.loseAnswerOf('notification_inboxes')
  await expect(world.send({ userId: 'ana', ...hello })).rejects.toMatchObject(away)
  await world.send({ userId: 'ana', ...hello })
  await world.eventually(
    () => ana('notification:new').length > 0 && ana('notification:unreadCount').length > 0,
  )
  world.clock.advance(5_000)
  await world.service.tellDoubtful()
  expect(ana('notification:new')).toHaveLength(1)
  expect(ana('notification:unreadCount')).toMatchObject([{ unread: 1, revision: 1 }])
})

it('a send to a workspace needs no second connection', async () => {
  await using world = await openWorld({ turnMs: 500 })
  await world.enter('ana', ['acme'])
  expect(await world.send({ workspaceId: 'acme', ...hello })).toMatchObject({ recipients: 1 })
})

async function openWorld(options: Partial<DatabaseOptions> = {}) {
  let proxy: NetworkProxy | undefined
  const world = await openNotificationsWorld(inject('postgresUrl'), async (url) => {
    proxy = await startProxy(url)
    // A further connection would prepare its own commit when it is opened, and the test mean another.
    return { url: proxy.url, connectionsMax: 1, patienceMs: 1_000, ...options }
  })
  const line = proxy as NetworkProxy
  await world.module.start?.()
  return {
    ...world,
    proxy: line,
    /** The next one takes effect, and nobody hears of it. */
    loseCommit: () => line.loseAnswerOf('\0commit\0'),
    /** With time that passes. */
    eventually: (condition: () => boolean) =>
      until(() => {
        world.clock.advance(1_000)
        return condition()
      }),
    /** A client of this user; the function tells what it heard of an event. */
    enter: async (userId: string, workspaces: readonly string[] = []) =>
      (await world.enter(userId, workspaces)).of,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      await line[Symbol.asyncDispose]()
    },
  }
}
