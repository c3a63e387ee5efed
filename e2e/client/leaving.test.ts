/** Clients that are sent away, sign out and in again, or just go: what stays of them, which is nothing. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { defineNamespace, type UserId } from '@belfry/contract'
import { describe, expect, it, vi } from 'vitest'
import { news, posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { bob, openWorld, thread } from '../protocol/world.ts'
import { becomes, isOpen, openClient, sessionsOf } from './client-world.ts'

const nowhere = defineNamespace({ name: '/nowhere', summary: 'Not served.', events: {}, commands: {} })

describe('sent away', () => {
  it('knows why, stays away, and comes back when it is told to', async () => {
    await using world = await openWorld()
    using tested = openClient(world)
    const { client, clock } = tested
    const lives = [client.namespace(posts), client.namespace(news)]
    for (const live of lives) live.onReset(() => {})
    for (const live of lives) await isOpen(live)
    const under = client.namespace(posts).command('post:view', { id: 'a' })
    await under
    world.realtime.disconnectUser('ana' as UserId)
    for (const live of lives) {
      await becomes(live, 'ended')
      expect(live.state.get()).toEqual({ status: 'ended', code: 'kicked', message: expect.any(String) })
    }
    expect(client.state.get()).toEqual({ status: 'idle' })
    await world.connections(0)
    expect(clock.timers).toBe(0)
    const late = client.namespace(posts).command('post:view', { id: 'b' }, { key: 'k' })
    await expect(late).rejects.toMatchObject({ code: 'disconnected', retry: false })
    client.connect()
    for (const live of lives) await isOpen(live)
  })

  it('from one namespace, stays on the others', async () => {
    await using world = await openWorld()
    using tested = openClient(world)
    const [live, other] = [tested.client.namespace(posts), tested.client.namespace(news)]
    for (const each of [live, other]) each.onReset(() => {})
    for (const each of [live, other]) await isOpen(each)
    const [session] = sessionsOf(world).filter(({ namespace }) => namespace.name === posts.name)
    const waiting = live.command('room:join', { room: thread('a') })
    await waiting
    session?.link.disconnect()
    await becomes(live, 'ended')
    expect(live.state.get()).toMatchObject({ code: 'disconnected' })
    expect(await other.command('news:ask')).toEqual({ answer: 'nothing' })
    expect(tested.client.state.get()).toEqual({ status: 'connected' })
  })

  it('from a namespace that is not there, is let in to the others', async () => {
    await using world = await openWorld()
    using tested = openClient(world)
    const [live, other] = [tested.client.namespace(nowhere), tested.client.namespace(news)]
    for (const each of [live, other]) each.onReset(() => {})
    await becomes(live, 'refused')
    expect(live.state.get()).toEqual({
      status: 'refused',
      code: 'unknown_namespace',
      message: expect.any(String),
    })
    await isOpen(other)
    expect(tested.client.state.get()).toEqual({ status: 'connected' })
  })
})

it('as another user brings nothing of the first: no place, no command, no room', async () => {
  await using world = await openWorld()
  let user = world.token()
  using tested = openClient(world, { token: () => user })
  const { client } = tested
  const live = client.namespace(posts)
  const heard: number[] = []
  const resets: string[] = []
  live.on('post:created', ({ n }) => heard.push(n))
  live.onReset((reason) => resets.push(reason))
  await isOpen(live)
  await world.publish(posts, 'post:created', { n: 1 }, { kind: 'user', id: 'ana' })
  await until(() => heard.length === 1)
  await live.command('room:join', { room: thread('of-ana') })
  for (const { connection } of world.realtime.connections) connection.close('closed_by_server')
  await becomes(live, 'waiting')
  const kept = live.command('post:view', { id: 'of-ana' }, { key: 'k' })
  client.close()
  await expect(kept).rejects.toMatchObject({ code: 'disconnected', retry: false })
  expect([client.state.get(), live.state.get()]).toEqual([{ status: 'closed' }, { status: 'closed' }])
  expect(tested.clock.timers).toBe(0)
  user = world.token(bob)
  client.connect()
  await isOpen(live)
  expect([sessionsOf(world).length, sessionsOf(world, 'bob').length]).toEqual([0, 1])
  for (const room of [{ kind: 'user', id: 'ana' }, thread('of-ana')])
    await world.publish(posts, 'post:created', { n: 2 }, room)
  await world.publish(posts, 'post:created', { n: 3 }, { kind: 'user', id: 'bob' })
  await until(() => heard.length === 2)
  expect(heard).toEqual([1, 3])
  // The server would have said "unknown-session" to a pid.
  expect(resets).toEqual(['closed'])
  expect(world.handled).toEqual([])
  expect(live.state.get()).toEqual({ status: 'open', recovered: false })
})

describe('opened, closed and opened again', () => {
  it('within one task asks once and connects once, as in React’s StrictMode', async () => {
    await using world = await openWorld()
    const token = vi.fn(() => world.token())
    using tested = openClient(world, { token })
    const { client } = tested
    const heard: string[] = []
    const effect = (name: string) => {
      const live = client.namespace(posts)
      live.on('post:created', () => heard.push(name))
      return () => live.close()
    }
    effect('first')()
    const end = effect('second')
    await becomes(client, 'connected')
    const [session] = sessionsOf(world)
    end()
    effect('third')
    await world.publish(posts, 'post:created', { n: 1 })
    await until(() => heard.length === 1)
    expect(heard).toEqual(['third'])
    expect(sessionsOf(world)).toEqual([session])
    expect(token).toHaveBeenCalledOnce()
    expect(world.realtime.counts.opened).toBe(1)
    expect(tested.states).toEqual(['idle', 'connecting', 'connected'])
  })

  it('by the same handle, later, is new on the server and hears again', async () => {
    await using world = await openWorld()
    using tested = openClient(world)
    const live = tested.client.namespace(posts)
    const resets: string[] = []
    const heard: number[] = []
    live.on('post:created', ({ n }) => heard.push(n))
    await isOpen(live)
    const [session] = sessionsOf(world)
    await world.publish(posts, 'post:created', { n: 1 })
    await until(() => heard.length === 1)
    live.close()
    await world.connections(0)
    expect(live.state.get()).toEqual({ status: 'idle' })
    live.onReset((reason) => resets.push(reason))
    live.on('post:created', ({ n }) => heard.push(-n))
    await isOpen(live)
    await world.publish(posts, 'post:created', { n: 2 })
    await until(() => heard.length === 2)
    expect(heard).toEqual([1, -2])
    expect(sessionsOf(world)[0]?.pid).not.toBe(session?.pid)
    expect(resets).toEqual([])
  })

  it('while it connects, in any order, ends as it was told last', async () => {
    await using world = await openWorld()
    using tested = openClient(world)
    const { client } = tested
    const live = client.namespace(posts)
    for (const _ of [1, 2, 3]) {
      live.onReset(() => {})
      client.close()
      client.connect()
    }
    await isOpen(live)
    await until(() => sessionsOf(world).length === 1 && world.realtime.connections.size === 1)
    client.close()
    await world.connections(0)
    expect(tested.clock.timers).toBe(0)
  })
})

it('may be connected again by whoever hears that it was closed', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const { client } = tested
  const live = client.namespace(posts)
  live.onReset(() => {})
  await isOpen(live)
  const end = client.state.subscribe(() => {
    if (client.state.get().status === 'closed') client.connect()
  })
  client.close()
  end()
  await isOpen(live)
  await becomes(client, 'connected')
})

it('rejects what is under way when the last one closes', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await isOpen(live)
  const answers = [
    live.command('post:view', { id: 'a' }),
    live.command('post:view', { id: 'b' }, { key: 'k' }),
  ]
  live.close()
  for (const answer of answers) await expect(answer).rejects.toMatchObject({ code: 'disconnected' })
  await world.connections(0)
})

it.each(['open', 'opening', 'waiting'])(
  'leaves nothing that keeps a process alive when it is closed while %s',
  async (when) => {
    await using world = await openWorld()
    const url = when === 'waiting' ? 'http://127.0.0.1:9' : world.url
    const program = join(import.meta.dirname, 'short-life.ts')
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=source', program, url, world.token(), when],
      { timeout: 30_000 },
    )
    expect(stdout).toBe(`closed when ${when}\n`)
    await world.connections(0)
  },
)
