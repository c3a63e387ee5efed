/** A server that stops: when each client hears of it, what it is told, and what it may finish before. */
import { command, defineNamespace } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { MemoryClient, MemorySession } from '../memory/transport-client.ts'
import { serveNamespace } from '../namespace-handlers.ts'
import { posts } from '../testing/example-namespaces.ts'
import { openRealtimeWorld, type RealtimeWorld, tokenOf } from '../testing/realtime-world.ts'
import type { Drained, DrainPlan } from './drain.ts'

const slow = defineNamespace({
  name: '/slow',
  summary: 'A namespace with a command that takes its time.',
  events: {},
  commands: { 'post:bake': command({ summary: 'Takes its time.', output: z.object({ done: z.boolean() }) }) },
})

async function open(): Promise<RealtimeWorld & { bake: PromiseWithResolvers<void> }> {
  const bake = Promise.withResolvers<void>()
  const world = await openRealtimeWorld({
    namespaces: [
      serveNamespace(posts, { commands: {} }),
      serveNamespace(slow, { commands: { 'post:bake': () => bake.promise.then(() => ({ done: true })) } }),
    ],
  })
  return Object.assign(world, { bake })
}

/** Begins a drain, and says how it is going. */
function begin(world: RealtimeWorld, plan: Partial<DrainPlan> = {}) {
  const state: { drained: Drained | undefined; beganMs: number } = {
    drained: undefined,
    beganMs: world.clock.now(),
  }
  world.stop()
  const ended = world.realtime.drain({ withinMs: 3_000, awayMs: 4_000, clock: world.clock, ...plan })
  void ended.then((drained) => {
    state.drained = drained
  })
  return Object.assign(state, {
    ended,
    /** Moves time in steps as short as those of a drain, so that what was sent arrives in between. */
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += 10) {
        world.clock.advance(10)
        world.memory.flush()
        await Promise.resolve()
      }
    },
  })
}

const goodbyesOf = ({ events }: MemorySession) =>
  events.filter(({ name }) => name === 'session:closing').map(({ data }) => data as { afterMs: number })

async function enterMany(world: RealtimeWorld, count: number): Promise<MemorySession[]> {
  const sessions: MemorySession[] = []
  for (let n = 0; n < count; n += 1) sessions.push(await world.enter('/posts', { userId: `user-${n}` }))
  return sessions
}

/** Ana's client, with a session on each namespace that it enters. */
function clientWith(
  world: RealtimeWorld,
): MemoryClient & { enter(namespace: string): Promise<MemorySession> } {
  const client = world.connect()
  return Object.assign(client, {
    async enter(namespace: string) {
      const session = client.open(namespace, { token: tokenOf({ userId: 'ana' }) })
      await session.entered
      return session
    },
  })
}

describe('a drain', () => {
  it('with nobody connected is over at once, and leaves no timer', async () => {
    await using world = await open()
    const before = world.clock.timers
    const drain = begin(world)
    expect(await drain.ended).toEqual({ connections: 0, late: 0 })
    expect(world.clock.timers).toBe(before)
  })

  it('[R10] tells each session why, to come back and when, and closes the transport, without DISCONNECT', async () => {
    await using world = await open()
    const client = clientWith(world)
    const sessions = [await client.enter('/posts'), await client.enter('/slow')]
    const drain = begin(world)
    await drain.pass(100)
    for (const session of sessions) {
      expect(goodbyesOf(session)).toEqual([
        {
          code: 'shutting_down',
          message: 'This server is stopping.',
          retry: true,
          afterMs: expect.any(Number),
          _meta: expect.anything(),
        },
      ])
    }
    expect(client.closedBy).toBe('shutting_down')
    expect(client.deliveries.map(({ kind }) => kind)).not.toContain('goodbye')
    expect(await drain.ended).toEqual({ connections: 1, late: 0 })
  })

  it('lets nobody new in', async () => {
    await using world = await open()
    await enterMany(world, 2)
    const drain = begin(world)
    expect(world.connect().refusal).toMatchObject({ code: 'shutting_down' })
    await drain.pass(200)
    await drain.ended
  })

  it('spreads the goodbyes evenly over its time where there are many, and keeps some for the last', async () => {
    await using world = await open()
    const sessions = await enterMany(world, 1_000)
    const drain = begin(world)
    const told: number[] = []
    for (let ms = 0; drain.drained === undefined && ms < 3_000; ms += 10) {
      await drain.pass(10)
      told.push(sessions.filter((session) => goodbyesOf(session).length > 0).length)
    }
    expect(await drain.ended).toEqual({ connections: 1_000, late: 0 })
    const steps = told.map((count, index) => count - (told[index - 1] ?? 0))
    // 1,000 in 2.1 seconds are 10 in 20 milliseconds.
    expect(Math.max(...steps)).toBeLessThanOrEqual(12)
    const lastAtMs = told.indexOf(1_000) * 10
    expect(lastAtMs).toBeGreaterThan(1_900)
    expect(lastAtMs).toBeLessThan(2_200)
  })

  it('is over soon where there are few', async () => {
    await using world = await open()
    await enterMany(world, 20)
    const drain = begin(world, { withinMs: 600_000 })
    await drain.pass(200)
    expect(drain.drained).toEqual({ connections: 20, late: 0 })
  })

  it('advises clients to come back when it is back, one after the other', async () => {
    await using world = await open()
    const sessions = await enterMany(world, 1_000)
    const backAt: number[] = []
    for (const session of sessions)
      session.onEvent = ({ data }) => backAt.push(world.clock.now() + (data as { afterMs: number }).afterMs)
    const drain = begin(world)
    await drain.pass(3_000)
    // 2.1 s of goodbyes and 4 s of absence; then 2,000 a second.
    expect(backAt).toHaveLength(1_000)
    expect(backAt).toEqual([...backAt].sort((one, other) => one - other))
    expect(Math.min(...backAt) - drain.beganMs).toBeGreaterThanOrEqual(6_080)
    expect(Math.max(...backAt) - drain.beganMs).toBeGreaterThan(6_500)
    expect(Math.max(...backAt) - drain.beganMs).toBeLessThan(6_700)
  })

  it('advises them to come back soon, where others take them', async () => {
    await using world = await open()
    const sessions = await enterMany(world, 100)
    const drain = begin(world, { awayMs: 0 })
    await drain.pass(3_000)
    const advised = sessions.flatMap(goodbyesOf).map(({ afterMs }) => afterMs)
    expect(advised).toHaveLength(100)
    expect(Math.max(...advised)).toBeLessThanOrEqual(50)
    expect(Math.min(...advised)).toBeGreaterThanOrEqual(0)
  })

  it('never advises more than the contract allows', async () => {
    await using world = await open()
    const [session] = await enterMany(world, 1)
    const drain = begin(world, { awayMs: 1e12 })
    await drain.pass(100)
    expect(session && goodbyesOf(session)[0]?.afterMs).toBe(3_600_000)
  })

  it('waits for commands that run, and their answers arrive', async () => {
    await using world = await open()
    const client = clientWith(world)
    const session = await client.enter('/slow')
    const answer = session.ask('post:bake')
    const drain = begin(world)
    await drain.pass(1_000)
    expect(goodbyesOf(session)).toHaveLength(1)
    expect(client.closedBy).toBeUndefined()
    world.bake.resolve()
    await expect(answer).resolves.toMatchObject({ ok: true, data: { done: true } })
    await drain.pass(50)
    expect(await drain.ended).toEqual({ connections: 1, late: 0 })
    expect(client.closedBy).toBe('shutting_down')
  })

  it('waits until a client has read everything', async () => {
    await using world = await open()
    const client = clientWith(world)
    const session = await client.enter('/posts')
    client.pause()
    for (let n = 0; n < 10; n += 1)
      await world.realtime.publish(posts, 'post:created', { n }, { rooms: [{ kind: 'user', id: 'ana' }] })
    const drain = begin(world)
    await drain.pass(500)
    expect(client.closedBy).toBeUndefined()
    client.resume()
    await drain.pass(50)
    expect(session.events.map(({ name }) => name)).toEqual([
      ...Array.from({ length: 10 }, () => 'post:created'),
      'session:closing',
    ])
    expect(await drain.ended).toEqual({ connections: 1, late: 0 })
  })

  it.each([
    ['reads nothing', (client: MemoryClient) => client.pause()],
    [
      'waits for a command that never ends',
      (_client: MemoryClient, session: MemorySession) => session.send('post:bake'),
    ],
  ])('closes a client that %s when the time is over, and says so', async (_what, hold) => {
    await using world = await open()
    const client = clientWith(world)
    const session = await client.enter('/slow')
    hold(client, session)
    const drain = begin(world)
    await drain.pass(2_980)
    expect(client.closedBy).toBeUndefined()
    await drain.pass(40)
    expect(drain.drained).toEqual({ connections: 1, late: 1 })
    expect(client.closedBy).toBe('shutting_down')
    client.resume()
  })

  it('does not wait for commands of a client that left', async () => {
    await using world = await open()
    const client = clientWith(world)
    const session = await client.enter('/slow')
    session.send('post:bake')
    const drain = begin(world)
    await drain.pass(100)
    expect(drain.drained).toBeUndefined()
    client.cut()
    await drain.pass(40)
    expect(drain.drained).toEqual({ connections: 1, late: 0 })
  })

  it('goes on when clients leave by themselves meanwhile', async () => {
    await using world = await open()
    const held = clientWith(world)
    await held.enter('/posts')
    held.pause()
    const sessions = await enterMany(world, 50)
    const drain = begin(world)
    await drain.pass(40)
    for (const state of [...world.realtime.connections].slice(20)) state.connection.close('client_closed')
    held.cut()
    await drain.pass(300)
    expect(drain.drained).toEqual({ connections: 51, late: 0 })
    expect(sessions.filter((session) => goodbyesOf(session).length > 0).length).toBeLessThan(50)
  })

  it('of no time closes everybody at once, and tells them all the same', async () => {
    await using world = await open()
    const sessions = await enterMany(world, 100)
    const drain = begin(world, { withinMs: 0 })
    expect(await drain.ended).toMatchObject({ connections: 100 })
    world.memory.flush()
    expect(world.realtime.connections.size).toBe(0)
    for (const session of sessions) expect(goodbyesOf(session)).toHaveLength(1)
  })
})
