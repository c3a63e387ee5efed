/**
 * Clients that read more slowly than events are published get all of them, later, and hold nobody up (R7).
 */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createMemoryLog } from '../memory/log.ts'
import { posts } from '../testing/example-namespaces.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { until } from '../testing/until.ts'
import {
  acme,
  ana,
  comeBack,
  episode,
  live,
  numbersTo,
  open,
  publish,
  said,
  visit,
} from '../testing/visits.ts'

describe('a client that reads slowly', () => {
  const queueBounds = { congestedBytes: 4_000, fullBytes: 8_000, overflowBytes: 20_000 }

  it('[R7] is not closed, holds no more than its bound, and gets everything as it reads', async () => {
    await using world = await open({ queueBounds })
    const slow = await visit(world, ana)
    const fast = await visit(world, ana)
    slow.client.pause()
    const numbers = numbersTo(2_000)
    let most = 0
    for (const n of numbers) {
      await publish(world, n, acme)
      most = Math.max(most, slow.client.connection?.queuedBytes ?? 0)
    }
    world.memory.flush()
    expect(most).toBeGreaterThan(4_000)
    expect(most).toBeLessThan(8_500)
    expect(said(fast.session)).toEqual(numbers)
    expect(said(slow.session)).toEqual([])
    expect(world.realtime.namespaces.get('/posts')?.fellBehind).toBe(1)
    slow.client.resume()
    await live(world, slow.session)
    await publish(world, 2_001, acme)
    world.memory.flush()
    expect(said(slow.session)).toEqual([...numbers, 2_001])
    expect(slow.client.closedBy).toBeUndefined()
  })

  // The second time, the log begins in the middle of the page on which the client is.
  it.each([50_500, 50_127])(
    '[R7] is closed when the log was trimmed past it, and told when it comes back: after %i events',
    async (published) => {
      await using world = await open({ queueBounds })
      const { client, session } = await visit(world, ana)
      client.pause()
      for (let n = 1; n <= published; n += 1) await publish(world, n, acme)
      client.resume()
      await until(() => {
        world.memory.flush()
        return client.closedBy !== undefined
      })
      expect(client.closedBy).toBe('slow_reader')
      const got = said(session)
      expect(got).toEqual(numbersTo(got.length))
      await comeBack(world, session)
      expect(said(session).at(-1)).toBe('sync:reset "trimmed"')
    },
  )

  it('gets also the one current value that had no room', async () => {
    await using world = await open({ queueBounds })
    const { client, session } = await visit(world, ana)
    const namespace = world.realtime.namespaces.get('/posts')
    client.pause()
    let count = 0
    while (namespace?.fellBehind === 0) {
      count += 1
      await world.realtime.publish(posts, 'post:progress', { n: count, id: `${count}` }, { rooms: [acme] })
    }
    expect(count).toBeGreaterThan(50)
    client.resume()
    await live(world, session)
    expect(session.events.map(({ data }) => (data as { n: number }).n)).toEqual(numbersTo(count))
  })

  it('gets the current values of a room that it joins, more of them than its queue holds', async () => {
    await using world = await open({ queueBounds })
    const { client, session } = await visit(world, ana)
    const room = { rooms: [episode('1')] }
    for (const n of numbersTo(300))
      await world.realtime.publish(posts, 'post:progress', { n, id: `${n}` }, room)
    client.pause()
    await world.sessionOf(session).join(episode('1'))
    client.resume()
    await live(world, session)
    expect(session.events.map(({ data }) => (data as { n: number }).n)).toEqual(numbersTo(300))
  })

  it('[R7] goes on when the log can be read again', async () => {
    const clock = createTestClock()
    const log = createMemoryLog({ clock, randomBytes })
    let isAway = false
    await using world = await open({
      queueBounds,
      log: { ...log, read: (...args) => (isAway ? Promise.reject(new Error('away')) : log.read(...args)) },
    })
    const { client, session } = await visit(world, ana)
    client.pause()
    for (let n = 1; n <= 500; n += 1) await publish(world, n, acme)
    isAway = true
    client.resume()
    await until(() => {
      world.memory.flush()
      return world.logger.at('debug').some(({ message }) => message === 'the log could not be read')
    })
    isAway = false
    world.clock.advance(500)
    await live(world, session)
    expect(said(session)).toEqual(numbersTo(500))
    log.close()
  })

  it('[R7] gets events of any size, each once', async () => {
    await using world = await open({ queueBounds, checkPayloads: false })
    const { client, session } = await visit(world, ana)
    const random = new SeededRandom(1)
    client.pause()
    for (let n = 1; n <= 300; n += 1) {
      const text = 'x'.repeat(random.oneOf([1, 100, 900, 7_800, 9_000]))
      await world.realtime.publish(posts, 'post:created', { n, text } as { n: number }, { rooms: [acme] })
    }
    client.resume()
    await live(world, session)
    expect(said(session)).toEqual(numbersTo(300))
  })

  it('gets the newest of many current values, more of them than its queue holds', async () => {
    await using world = await open({ queueBounds })
    const { client, session } = await visit(world, ana)
    client.pause()
    for (let n = 1; n <= 1_000; n += 1)
      await world.realtime.publish(posts, 'post:progress', { n, id: `${n % 400}` }, { rooms: [acme] })
    client.resume()
    await live(world, session)
    const newest = new Map(
      session.events.map(({ data }) => [(data as { id: string }).id, (data as { n: number }).n]),
    )
    expect([...newest.values()].toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: 400 }, (_, index) => 601 + index),
    )
  })
})
