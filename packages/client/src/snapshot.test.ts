/** Data that is loaded and carried on, against a namespace that does what the test says. */
import { type NamespaceContract, realtimeNamespace } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import type { CommandError } from './command-error.ts'
import { createSnapshot, earlyMax, type Loaded, type SnapshotOptions } from './snapshot.ts'
import { openNamespaceWorld, settled } from './testing/namespace-world.ts'

type Words = readonly string[]
type Options = Partial<SnapshotOptions<NamespaceContract, Words>>

interface Load {
  readonly position: string | undefined
  readonly signal: AbortSignal
  done(data: Words, position?: string): Promise<void>
  fail(error: unknown): Promise<void>
}

function openWorld(options: Options = {}) {
  const world = openNamespaceWorld()
  const loads: Load[] = []
  const errors: unknown[] = []
  const seen: string[] = []
  const snapshot = createSnapshot<NamespaceContract, Words>(world.client, realtimeNamespace as never, {
    load: ({ position, signal }) =>
      new Promise<Loaded<Words>>((resolve, reject) => {
        loads.push({
          position,
          signal,
          async done(data, at) {
            resolve({ data, position: at })
            await settled()
          },
          async fail(error) {
            reject(error)
            await settled()
          },
        })
      }),
    apply: {
      said: (words, event) => {
        const { word } = event as { word: string }
        if (word === 'broken') throw new Error('This applier is broken.')
        return [...words, word]
      },
    },
    onError: (error) => errors.push(error),
    clock: world.clock,
    random: () => 0,
    ...options,
  })
  const shown = () => {
    const { status, data, error } = snapshot.state.get()
    return [status, ...(data === undefined ? [] : [data.join(' ')]), ...(error ? [error.message] : [])].join(
      ': ',
    )
  }
  const watch = () =>
    snapshot.state.subscribe(() => {
      seen.push(shown())
    })
  return {
    ...world,
    loads,
    errors,
    seen,
    snapshot,
    shown,
    watch,
    said: (word: string, id: string) => world.say('said', { word }, id),
  }
}

/** Loaded, and current. */
async function current(options: Options = {}) {
  const world = openWorld(options)
  world.watch()
  world.open()
  await world.loads[0]?.done(['one'], 'e.1')
  expect(world.shown()).toBe('current: one')
  world.seen.length = 0
  return world
}

const refusal = async (
  world: ReturnType<typeof openNamespaceWorld>,
  code: 'forbidden' | 'database_unavailable',
) => {
  const live = world.client.namespace(realtimeNamespace)
  const thrown = live.command('room:join', { room: { kind: 'user', id: 'a' } }).catch((error) => error)
  await world.asked.at(-1)?.refuse(code)
  return (await thrown) as CommandError
}

describe('data', () => {
  it('is loaded when somebody wants it and the namespace is open, and not before', async () => {
    const world = openWorld()
    await settled()
    expect([world.shown(), world.state.get().status, world.left().watchers]).toEqual(['idle', 'idle', 0])
    world.watch()
    expect([world.shown(), world.state.get().status]).toEqual(['loading', 'opening'])
    world.open()
    world.watch()
    expect(world.loads).toHaveLength(1)
    await world.loads[0]?.done(['one'], 'e.1')
    expect(world.snapshot.state.get()).toEqual({
      status: 'current',
      data: ['one'],
      position: 'e.1',
      error: undefined,
    })
    expect(world.snapshot.state.get()).toBe(world.snapshot.state.get())
  })

  it('meets what came while it was on its way: neither missed nor doubled', async () => {
    const world = openWorld()
    world.watch()
    world.open()
    for (const [word, id] of [
      ['one', 'e.1'],
      ['two', 'e.2'],
      ['three', 'e.3'],
    ] as const)
      world.said(word, id)
    await world.loads[0]?.done(['one', 'two'], 'e.2')
    expect(world.shown()).toBe('current: one two three')
    expect(world.seen).toEqual(['current: one two three'])
    // An answer that overtook events which it holds: they come later, and are no news.
    const late = await current()
    late.snapshot.reload()
    await late.loads[1]?.done(['one', 'two'], 'e.2')
    for (const [word, id] of [
      ['two', 'e.2'],
      ['three', 'e.3'],
      ['three', 'e.3'],
    ] as const)
      late.said(word, id)
    expect(late.shown()).toBe('current: one two three')
    expect(late.snapshot.state.get()).toMatchObject({ position: 'e.3' })
  })

  it('without a position takes everything that came meanwhile', async () => {
    const world = openWorld()
    world.watch()
    world.open()
    world.said('two', 'e.2')
    await world.loads[0]?.done(['one'])
    expect(world.shown()).toBe('current: one two')
  })

  it('takes what is not in the log at the position of the event before it', async () => {
    const contract = { ...realtimeNamespace, events: { said: { lane: 'pulse' } } }
    const world = openNamespaceWorld()
    const snapshot = createSnapshot(world.client, contract as unknown as NamespaceContract, {
      load: async () => ({ data: '', position: 'e.5' }),
      apply: { said: (text, event) => `${text}${(event as { word: string }).word}` },
      clock: world.clock,
    })
    snapshot.state.subscribe(() => {})
    world.open()
    await settled()
    for (const [word, id] of [
      ['a', 'e.4'],
      ['b', 'e.5'],
      ['c', 'e.5'],
      ['d', 'e.6'],
    ] as const)
      world.say('said', { word }, id)
    expect(snapshot.state.get().data).toBe('bcd')
  })

  it('stays as it was where an applier fails, and says so', async () => {
    const world = await current()
    world.said('broken', 'e.2')
    world.said('three', 'e.3')
    expect(world.shown()).toBe('current: one three')
    expect(world.errors).toEqual([new Error('This applier is broken.')])
  })

  it('is stale while the line is away, current again when everything has come, and not loaded again', async () => {
    const world = await current()
    world.state.set({ status: 'opening' })
    world.open(true)
    world.said('two', 'e.2')
    world.state.set({ status: 'open', recovered: true, recoveredEvents: 1 })
    expect(world.seen).toEqual(['stale: one', 'stale: one two', 'current: one two'])
    expect(world.loads).toHaveLength(1)
  })

  it('is loaded once when the session is another one, which the reset tells a second time', async () => {
    const world = await current()
    for (const times of [2, 3]) {
      world.state.set({ status: 'opening' })
      world.open()
      world.reset()
      expect(world.loads).toHaveLength(times)
      await world.loads[times - 1]?.done(['new'], `f${times}.0`)
      expect(world.shown()).toBe('current: new')
    }
    world.reset()
    expect(world.loads).toHaveLength(4)
  })

  it('is loaded again after a reset on a living line, and once more where another comes meanwhile', async () => {
    const world = await current()
    world.reset()
    expect([world.shown(), world.loads.length]).toEqual(['stale: one', 2])
    world.said('two', 'e.2')
    world.reset()
    world.reset()
    // One at a time: the one that is under way is told, and waited for.
    expect([world.loads.length, world.loads[1]?.signal.aborted]).toEqual([2, true])
    await world.loads[1]?.done(['too old'], 'e.2')
    expect([world.shown(), world.loads.length]).toEqual(['stale: one', 3])
    world.said('four', 'e.4')
    await world.loads[2]?.done(['three'], 'e.3')
    expect(world.shown()).toBe('current: three four')
  })

  it('is loaded again where rooms were lost, of which it may show something', async () => {
    const world = await current()
    world.say('room:lost', { rooms: [{ kind: 'user', id: 'b' }] })
    expect(world.loads).toHaveLength(2)
  })

  it('is forgotten when the client is closed', async () => {
    const world = await current()
    world.reset()
    world.state.set({ status: 'closed' })
    expect(world.shown()).toBe('idle')
    await world.loads[1]?.done(['of somebody else'], 'e.2')
    expect(world.shown()).toBe('idle')
    world.state.set({ status: 'opening' })
    expect(world.shown()).toBe('loading')
    world.open()
    world.reset()
    expect(world.loads).toHaveLength(3)
    await world.loads[2]?.done(['new'], 'e.3')
    expect(world.shown()).toBe('current: new')
  })

  it('is loaded anew for who comes back, and nothing is left when it is closed', async () => {
    const world = await current()
    world.reset()
    world.snapshot.close()
    expect(world.left()).toEqual({ listeners: 0, watchers: 0, users: 0, timers: 0 })
    expect([world.loads[1]?.signal.aborted, world.shown()]).toEqual([true, 'stale: one'])
    await world.loads[1]?.done(['too late'], 'e.2')
    expect(world.shown()).toBe('stale: one')
    world.watch()
    expect(world.loads).toHaveLength(3)
    await world.loads[2]?.done(['new'], 'e.3')
    expect(world.shown()).toBe('current: new')
  })

  it('that nobody wanted for a while hears of resets from the first one on', async () => {
    const world = await current()
    world.snapshot.close()
    world.state.set({ status: 'idle' })
    world.watch()
    world.open()
    await world.loads[1]?.done(['new'], 'e.3')
    world.reset()
    expect([world.shown(), world.loads.length]).toEqual(['stale: new', 3])
  })

  it.each([
    ['refused', 'forbidden'],
    ['ended', 'kicked'],
  ] as const)('says why there is none when the namespace is %s', async (status, code) => {
    const world = openWorld()
    world.watch()
    world.state.set({ status, code, message: 'No.' } as never)
    expect(world.shown()).toBe('failed: No.')
    world.state.set({ status: 'opening' })
    world.open()
    await world.loads[0]?.done(['one'], 'e.1')
    world.state.set({ status, code, message: 'No.' } as never)
    expect(world.shown()).toBe('stale: one: No.')
  })
})

describe('a load that fails', () => {
  it('is tried again, later each time, and shows what there was', async () => {
    const world = openWorld({ random: () => 1 })
    world.watch()
    world.open()
    await world.loads[0]?.fail('no network')
    expect([world.shown(), world.snapshot.state.get().error]).toEqual([
      'failed: no network',
      new Error('no network'),
    ])
    world.clock.advance(1_999)
    expect(world.loads).toHaveLength(1)
    world.clock.advance(1)
    await world.loads[1]?.fail(await refusal(world, 'database_unavailable'))
    world.clock.advance(3_999)
    expect(world.loads).toHaveLength(2)
    world.clock.advance(1)
    await world.loads[2]?.done(['one'], 'e.1')
    world.reset()
    await world.loads[3]?.fail(new Error('again'))
    expect(world.shown()).toBe('stale: one: again')
    world.clock.advance(2_000)
    await world.loads[4]?.done(['two'], 'e.2')
    expect([world.shown(), world.clock.timers]).toEqual(['current: two', 0])
  })

  it('for good is not tried again before the namespace opens, or somebody asks for it', async () => {
    const world = openWorld()
    world.watch()
    world.open()
    await world.loads[0]?.fail(await refusal(world, 'forbidden'))
    expect([world.shown(), world.clock.timers]).toEqual(['failed: no', 0])
    world.state.set({ status: 'open', recovered: false })
    expect(world.loads).toHaveLength(1)
    world.snapshot.reload()
    await world.loads[1]?.fail(await refusal(world, 'forbidden'))
    world.state.set({ status: 'opening' })
    world.open(true)
    expect(world.loads).toHaveLength(3)
  })

  it('is not tried twice when the namespace opens before its time', async () => {
    const world = openWorld()
    world.watch()
    world.open()
    await world.loads[0]?.fail(new Error('no'))
    world.state.set({ status: 'opening' })
    world.clock.advance(60_000)
    expect(world.loads).toHaveLength(1)
    world.open(true)
    world.clock.advance(1)
    expect(world.loads).toHaveLength(2)
  })

  it('because it takes too long is told, and begun again', async () => {
    const world = openWorld({ loadTimeoutMs: 5_000 })
    world.watch()
    world.open()
    world.clock.advance(5_000)
    await settled()
    expect(world.loads[0]?.signal.aborted).toBe(true)
    expect(world.shown()).toBe('failed: The data was not loaded in time.')
    world.clock.advance(1_000)
    await world.loads[0]?.done(['too late'], 'e.1')
    expect([world.shown(), world.loads.length]).toEqual(['failed: The data was not loaded in time.', 2])
  })

  it('because too much came meanwhile is begun again', async () => {
    const world = openWorld()
    world.watch()
    world.open()
    for (let n = 1; n <= earlyMax + 5; n += 1) world.said('x', `e.${n}`)
    await world.loads[0]?.done([], 'e.0')
    expect(world.shown()).toMatch(/^failed: More than 10000 events/)
    world.clock.advance(1_000)
    for (let n = 1; n <= earlyMax; n += 1) world.said('x', `e.${n}`)
    await world.loads[1]?.done([], 'e.0')
    expect(world.snapshot.state.get().data).toHaveLength(earlyMax)
  })
})

describe('of a room', () => {
  const room = { kind: 'user', id: 'a' }

  it('is loaded when it was entered, and left when it is closed', async () => {
    const world = openWorld({ room })
    world.watch()
    world.open()
    expect([world.loads.length, world.asked.map(({ name }) => name)]).toEqual([0, ['room:join']])
    await world.asked[0]?.answer({ position: 'e.4' })
    expect(world.loads.map(({ position }) => position)).toEqual(['e.4'])
    await world.loads[0]?.done(['one'], 'e.4')
    world.reset()
    // Not before it is in the room again: what comes between would be missed.
    expect([world.shown(), world.loads.length]).toEqual(['stale: one', 1])
    await world.asked[1]?.answer({ position: 'e.9' })
    expect(world.loads[1]?.position).toBe('e.9')
    await world.loads[1]?.done(['two'], 'e.9')
    expect(world.shown()).toBe('current: two')
    world.snapshot.close()
    expect(world.asked.at(-1)?.name).toBe('room:leave')
    expect(world.left()).toEqual({ listeners: 0, watchers: 0, users: 0, timers: 0 })
  })

  it('is loaded once by a new session, and not at all by one that was recovered', async () => {
    const world = openWorld({ room })
    world.watch()
    world.open()
    await world.asked[0]?.answer({ position: 'e.1' })
    await world.loads[0]?.done(['one'], 'e.1')
    world.state.set({ status: 'opening' })
    world.open(true)
    world.state.set({ status: 'open', recovered: true, recoveredEvents: 0 })
    await settled()
    expect([world.shown(), world.asked.length, world.loads.length]).toEqual(['current: one', 1, 1])
    world.state.set({ status: 'opening' })
    world.open()
    world.reset()
    await world.asked[1]?.answer({ position: 'f.1' })
    expect([world.asked.length, world.loads.length]).toEqual([2, 2])
  })

  it('is not shown any more where it may not be', async () => {
    const world = openWorld({ room })
    world.watch()
    world.open()
    await world.asked[0]?.answer({ position: 'e.1' })
    await world.loads[0]?.done(['secret'], 'e.1')
    world.say('room:lost', { rooms: [room] })
    expect(world.snapshot.state.get()).toMatchObject({
      status: 'failed',
      data: undefined,
      error: expect.objectContaining({ code: 'forbidden' }),
    })
    world.said('more', 'e.2')
    expect(world.loads).toHaveLength(1)
    world.state.set({ status: 'opening' })
    world.open(true)
    await world.asked[1]?.refuse('forbidden')
    expect(world.shown()).toBe('failed: no')
    world.state.set({ status: 'opening' })
    world.open()
    await world.asked[2]?.answer({ position: 'e.7' })
    await world.loads[1]?.done(['seven'], 'e.7')
    expect(world.shown()).toBe('current: seven')
  })
})

describe('of an earlier page', () => {
  const initial = { data: ['kept'], position: 'e.5' }

  it('is shown at once, and carried on where the session was recovered', () => {
    const world = openWorld({ initial })
    expect(world.shown()).toBe('stale: kept')
    world.watch()
    world.open(true)
    // The cursor may lag behind what was saved.
    for (const [word, id] of [
      ['kept', 'e.5'],
      ['six', 'e.6'],
    ] as const)
      world.said(word, id)
    world.state.set({ status: 'open', recovered: true, recoveredEvents: 2 })
    expect([world.shown(), world.loads.length]).toEqual(['current: kept six', 0])
  })

  it.each([
    ['is another one', false],
    ['was open before anybody looked', true],
  ])('is loaded again where the session %s', async (_what, isEarly) => {
    const world = openWorld({ initial })
    if (isEarly) world.open(true)
    world.watch()
    if (!isEarly) world.open()
    expect([world.shown(), world.loads.length]).toEqual(['stale: kept', 1])
  })
})
