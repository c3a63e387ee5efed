/** The queue of one connection: what it takes, drops and replaces, in which order, and how full it is. */
import type { Lane } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../engine/testing/seeded-random.ts'
import { Outgoing } from './encoded-event.ts'
import { OutgoingQueue } from './outgoing-queue.ts'

const bounds = { congestedBytes: 100, fullBytes: 200, overflowBytes: 400 }

/** A line with so many bytes that have not left yet. */
const line = (pendingBytes: number) => ({ pendingBytes, isBlocked: pendingBytes > 0 })

/** So many bytes, with a letter that tells it from others. */
const outgoing = (name: string, bytes: number, lane: Lane = 'stream', key?: string) =>
  new Outgoing([name.padEnd(bytes, '.')], lane, key)
const nameOf = ({ packets }: Outgoing) => String(packets[0]).replaceAll('.', '')
const taken = (queue: OutgoingQueue) => queue.take().map(nameOf)

/** Of packets, where only bytes matter. */
const noBound = Number.POSITIVE_INFINITY

describe('the outgoing queue', () => {
  it('gives back what it took, in order, and is empty then', () => {
    const queue = new OutgoingQueue()
    expect(queue.isEmpty).toBe(true)
    for (const name of ['a', 'b', 'c']) expect(queue.push(outgoing(name, 10), line(0), bounds)).toBe('queued')
    expect(queue.bytes).toBe(30)
    expect(queue.isEmpty).toBe(false)
    expect(taken(queue)).toEqual(['a', 'b', 'c'])
    expect(queue.bytes).toBe(0)
    expect(queue.isEmpty).toBe(true)
    expect(taken(queue)).toEqual([])
  })

  it('keeps all lanes while it is not congested, and several values of one key', () => {
    const queue = new OutgoingQueue()
    queue.push(outgoing('a', 20, 'latest', 'k'), line(0), bounds)
    queue.push(outgoing('b', 20, 'pulse'), line(0), bounds)
    queue.push(outgoing('c', 20, 'latest', 'k'), line(0), bounds)
    expect(queue.push(outgoing('d', 40, 'pulse'), line(0), bounds)).toBe('queued')
    expect(taken(queue)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('drops pulse where it would pass the bound, and nothing else', () => {
    const queue = new OutgoingQueue()
    queue.push(outgoing('a', 90), line(0), bounds)
    expect(queue.push(outgoing('p', 10, 'pulse'), line(0), bounds)).toBe('queued')
    expect(queue.push(outgoing('q', 1, 'pulse'), line(0), bounds)).toBe('dropped')
    expect(queue.push(outgoing('b', 1), line(0), bounds)).toBe('queued')
    expect(queue.push(outgoing('c', 1, 'latest', 'k'), line(0), bounds)).toBe('queued')
    expect(queue.bytes).toBe(102)
    expect(taken(queue)).toEqual(['a', 'p', 'b', 'c'])
  })

  it('counts what is with the socket already', () => {
    const queue = new OutgoingQueue()
    expect(queue.push(outgoing('a', 10, 'pulse'), line(90), bounds)).toBe('queued')
    expect(queue.push(outgoing('b', 10, 'pulse'), line(81), bounds)).toBe('dropped')
    expect(queue.push(outgoing('c', 10), line(180), bounds)).toBe('queued')
    expect(queue.push(outgoing('d', 10), line(171), bounds)).toBe('refused')
    expect(taken(queue)).toEqual(['a', 'c'])
  })

  it('is full where even the stream would pass the second bound, and takes nothing then', () => {
    const queue = new OutgoingQueue()
    for (let n = 0; n < 20; n += 1) expect(queue.push(outgoing(`s${n}`, 10), line(0), bounds)).toBe('queued')
    expect(queue.push(outgoing('x', 1), line(0), bounds)).toBe('refused')
    expect(queue.push(outgoing('y', 1, 'latest', 'k'), line(0), bounds)).toBe('refused')
    expect(queue.push(outgoing('p', 1, 'pulse'), line(0), bounds)).toBe('dropped')
    expect(queue.bytes).toBe(200)
    expect(queue.take()).toHaveLength(20)
  })

  it('takes what is larger than all bounds where nothing is in its way', () => {
    const queue = new OutgoingQueue()
    expect(queue.push(outgoing('a', 500), line(1), bounds)).toBe('refused')
    expect(queue.push(outgoing('a', 500), line(0), bounds)).toBe('queued')
    expect(queue.push(outgoing('b', 1), line(0), bounds)).toBe('refused')
    expect(taken(queue)).toEqual(['a'])
  })

  it('takes what is no event whatever waits, in its place', () => {
    const queue = new OutgoingQueue()
    queue.push(outgoing('a', 200), line(0), bounds)
    queue.pushAlways(outgoing('b', 200))
    expect(queue.push(outgoing('c', 1), line(0), bounds)).toBe('refused')
    expect(queue.bytes).toBe(400)
    expect(taken(queue)).toEqual(['a', 'b'])
  })

  it('keeps the value that waits where the newer one is refused', () => {
    const queue = new OutgoingQueue()
    queue.push(outgoing('s', 150), line(0), bounds)
    queue.push(outgoing('k1', 20, 'latest', 'k'), line(0), bounds)
    expect(queue.push(outgoing('k2', 60, 'latest', 'k'), line(0), bounds)).toBe('refused')
    expect(queue.push(outgoing('k3', 50, 'latest', 'k'), line(0), bounds)).toBe('queued')
    expect(taken(queue)).toEqual(['s', 'k3'])
  })

  it('puts a newer value of a key at the tail when congested, and never into the old place', () => {
    const queue = new OutgoingQueue()
    queue.push(outgoing('s1', 40), line(0), bounds)
    queue.push(outgoing('k1', 30, 'latest', 'k'), line(0), bounds)
    queue.push(outgoing('s2', 20), line(0), bounds)
    queue.push(outgoing('k2', 30, 'latest', 'k'), line(0), bounds)
    expect(queue.bytes).toBe(90)
    queue.push(outgoing('s3', 20), line(0), bounds)
    queue.push(outgoing('l1', 10, 'latest', 'l'), line(0), bounds)
    queue.push(outgoing('k3', 5, 'latest', 'k'), line(0), bounds)
    expect(queue.bytes).toBe(95)
    expect(taken(queue)).toEqual(['s1', 's2', 's3', 'l1', 'k3'])
  })

  it('replaces what makes room again, though it was full for the old and the new together', () => {
    const queue = new OutgoingQueue()
    queue.push(outgoing('s', 50), line(0), bounds)
    queue.push(outgoing('k1', 140, 'latest', 'k'), line(0), bounds)
    expect(queue.push(outgoing('k2', 150, 'latest', 'k'), line(0), bounds)).toBe('queued')
    expect(queue.bytes).toBe(200)
    expect(taken(queue)).toEqual(['s', 'k2'])
  })

  it('replaces the newest of a key that was there several times before it was congested', () => {
    const queue = new OutgoingQueue()
    for (const name of ['k1', 'k2', 'k3']) queue.push(outgoing(name, 30, 'latest', 'k'), line(0), bounds)
    queue.push(outgoing('k4', 30, 'latest', 'k'), line(0), bounds)
    queue.push(outgoing('k5', 30, 'latest', 'k'), line(0), bounds)
    expect(taken(queue).at(-1)).toBe('k5')
  })

  it('knows nothing of what it gave away: a value that has left is not replaced', () => {
    const queue = new OutgoingQueue()
    queue.push(outgoing('s', 95), line(0), bounds)
    queue.push(outgoing('k1', 10, 'latest', 'k'), line(0), bounds)
    queue.push(outgoing('k2', 10, 'latest', 'k'), line(0), bounds)
    expect(taken(queue)).toEqual(['s', 'k2'])
    queue.push(outgoing('t', 95), line(0), bounds)
    queue.push(outgoing('k3', 10, 'latest', 'k'), line(0), bounds)
    expect(queue.bytes).toBe(105)
    expect(taken(queue)).toEqual(['t', 'k3'])
  })

  describe('in pieces', () => {
    it('gives as many as fit, at least one, and keeps the rest in order', () => {
      const queue = new OutgoingQueue()
      for (const name of ['a', 'b', 'c', 'd']) queue.push(outgoing(name, 30), line(0), bounds)
      expect(queue.takeUpTo(60, noBound).map(nameOf)).toEqual(['a', 'b'])
      expect(queue.bytes).toBe(60)
      expect(queue.takeUpTo(59, noBound).map(nameOf)).toEqual(['c'])
      expect(queue.takeUpTo(5, noBound).map(nameOf)).toEqual(['d'])
      expect(queue.isEmpty).toBe(true)
      expect(queue.bytes).toBe(0)
      expect(queue.takeUpTo(5, noBound)).toEqual([])
    })

    it('gives all when all fit', () => {
      const queue = new OutgoingQueue()
      for (const name of ['a', 'b']) queue.push(outgoing(name, 30), line(0), bounds)
      expect(queue.takeUpTo(60, noBound).map(nameOf)).toEqual(['a', 'b'])
      expect(queue.isEmpty).toBe(true)
    })

    it('counts packets, of which an event with attachments has several', () => {
      const queue = new OutgoingQueue()
      for (const count of [1, 3, 1, 1, 1, 5])
        queue.push(new Outgoing(Array.from({ length: count }, () => 'x')), line(0), bounds)
      expect(queue.takeUpTo(noBound, 4)).toHaveLength(2)
      expect(queue.takeUpTo(noBound, 3)).toHaveLength(3)
      expect(queue.takeUpTo(noBound, 3)).toHaveLength(1)
      expect(queue.isEmpty).toBe(true)
    })

    it('goes on replacing in what is left', () => {
      const queue = new OutgoingQueue()
      queue.push(outgoing('a', 50), line(0), bounds)
      queue.push(outgoing('k1', 60, 'latest', 'k'), line(0), bounds)
      queue.push(outgoing('k2', 60, 'latest', 'k'), line(0), bounds)
      queue.push(outgoing('b', 50), line(0), bounds)
      expect(queue.takeUpTo(50, noBound).map(nameOf)).toEqual(['a'])
      expect(queue.bytes).toBe(110)
      queue.push(outgoing('k3', 10, 'latest', 'k'), line(0), bounds)
      expect(queue.bytes).toBe(60)
      expect(taken(queue)).toEqual(['b', 'k3'])
    })
  })

  it.each([1, 2, 3, 4])('does what the plain rule says: 4,000 steps of seed %i', (seed) => {
    const random = new SeededRandom(seed)
    const queue = new OutgoingQueue()
    let model: Outgoing[] = []
    const bytesOf = () => model.reduce((sum, each) => sum + each.bytes, 0)
    let count = 0
    for (let step = 1; step <= 4_000; step += 1) {
      const what = random.below(20)
      if (what === 0) {
        expect(queue.take()).toEqual(model)
        model = []
      } else if (what === 1) {
        const max = random.below(80)
        let sum = 0
        const fits = model.findIndex((each, index) => {
          sum += each.bytes
          return index > 0 && sum > max
        })
        expect(queue.takeUpTo(max, noBound)).toEqual(model.splice(0, fits === -1 ? model.length : fits))
      } else {
        const lane = random.oneOf<Lane>(['stream', 'latest', 'pulse'])
        const key = lane === 'latest' ? random.oneOf(['k', 'l', 'm']) : undefined
        count += 1
        const made = outgoing(`${count}`, 5 + random.below(30), lane, key)
        const sent = random.chance(30) ? random.below(60) : 0
        let expected = 'queued'
        if (bytesOf() + sent + made.bytes > bounds.congestedBytes) {
          if (lane === 'pulse') expected = 'dropped'
          else {
            const old = key === undefined ? -1 : model.findLastIndex((each) => each.key === key)
            const freed = model[old]?.bytes ?? 0
            if (bytesOf() + sent + made.bytes - freed > bounds.fullBytes) expected = 'refused'
            else if (old !== -1) model.splice(old, 1)
          }
        }
        if (expected === 'queued') model.push(made)
        expect(queue.push(made, line(sent), bounds), `step ${step}`).toBe(expected)
      }
      expect(queue.bytes, `step ${step}`).toBe(bytesOf())
    }
    expect(queue.take()).toEqual(model)
  })
})
