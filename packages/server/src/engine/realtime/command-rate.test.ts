/** How often a user may send commands: warned, refused, closed, away for a while, and back. */
import { command, defineNamespace } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import type { MemorySession } from '../memory/transport-client.ts'
import { serveNamespace } from '../namespace-handlers.ts'
import { openRealtimeWorld, type Person, tokenOf } from '../testing/realtime-world.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { CommandRate } from './command-rate.ts'

const limits = { commandsPerSecond: 3, refusedSecondsMax: 3, coolDownMs: 10_000 }

describe('the rate of commands', () => {
  const verdicts = (rate: CommandRate, nowMs: number, times: number, who = 'ana') =>
    Array.from({ length: times }, () => rate.count(who, nowMs))

  it('accepts so many in a second, and refuses the others, with one warning', () => {
    const rate = new CommandRate(limits)
    expect(verdicts(rate, 5_000, 6)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'refused_with_warning',
      'refused',
      'refused',
    ])
    expect(verdicts(rate, 5_999, 1)).toEqual(['refused'])
    expect(verdicts(rate, 6_000, 3)).toEqual(['accepted', 'accepted', 'accepted'])
    expect(verdicts(rate, 6_000, 1, 'bo')).toEqual(['accepted'])
  })

  it('calls abusive who is refused in several seconds in a row', () => {
    const rate = new CommandRate(limits)
    expect(verdicts(rate, 1_000, 4).at(-1)).toBe('refused_with_warning')
    expect(verdicts(rate, 2_000, 5).slice(-2)).toEqual(['refused', 'refused'])
    expect(verdicts(rate, 3_900, 5).slice(-2)).toEqual(['abusive', 'refused'])
  })

  it('forgives who was calm for a second, or did not come at all', () => {
    const rate = new CommandRate(limits)
    verdicts(rate, 1_000, 4)
    verdicts(rate, 2_000, 4)
    verdicts(rate, 3_000, 3)
    expect(verdicts(rate, 4_000, 4).at(-1)).toBe('refused_with_warning')
    verdicts(rate, 5_000, 4)
    expect(verdicts(rate, 7_000, 4).at(-1)).toBe('refused_with_warning')
  })

  it('keeps users away for the cool-down, and begins anew with them', () => {
    const rate = new CommandRate(limits)
    verdicts(rate, 1_000, 4)
    rate.coolDown('ana', 1_000)
    expect(rate.remainingCoolDownMs('ana', 1_000)).toBe(10_000)
    expect(rate.remainingCoolDownMs('ana', 10_999)).toBe(1)
    expect(rate.remainingCoolDownMs('bo', 1_000)).toBe(0)
    expect(rate.remainingCoolDownMs('ana', 11_000)).toBe(0)
    expect(verdicts(rate, 1_500, 4)).toEqual(['accepted', 'accepted', 'accepted', 'refused_with_warning'])
  })

  it('has another limit for a command that has one of its own', () => {
    const rate = new CommandRate(limits)
    expect([1, 2].map(() => rate.count('ana\n/shop\nrare', 0, 1))).toEqual([
      'accepted',
      'refused_with_warning',
    ])
    expect(rate.count('ana', 0)).toBe('accepted')
  })

  it('forgets who is idle, and not who is refused or away', () => {
    const rate = new CommandRate(limits)
    verdicts(rate, 1_000, 4)
    rate.coolDown('bo', 1_000)
    rate.forgetIdle(2_000)
    expect(verdicts(rate, 2_000, 4).at(-1)).toBe('refused')
    expect(rate.remainingCoolDownMs('bo', 2_000)).toBe(9_000)
    rate.forgetIdle(11_000)
    expect(rate.remainingCoolDownMs('bo', 11_000)).toBe(0)
    expect(verdicts(rate, 11_000, 4).at(-1)).toBe('refused_with_warning')
  })

  it("forgets the idle ones, so that they take nobody's place", () => {
    const rate = new CommandRate(limits)
    rate.count('stays', 1_000)
    for (let n = 0; n < 99_999; n += 1) rate.count(`idle ${n}`, 1_000)
    verdicts(rate, 5_000, 3, 'stays')
    rate.forgetIdle(5_000)
    for (let n = 0; n < 50; n += 1) rate.count(`new ${n}`, 5_000)
    expect(rate.count('stays', 5_000)).toBe('refused_with_warning')
  })

  it('counts at most 100,000 users at once, and forgets the first of them', () => {
    const rate = new CommandRate(limits)
    verdicts(rate, 1_000, 3, 'first')
    verdicts(rate, 1_000, 3, 'second')
    for (let n = 0; n < 99_998; n += 1) rate.count(`user ${n}`, 1_000)
    expect(rate.count('second', 1_000)).toBe('refused_with_warning')
    rate.count('one more', 1_000)
    expect(rate.count('first', 1_000)).toBe('accepted')
  })
})

const shop = defineNamespace({
  name: '/shop',
  summary: 'A shop.',
  events: {},
  commands: {
    'order:ping': command({ summary: 'Nothing.' }),
    'order:rare': command({ summary: 'Rarely.', ratePerSecond: 1 }),
  },
})
const annex = defineNamespace({ name: '/annex', summary: 'Another one.', events: {}, commands: {} })

const ana: Person = { userId: 'ana' }
const done = { ok: true }
const tooMany = { ok: false, error: { code: 'too_many_requests', retry: true } }

const open = () => {
  const ran: string[] = []
  const handle = (name: string) => () => {
    ran.push(name)
  }
  return openRealtimeWorld({
    namespaces: [
      serveNamespace(shop, { commands: { 'order:ping': handle('ping'), 'order:rare': handle('rare') } }),
      serveNamespace(annex, { commands: {} }),
    ],
    commandRate: limits,
  }).then((world) => ({ ...world, ran, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }))
}

const warningsOf = (session: MemorySession) =>
  session.events.filter(({ name }) => name === 'session:warning').map(({ data }) => data)

describe('a user who sends too many commands', () => {
  it('is warned once, and refused until the second is over, on all sessions together', async () => {
    await using world = await open()
    const one = await world.enter('/shop', ana)
    const other = await world.enter('/shop', ana)
    const elsewhere = await world.enter('/annex', ana)
    const bo = await world.enter('/shop', { userId: 'bo' })
    expect(await one.ask('order:ping')).toEqual(done)
    expect(await other.ask('order:ping')).toEqual(done)
    expect(await elsewhere.ask('order:unknown')).toMatchObject({ error: { code: 'unknown_command' } })
    expect(await one.ask('order:ping')).toMatchObject(tooMany)
    expect(await other.ask('order:ping')).toMatchObject(tooMany)
    expect(await elsewhere.ask('room:join', { room: { kind: 'user', id: 'ana' } })).toMatchObject(tooMany)
    expect(await bo.ask('order:ping')).toEqual(done)
    expect(world.ran).toHaveLength(3)
    expect(warningsOf(one)).toMatchObject([
      { code: 'too_many_requests', message: expect.stringMatching(/second/) },
    ])
    expect(warningsOf(other)).toEqual([])
    expect(world.realtime.suspicions.seen.get('command rate')).toBe(1)
    world.clock.advance(1_000)
    expect(await other.ask('order:ping')).toEqual(done)
  })

  it('is closed everywhere when it does not stop, stays away for the cool-down, and may come back', async () => {
    await using world = await open()
    const client = world.connect({ comesBack: true })
    const token = tokenOf(ana)
    const sessions = [client.open('/shop', { token }), client.open('/annex', { token })]
    await Promise.all(sessions.map(({ entered }) => entered))
    const other = await world.enter('/annex', ana)
    const bo = await world.enter('/shop', { userId: 'bo' })
    const [shopping] = sessions
    if (shopping === undefined) throw new Error('There is a session.')
    for (let second = 1; second <= 3; second += 1) {
      for (let n = 0; n < 5; n += 1) {
        if (shopping.state === 'open') shopping.send('order:ping')
      }
      world.memory.flush()
      if (second < 3) expect(shopping.state).toBe('open')
      if (second < 3) world.clock.advance(1_000)
    }
    for (const session of [...sessions, other]) {
      expect(session.state).toBe('over')
      expect(session.events.at(-1)).toMatchObject({
        name: 'session:closing',
        data: { code: 'rate_limited', retry: false },
      })
    }
    expect(bo.state).toBe('open')
    expect(world.ran).toHaveLength(9)
    expect(world.realtime.suspicions.seen.get('command rate, closed')).toBe(1)
    expect(world.realtime.users.size).toBe(1)

    world.clock.advance(5_000)
    const early = world.connect().open('/annex', { token })
    await expect(early.entered).rejects.toMatchObject({
      code: 'cooling_down',
      message: expect.stringMatching(/5 seconds/),
    })
    world.clock.advance(5_000)
    const back = await world.enter('/shop', ana, { pid: shopping.pid })
    expect(back.id).toBe(shopping.id)
    expect(await back.ask('order:ping')).toEqual(done)
    expect(world.ran).toHaveLength(10)
  })

  it('gets no answer to what closed it, and its handler never runs', async () => {
    await using world = await open()
    const session = await world.enter('/shop', ana)
    for (let second = 1; second <= 2; second += 1) {
      for (let n = 0; n < 4; n += 1) session.send('order:ping')
      world.clock.advance(1_000)
    }
    for (let n = 0; n < 3; n += 1) session.send('order:ping')
    const last = session.ask('order:ping')
    world.memory.flush()
    await expect(last).rejects.toMatchObject({ code: 'disconnected' })
    expect(world.ran).toHaveLength(9)
  })

  it('is bound for one command by the rate of that command, too', async () => {
    await using world = await open()
    const session = await world.enter('/shop', ana)
    const other = await world.enter('/shop', ana)
    expect(await session.ask('order:rare')).toEqual(done)
    expect(await other.ask('order:rare')).toMatchObject({
      error: { code: 'too_many_requests', message: expect.stringMatching(/order:rare/) },
    })
    expect(await session.ask('order:ping')).toEqual(done)
    expect(world.ran).toEqual(['rare', 'ping'])
    world.clock.advance(1_000)
    expect(await session.ask('order:rare')).toEqual(done)
  })

  it('is closed for one command that it does not stop to send', async () => {
    await using world = await open()
    const session = await world.enter('/shop', ana)
    for (let second = 1; second <= 3; second += 1) {
      session.send('order:rare')
      session.send('order:rare')
      world.memory.flush()
      if (second < 3) world.clock.advance(1_000)
    }
    expect(session.state).toBe('over')
    await expect(world.enter('/shop', ana)).rejects.toMatchObject({ code: 'cooling_down' })
  })

  it('leaves nothing behind when it is idle', () => {
    const clock = createTestClock()
    const rate = new CommandRate(limits)
    for (let n = 0; n < 1_000; n += 1) rate.count(`user ${n}`, clock.now())
    clock.advance(2_000)
    rate.forgetIdle(clock.now())
    for (let n = 0; n < 1_000; n += 1) expect(rate.count(`user ${n}`, clock.now())).toBe('accepted')
  })
})
