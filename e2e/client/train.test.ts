/** A user on a train: the line breaks again and again, and the page is right all the same. */
import { createSnapshot, enterRoom } from '@belfry/client'
import { expect, it } from 'vitest'
import { cuttableLine } from '../browser/line.ts'
import { posts } from '../protocol/namespaces.ts'
import { seededRandom } from '../protocol/random.ts'
import { until } from '../protocol/until.ts'
import { count, openWorld, thread, type World } from '../protocol/world.ts'
import { isOpen, openClient } from './client-world.ts'

const idsOf = (world: World) => world.handled.map(({ input }) => (input as { id: string }).id)

it.each(['websocket', 'polling'] as const)(
  'over %s: every event once and in order, nothing loaded twice, every change done once and in order',
  async (transport) => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const random = seededRandom(seed)
    await using world = await openWorld()
    await using line = await cuttableLine(world.url)
    using tested = openClient(world, { url: line.url, socket: { transports: [transport] } })
    const { client, clock } = tested
    const live = client.namespace(posts)
    const heard: number[] = []
    const resets: string[] = []
    const counts: number[] = []
    const entered: string[] = []
    live.on('post:created', ({ n }) => heard.push(n))
    live.on('sync:recovered', ({ events }) => counts.push(events))
    live.onReset((reason) => resets.push(reason))
    const published: number[] = []
    let head = ''
    let loads = 0
    const room = thread('train')
    enterRoom(client, posts, room, { clock, onEntered: (position) => entered.push(position) })
    const snapshot = createSnapshot(client, posts, {
      room,
      load: async ({ position }) => {
        loads += 1
        return { data: [...published], position: head || position }
      },
      apply: { 'post:created': (numbers, { n }) => [...numbers, n] },
      clock,
    })
    snapshot.state.subscribe(() => {})
    await until(() => snapshot.state.get().status === 'current')

    const publish = async () => {
      const n = published.length
      const { cursor } = await world.publish(posts, 'post:created', { n }, room)
      published.push(n)
      head = cursor
    }
    const changes: Promise<unknown>[] = []
    let cuts = 0
    for (const round of count(20)) {
      for (const _ of count(1 + Math.floor(random() * 4))) await publish()
      if (random() < 0.7) {
        cuts += 1
        line.cut()
        await until(() => live.state.get().status === 'waiting')
      }
      changes.push(live.command('post:view', { id: `${round}` }, { repeat: true }))
      const { status } = live.state.get()
      if (status === 'waiting') {
        expect(live.waiting.get().map(({ name }) => name)).toEqual(['post:view'])
        expect(snapshot.state.get().status).toBe('stale')
        await publish()
        line.mend()
        clock.advance(1_000)
      }
      // Sometimes it breaks again in the middle of what comes.
      if (random() < 0.3) {
        line.cut()
        await until(() => live.state.get().status === 'waiting')
        line.mend()
        clock.advance(1_000)
      }
      await isOpen(live)
      await changes.at(-1)
    }
    await until(() => heard.length >= published.length, { what: `all events; seed ${seed}, ${cuts} cuts` })
    await until(() => snapshot.state.get().status === 'current')
    expect(heard, `seed ${seed}`).toEqual(published)
    expect(snapshot.state.get().data, `seed ${seed}`).toEqual(published)
    expect(idsOf(world), `seed ${seed}`).toEqual(count(20).map(String))
    expect([loads, entered.length, resets]).toEqual([1, 1, []])
    expect(live.waiting.get()).toEqual([])
    expect(cuts).toBeGreaterThan(0)
    // At least what was published while there was no line.
    expect(counts.reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(cuts)
    snapshot.close()
  },
)
