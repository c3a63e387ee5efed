/** What the ledger says of clients that got everything, and of those that did not. */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { createLedger, type Ledger, type LedgerClient } from './ledger.ts'

/** Time stands until it is moved. */
function world() {
  let ms = 0
  const ledger = createLedger({ now: () => ms })
  return {
    ledger,
    advance(by: number) {
      ms += by
    },
    /** So many events to these rooms; the number of the first. */
    publish(count: number, ...rooms: string[]): number {
      const first = ledger.events
      for (let index = 0; index < count; index += 1) {
        ms += 10
        ledger.published({ rooms })
      }
      return first
    },
  }
}

const receive = (client: LedgerClient, ...events: number[]) => {
  for (const event of events) client.received(event)
}

const figures = (ledger: Ledger) => {
  const { due, delivered, missing, told, twice, outOfOrder, foreign, resets, needlessResets } =
    ledger.verdict()
  return { due, delivered, missing, told, twice, outOfOrder, foreign, resets, needlessResets }
}

const whole = {
  missing: 0,
  told: 0,
  twice: 0,
  outOfOrder: 0,
  foreign: 0,
  resets: 0,
  needlessResets: 0,
}

describe('a ledger', () => {
  it('has nothing to say when everybody got what was for them', () => {
    const { ledger, publish } = world()
    const ana = ledger.client('ana', ['a', 'b'])
    const bob = ledger.client('bob', ['b'])
    publish(1, 'a')
    publish(1, 'a', 'b')
    publish(1, 'b')
    publish(1, 'c')
    receive(ana, 0, 1, 2)
    receive(bob, 1, 2)
    expect(figures(ledger)).toEqual({ ...whole, due: 5, delivered: 5 })
    expect(ledger.isSettled()).toBe(true)
    ledger.verdict().check()
  })

  it('proves nothing when nothing was for anybody', () => {
    const { ledger } = world()
    ledger.client('ana', ['a'])
    expect(() => ledger.verdict().check()).toThrow('proves nothing')
  })

  it('tells what is missing in words: who, what, of which room, and what had happened', () => {
    const { ledger, publish, advance } = world()
    const ana = ledger.client('ana', ['room 4'])
    publish(3, 'room 4')
    receive(ana, 0, 1, 2)
    ana.note('its line was cut')
    publish(5, 'room 4')
    advance(1_000)
    ana.note('came back as somebody new')
    publish(1, 'room 4')
    receive(ana, 8)
    expect(figures(ledger)).toEqual({ ...whole, due: 9, delivered: 4, missing: 5 })
    expect(ledger.verdict().differences).toEqual([
      'ana missed 3 to 7 of room 4: its line was cut at 0.03 s, it was published at 0.04 s, ' +
        'came back as somebody new at 1.08 s; it got 4 in all',
    ])
    expect(() => ledger.verdict().check()).toThrow('5 are missing without a word')
  })

  it('tells holes that are apart apart, and what lies in between of other rooms is no matter', () => {
    const { ledger, publish } = world()
    const ana = ledger.client('ana', ['a'])
    for (let round = 0; round < 6; round += 1) {
      publish(1, 'a')
      publish(1, 'b')
    }
    receive(ana, 0, 6)
    expect(ledger.verdict().differences.map((line) => line.split(':')[0])).toEqual([
      'ana missed 2 events from 2 to 4 of a',
      'ana missed 2 events from 8 to 10 of a',
    ])
  })

  it('counts what comes twice, out of order, and to somebody else', () => {
    const { ledger, publish } = world()
    const ana = ledger.client('ana', ['a'])
    publish(5, 'a')
    publish(1, 'b')
    receive(ana, 0, 1, 1, 3, 2, 4, 0, 5, 77)
    expect(figures(ledger)).toEqual({ ...whole, due: 5, delivered: 5, twice: 2, outOfOrder: 1, foreign: 2 })
    expect(ledger.verdict().differences.map((line) => line.split(/[:;] it|: it/)[0])).toEqual([
      'ana got twice: 1 of a',
      'ana got after something newer: 2 of a',
      'ana got twice: 0 of a',
      'ana got what was not for it: 2 events from 5 to 77',
    ])
    expect(() => ledger.verdict().check()).toThrow('2 came twice, 1 out of order, 2 to somebody else')
  })

  it('owes from a join on, and up to a leaving', () => {
    const { ledger, publish } = world()
    publish(2, 'a')
    const ana = ledger.client('ana')
    ana.join('a')
    publish(2, 'a')
    ana.leave('a')
    publish(2, 'a')
    ana.join('a')
    publish(2, 'a')
    ana.join('a')
    receive(ana, 2, 3, 6, 7)
    expect(figures(ledger)).toEqual({ ...whole, due: 4, delivered: 4 })
    const bob = ledger.client('bob')
    bob.join('a', 0)
    bob.leave('a', 2)
    receive(bob, 1, 2)
    expect(figures(ledger)).toEqual({ ...whole, due: 6, delivered: 6 })
    receive(bob, 3)
    expect(figures(ledger).foreign).toBe(1)
  })

  describe('of a client that was told of a loss', () => {
    it('counts what lies at that place as told', () => {
      const { ledger, publish } = world()
      const ana = ledger.client('ana', ['a'])
      publish(8, 'a')
      receive(ana, 0, 1)
      ana.reset('expired')
      receive(ana, 5, 6, 7)
      expect(figures(ledger)).toEqual({ ...whole, due: 8, delivered: 5, told: 3, resets: 1 })
      expect(ledger.verdict().reasons).toEqual({ expired: 1 })
    })

    it.each([
      ['before it', [0, 2, 3, 'reset', 6], 1],
      ['after what came next', [0, 'reset', 3, 5, 6], 1],
      ['before what came before it', [1, 2, 'reset', 4, 5, 6], 1],
    ] as const)('does not count a hole %s', (_where, steps, missing) => {
      const { ledger, publish } = world()
      const ana = ledger.client('ana', ['a'])
      publish(7, 'a')
      for (const step of steps)
        if (step === 'reset') ana.reset('trimmed')
        else ana.received(step)
      expect(figures(ledger).missing).toBe(missing)
    })

    it('does not count what was published afterwards', () => {
      const { ledger, publish } = world()
      const ana = ledger.client('ana', ['a'])
      publish(2, 'a')
      ana.reset('expired')
      publish(3, 'a')
      expect(figures(ledger)).toMatchObject({ told: 2, missing: 3 })
      receive(ana, 4)
      expect(figures(ledger)).toMatchObject({ told: 2, missing: 2 })
    })

    it('does not count what came after the cursor of the reset', () => {
      const { ledger } = world()
      const ana = ledger.client('ana', ['a'])
      for (let position = 1; position <= 5; position += 1)
        ledger.published({ rooms: ['a'], cursor: `e1.${position}` })
      ana.reset('expired', 'e1.3')
      receive(ana, 4)
      expect(figures(ledger)).toMatchObject({ told: 3, missing: 1 })
    })

    it('counts resets without a loss', () => {
      const { ledger, publish } = world()
      const ana = ledger.client('ana', ['a'])
      publish(2, 'a')
      receive(ana, 0)
      ana.reset('unknown-session')
      receive(ana, 1)
      expect(figures(ledger)).toEqual({ ...whole, due: 2, delivered: 2, resets: 1, needlessResets: 1 })
    })
  })

  it('knows events by their ids, also before it knows that they were published', () => {
    const { ledger } = world()
    const ana = ledger.client('ana', ['a'])
    ana.received('second')
    for (const id of ['first', 'second', 'third', 'fourth']) ledger.published({ id, rooms: ['a'] })
    ana.received('third')
    ana.received('of somebody else')
    expect(figures(ledger)).toEqual({ ...whole, due: 4, delivered: 2, missing: 2, foreign: 1 })
    expect(ledger.verdict().differences.map((line) => line.split(/[:;] it|: it/)[0])).toEqual([
      'ana got what was not for it: something; nobody published it',
      'ana missed first of a',
      'ana missed fourth of a',
    ])
    expect(() => ledger.published({ id: 'first', rooms: [] })).toThrow('Two events have the id "first"')
  })

  it('asks nobody for what may not have been published, and allows it once and in order', () => {
    const { ledger, publish } = world()
    const [ana, bob, eva] = ['ana', 'bob', 'eva'].map((name) => ledger.client(name, ['a']))
    publish(4, 'a')
    ledger.unsure(1)
    ledger.unsure(3)
    if (ana === undefined || bob === undefined || eva === undefined) throw new Error('Three were made.')
    receive(ana, 0, 1, 2)
    receive(bob, 0, 2)
    receive(eva, 0, 2, 1, 1, 3)
    expect(ledger.isSettled()).toBe(true)
    expect(figures(ledger)).toEqual({ ...whole, due: 9, delivered: 9, twice: 1, outOfOrder: 1 })
    expect(() => ledger.unsure(4)).toThrow('no event 4')
  })

  it('is settled when each client has its newest event, or was told after it', () => {
    const { ledger, publish } = world()
    const ana = ledger.client('ana', ['a'])
    const bob = ledger.client('bob', ['b'])
    expect(ledger.isSettled()).toBe(true)
    publish(1, 'a')
    expect(ledger.isSettled()).toBe(false)
    receive(ana, 0)
    expect(ledger.isSettled()).toBe(true)
    publish(2, 'b')
    receive(bob, 2)
    expect(ledger.isSettled()).toBe(true)
    publish(1, 'a')
    ana.reset('expired')
    expect(ledger.isSettled()).toBe(true)
    publish(1, 'a')
    expect(ledger.isSettled()).toBe(false)
    ana.leave('a', 3)
    expect(ledger.isSettled()).toBe(true)
    ledger.client('eva').join('a', -1)
    expect(ledger.isSettled()).toBe(false)
  })

  it('is settled for who left before anything came', () => {
    const { ledger, publish } = world()
    const ana = ledger.client('ana', ['a'])
    ana.leave('a')
    publish(1, 'a')
    expect(ledger.isSettled()).toBe(true)
    expect(figures(ledger)).toEqual({ ...whole, due: 0, delivered: 0 })
  })

  it('refuses what is no event, and no cursor', () => {
    const { ledger } = world()
    const ana = ledger.client('ana', ['a'])
    for (const event of [-1, 0.5, Number.NaN, 2 ** 31])
      expect(() => ana.received(event)).toThrow('no number of an event')
    for (const cursor of ['', '7', 'e.', '.7', 'e.x'])
      expect(() => ledger.published({ rooms: [], cursor })).toThrow('no cursor')
  })

  it.each(Array.from({ length: 50 }, (_, seed) => seed))('agrees with plain lists, seed %i', (seed) => {
    const random = seededRandom(seed)
    const below = (end: number) => Math.floor(random() * end)
    const { ledger, publish } = world()
    const rooms = ['a', 'b', 'c']
    const expected = { due: 0, missing: 0, twice: 0, foreign: 0, outOfOrder: 0 }
    const clients = [0, 1, 2].map((index) => {
      const own = rooms.slice(0, 1 + below(3))
      return { own, client: ledger.client(`client ${index}`, own) }
    })
    const events = Array.from({ length: 60 }, () => rooms.filter(() => below(2) === 0))
    for (const to of events) publish(1, ...to)
    for (const { own, client } of clients)
      for (const [event, to] of events.entries()) {
        const dice = below(20)
        const isFor = to.some((room) => own.includes(room))
        const times = isFor ? ([0, 2][dice] ?? 1) : dice === 0 ? 1 : 0
        for (let time = 0; time < times; time += 1) client.received(event)
        if (isFor) expected.due += 1
        if (isFor && times === 0) expected.missing += 1
        if (isFor && times === 2) expected.twice += 1
        if (!isFor && times === 1) expected.foreign += 1
      }
    expect(figures(ledger)).toMatchObject(expected)
  })
})
