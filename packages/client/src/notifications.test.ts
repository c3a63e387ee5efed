/** The store of notifications: the list, what happens to it, and what the user does. */
import { describe, expect, it } from 'vitest'
import { day, made, openWorld, ready, settled } from './testing/notifications-world.ts'

describe('the list', () => {
  it('is asked for when somebody wants it, and not before', async () => {
    const world = openWorld()
    await settled()
    expect([world.asked.length, world.store.state.get().status]).toEqual([0, 'idle'])
    world.store.state.subscribe(() => undefined)
    expect(world.store.state.get().status).toBe('loading')
    expect(world.asked).toMatchObject([{ name: 'notification:getAll', input: { limit: 3 } }])
    await world.asked[0]?.answer(world.list([made(2), made(1)]))
    expect(world.shown()).toEqual(['ready', ['id-2', 'id-1'], 2])
  })

  it('meets what came while it was on its way: neither missed nor undone', async () => {
    const world = openWorld()
    world.store.state.subscribe(() => undefined)
    // In the list already, and after it.
    world.event('notification:update', 'e.9', { id: 'id-1', readAt: day(3) })
    world.event('notification:new', 'e.10', made(2))
    world.event('notification:new', 'e.11', made(3))
    world.event('notification:update', 'e.12', { id: 'id-2', isGone: true })
    world.event('notification:unreadCount', 'e.12', { unread: 2, revision: 7 })
    await world.asked[0]?.answer(world.list([made(2), made(1)]))
    expect(world.shown()).toEqual(['ready', ['id-3', 'id-1'], 2])
    expect(world.news).toEqual(['id-3'])
  })

  it('is not undone by what it holds and what comes late', async () => {
    const world = await ready([made(2, { readAt: day(3) }), made(1)])
    world.event('notification:update', 'e.9', { id: 'id-2', readAt: null })
    world.event('notification:update', 'e.10', { id: 'id-1', isGone: true })
    expect(world.shown()[1]).toEqual(['id-2 read', 'id-1'])
    world.event('notification:update', 'e.11', { id: 'id-1', isGone: true })
    expect(world.shown()[1]).toEqual(['id-2 read'])
  })

  it('goes on with what comes later, in the order of time, each once', async () => {
    const world = await ready([made(5), made(1)])
    world.event('notification:new', 'e.11', made(3))
    world.event('notification:new', 'e.12', made(3))
    world.event('notification:allRead', 'e.13', { readAt: day(4) })
    world.event('notification:unreadCount', 'e.13', { unread: 1, revision: 8 })
    world.event('notification:unreadCount', 'e.13', { unread: 9, revision: 7 })
    expect(world.shown()).toEqual(['ready', ['id-5', 'id-3 read', 'id-1 read'], 1])
    world.event('notification:allRead', 'e.14', { readAt: day(9), category: 'other' })
    expect(world.shown()[1][0]).toBe('id-5')
  })

  it('is read again after something was missed, and shown meanwhile', async () => {
    const world = await ready([made(1)])
    world.reset()
    expect(world.shown()).toEqual(['ready', ['id-1'], 1])
    world.event('notification:new', 'f.1', made(2))
    await world.asked[1]?.answer(world.list([made(3), made(1)], { position: 'f.0' }))
    expect(world.shown()[1]).toEqual(['id-3', 'id-2', 'id-1'])
  })

  it('says why it could not be read, and is read when the namespace is open again', async () => {
    const world = openWorld()
    world.store.state.subscribe(() => undefined)
    await world.asked[0]?.refuse('disconnected')
    expect(world.store.state.get()).toMatchObject({ status: 'failed', error: { code: 'disconnected' } })
    world.namespace.set({ status: 'waiting' })
    world.namespace.set({ status: 'open' })
    await world.asked[1]?.answer(world.list([made(1)]))
    expect(world.store.state.get()).toMatchObject({ status: 'ready', error: undefined })
  })

  it('is read again after a refusal that passes, though the namespace stayed open', async () => {
    const world = await ready([made(1)])
    world.reset()
    // Lost with the list that it came beside: only a list brings it back.
    world.event('notification:new', 'e.11', made(2))
    await world.asked[1]?.refuse('database_unavailable')
    expect(world.store.state.get()).toMatchObject({
      status: 'ready',
      error: { code: 'database_unavailable' },
    })
    world.clock.advance(1_000)
    await world.asked[2]?.refuse('database_unavailable')
    world.clock.advance(1_000)
    await world.asked[3]?.answer(world.list([made(2), made(1)], { position: 'e.11' }))
    expect(world.shown()).toEqual(['ready', ['id-2', 'id-1'], 2])
    expect(world.store.state.get().error).toBeUndefined()
    world.clock.advance(60_000)
    expect([world.asked.length, world.clock.timers]).toEqual([4, 0])
  })

  it('is not read again after a refusal that stays, nor once more when the namespace opened meanwhile', async () => {
    const world = await ready([made(1)])
    world.reset()
    await world.asked[1]?.refuse('forbidden')
    expect(world.clock.timers).toBe(0)
    world.reset()
    await world.asked[2]?.refuse('database_unavailable')
    world.namespace.set({ status: 'waiting' })
    world.namespace.set({ status: 'open' })
    world.clock.advance(60_000)
    expect(world.asked).toHaveLength(4)
  })

  it('puts one that was committed late between older ones that are loaded after it', async () => {
    const world = await ready([made(9), made(8)], { nextCursor: 'c1' })
    world.event('notification:new', 'e.11', made(5))
    const more = world.store.loadMore()
    await world.asked[1]?.answer(world.list([made(7), made(5), made(4)]))
    await more
    expect(world.shown()[1]).toEqual(['id-9', 'id-8', 'id-7', 'id-5', 'id-4'])
  })

  it('is read again when somebody asks for it, and says when that is over', async () => {
    const world = openWorld()
    world.store.state.subscribe(() => undefined)
    await world.asked[0]?.refuse('forbidden')
    expect(world.store.state.get().status).toBe('failed')
    let isOver = false
    const over = world.store.reload().then(() => {
      isOver = true
    })
    expect([world.asked.length, isOver]).toEqual([2, false])
    await world.asked[1]?.answer(world.list([made(1)]))
    await over
    expect(world.shown()).toEqual(['ready', ['id-1'], 1])
  })

  it('stays what it was while nobody looks, and is read again for who comes back', async () => {
    const world = await ready([made(1)])
    world.store.close()
    world.store.state.subscribe(() => undefined)
    expect(world.shown()).toEqual(['ready', ['id-1'], 1])
    await world.asked[1]?.answer(world.list([made(2)]))
    expect(world.shown()[1]).toEqual(['id-2'])
  })

  it('is forgotten when the client is closed: whoever comes next may be somebody else', async () => {
    const world = await ready([made(2), made(1)], { revision: 90 })
    world.namespace.set({ status: 'closed' })
    expect(world.shown()).toEqual(['idle', [], 0])
    world.namespace.set({ status: 'opening' })
    expect(world.shown()).toEqual(['loading', [], 0])
    world.namespace.set({ status: 'open' })
    await world.asked[1]?.answer(world.list([made(7)], { revision: 1 }))
    expect(world.shown()).toEqual(['ready', ['id-7'], 1])
  })

  it('forgets also what was on its way', async () => {
    const world = openWorld()
    world.store.state.subscribe(() => undefined)
    world.namespace.set({ status: 'closed' })
    await world.asked[0]?.answer(world.list([made(1)]))
    expect(world.shown()).toEqual(['idle', [], 0])
  })

  it('brings older ones when it is asked to, and drops a page that came too late', async () => {
    const world = await ready([made(6), made(5)], { nextCursor: 'c1' })
    expect(world.store.state.get().hasMore).toBe(true)
    const more = world.store.loadMore()
    expect(world.asked[1]?.input).toEqual({ limit: 3, cursor: 'c1' })
    await world.asked[1]?.answer(world.list([made(5), made(4)], { nextCursor: 'c2' }))
    await more
    expect(world.shown()[1]).toEqual(['id-6', 'id-5', 'id-4'])
    const late = world.store.loadMore()
    world.reset()
    await world.asked[3]?.answer(world.list([made(6)]))
    await world.asked[2]?.answer(world.list([made(3)]))
    await late
    expect(world.shown()[1]).toEqual(['id-6'])
    await world.store.loadMore()
    expect(world.asked).toHaveLength(4)
  })
})

describe('an action', () => {
  it('is shown at once, sent with a key, and stays when the server did it', async () => {
    const world = await ready([made(2), made(1)])
    const done = world.store.markRead('id-1')
    expect(world.shown()).toEqual(['ready', ['id-2', 'id-1 read'], 1])
    expect(world.asked[1]).toMatchObject({
      name: 'notification:markRead',
      input: { notificationId: 'id-1' },
      key: 'key-1',
    })
    // The server's count comes before its answer: it is not counted twice.
    world.event('notification:unreadCount', 'e.11', { unread: 1, revision: 6 })
    expect(world.shown()[2]).toBe(1)
    await world.asked[1]?.answer({ changed: 1, unread: 1, revision: 6 })
    await done
    expect(world.shown()).toEqual(['ready', ['id-2', 'id-1 read'], 1])
  })

  it('is taken back when the server refuses, and nothing else with it', async () => {
    const world = await ready([made(2), made(1)])
    const refused = world.store.dismiss('id-2')
    const kept = world.store.markRead('id-1')
    world.event('notification:new', 'e.11', made(3))
    expect(world.shown()[1]).toEqual(['id-3', 'id-1 read'])
    const failing = expect(refused).rejects.toMatchObject({ code: 'forbidden' })
    await world.asked[1]?.refuse('forbidden')
    await failing
    expect(world.shown()[1]).toEqual(['id-3', 'id-2', 'id-1 read'])
    await world.asked[2]?.answer({ changed: 1, unread: 2, revision: 9 })
    await kept
    expect(world.shown()).toEqual(['ready', ['id-3', 'id-2', 'id-1 read'], 2])
  })

  it.each<
    readonly [string, (world: Awaited<ReturnType<typeof ready>>) => Promise<void>, readonly string[], number]
  >([
    ['marks one as unread', ({ store }) => store.markUnread('id-1'), ['id-2', 'id-1'], 2],
    ['deletes one', ({ store }) => store.delete('id-2'), ['id-1 read'], 0],
    ['marks all as read', ({ store }) => store.markAllRead(), ['id-2 read', 'id-1 read'], 0],
    ['marks all of a category as read', ({ store }) => store.markAllRead('other'), ['id-2', 'id-1 read'], 1],
    ['changes nothing that is not shown', ({ store }) => store.markRead('id-9'), ['id-2', 'id-1 read'], 1],
  ])('%s', async (_what, act, items, unread) => {
    const world = await ready([made(2), made(1, { readAt: day(2) })])
    const done = act(world)
    expect(world.shown()).toEqual(['ready', items, unread])
    await world.asked[1]?.answer({ changed: 1, unread, revision: 6 })
    await done
    expect(world.shown()).toEqual(['ready', items, unread])
  })
})

it('is over when it is closed, and leaves the namespace', async () => {
  const world = openWorld()
  world.store.state.subscribe(() => undefined)
  world.store.close()
  await world.asked[0]?.answer(world.list([made(1)]))
  expect(world.isClosed()).toBe(true)
  expect(world.shown()[1]).toEqual([])
  world.namespace.set({ status: 'waiting' })
  world.namespace.set({ status: 'open' })
  expect(world.asked).toHaveLength(1)
})

it('asks no more when it is closed before the next attempt', async () => {
  const world = await ready([made(1)])
  world.reset()
  await world.asked[1]?.refuse('database_unavailable')
  world.store.close()
  expect(world.clock.timers).toBe(0)
})
