/** Commands over lines that break: which are lost, which wait, and which run once for all that. */
import { describe, expect, it, vi } from 'vitest'
import { cuttableLine } from '../browser/line.ts'
import { posts } from '../protocol/namespaces.ts'
import { seededRandom } from '../protocol/random.ts'
import { until } from '../protocol/until.ts'
import { count, openWorld, type World } from '../protocol/world.ts'
import { becomes, isOpen, openClient } from './client-world.ts'

const idsOf = (world: World) => world.handled.map(({ input }) => (input as { id: string }).id)

describe('commands', () => {
  it('without a key are rejected at once while there is no line, and lost when it breaks', async () => {
    await using world = await openWorld()
    await using line = await cuttableLine(world.url)
    using tested = openClient(world, { url: line.url })
    const live = tested.client.namespace(posts)
    live.onReset(() => {})
    await isOpen(live)
    cutWhenHandled(world, line, once())
    const lost = { code: 'disconnected', retry: true }
    await expect(live.command('post:view', { id: 'under way' })).rejects.toMatchObject(lost)
    await expect(live.command('post:view', { id: 'later' })).rejects.toMatchObject(lost)
    expect(live.state.get().status).toBe('waiting')
    line.mend()
    tested.clock.advance(1_000)
    await isOpen(live)
    expect(await live.command('post:note', {})).toBeUndefined()
    expect(idsOf(world)).toEqual(['under way', undefined])
  })

  it('of which nothing is left waiting in the stock client', async () => {
    await using world = await openWorld()
    await using line = await cuttableLine(world.url)
    using tested = openClient(world, { url: line.url })
    const live = tested.client.namespace(posts)
    // What comes before anything has ever been open.
    line.cut()
    const early = live.command('post:view', { id: 'early' })
    await expect(early).rejects.toMatchObject({ code: 'disconnected', retry: true })
    line.mend()
    tested.clock.advance(1_000)
    await isOpen(live)
    expect(await live.command('post:view', { id: 'now' })).toMatchObject({ id: 'now' })
    expect(idsOf(world)).toEqual(['now'])
  })

  it('on a line that is found dead when they are sent are lost, and not sent on the next one', async () => {
    await using world = await openWorld()
    using tested = openClient(world)
    const live = tested.client.namespace(posts)
    live.onReset(() => {})
    await isOpen(live)
    // Longer than a ping and its timeout, as after a sleep of the machine.
    const awake = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000)
    const answers = [
      live.command('post:view', { id: 'lost' }),
      live.command('post:view', { id: 'kept' }, { key: 'k' }),
    ]
    awake.mockRestore()
    await expect(answers[0]).rejects.toMatchObject({ code: 'disconnected', retry: true })
    tested.clock.advance(1_000)
    expect(await answers[1]).toMatchObject({ id: 'kept' })
    expect(idsOf(world)).toEqual(['kept'])
  })

  it('with a key that ran just before the cut get their answer after it, and do not run again', async () => {
    await using world = await openWorld()
    await using line = await cuttableLine(world.url)
    using tested = openClient(world, { url: line.url })
    const live = tested.client.namespace(posts)
    live.onReset(() => {})
    await isOpen(live)
    cutWhenHandled(world, line, once())
    const answers = [live.command('post:view', { id: 'under way' }, { key: 'k0' })]
    await becomes(live, 'waiting')
    answers.push(live.command('post:view', { id: 'meanwhile' }, { key: 'k1' }))
    const givenUp = new AbortController()
    const { signal } = givenUp
    const aborted = live.command('post:view', { id: 'given up' }, { key: 'k2', signal })
    givenUp.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    line.mend()
    tested.clock.advance(1_000)
    expect((await Promise.all(answers)).map(({ id }) => id)).toEqual(['under way', 'meanwhile'])
    expect(idsOf(world)).toEqual(['under way', 'meanwhile'])
  })

  it('with a key wait, 100 of them, for as long as they may', async () => {
    await using world = await openWorld()
    await using line = await cuttableLine(world.url)
    using tested = openClient(world, { url: line.url })
    const { clock } = tested
    const live = tested.client.namespace(posts)
    live.onReset(() => {})
    await isOpen(live)
    line.cut()
    await becomes(live, 'waiting')
    const late = live.command('post:view', { id: 'late' }, { key: 'late', timeoutMs: 500 })
    const waiting = count(99).map((n) => live.command('post:view', { id: `${n}` }, { key: `${n}` }))
    await expect(live.command('post:view', { id: 'x' }, { key: 'x' })).rejects.toMatchObject({
      code: 'too_many_requests',
      retry: true,
    })
    clock.advance(500)
    await expect(late).rejects.toMatchObject({ code: 'timeout' })
    line.mend()
    clock.advance(500)
    await isOpen(live)
    // They leave in portions, a second apart.
    for (let sent = 10; sent < 100; sent += 10) {
      await until(() => world.handled.length === sent)
      clock.advance(1_000)
    }
    expect((await Promise.all(waiting)).map(({ id }) => Number(id))).toEqual(count(99))
    expect(idsOf(world).map(Number)).toEqual(count(99))
  })

  it.each(['websocket', 'polling'] as const)(
    'with a key run exactly once over a line of %s that breaks again and again',
    async (transport) => {
      const seed = Math.floor(Math.random() * 2 ** 31)
      const random = seededRandom(seed)
      await using world = await openWorld()
      await using line = await cuttableLine(world.url)
      using tested = openClient(world, { url: line.url, socket: { transports: [transport] } })
      const { client, clock } = tested
      const live = client.namespace(posts)
      live.onReset(() => {})
      await isOpen(live)
      let cuts = 0
      cutWhenHandled(world, line, () => {
        const cutNow = cuts < 12 && random() < 0.4
        if (cutNow) cuts += 1
        return cutNow
      })
      // As many at once as leave together.
      for (const wave of count(6)) {
        const ids = count(10).map((n) => `${wave}-${n}`)
        const answers = Promise.all(ids.map((id) => live.command('post:view', { id }, { key: id })))
        let isDone = false
        const done = () => {
          isDone = true
        }
        answers.then(done, done)
        await until(
          () => {
            if (client.state.get().status === 'waiting') {
              line.mend()
              clock.advance(1_000)
            }
            return isDone
          },
          { what: `answers to all commands; seed ${seed}, ${cuts} cuts` },
        )
        expect((await answers).map(({ id }) => id)).toEqual(ids)
        expect(idsOf(world).slice(-10).sort(), `seed ${seed}`).toEqual(ids)
      }
      expect(world.handled).toHaveLength(60)
      expect(cuts).toBeGreaterThan(0)
    },
  )
})

/** Cuts the line in the moment in which a handler runs: the answer never arrives. */
function cutWhenHandled(world: World, line: { cut(): void }, when: () => boolean): void {
  const { handled } = world
  handled.push = (...items) => {
    for (const item of items) handled[handled.length] = item
    if (when()) line.cut()
    return handled.length
  }
}

function once(): () => boolean {
  let times = 0
  return () => {
    times += 1
    return times === 1
  }
}
