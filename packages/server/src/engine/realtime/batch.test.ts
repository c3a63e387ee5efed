/** Events whose contract lets them leave together. */
import { defineNamespace, latest, type RoomRef, stream } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { serveNamespace } from '../namespace-handlers.ts'
import { openRealtimeWorld } from '../testing/realtime-world.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { Batch } from './batch.ts'

const rooms = ['user', 'team'] as const
const desk = defineNamespace({
  name: '/desk',
  summary: 'A desk.',
  events: {
    'desk:seen': stream(z.object({ n: z.int() }), {
      summary: 'Somebody was seen.',
      rooms,
      batch: { windowMs: 100, countMax: 4 },
    }),
    'desk:load': latest(z.object({ of: z.string(), n: z.int() }), {
      summary: 'How busy somebody is.',
      rooms,
      key: (load) => load.of,
      batch: { windowMs: 100, countMax: 100 },
    }),
    'desk:closed': stream(z.object({ n: z.int() }), { summary: 'Closed.', rooms }),
  },
  commands: {},
})
const ana: RoomRef = { kind: 'user', id: 'ana' }
const team: RoomRef = { kind: 'team', id: 'red' }

async function openDesk() {
  const world = await openRealtimeWorld({ namespaces: [serveNamespace(desk, { commands: {} })] })
  const session = await world.enter('/desk', { userId: 'ana', teams: ['red'] })
  const heard = async () => {
    // Whoever waits for a turn goes on in the next microtasks.
    await new Promise((resolve) => setImmediate(resolve))
    world.memory.flush()
    return session.events.map(({ name, data }) => [name, (data as { n: number }).n])
  }
  const see = (n: number) => world.realtime.publish(desk, 'desk:seen', { n }, { rooms: [ana] })
  return Object.assign(world, { heard, see })
}

describe('a batch', () => {
  it('leaves at the end of its window, whole and in order', async () => {
    await using world = await openDesk()
    const published = [1, 2, 3].map(world.see)
    world.clock.advance(99)
    expect(await world.heard()).toEqual([])
    world.clock.advance(1)
    const seen = [1, 2, 3].map((n) => ['desk:seen', n])
    expect(await world.heard()).toEqual(seen)
    const cursors = (await Promise.all(published)).map(({ cursor }) => cursor.split('.')[1])
    expect(cursors).toEqual(['1', '2', '3'])
    world.clock.advance(1_000)
    expect(await world.heard()).toEqual(seen)
  })

  it('leaves when it is full, and the next one has a window of its own', async () => {
    await using world = await openDesk()
    world.clock.advance(1_000)
    for (const n of [1, 2, 3, 4, 5]) void world.see(n)
    expect((await world.heard()).map(([, n]) => n)).toEqual([1, 2, 3, 4])
    world.clock.advance(99)
    expect(await world.heard()).toHaveLength(4)
    world.clock.advance(1)
    expect(await world.heard()).toHaveLength(5)
  })

  it('is overtaken by what wants no company', async () => {
    await using world = await openDesk()
    void world.see(1)
    await world.realtime.publish(desk, 'desk:closed', { n: 2 }, { rooms: [ana] })
    world.clock.advance(100)
    expect(await world.heard()).toEqual([
      ['desk:closed', 2],
      ['desk:seen', 1],
    ])
  })

  it('carries the newest value of each key, and only that, to the same rooms', async () => {
    await using world = await openDesk()
    const load = (of: string, n: number, room = ana) =>
      world.realtime.publish(desk, 'desk:load', { of, n }, { rooms: [room] })
    const published = [load('a', 1), load('b', 2), load('a', 3), load('a', 4, team), load('a', 5)]
    world.clock.advance(100)
    expect((await world.heard()).map(([, n]) => n)).toEqual([2, 4, 5])
    await Promise.all(published)
  })

  it('refuses at once what is wrong, and not at the end of the window', async () => {
    await using world = await openDesk()
    await expect(world.see('x' as never)).rejects.toMatchObject({ code: 'validation_failed' })
  })

  it('leaves before its time when the engine stops', async () => {
    await using world = await openDesk()
    const published = world.see(1)
    world.realtime.stop()
    expect((await published).cursor).toMatch(/\.1$/)
  })

  it.each([
    [0, 10],
    [60_001, 10],
    [Number.NaN, 10],
    [100, 0],
    [100, 10_001],
  ])('of %s milliseconds and %s events is refused', (windowMs, countMax) => {
    expect(() => new Batch({ windowMs, countMax }, createTestClock())).toThrow(RangeError)
  })
})
