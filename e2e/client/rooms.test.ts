/** Rooms that are entered again by themselves. */
import { enterRoom } from '@belfry/client'
import { expect, it } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { count, openWorld, thread, type World } from '../protocol/world.ts'
import { becomes, isOpen, openClient, sessionsOf } from './client-world.ts'

const threadsOf = (world: World) =>
  sessionsOf(world)
    .flatMap(({ rooms }) => rooms.map(({ name }) => name))
    .filter((name) => name.includes('thread'))

function cut(world: World): void {
  for (const { connection } of world.realtime.connections) connection.close('closed_by_server')
}

it('is entered, entered again by the next session, and left by the last who wants it', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const { client, clock } = tested
  const positions: string[] = []
  const heard: number[] = []
  const live = client.namespace(posts)
  live.on('post:created', ({ n }) => heard.push(n))
  await isOpen(live)
  const enter = () => enterRoom(client, posts, thread('a'), { clock, onEntered: (at) => positions.push(at) })
  const leave = enter()
  await until(() => positions.length === 1)
  const leaveToo = enter()
  expect(positions).toHaveLength(2)
  await world.publish(posts, 'post:created', { n: 1 }, thread('a'))
  await until(() => heard.length === 1)
  cut(world)
  await becomes(live, 'waiting')
  clock.advance(1_000)
  await isOpen(live)
  await world.publish(posts, 'post:created', { n: 2 }, thread('a'))
  await until(() => heard.length === 2)
  // The session is the same, and still in the room.
  expect(positions).toHaveLength(2)
  client.close()
  client.connect()
  await until(() => positions.length === 4)
  await world.publish(posts, 'post:created', { n: 3 }, thread('a'))
  await until(() => heard.length === 3)
  leave()
  leave()
  await live.command('post:note', {})
  expect(threadsOf(world)).toHaveLength(1)
  leaveToo()
  await until(() => threadsOf(world).length === 0)
  expect(live.state.get().status).toBe('open')
  expect(positions[0]).toMatch(/^\w+\.\d+$/)
})

it('opens the namespace, and leaves it with the last room', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const { client, clock } = tested
  const leaves = ['a', 'b'].map((id) => enterRoom(client, posts, thread(id), { clock }))
  await until(() => threadsOf(world).length === 2)
  leaves[0]?.()
  await until(() => threadsOf(world).length === 1)
  leaves[1]?.()
  await world.connections(0)
  expect(client.state.get()).toEqual({ status: 'idle' })
  enterRoom(client, posts, thread('a'), { clock })
  await until(() => threadsOf(world).length === 1)
})

it('tells who may not be in it, each time that it is tried', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const { client, clock } = tested
  const live = client.namespace(posts)
  const refused: string[] = []
  enterRoom(client, posts, thread('secret'), { clock, onRefused: ({ code }) => refused.push(code) })
  await until(() => refused.length === 1)
  cut(world)
  await becomes(live, 'waiting')
  clock.advance(1_000)
  await until(() => refused.length === 2)
  expect(refused).toEqual(['forbidden', 'forbidden'])
})

it('comes in portions where there are many, and again where the server says that it was too fast', async () => {
  const serverClock = createTestClock(Date.now())
  await using world = await openWorld({ clock: serverClock, commandsPerSecond: 9 })
  using tested = openClient(world)
  const { client, clock } = tested
  const live = client.namespace(posts)
  const entered: number[] = []
  for (const n of count(25))
    enterRoom(client, posts, thread(`${n}`), { clock, onEntered: () => entered.push(n) })
  await isOpen(live)
  const inRounds: number[] = []
  while (entered.length < 25) {
    // Its answer, whatever it is, comes behind those of the rooms.
    await live.command('post:note', {}).catch(() => {})
    inRounds.push(entered.length)
    serverClock.advance(1_000)
    clock.advance(1_000)
  }
  expect(entered.toSorted((one, other) => one - other)).toEqual(count(25))
  expect(inRounds[0]).toBe(9)
  expect(inRounds.length).toBeLessThan(5)
  expect(threadsOf(world)).toHaveLength(25)
})

it('is not entered by who has left it before the namespace opened', async () => {
  await using world = await openWorld()
  using tested = openClient(world)
  const { client, clock } = tested
  const live = client.namespace(posts)
  enterRoom(client, posts, thread('a'), { clock })()
  enterRoom(client, posts, thread('b'), { clock })
  await isOpen(live)
  await until(() => threadsOf(world).length === 1)
  expect(threadsOf(world)[0]).toContain('b')
})
