/** The store of notifications where things come late, twice, or not as they were expected. */
import { describe, expect, it, vi } from 'vitest'
import { createNotifications } from './notifications.ts'
import { day, made, openWorld, ready, settled } from './testing/notifications-world.ts'

describe('reading the list', () => {
  it('begins while the namespace opens, and not while it waits', async () => {
    const world = await ready([made(1)])
    world.namespace.set({ status: 'waiting' })
    world.reset()
    expect(world.asked).toHaveLength(1)
    world.namespace.set({ status: 'opening' })
    expect(world.asked).toHaveLength(2)
  })

  it('is not repeated where nothing was missed', async () => {
    const world = await ready([made(1)])
    world.namespace.set({ status: 'waiting' })
    world.namespace.set({ status: 'open' })
    expect(world.asked).toHaveLength(1)
  })

  it('counts only the last time that it began, however the others end', async () => {
    const world = await ready([made(1)])
    for (const _ of [1, 2, 3]) world.reset()
    await world.asked[3]?.answer(world.list([made(2)]))
    await world.asked[1]?.answer(world.list([made(3)]))
    await world.asked[2]?.refuse('forbidden')
    expect(world.shown()).toEqual(['ready', ['id-2'], 1])
    expect(world.store.state.get().error).toBeUndefined()
  })

  it('that fails later leaves what is shown, and says so', async () => {
    const world = await ready([made(1)])
    world.reset()
    await world.asked[1]?.refuse('forbidden')
    expect(world.shown()).toEqual(['ready', ['id-1'], 1])
    expect(world.store.state.get().error).toMatchObject({ code: 'forbidden' })
  })

  it('asks for twenty, if nothing else was said', () => {
    const world = openWorld()
    createNotifications(world.client).state.subscribe(() => undefined)
    expect(world.asked[0]?.input).toEqual({ limit: 20 })
  })
})

describe('a page of older ones', () => {
  it('that was asked for twice comes once', async () => {
    const world = await ready([made(6)], { nextCursor: 'c1' })
    const pages = [world.store.loadMore(), world.store.loadMore()]
    await world.asked[1]?.answer(world.list([made(5)], { nextCursor: 'c2' }))
    await world.asked[2]?.answer(world.list([made(5), made(4)]))
    await Promise.all(pages)
    expect(world.shown()[1]).toEqual(['id-6', 'id-5'])
    expect(world.store.state.get().hasMore).toBe(true)
  })

  it('of a list that was read anew is dropped, also where it would go on at the same place', async () => {
    const world = await ready([made(6)], { nextCursor: 'c1' })
    const late = world.store.loadMore()
    world.reset()
    await world.asked[2]?.answer(world.list([made(7)], { nextCursor: 'c1' }))
    await world.asked[1]?.answer(world.list([made(5)]))
    await late
    expect(world.shown()[1]).toEqual(['id-7'])
  })
})

describe('what comes', () => {
  it('at the same time stands in the order of ids', async () => {
    const world = await ready([])
    for (const n of [2, 3, 1]) world.event('notification:new', `e.1${n}`, made(n, { createdAt: day(1) }))
    expect(world.shown()[1]).toEqual(['id-3', 'id-2', 'id-1'])
  })

  it('and says nothing of being read changes nothing of it', async () => {
    const world = await ready([made(2, { readAt: day(2) }), made(1)])
    for (const n of [1, 2]) world.event('notification:update', 'e.11', { id: `id-${n}` })
    expect(world.shown()[1]).toEqual(['id-2 read', 'id-1'])
  })

  it('leaves the time of what was read before', async () => {
    const world = await ready([made(1, { readAt: day(2) })])
    world.event('notification:allRead', 'e.11', { readAt: day(9) })
    expect(world.store.state.get().items[0]?.readAt).toBe(day(2))
    void world.store.markRead('id-1')
    expect(world.store.state.get().items[0]?.readAt).toBe(day(2))
  })
})

describe('actions', () => {
  it('under way count from before the first of them', async () => {
    const world = await ready([made(3), made(2), made(1)])
    void world.store.markRead('id-1')
    world.event('notification:unreadCount', 'e.11', { unread: 2, revision: 6 })
    void world.store.markRead('id-2')
    expect(world.shown()[2]).toBe(1)
  })

  it.each([
    ['one', (world: ReturnType<typeof openWorld>) => world.store.markRead('id-1')],
    ['all of a category', (world: ReturnType<typeof openWorld>) => world.store.markAllRead('general')],
  ])('on %s never show less than none', async (_what, act) => {
    const world = await ready([made(1)], { unread: 0 })
    void act(world)
    expect(world.shown()[2]).toBe(0)
  })

  it('on all leave none unread, shown or not', async () => {
    const world = await ready([made(1)], { unread: 7 })
    void world.store.markAllRead()
    expect(world.shown()[2]).toBe(0)
  })

  it('say what they are about', async () => {
    const world = await ready([made(1)])
    void world.store.markAllRead('other')
    void world.store.markAllRead()
    void world.store.dismiss('id-1')
    void world.store.delete('id-1')
    void world.store.markUnread('id-1')
    expect(world.asked.slice(1).map(({ name, input }) => [name, input])).toEqual([
      ['notification:markAllRead', { category: 'other' }],
      ['notification:markAllRead', {}],
      ['notification:dismiss', { notificationId: 'id-1' }],
      ['notification:delete', { notificationId: 'id-1' }],
      ['notification:markUnread', { notificationId: 'id-1' }],
    ])
  })
})

it('watches nothing after it was closed, and may be used again', async () => {
  const world = await ready([made(1)])
  expect(world.watchers()).toBe(1)
  world.store.close()
  expect(world.watchers()).toBe(0)
  world.store.state.subscribe(() => undefined)
  expect(world.watchers()).toBe(1)
  await world.asked[1]?.answer(world.list([made(2)]))
  expect(world.shown()).toEqual(['ready', ['id-2'], 1])
})

it('reports subscribers that throw to whoever wants to know, or on the console', async () => {
  const world = openWorld()
  const errors: unknown[] = []
  const onConsole = vi
    .spyOn(console, 'error')
    .mockImplementation((error) => errors.push(`${error} on the console`))
  for (const options of [{ onError: (error: unknown) => errors.push(error) }, {}]) {
    const store = createNotifications(world.client, options)
    store.state.subscribe(() => {
      throw 'broken'
    })
    await world.asked.at(-1)?.answer(world.list([]))
  }
  await settled()
  onConsole.mockRestore()
  // However often each was told.
  expect(new Set(errors)).toEqual(new Set(['broken', 'broken on the console']))
})
