/** What operators see of notifications, over a real database: right counts, whole pages, and nothing of others. */
import { randomUUID } from 'node:crypto'
import { type InboxQuery, type SendNotificationInput, sendNotificationRequest } from '@belfry/contract'
import { describe, expect, inject, it } from 'vitest'
import { asGuest, asOperator, startTestServer } from '../../adapters/http/testing/test-server.ts'
import { numbers } from '../../engine/testing/log-contract.ts'
import { openNotificationsWorld } from './testing/notifications-world.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

describe('an inbox', () => {
  it('shows what its owner sees and what not any more, each with its state, and nothing of others', async () => {
    await using world = await openWorld()
    const expiresAt = new Date(world.clock.now() + minuteMs).toISOString()
    const unread = await world.send({ userIds: ['ana', 'bob'], title: 'unread' })
    const read = await world.send({ userId: 'ana', title: 'read', data: { a: 1 } })
    const dismissed = await world.send({ userId: 'ana', title: 'dismissed', expiresAt })
    const expired = await world.send({ userId: 'ana', title: 'expired', expiresAt })
    const deleted = await world.send({ userId: 'ana', title: 'deleted' })
    await world.send({ userId: 'bob', title: 'of bob' })
    await world.service.markRead('ana', read)
    await world.service.dismiss('ana', dismissed)
    await world.service.delete('ana', deleted)
    await world.service.markRead('bob', unread)
    const dismissedAt = new Date(world.clock.now()).toISOString()
    world.clock.advance(minuteMs)
    // A page that is just full is the last one.
    const inbox = await world.inbox('ana', { limit: 4 })
    const states = Object.fromEntries(inbox.notifications.map(({ id, state }) => [id, state]))
    expect(states).toEqual({
      [unread]: 'unread',
      [read]: 'read',
      [dismissed]: 'dismissed',
      [expired]: 'expired',
    })
    expect(inbox.notifications.find(({ id }) => id === read)).toMatchObject({
      title: 'read',
      data: { a: 1 },
      readAt: expect.any(String),
      dismissedAt: null,
      createdAt: expect.any(String),
    })
    expect(inbox.notifications.find(({ id }) => id === dismissed)).toMatchObject({ dismissedAt, expiresAt })
    // The expired one counts until it is removed.
    expect(inbox).toMatchObject({
      userId: 'ana',
      sessions: 0,
      nextCursor: null,
      told: { unread: 2 },
      counted: 2,
      states: { unread: 1, read: 1, dismissed: 1, expired: 1 },
      isWhole: true,
    })
    await world.service.sweep()
    expect(await world.inbox('ana')).toMatchObject({
      told: { unread: 1 },
      counted: 1,
      states: { unread: 1, read: 1, dismissed: 0, expired: 0 },
    })
    expect(await world.inbox('nobody')).toMatchObject({
      notifications: [],
      told: { unread: 0, revision: 0 },
      counted: 0,
    })
  })

  it('says when the count that is told is not what the rows say', async () => {
    await using world = await openWorld()
    for (const userId of ['ana', 'bob']) await world.send({ userId })
    await world.server.sql("update notification_inboxes set unread = 7 where user_id = 'ana'")
    expect(await world.inbox('ana')).toMatchObject({ told: { unread: 7 }, counted: 1 })
    expect(await world.inbox('bob')).toMatchObject({ told: { unread: 1 }, counted: 1 })
  })

  it('says so when it has more rows than are counted', async () => {
    await using world = await openWorld()
    const fill = (from: number, to: number) =>
      world.server.sql(
        `insert into notifications (id, user_id, type, title, dismissed_at)
        select gen_random_uuid(), 'ana', 't', 't', case when n % 2 = 0 then now() end
        from generate_series($1::integer, $2::integer) n`,
        [from, to],
      )
    await fill(1, 20_000)
    expect(await world.inbox('ana')).toMatchObject({ isWhole: true, counted: 10_000 })
    await fill(20_001, 20_001)
    expect(await world.inbox('ana')).toMatchObject({ isWhole: false })
  })

  it('is filtered by state, type, category and priority, alone and together', async () => {
    await using world = await openWorld()
    const expiresAt = new Date(world.clock.now() + minuteMs).toISOString()
    const made = [
      { type: 'a', category: 'x', priority: 'low' },
      { type: 'a', category: 'y', priority: 'high' },
      { type: 'b', category: 'x', priority: 'high' },
      { type: 'b', category: 'x', priority: 'critical', expiresAt },
      { type: 'b', category: 'y', priority: 'low' },
      { type: 'b', category: 'y', priority: 'low', expiresAt },
    ] as const
    const ids: string[] = []
    for (const each of made) ids.push(await world.send({ userId: 'ana', ...each }))
    await world.service.markRead('ana', ids[0] ?? '')
    for (const index of [4, 5]) await world.service.dismiss('ana', ids[index] ?? '')
    world.clock.advance(minuteMs)
    const found = async (filter: Partial<InboxQuery>) =>
      (await world.inbox('ana', filter)).notifications.map(({ id }) => ids.indexOf(id)).toSorted()
    expect(await found({})).toEqual([0, 1, 2, 3, 4, 5])
    expect(await found({ state: 'unread' })).toEqual([1, 2])
    expect(await found({ state: 'read' })).toEqual([0])
    expect(await found({ state: 'dismissed' })).toEqual([4, 5])
    expect(await found({ state: 'expired' })).toEqual([3])
    expect(await found({ type: 'b' })).toEqual([2, 3, 4, 5])
    expect(await found({ category: 'x', priority: 'high' })).toEqual([2])
    expect(await found({ category: 'y', state: 'dismissed' })).toEqual([4, 5])
    expect(await found({ priority: 'low' })).toEqual([0, 4, 5])
    expect(await found({ type: 'c' })).toEqual([])
  })

  it('is paged through without a gap or a double, whatever comes and goes meanwhile', async () => {
    await using world = await openWorld()
    const sent: string[] = []
    for (const n of numbers(1, 31)) {
      // Several in the same millisecond, and every third one dismissed.
      if (n % 4 === 0) world.clock.advance(1)
      const id = await world.send({ userIds: ['ana', 'bob'] })
      if (n % 3 === 0) await world.service.dismiss('ana', id)
      sent.push(id)
    }
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await world.inbox('ana', { limit: 7, ...(cursor === undefined ? {} : { cursor }) })
      expect(page.notifications.length).toBeLessThanOrEqual(7)
      seen.push(...page.notifications.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
      world.clock.advance(1)
      await world.send({ userId: 'ana', title: 'meanwhile' })
      // From one half of the inbox into the other, ahead of the reader and behind.
      for (const id of [sent[0], sent[30]]) await world.service.dismiss('ana', id ?? '')
    } while (cursor !== undefined)
    expect(seen.toSorted()).toEqual(sent.toSorted())
  })

  it('suggests users who are connected, then others who have one', async () => {
    await using world = await openWorld()
    await world.enter('anna')
    await world.enter('anna')
    await world.enter('bob')
    await world.send({ userIds: ['ana', 'anna', 'zoe', 'an', 'al'] })
    expect(await world.inspection.inboxUsers('an')).toEqual({
      users: [
        { userId: 'anna', sessions: 2 },
        { userId: 'an', sessions: 0 },
        { userId: 'ana', sessions: 0 },
      ],
    })
    expect(await world.inspection.inboxUsers('x')).toEqual({ users: [] })
    await world.send({ userIds: numbers(1, 30).map((n) => `many-${n}`) })
    expect((await world.inspection.inboxUsers('many')).users).toHaveLength(10)
    for (const n of numbers(1, 12)) await world.enter(`many-${n}`)
    const { users } = await world.inspection.inboxUsers('many')
    expect(users.map(({ sessions }) => sessions)).toEqual(Array.from({ length: 10 }, () => 1))
  })
})

describe('what was sent', () => {
  it('is listed, the newest first, with who sent it, to how many, and how many read it', async () => {
    await using world = await openWorld()
    const first = await world.send({ userIds: ['ana', 'bob', 'eve'], title: 'first' }, 'billing')
    world.clock.advance(1)
    const second = await world.send({ userId: 'ana', workspaceId: 'acme', title: 'second', priority: 'high' })
    await world.enter('member', ['crew'])
    world.clock.advance(1)
    const third = await world.send({ workspaceId: 'nobody', title: 'third' })
    for (const user of ['ana', 'bob']) await world.service.markRead(user, first)
    await world.service.dismiss('ana', first)
    const { sent, nextCursor } = await world.inspection.sent({ limit: 3 })
    expect(nextCursor).toBe(null)
    expect(sent).toMatchObject([
      { id: third, recipients: 0, read: 0, workspaceId: 'nobody' },
      { id: second, title: 'second', priority: 'high', recipients: 1, read: 0, sender: '' },
      { id: first, title: 'first', sender: 'billing', recipients: 3, read: 2, workspaceId: null },
    ])
  })

  it('is listed once for a key, and not at all when its transaction was rolled back', async () => {
    await using world = await openWorld()
    const request = { userId: 'ana', key: 'k' }
    const ids = await Promise.all(numbers(1, 3).map(() => world.send(request, 'billing')))
    const failing = world.database.transaction(async (transaction) => {
      await world.service.send(requestOf({ userId: 'ana', title: 'undone' }), { transaction })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect((await world.inspection.sent({ limit: 10 })).sent.map(({ id }) => id)).toEqual([ids[0]])
  })

  it('is paged through without a gap or a double, whatever is sent meanwhile', async () => {
    await using world = await openWorld()
    const ids: string[] = []
    for (const n of numbers(1, 12)) {
      if (n % 3 === 0) world.clock.advance(1)
      ids.push(await world.send({ userId: 'ana' }))
    }
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await world.inspection.sent({ limit: 4, cursor })
      seen.push(...page.sent.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
      world.clock.advance(1)
      await world.send({ userId: 'ana' })
    } while (cursor !== undefined)
    expect(seen.toSorted()).toEqual(ids.toSorted())
  })

  it('is known with what became of it, also when everybody deleted it', async () => {
    await using world = await openWorld()
    const id = await world.send({
      userIds: ['ana', 'bob', 'eve', 'zoe'],
      message: 'Look',
      data: { a: [1] },
      actions: [{ id: 'open', label: 'Open' }],
    })
    await world.send({ userIds: ['ana', 'bob'], title: 'another' })
    await world.service.markRead('bob', id)
    await world.service.markRead('eve', id)
    await world.service.dismiss('eve', id)
    await world.service.delete('zoe', id)
    expect(await world.inspection.sentOne(id)).toMatchObject({
      id,
      recipients: 4,
      read: 2,
      states: { unread: 1, read: 1, dismissed: 1, expired: 0 },
      gone: 1,
      content: { message: 'Look', data: { a: [1] }, actions: [{ id: 'open', label: 'Open' }] },
    })
    for (const user of ['ana', 'bob', 'eve']) await world.service.delete(user, id)
    expect(await world.inspection.sentOne(id)).toMatchObject({
      recipients: 4,
      read: 0,
      states: { unread: 0, read: 0, dismissed: 0, expired: 0 },
      gone: 4,
      content: null,
    })
    await expect(world.inspection.sentOne(randomUUID())).rejects.toMatchObject({ code: 'not_found' })
  })

  it('counts readers to a thousand in the list, and all of them for one', async () => {
    await using world = await openWorld()
    const userIds = numbers(1, 1_100).map((n) => `user-${n}`)
    const id = await world.send({ userIds })
    await world.server.sql("update notifications set read_at = now() where user_id <> 'user-7'")
    expect((await world.inspection.sent({ limit: 1 })).sent).toMatchObject([
      { recipients: 1_100, read: 1_000 },
    ])
    expect(await world.inspection.sentOne(id)).toMatchObject({ read: 1_099, states: { unread: 1 } })
  })

  it('outlives what expired, and is forgotten when notifications are kept no longer', async () => {
    await using world = await openWorld()
    const expiresAt = new Date(world.clock.now() + minuteMs).toISOString()
    const id = await world.send({ userIds: ['ana', 'bob'], expiresAt })
    world.clock.advance(minuteMs)
    expect(await world.inspection.sentOne(id)).toMatchObject({ states: { expired: 2 }, gone: 0 })
    await world.service.sweep()
    await world.inspection.sweep()
    expect(await world.inspection.sentOne(id)).toMatchObject({ expiresAt, states: { expired: 0 }, gone: 2 })
    world.clock.advance(dayMs)
    const later = await world.send({ userId: 'ana' })
    const listed = async () => {
      await world.inspection.sweep()
      return (await world.inspection.sent({ limit: 10 })).sent.map((send) => send.id)
    }
    world.clock.advance(29 * dayMs - minuteMs)
    expect(await listed()).toEqual([later, id])
    world.clock.advance(1)
    expect(await listed()).toEqual([later])
  })
})

describe('who got one', () => {
  it('is listed with what they did, and how many sessions they have now', async () => {
    await using world = await openWorld()
    await world.enter('bob')
    await world.enter('bob')
    const id = await world.send({ userIds: ['eve', 'bob', 'ana', 'zoe'] })
    const storedAt = new Date(world.clock.now()).toISOString()
    await world.send({ userIds: ['ana', 'tom'], title: 'another' })
    world.clock.advance(minuteMs)
    const at = new Date(world.clock.now()).toISOString()
    await world.service.markRead('ana', id)
    await world.service.dismiss('eve', id)
    await world.service.delete('zoe', id)
    const { recipients, nextCursor } = await world.inspection.recipients(id, { limit: 3 })
    expect(nextCursor).toBe(null)
    expect(recipients).toEqual([
      { userId: 'ana', state: 'read', storedAt, readAt: at, dismissedAt: null, sessions: 0 },
      { userId: 'bob', state: 'unread', storedAt, readAt: null, dismissedAt: null, sessions: 2 },
      { userId: 'eve', state: 'dismissed', storedAt, readAt: null, dismissedAt: at, sessions: 0 },
    ])
    const users = async (filter: object) =>
      (await world.inspection.recipients(id, { limit: 10, ...filter })).recipients.map(({ userId }) => userId)
    expect(await users({ state: 'read' })).toEqual(['ana'])
    expect(await users({ state: 'unread' })).toEqual(['bob'])
    expect(await users({ state: 'dismissed' })).toEqual(['eve'])
    expect(await users({ state: 'expired' })).toEqual([])
    expect(await users({ userId: 'bob' })).toEqual(['bob'])
    expect(await users({ userId: 'bob', state: 'read' })).toEqual([])
    expect(await users({ userId: 'bo' })).toEqual([])
    expect((await world.inspection.recipients(randomUUID(), { limit: 10 })).recipients).toEqual([])
  })

  it('is paged through without a gap or a double, whatever they do meanwhile', async () => {
    await using world = await openWorld()
    const userIds = numbers(1, 250).map((n) => `user ${n}/ä`)
    const id = await world.send({ userIds })
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await world.inspection.recipients(id, { limit: 40, cursor })
      seen.push(...page.recipients.map(({ userId }) => userId))
      cursor = page.nextCursor ?? undefined
      await world.service.markRead(seen.at(-1) ?? '', id)
      await world.send({ userIds })
    } while (cursor !== undefined)
    expect(seen).toHaveLength(250)
    expect(seen.toSorted()).toEqual(userIds.toSorted())
  })
})

describe('over REST', () => {
  const path = '/api/v1/notifications'
  const paths = [
    `${path}/inbox?userId=ana`,
    `${path}/inbox/users?startsWith=a`,
    `${path}/sent`,
    `${path}/sent/${randomUUID()}`,
    `${path}/sent/${randomUUID()}/recipients`,
  ]

  it('is for operators alone', async () => {
    await using world = await openWorld()
    await using server = await startTestServer({ routes: world.routes })
    const status = async (each: string, headers: Record<string, string>) =>
      (await server.fetch(each, { headers })).status
    for (const each of paths) {
      const bearer = (token: string) => status(each, { authorization: `Bearer ${token}` })
      expect(await status(each, {}), each).toBe(401)
      expect(await status(each, asGuest), each).toBe(403)
      expect(await bearer('user-token'), each).toBe(403)
      expect(await bearer('program-token'), each).toBe(403)
      expect(await bearer('nonsense'), each).toBe(401)
      expect([200, 404], each).toContain(await status(each, asOperator))
      expect([200, 404], each).toContain(await bearer('admin-token'))
    }
  })

  it('answers as its documents say, with ids that need escaping', async () => {
    await using world = await openWorld()
    await using server = await startTestServer({ routes: world.routes })
    const user = 'auth0|a/b?c#d%2F ..'
    const id = await world.send({ userId: user, title: 'Hello' }, 'billing')
    const ask = async (each: string) => (await server.fetch(each, { headers: asOperator })).json()
    const encoded = encodeURIComponent(user)
    expect(await ask(`${path}/inbox?userId=${encoded}&limit=1&state=unread&type=t`)).toMatchObject({
      userId: user,
      notifications: [{ id, state: 'unread' }],
      told: { unread: 1 },
    })
    expect(await ask(`${path}/inbox/users?startsWith=auth0%7C`)).toEqual({
      users: [{ userId: user, sessions: 0 }],
    })
    expect(await ask(`${path}/sent`)).toMatchObject({ sent: [{ id, sender: 'billing' }] })
    expect(await ask(`${path}/sent/${id}`)).toMatchObject({ id, content: { message: null } })
    expect(await ask(`${path}/sent/${id}/recipients?userId=${encoded}`)).toMatchObject({
      recipients: [{ userId: user }],
    })
  })

  it.each<readonly [string, string]>([
    [`${path}/inbox`, 'query.userId'],
    [`${path}/inbox?userId=`, 'query.userId'],
    [`${path}/inbox?userId=a%01b`, 'query.userId'],
    [`${path}/inbox?userId=a&limit=0`, 'query.limit'],
    [`${path}/inbox?userId=a&limit=101`, 'query.limit'],
    [`${path}/inbox?userId=a&limit=x`, 'query.limit'],
    [`${path}/inbox?userId=a&state=gone`, 'query.state'],
    [`${path}/inbox?userId=a&priority=urgent`, 'query.priority'],
    [`${path}/inbox?userId=a&type=`, 'query.type'],
    [`${path}/inbox?userId=a&cursor=x`, 'cursor'],
    [`${path}/inbox/users`, 'query.startsWith'],
    [`${path}/sent?limit=1000`, 'query.limit'],
    [`${path}/sent?cursor=1.2`, 'cursor'],
    [`${path}/sent/7`, 'params.id'],
    [`${path}/sent/7/recipients`, 'params.id'],
    [`${path}/sent/${randomUUID()}/recipients?state=all`, 'query.state'],
    [`${path}/sent/${randomUUID()}/recipients?cursor=`, 'query.cursor'],
    [`${path}/sent/${randomUUID()}/recipients?limit=-1`, 'query.limit'],
  ])('refuses %s, and names the field', async (each, field) => {
    await using world = await openWorld()
    await using server = await startTestServer({ routes: world.routes })
    const response = await server.fetch(each, { headers: asOperator })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'validation_failed', fields: [{ path: field }] })
  })

  it('refuses a NUL wherever it stands', async () => {
    await using world = await openWorld()
    await using server = await startTestServer({ routes: world.routes })
    for (const each of [
      `${path}/inbox?userId=%00`,
      `${path}/inbox?userId=a&type=%00`,
      `${path}/inbox/users?startsWith=%00`,
      `${path}/sent/${randomUUID()}/recipients?cursor=%00`,
      `${path}/sent/${randomUUID()}/recipients?userId=%00`,
    ])
      expect((await server.fetch(each, { headers: asOperator })).status, each).toBe(400)
  })
})

function requestOf(input: Partial<SendNotificationInput>) {
  return sendNotificationRequest.parse({ type: 't', title: 'A title', ...input })
}

async function openWorld() {
  const world = await openNotificationsWorld(inject('postgresUrl'))
  const { inspection, routes } = world.module
  return {
    ...world,
    inspection,
    routes,
    send: async (input: Partial<SendNotificationInput>, sender = '') =>
      (await world.service.send(requestOf(input), { sender })).id,
    inbox: (userId: string, more: Partial<InboxQuery> = {}) =>
      inspection.inbox({ userId, limit: 100, ...more }),
  }
}
