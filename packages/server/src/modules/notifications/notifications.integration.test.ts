/** Notifications over a real database to clients: sent, listed, changed, outdated; each one only their own. */
import { randomUUID } from 'node:crypto'
import {
  type Notification,
  type SendNotificationInput,
  sendNotificationRequest,
  type UserId,
} from '@belfry/contract'
import { describe, expect, inject, it } from 'vitest'
import { numbers } from '../../engine/testing/log-contract.ts'
import { SeededRandom } from '../../engine/testing/seeded-random.ts'
import { until } from '../../engine/testing/until.ts'
import { openNotificationsWorld } from './testing/notifications-world.ts'

const hello = { type: 'greeting', title: 'Hello' }
const openWorld = () => openNotificationsWorld(inject('postgresUrl'))

describe('sending', () => {
  it('reaches who is connected at once, and nobody else, and is in the list of all', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    const eve = await world.enter('eve')
    const { id, recipients } = await world.send({
      userIds: ['ana', 'bob', 'ana'],
      ...hello,
      message: 'How are you?',
      data: { postId: 'p1' },
      priority: 'high',
      category: 'talk',
      actions: [{ id: 'reply', label: 'Reply', url: 'https://app.example.com/reply' }],
      expiresAt: '2040-01-01T00:00:00+02:00',
    })
    expect(recipients).toBe(2)
    const sent: Notification = {
      id,
      type: 'greeting',
      category: 'talk',
      priority: 'high',
      title: 'Hello',
      message: 'How are you?',
      data: { postId: 'p1' },
      actions: [{ id: 'reply', label: 'Reply', url: 'https://app.example.com/reply' }],
      workspaceId: null,
      readAt: null,
      expiresAt: '2039-12-31T22:00:00.000Z',
      createdAt: new Date(world.clock.now()).toISOString(),
    }
    await until(() => ana.heard().length === 2)
    expect(ana.of('notification:new')).toEqual([{ ...sent, _meta: expect.anything() }])
    expect(ana.of('notification:unreadCount')).toMatchObject([{ unread: 1, revision: 1 }])
    expect(eve.heard()).toEqual([])
    for (const user of ['ana', 'bob'])
      expect(await world.service.list(user, { limit: 10 })).toMatchObject({
        notifications: [sent],
        unread: 1,
      })
    expect((await world.service.list('eve', { limit: 10 })).notifications).toEqual([])
  })

  it('is undone with the transaction of the caller', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    const request = sendNotificationRequest.parse({ userId: 'ana', ...hello })
    const failing = world.database.transaction(async (transaction) => {
      await world.service.send(request, { transaction })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await world.database.transaction((transaction) =>
      world.service.send({ ...request, title: 'Kept' }, { transaction }),
    )
    await until(() => ana.heard().length === 2)
    expect(ana.of('notification:new')).toMatchObject([{ title: 'Kept' }])
    expect((await world.service.list('ana', { limit: 10 })).notifications).toHaveLength(1)
  })

  it('with a key happens once, also at the same time, and each sender has keys of their own', async () => {
    await using world = await openWorld()
    const request = { userId: 'ana', ...hello, key: 'k' }
    const replies = await Promise.all(numbers(1, 6).map(() => world.send(request, 'billing')))
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1)
    expect(replies.filter(({ repeated }) => repeated)).toHaveLength(5)
    expect((await world.send(request, 'shipping')).repeated).toBe(false)
    await expect(world.send({ ...request, title: 'Other' }, 'billing')).rejects.toMatchObject({
      code: 'key_reused',
    })
    expect(await world.service.unreadCount('ana')).toEqual({ unread: 2, revision: 2 })
  })

  it('are counted each, also when many go at once', async () => {
    await using world = await openWorld()
    await Promise.all(numbers(1, 300).map((n) => world.send({ userIds: ['ana', `user ${n % 7}`], ...hello })))
    expect(world.service.figures).toMatchObject({ sent: 300, recipients: 600 })
    expect((await world.service.unreadCount('ana')).unread).toBe(300)
  })

  it('at the same time share transactions, and each has its own outcome', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    await world.send({ userId: 'ana', ...hello, key: 'used' })
    const send = (n: number, more: Partial<SendNotificationInput> = {}) =>
      world.service.send({
        ...sendNotificationRequest.parse({ userIds: ['ana', `user ${n}`], ...hello, title: `${n}`, ...more }),
        // Refused when the round is under way already.
        ...(n === 5 ? { type: 'x'.repeat(51) } : {}),
      })
    const outcomes = await Promise.allSettled([
      ...numbers(1, 9).map((n) => send(n)),
      send(10, { key: 'used' }),
      send(11, { key: 'twice' }),
      send(11, { key: 'twice' }),
      send(12),
    ])
    const { figures } = world.service
    const said = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.repeated : outcome.reason.code,
    )
    // Of two with one key either may be the first: what shared a round with a refused one goes on alone, two at a time.
    const [before, twins, after] = [said.slice(0, 10), said.slice(10, 12), said.slice(12)]
    expect([...before, ...twins.toSorted(), ...after]).toEqual([
      ...[false, false, false, false, 'validation_failed', false, false, false, false],
      'key_reused',
      ...[false, true],
      false,
    ])
    expect(figures).toMatchObject({ sent: 11, recipients: 21 })
    await until(() => ana.of('notification:new').length === 11)
    const titles = ana.of('notification:new').map((data) => (data as { title: string }).title)
    expect(titles.toSorted()).toEqual(
      ['Hello', ...numbers(1, 12).map(String)].filter((title) => !['5', '10'].includes(title)).toSorted(),
    )
    expect((await world.service.unreadCount('ana')).unread).toBe(11)
    expect((await world.service.unreadCount('user 10')).unread).toBe(0)
    const { notifications } = await world.service.list('ana', { limit: 100 })
    expect(notifications.map(({ title }) => title).toSorted()).toEqual(titles.toSorted())
    await world.service.checkCounts()
    expect(world.service.figures.countsWrong).toBe(0)
  })

  it('to a workspace reaches all who were ever connected as members, also those who are away', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana', ['acme'])
    await world.enter('bob', ['acme', 'beta'])
    await world.enter('eve', ['beta'])
    expect(world.realtime.disconnectUser('bob' as UserId)).toBe(1)
    const { recipients } = await world.send({ workspaceId: 'acme', ...hello })
    expect(recipients).toBe(2)
    await until(() => ana.of('notification:new').length === 1)
    expect(ana.of('notification:new')).toMatchObject([{ workspaceId: 'acme' }])
    expect(await world.service.unreadCount('bob')).toMatchObject({ unread: 1 })
    expect(await world.service.unreadCount('eve')).toEqual({ unread: 0, revision: 0 })
    expect((await world.send({ workspaceId: 'nobody', ...hello })).recipients).toBe(0)
  })

  it('to thousands is one notification, and each gets it once', async () => {
    await using world = await openWorld()
    const users = numbers(1, 2_500).map((n) => `user-${String(n).padStart(4, '0')}`)
    const last = await world.enter('user-2500')
    const { id, recipients } = await world.send({ userIds: users, ...hello })
    expect(recipients).toBe(2_500)
    await until(() => last.of('notification:new').length === 1)
    expect(last.of('notification:new')).toMatchObject([{ id }])
    const [{ rows } = { rows: 0 }] = await world.server.sql('select count(*)::int as rows from notifications')
    expect(rows).toBe(2_500)
  })

  it('takes all that its fields may hold at once, in any script', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    const data = { text: 'x'.repeat(8_000) }
    await world.send({
      userId: 'ana',
      type: 't',
      title: '東'.repeat(255),
      message: '\u0001'.repeat(4_000),
      data,
    })
    await until(() => ana.of('notification:new').length === 1)
    expect(ana.of('notification:new')).toMatchObject([{ message: '\u0001'.repeat(4_000), data }])
  })

  it.each<readonly [string, Partial<SendNotificationInput>, string]>([
    ['its title', { title: 'a\0b' }, 'title'],
    ['its message', { message: '\0' }, 'message'],
    ['its type', { type: 'a\0' }, 'type'],
    ['its category', { category: '\0' }, 'category'],
    ['its key', { key: '\0' }, 'key'],
    ['a user', { userId: 'a\0' }, 'userId'],
    ['one of several users', { userIds: ['a', '\u0001'] }, 'userIds'],
    ['a workspace', { workspaceId: '\0' }, 'workspaceId'],
    ['its data', { data: { deep: [{ x: 'a\0' }] } }, 'data'],
    ['a name in its data', { data: { 'a\0': 1 } }, 'data'],
    ['half a character in its data', { data: { x: '\ud800' } }, 'data'],
    ['a button', { actions: [{ id: 'a', label: '\0' }] }, 'actions'],
  ])('is refused what PostgreSQL cannot hold in %s', async (_what, more, path) => {
    await using world = await openWorld()
    const parsed = sendNotificationRequest.safeParse({ userId: 'ana', ...hello, ...more })
    if (parsed.success) {
      const sent = world.service.send(parsed.data)
      await expect(sent).rejects.toMatchObject({ code: 'validation_failed', fields: [{ path }] })
    } else expect(parsed.error.issues[0]?.path[0]).toBe(path)
    expect(await world.service.unreadCount('ana')).toEqual({ unread: 0, revision: 0 })
  })

  it('is refused what is too large, and nothing of it stays', async () => {
    await using world = await openWorld()
    const tooLarge = world.send({ userId: 'ana', ...hello, data: { text: 'x'.repeat(8_200) } })
    await expect(tooLarge).rejects.toMatchObject({ code: 'validation_failed', fields: [{ path: 'data' }] })
    expect(await world.service.unreadCount('ana')).toEqual({ unread: 0, revision: 0 })
  })
})

describe('the list', () => {
  it('is paged through, the newest first, and nothing is missed or doubled by what comes meanwhile', async () => {
    await using world = await openWorld()
    const sent: string[] = []
    for (const n of numbers(1, 25)) {
      // Several in the same millisecond.
      if (n % 4 === 0) world.clock.advance(1)
      sent.push((await world.send({ userId: 'ana', type: 'n', title: `n ${n}` })).id)
    }
    const seen: Notification[] = []
    let cursor: string | undefined
    do {
      const page = await world.service.list('ana', { limit: 10, ...(cursor === undefined ? {} : { cursor }) })
      seen.push(...page.notifications)
      cursor = page.nextCursor ?? undefined
      world.clock.advance(1)
      await world.send({ userId: 'ana', type: 'n', title: 'meanwhile' })
    } while (cursor !== undefined)
    expect(seen.map(({ id }) => id).toSorted()).toEqual(sent.toSorted())
    const times = seen.map(({ createdAt }) => createdAt)
    expect(times).toEqual(times.toSorted().reverse())
  })

  it('is filtered by read, category, priority and type', async () => {
    await using world = await openWorld()
    const made = [
      { type: 'a', category: 'x', priority: 'low' },
      { type: 'a', category: 'y', priority: 'high' },
      { type: 'b', category: 'x', priority: 'high' },
    ] as const
    const ids: string[] = []
    for (const each of made) ids.push((await world.send({ userId: 'ana', title: 't', ...each })).id)
    await world.service.markRead('ana', ids[0] ?? '')
    const found = async (filter: object) =>
      (await world.service.list('ana', { limit: 10, ...filter })).notifications
        .map(({ id }) => ids.indexOf(id))
        .toSorted()
    expect(await found({ read: true })).toEqual([0])
    expect(await found({ read: false })).toEqual([1, 2])
    expect(await found({ type: 'a' })).toEqual([0, 1])
    expect(await found({ category: 'x', priority: 'high' })).toEqual([2])
    expect(await found({ category: 'z' })).toEqual([])
  })

  it('carries the position from which a client goes on without a gap', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    await world.send({ userId: 'ana', ...hello })
    await until(() => ana.of('notification:new').length === 1)
    const { position } = await world.service.list('ana', { limit: 10 })
    expect(position).toBe((ana.of('notification:new')[0] as { _meta: { id: string } })._meta.id)
  })

  it.each(['x', '1.x', '99999999999999999.00000000-0000-4000-8000-000000000000', "1.'or 1=1"])(
    'refuses the cursor %j, which it never gave',
    async (cursor) => {
      await using world = await openWorld()
      const listed = world.service.list('ana', { limit: 10, cursor })
      await expect(listed).rejects.toMatchObject({ code: 'validation_failed', fields: [{ path: 'cursor' }] })
    },
  )
})

describe('changing', () => {
  it('tells all clients of the user, and does it once however often it is asked for', async () => {
    await using world = await openWorld()
    const tabs = [await world.enter('ana'), await world.enter('ana')]
    const { id } = await world.send({ userId: 'ana', ...hello })
    expect(await world.service.markRead('ana', id)).toEqual({ changed: 1, unread: 0, revision: 2 })
    expect(await world.service.markRead('ana', id)).toEqual({ changed: 0, unread: 0, revision: 2 })
    expect(await world.service.markUnread('ana', id)).toEqual({ changed: 1, unread: 1, revision: 3 })
    expect(await world.service.dismiss('ana', id)).toEqual({ changed: 1, unread: 0, revision: 4 })
    expect(await world.service.dismiss('ana', id)).toEqual({ changed: 0, unread: 0, revision: 4 })
    expect((await world.service.list('ana', { limit: 10 })).notifications).toEqual([])
    expect(await world.service.delete('ana', id)).toEqual({ changed: 1, unread: 0, revision: 5 })
    await expect(world.service.delete('ana', id)).rejects.toMatchObject({ code: 'not_found' })
    for (const tab of tabs) {
      await until(() => tab.of('notification:update').length === 4)
      expect(tab.of('notification:update')).toMatchObject([
        { id, readAt: new Date(world.clock.now()).toISOString() },
        { id, readAt: null },
        { id, isGone: true },
        { id, isGone: true },
      ])
      expect(tab.of('notification:unreadCount').at(-1)).toMatchObject({ unread: 0, revision: 5 })
    }
  })

  it('all at once reads those of a category, or all', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    for (const category of ['x', 'x', 'y']) await world.send({ userId: 'ana', ...hello, category })
    expect(await world.service.markAllRead('ana', 'x')).toMatchObject({ changed: 2, unread: 1 })
    expect(await world.service.markAllRead('ana')).toMatchObject({ changed: 1, unread: 0 })
    expect(await world.service.markAllRead('ana')).toMatchObject({ changed: 0, unread: 0 })
    await until(() => ana.of('notification:allRead').length === 2)
    expect(ana.of('notification:allRead')).toMatchObject([{ category: 'x' }, { readAt: expect.any(String) }])
  })

  it('never touches what is somebody else’s, though the id is known', async () => {
    await using world = await openWorld()
    const { id } = await world.send({ userIds: ['ana', 'bob'], ...hello })
    for (const name of ['markRead', 'markUnread', 'dismiss', 'delete'] as const)
      await expect(world.service[name]('eve', id)).rejects.toMatchObject({ code: 'not_found' })
    await world.service.delete('ana', id)
    expect((await world.service.list('bob', { limit: 10 })).notifications).toMatchObject([
      { id, readAt: null },
    ])
    expect(await world.service.unreadCount('bob')).toEqual({ unread: 1, revision: 1 })
    await expect(world.service.markRead('ana', randomUUID())).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('what is outdated', () => {
  it('is listed no more from the moment it expires, and removed with its count soon after', async () => {
    await using world = await openWorld()
    const ana = await world.enter('ana')
    await world.send({
      userId: 'ana',
      ...hello,
      expiresAt: new Date(world.clock.now() + 60_000).toISOString(),
    })
    await world.send({ userId: 'ana', ...hello })
    world.clock.advance(59_999)
    expect((await world.service.list('ana', { limit: 10 })).notifications).toHaveLength(2)
    world.clock.advance(1)
    expect((await world.service.list('ana', { limit: 10 })).notifications).toHaveLength(1)
    await world.service.sweep()
    expect(await world.service.unreadCount('ana')).toEqual({ unread: 1, revision: 3 })
    await until(() => ana.of('notification:unreadCount').length === 3)
  })

  it('is removed when it is older than it is kept', async () => {
    await using world = await openWorld()
    await world.send({ userId: 'ana', ...hello })
    world.clock.advance(29 * 24 * 60 * 60 * 1_000)
    await world.send({ userId: 'ana', ...hello })
    await world.service.sweep()
    expect(await world.service.unreadCount('ana')).toMatchObject({ unread: 2 })
    world.clock.advance(24 * 60 * 60 * 1_000 + 1)
    await world.service.sweep()
    expect(await world.service.unreadCount('ana')).toMatchObject({ unread: 1 })
  })
})

describe('counts', () => {
  it('are those of now for a tab that comes later, also when they changed while nobody was there', async () => {
    await using world = await openWorld()
    const first = await world.enter('ana')
    await world.send({ userId: 'ana', ...hello })
    await until(() => first.of('notification:unreadCount').length === 1)
    world.realtime.disconnectUser('ana' as UserId)
    for (const _ of numbers(1, 3)) await world.send({ userId: 'ana', ...hello })
    const later = await world.enter('ana')
    await until(() => later.of('notification:unreadCount').length > 0)
    expect(later.of('notification:unreadCount')).toMatchObject([{ unread: 4, revision: 4 }])
  })

  it.each(numbers(1, 4))('are right whatever is done at the same time, seed %d', async (seed) => {
    await using world = await openWorld()
    const random = new SeededRandom(seed)
    const users = ['ana', 'bob', 'eve']
    const ids: string[] = []
    const anybody = () => users[random.below(users.length)] ?? 'ana'
    const anything = () => ids[random.below(ids.length)] ?? randomUUID()
    const quietly = (work: Promise<unknown>) =>
      work.catch((error) => expect(error).toMatchObject({ code: 'not_found' }))
    const steps = [
      async () => {
        const expiresAt = new Date(world.clock.now() + random.below(50) + 1).toISOString()
        const more = random.below(3) === 0 ? { expiresAt } : {}
        ids.push((await world.send({ userIds: users.slice(random.below(3)), ...hello, ...more })).id)
      },
      () => quietly(world.service.markRead(anybody(), anything())),
      () => quietly(world.service.markUnread(anybody(), anything())),
      () => quietly(world.service.dismiss(anybody(), anything())),
      () => quietly(world.service.delete(anybody(), anything())),
      () => world.service.markAllRead(anybody()),
      async () => {
        world.clock.advance(random.below(20))
        await world.service.sweep()
      },
    ]
    await Promise.all(
      numbers(1, 5).map(async () => {
        for (const _ of numbers(1, 40))
          await steps[random.below(2) === 0 ? 0 : random.below(steps.length)]?.()
      }),
    )
    await world.service.checkCounts()
    expect(world.service.figures).toMatchObject({ countsChecked: 3, countsWrong: 0 })
    expect(world.logger.at('error')).toEqual([])
  })

  it('that are wrong are found', async () => {
    await using world = await openWorld()
    for (const user of ['ana', 'bob', 'eve']) await world.send({ userId: user, ...hello })
    await world.server.sql("update notification_inboxes set unread = 7 where user_id = 'bob'")
    await world.service.checkCounts()
    expect(world.service.figures).toMatchObject({ countsChecked: 3, countsWrong: 1 })
    expect(world.logger.at('error')).toHaveLength(1)
  })
})
