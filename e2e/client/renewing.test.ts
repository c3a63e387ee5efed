/** Tokens that end while the connection lives, against the server: nobody notices, or the session is recovered with another one. */
import { expect, it } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { news, posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { ana, count, openWorld, type World } from '../protocol/world.ts'
import { isOpen, openClient, sessionsOf } from './client-world.ts'

async function openWithShortToken(source: { readonly canRenew: boolean }) {
  const serverClock = createTestClock(Date.now())
  const world = await openWorld({ clock: serverClock })
  const reasons: string[] = []
  const tested = openClient(world, {
    token: (reason) => {
      reasons.push(reason)
      if (reason === 'expiring' && !source.canRenew) throw new Error('Nobody answers.')
      return world.token(ana, reasons.length === 1 ? 10 : 3_600)
    },
  })
  const lives = [tested.client.namespace(posts), tested.client.namespace(news)] as const
  const resets: string[] = []
  const heard: number[] = []
  lives[0].on('post:created', ({ n }) => heard.push(n))
  for (const live of lives) {
    live.onReset((reason) => resets.push(reason))
    await isOpen(live)
  }
  // The notice comes a fifth of its life before the token ends.
  serverClock.advance(8_500)
  await until(() => reasons.length === 2 && tested.clock.timers === 0)
  return {
    world,
    tested,
    lives,
    heard,
    reasons,
    resets,
    /** Beyond the end of the first token, and its grace. */
    async outlast() {
      for (const _ of count(6)) {
        serverClock.advance(8_000)
        await lives[0].command('post:note', {}).catch(() => {})
      }
    },
    async [Symbol.asyncDispose]() {
      tested[Symbol.dispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

const pidsOf = (world: World) =>
  sessionsOf(world)
    .map(({ pid }) => pid)
    .toSorted()

it('is renewed before it ends, for all sessions of the connection, and nothing happens to them', async () => {
  await using opened = await openWithShortToken({ canRenew: true })
  const { world, tested, lives, heard, reasons, resets, outlast } = opened
  // The one on /auth was for that only.
  await until(() => sessionsOf(world).length === 2)
  const pids = pidsOf(world)
  await outlast()
  await world.publish(posts, 'post:created', { n: 1 })
  await until(() => heard.length === 1)
  expect(reasons).toEqual(['first', 'expiring'])
  expect(tested.states).toEqual(['idle', 'connecting', 'connected'])
  expect(lives.map(({ state }) => state.get().status)).toEqual(['open', 'open'])
  expect(pidsOf(world)).toEqual(pids)
  expect(resets).toEqual([])
})

it('that could not be renewed ends its sessions; they ask once for another, and miss nothing', async () => {
  await using opened = await openWithShortToken({ canRenew: false })
  const { world, tested, lives, heard, reasons, resets, outlast } = opened
  const pids = pidsOf(world)
  await world.publish(posts, 'post:created', { n: 1 })
  await outlast()
  await until(() => reasons.length === 3)
  for (const live of lives) await isOpen(live)
  expect(reasons).toEqual(['first', 'expiring', 'expired'])
  await world.publish(posts, 'post:created', { n: 2 })
  await until(() => heard.length === 2)
  expect(heard).toEqual([1, 2])
  expect(pidsOf(world)).toEqual(pids)
  expect(resets).toEqual([])
  expect([...new Set(tested.states.slice(3))]).toEqual(['connecting', 'connected'])
  expect(await lives[0].command('post:view', { id: 'a' })).toMatchObject({ id: 'a' })
})
