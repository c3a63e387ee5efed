/** What leaves at the end of a tick: everything, in order, in slices, and joined once for those who get the same. */
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../engine/testing/seeded-random.ts'
import { until } from '../../engine/testing/until.ts'
import { Outgoing } from './encoded-event.ts'
import { type Flushable, Flusher, Joiner } from './flusher.ts'

const outgoing = (text: string) => new Outgoing([text])
const plain = (entries: readonly Outgoing[], compressBeyondBytes?: number) =>
  Buffer.concat(entries.map((entry) => entry.frames(compressBeyondBytes)))

describe('the joiner', () => {
  it('makes one buffer for all queues that hold the same', () => {
    const joiner = new Joiner()
    const entries = ['4a', '4bb', '4ccc'].map(outgoing)
    const buffer = joiner.join([...entries], undefined)
    expect(buffer.equals(plain(entries))).toBe(true)
    expect(joiner.join([...entries], undefined)).toBe(buffer)
    expect(joiner.join([...entries], undefined)).toBe(buffer)
  })

  it('takes the frames of a single packet as they are', () => {
    const entry = outgoing('4a')
    expect(new Joiner().join([entry], undefined)).toBe(entry.frames(undefined))
    expect(new Joiner().join([entry], 100)).toBe(entry.frames(100))
  })

  it('keeps order, length and compression apart', () => {
    const joiner = new Joiner()
    const [a, b, c] = ['4a', '4b', `4${'c'.repeat(500)}`].map(outgoing)
    if (a === undefined || b === undefined || c === undefined) throw new Error('There are three.')
    for (const entries of [
      [a, b],
      [b, a],
      [a, b, c],
      [a, b, a],
      [a, a],
      [a, a, a],
      [c, b],
    ])
      for (const beyond of [undefined, 100])
        expect(joiner.join(entries, beyond).equals(plain(entries, beyond))).toBe(true)
    expect(joiner.join([c, c], 100).length).toBeLessThan(joiner.join([c, c], undefined).length)
  })

  it('compares what it joined, and not only its hash', () => {
    // 31 x + y is the same for both pairs.
    const numbered = (number: number, text: string): Outgoing =>
      Object.create(outgoing(text), {
        number: { value: number },
        frames: { value: () => Buffer.from(text) },
      }) as Outgoing
    const joiner = new Joiner()
    const one = [numbered(1, 'a'), numbered(100, 'b')]
    const other = [numbered(2, 'c'), numbered(69, 'd')]
    expect(joiner.join(one, undefined).toString()).toBe('ab')
    expect(joiner.join(other, undefined).toString()).toBe('cd')
    expect(joiner.join(one, undefined).toString()).toBe('ab')
    expect(joiner.join(other, undefined).toString()).toBe('cd')
    const longer = [numbered(0, 'e'), numbered(1, 'f'), numbered(100, 'g')]
    expect(joiner.join(longer, undefined).toString()).toBe('efg')
    const [a, b] = one
    if (a === undefined || b === undefined) throw new Error('There are two.')
    // 31 · 131 - 3930 is 131 again.
    expect(joiner.join([a, b, numbered(-3_930, 'h')], undefined).toString()).toBe('abh')
  })

  it.each([1, 2, 3])('never gives a queue what is not its own: seed %i', (seed) => {
    const random = new SeededRandom(seed)
    const joiner = new Joiner()
    const all = Array.from({ length: 12 }, (_, n) => outgoing(`4${n}`))
    for (let step = 0; step < 2_000; step += 1) {
      const entries = Array.from({ length: 1 + random.below(6) }, () => random.oneOf(all))
      expect(joiner.join(entries, undefined).equals(plain(entries))).toBe(true)
    }
  })
})

describe('the flusher', () => {
  class Connection implements Flushable {
    flushes = 0
    readonly joiners = new Set<Joiner>()
    readonly onFlush: () => void

    constructor(onFlush: () => void = () => undefined) {
      this.onFlush = onFlush
    }

    flush(joiner: Joiner): void {
      this.flushes += 1
      this.joiners.add(joiner)
      this.onFlush()
    }
  }
  const connections = (count: number, onFlush?: () => void) =>
    Array.from({ length: count }, () => new Connection(onFlush))
  /** Keeps the processor busy for so long. */
  const work = (ms: number) => {
    const until = performance.now() + ms
    while (performance.now() < until);
  }

  it('flushes at the end of the tick, each once, in the order in which they came', async () => {
    const flusher = new Flusher()
    const order: number[] = []
    for (let n = 1; n <= 100; n += 1) flusher.add(new Connection(() => order.push(n)))
    expect(order).toEqual([])
    await until(() => order.length === 100, { what: 'all are flushed' })
    await turn()
    expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  })

  it('has one joiner for all connections of a sweep, and another one for the next', async () => {
    const flusher = new Flusher()
    const all = connections(500)
    for (const connection of all) flusher.add(connection)
    await until(() => all.every(({ flushes }) => flushes === 1), { what: 'all are flushed' })
    for (const connection of all) flusher.add(connection)
    await until(() => all.every(({ flushes }) => flushes === 2), { what: 'all are flushed again' })
    const first = new Set(all.flatMap(({ joiners }) => [...joiners][0] ?? []))
    const second = new Set(all.flatMap(({ joiners }) => [...joiners][1] ?? []))
    expect([first.size, second.size]).toEqual([1, 1])
    expect(second.has([...first][0] ?? new Joiner())).toBe(false)
  })

  it('cuts a long sweep, lets others run in between, and keeps joiner and order', async () => {
    const flusher = new Flusher()
    const order: number[] = []
    const all = Array.from(
      { length: 320 },
      (_, n) =>
        new Connection(() => {
          order.push(n)
          work(0.2)
        }),
    )
    for (const connection of all) flusher.add(connection)
    const seen = new Set<number>()
    while (order.length < all.length) {
      seen.add(order.length)
      await turn()
    }
    // 64 milliseconds of work in slices of some 4.
    expect(seen.size).toBeGreaterThanOrEqual(5)
    expect(order).toEqual(all.map((_, n) => n))
    expect(new Set(all.flatMap(({ joiners }) => [...joiners])).size).toBe(1)
  })

  it('takes more of long turns, as much as its maximum, and less again', () => {
    let nowMs = 0
    const due: (() => void)[] = []
    const flusher = new Flusher({ now: () => nowMs, next: (action) => due.push(action) })
    const all = connections(2_000, () => {
      nowMs += 0.1
    })
    for (const connection of all) flusher.add(connection)
    /** How long it flushed in a turn, after everything else took so long. */
    const flushedMs = (othersMs: number) => {
      nowMs += othersMs
      const began = nowMs
      due.shift()?.()
      return nowMs - began
    }
    // It looks at the clock every 3.2 milliseconds.
    const slices = [50, 0, 1, 5, 10, 100, 0].map(flushedMs)
    expect(slices.map(Math.round)).toEqual([6, 6, 6, 16, 32, 32, 6])
  })

  it('flushes who comes while it flushes, and who comes back', async () => {
    const flusher = new Flusher()
    const late = new Connection()
    const again: Connection = new Connection(() => {
      if (again.flushes === 1) flusher.add(again)
    })
    const first = new Connection(() => flusher.add(late))
    flusher.add(first)
    flusher.add(again)
    await until(() => late.flushes === 1 && again.flushes === 2, { what: 'both are flushed' })
    for (let n = 0; n < 40; n += 1) await turn()
    expect([first.flushes, late.flushes, again.flushes]).toEqual([1, 1, 2])
  })

  it('flushes what comes in the pause after a long sweep, and while a cut one waits', async () => {
    const flusher = new Flusher()
    const slow = connections(40, () => work(0.3))
    for (const connection of slow) flusher.add(connection)
    await until(() => slow.some(({ flushes }) => flushes === 1), { what: 'the sweep has begun' })
    const during = new Connection()
    flusher.add(during)
    await until(() => slow.every(({ flushes }) => flushes === 1), { what: 'the sweep is over' })
    const after = new Connection()
    flusher.add(after)
    await until(() => during.flushes === 1 && after.flushes === 1, { what: 'both are flushed' })
  })
})
