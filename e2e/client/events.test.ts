/** Typed events and commands against a real server, over both transports. */
import { CommandError } from '@belfry/client'
import type { EventMeta } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { news, posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { count, openWorld, thread } from '../protocol/world.ts'
import { becomes, isOpen, openClient, sessionsOf } from './client-world.ts'

describe.each(['websocket', 'polling'] as const)('over %s', (transport) => {
  const socket = { transports: [transport] }

  it('hears events without their meta, which comes beside them', async () => {
    await using world = await openWorld()
    using tested = openClient(world, { socket })
    const live = tested.client.namespace(posts)
    const heard: { data: object; meta: EventMeta }[] = []
    live.on('post:created', (data, meta) => heard.push({ data, meta }))
    live.on('post:drawn', (data, meta) => heard.push({ data, meta }))
    live.on('post:progress', (data, meta) => heard.push({ data, meta }))
    await isOpen(live)
    expect(live.state.get()).toEqual({ status: 'open', recovered: false })
    await world.publish(posts, 'post:created', { n: 1, text: 'one' })
    await world.publish(posts, 'post:drawn', { n: 2, image: Buffer.from([7, 8]) })
    await world.publish(posts, 'post:progress', { id: 'a', percent: 3 })
    await until(() => heard.length === 3)
    expect(heard.map(({ data }) => data)).toEqual([
      { n: 1, text: 'one' },
      { n: 2, image: Buffer.from([7, 8]) },
      { id: 'a', percent: 3 },
    ])
    for (const { meta } of heard) expect(meta).toEqual({ id: expect.any(String), at: expect.any(String) })
    expect(tested.states).toEqual(['idle', 'connecting', 'connected'])
  })

  it('gets answers and refusals', async () => {
    await using world = await openWorld()
    using tested = openClient(world, { socket })
    const live = tested.client.namespace(posts)
    // The first use opens it, and the command waits for that.
    expect(await live.command('post:view', { id: 'a' })).toEqual({ id: 'a', seen: true })
    expect(await live.command('post:note', { note: 'b' })).toBeUndefined()
    const { image } = await live.command('post:draw', { image: new Uint8Array([1, 2, 3]) })
    expect([...image]).toEqual([3, 2, 1])
    const refused = live.command('post:view', { id: 'x'.repeat(101) })
    await expect(refused).rejects.toBeInstanceOf(CommandError)
    await expect(refused).rejects.toMatchObject({
      code: 'validation_failed',
      retry: false,
      fields: [{ path: 'id', message: expect.any(String) }],
    })
    await expect(live.command('room:join', { room: thread('secret') })).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await live.command('room:join', { room: thread('a') })).toEqual({ position: expect.any(String) })
  })
})

it('asks the server for its terms, and hears them', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const live = tested.client.namespace(posts)
  const terms = await new Promise((resolve) => live.on('session:started', resolve))
  expect(terms).toMatchObject({ reconnection: { delayMs: 1_000, maxDelayMs: 5_000 } })
})

it('sends commands of one tick in order, all of them', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await isOpen(live)
  const answers = await Promise.all(count(50).map((n) => live.command('post:view', { id: `${n}` })))
  expect(answers.map(({ id }) => Number(id))).toEqual(count(50))
  expect(world.handled.map(({ input }) => Number((input as { id: string }).id))).toEqual(count(50))
})

it('is in the one workspace that it asks for, and in no other', async () => {
  await using world = await openWorld()
  const token = () => world.token({ sub: 'ana', workspaces: ['acme', 'other'] })
  using tested = openClient(world, { token, workspaceId: 'acme' })
  using denied = openClient(world, { token, workspaceId: 'elsewhere' })
  const live = tested.client.namespace(posts)
  const heard: number[] = []
  live.on('post:created', ({ n }) => heard.push(n))
  await isOpen(live)
  for (const [index, id] of ['other', 'acme'].entries())
    await world.publish(posts, 'post:created', { n: index }, { kind: 'workspace', id })
  await until(() => heard.length > 0)
  expect(heard).toEqual([1])
  const outside = denied.client.namespace(posts)
  outside.onReset(() => {})
  await becomes(outside, 'refused')
  expect(outside.state.get()).toMatchObject({ code: 'forbidden' })
})

it('sends a key, with which a command runs once', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const live = tested.client.namespace(posts)
  for (const _ of count(3)) await live.command('post:view', { id: 'a' }, { key: 'the key' })
  await live.command('post:view', { id: 'a' }, { key: 'another key' })
  await live.command('post:view', { id: 'a' })
  await live.command('post:view', { id: 'a' })
  expect(world.handled).toHaveLength(4)
})

it('reports a listener that throws or rejects, and tells the others', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const live = tested.client.namespace(posts)
  const heard: number[] = []
  const [now, later] = [new Error('broken at once'), new Error('broken later')]
  live.on('post:created', () => {
    throw now
  })
  live.on('post:created', async () => {
    throw later
  })
  live.on('post:created', ({ n }) => heard.push(n))
  await isOpen(live)
  for (const n of count(2)) await world.publish(posts, 'post:created', { n })
  await until(() => heard.length === 2 && tested.errors.length === 4)
  expect(heard).toEqual([0, 1])
  expect(new Set(tested.errors)).toEqual(new Set([now, later]))
})

it('does not tell a listener that has ended, and the same function as often as it listens', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const live = tested.client.namespace(posts)
  const heard: string[] = []
  const once = live.on('post:created', ({ n }) => {
    heard.push(`once ${n}`)
    once()
    twice()
  })
  const each = ({ n }: { n: number }) => heard.push(`each ${n}`)
  const twice = live.on('post:created', each)
  live.on('post:created', each)
  await isOpen(live)
  for (const n of count(2)) await world.publish(posts, 'post:created', { n })
  await until(() => heard.length >= 3)
  expect(heard).toEqual(['once 0', 'each 0', 'each 1'])
})

it('is one session and one connection for all who ask, until the last one closes', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const { client } = tested
  const heard: string[] = []
  const first = client.namespace(posts)
  first.on('post:created', () => heard.push('first'))
  await isOpen(first)
  {
    using second = client.namespace(posts)
    second.on('post:created', () => heard.push('second'))
    expect(second.state.get()).toBe(first.state.get())
    const other = client.namespace(news)
    expect(await other.command('news:ask')).toEqual({ answer: 'nothing' })
    expect(sessionsOf(world)).toHaveLength(2)
    expect(world.realtime.connections.size).toBe(1)
    await world.publish(posts, 'post:created', { n: 1 })
    await until(() => heard.length === 2)
    other.close()
    await until(() => sessionsOf(world).length === 1)
  }
  await world.publish(posts, 'post:created', { n: 2 })
  await until(() => heard.length === 3)
  expect(heard).toEqual(['first', 'second', 'first'])
  expect(first.state.get().status).toBe('open')
  first.close()
  await world.connections(0)
  expect(client.state.get()).toEqual({ status: 'idle' })
})

it('ends a command that the server does not answer in time, and goes on', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await isOpen(live)
  const late = live.command('post:view', { id: 'a' }, { timeoutMs: 50 })
  tested.clock.advance(50)
  await expect(late).rejects.toMatchObject({ code: 'timeout', retry: true })
  const given = new AbortController()
  const givenUp = live.command('post:view', { id: 'b' }, { signal: given.signal })
  given.abort()
  await expect(givenUp).rejects.toMatchObject({ name: 'AbortError' })
  expect(await live.command('post:view', { id: 'c' })).toMatchObject({ id: 'c' })
})
