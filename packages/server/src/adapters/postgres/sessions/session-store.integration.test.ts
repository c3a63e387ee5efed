/** Sessions in PostgreSQL keep the promises of every store, and their own, when parts break. */
import { type Room, roomName, type SessionId, type UserId } from '@belfry/contract'
import { describe, expect, inject, it } from 'vitest'
import {
  type NewSession,
  type NodeId,
  type SessionOwner,
  type SessionStore,
  sessionSweepPeriodMs,
} from '../../../engine/ports/session-store.ts'
import { numbers } from '../../../engine/testing/log-contract.ts'
import { SeededRandom } from '../../../engine/testing/seeded-random.ts'
import { describeSessionStoreContract } from '../../../engine/testing/session-store-contract.ts'
import { until } from '../../../engine/testing/until.ts'
import { forgetSessions } from './statements.ts'
import { openSessionWorld } from './testing/session-world.ts'

const openWorld = () => openSessionWorld(inject('postgresUrl'))

describeSessionStoreContract('PostgreSQL', openWorld)

const ana: SessionOwner = { userId: 'ana' as UserId, namespace: '/posts' }
const here = 'here' as NodeId
const there = 'there' as NodeId
const unavailable = { code: 'database_unavailable' }

function newSession(pid: string, more: Partial<NewSession> = {}): NewSession {
  return { ...ana, pid, id: `id of ${pid}` as SessionId, node: here, start: at(0), rooms: [], ...more }
}

function room(n: number): Room {
  return roomName({ kind: 'episode', id: `${n}` })
}

function at(offset: number) {
  return { epoch: 'epoch1', offset }
}

type World = Awaited<ReturnType<typeof openWorld>>

/** Lets periods pass until it holds. */
async function passUntil(world: World, condition: () => Promise<boolean>, what: string): Promise<void> {
  await until(
    async () => {
      world.clock.advance(sessionSweepPeriodMs)
      return condition()
    },
    { what },
  )
}

const long = { detachedMsMax: 24 * 60 * 60 * 1_000 }

describe('sessions in PostgreSQL, when an answer is lost on the way', () => {
  it('a session that began and nobody heard of goes, and the pid may be tried again', async () => {
    await using world = await openWorld()
    const store = await world.open()
    await store.create(newSession('p0'))
    world.proxy.loseAnswerOf('id of p1')
    await expect(store.create(newSession('p1'))).rejects.toMatchObject(unavailable)
    await passUntil(world, async () => (await world.count()).rows === 1, 'the row of p1 is gone')
    world.proxy.loseAnswerOf('id of p2')
    await expect(store.create(newSession('p2'))).rejects.toMatchObject(unavailable)
    const again = newSession('p2', { start: at(9), rooms: [room(1)], id: 'another' as SessionId })
    const created = await store.create(again)
    expect(created).toMatchObject({ generation: 1, start: at(9), id: 'another' })
    expect(await store.find('p2', ana)).toEqual(created)
    await passUntil(world, async () => (await world.count()).rows === 2, 'p0 and p2 are there')
  })

  it('a session that a connection was refused is away, and the client that comes again gets it', async () => {
    await using world = await openWorld()
    const store = await world.open(long)
    await store.create(newSession('p1', { rooms: [room(1)] }))
    await store.detach('p1', 1, world.clock.now())
    world.proxy.loseAnswerOf('nowhere')
    await expect(store.attach('p1', ana, 'nowhere' as NodeId)).rejects.toMatchObject(unavailable)
    const [row] = await world.server.sql('select generation::int, detached_at_ms from sessions')
    expect(row).toEqual({ generation: 2, detached_at_ms: null })
    await passUntil(
      world,
      async () => (await store.find('p1', ana))?.detachedAtMs !== undefined,
      'the session is away again',
    )
    expect(await world.count()).toEqual({ rows: 1, away: 1, total: 1 })
    world.proxy.loseAnswerOf('nowhere')
    await expect(store.attach('p1', ana, 'nowhere' as NodeId)).rejects.toMatchObject(unavailable)
    // Its own step comes after what is owed: it fences nobody.
    expect(await store.attach('p1', ana, here)).toMatchObject({
      session: { generation: 4, rooms: [{ room: room(1) }] },
      fencedNode: undefined,
    })
    await passUntil(world, async () => true, 'a period')
    expect(await store.find('p1', ana)).toMatchObject({ detachedAtMs: undefined, generation: 4 })
  })

  it('what is owed for a claim of here takes nothing from a claim of elsewhere', async () => {
    await using world = await openWorld()
    const store = await world.open(long)
    const other = await world.open(long)
    await store.create(newSession('p1'))
    await other.find('p1', ana)
    // It was read, and could not be written.
    const { name } = world.server
    const setReadOnly = async (change: string) => {
      await world.server.admin(`alter database ${name} ${change}`)
      await world.server.endSessions()
      await until(async () => (await Promise.allSettled([other.findAll(ana)]))[0].status === 'fulfilled')
    }
    await setReadOnly('set default_transaction_read_only = on')
    await expect(store.attach('p1', ana, here)).rejects.toMatchObject(unavailable)
    await setReadOnly('reset default_transaction_read_only')
    expect(await other.attach('p1', ana, there)).toMatchObject({ session: { generation: 2 } })
    // What is owed for a session is done before it is found.
    expect(await store.find('p1', ana)).toMatchObject({ detachedAtMs: undefined, node: there })
  })

  it('who went is away, and who was removed is gone, whether they were stored or not', async () => {
    await using world = await openWorld()
    const store = await world.open(long)
    for (const pid of ['p1', 'p2']) await store.create(newSession(pid))
    const wentAtMs = world.clock.now() - 4_321
    world.proxy.loseAnswerOf(`${wentAtMs}`)
    expect(await store.detach('p1', 1, wentAtMs)).toBe(true)
    await passUntil(world, async () => (await world.count()).away === 1, 'p1 is away')
    expect(await store.find('p1', ana)).toMatchObject({ detachedAtMs: wentAtMs })
    // The version of the row travels only with what is written.
    world.proxy.loseAnswerOf('p2')
    await expect(store.remove('p2', 1)).rejects.toMatchObject(unavailable)
    await passUntil(world, async () => (await world.count()).rows === 1, 'p2 is gone')
    expect(await store.remove('p2', 1)).toBe(false)
    expect(await world.count()).toEqual({ rows: 1, away: 1, total: 1 })
  })
})

describe('sessions in PostgreSQL, when it is away', () => {
  it('refuses what has to be stored; who goes meanwhile is away when it is back, before they come again', async () => {
    await using world = await openWorld()
    const store = await world.open(long)
    for (const pid of ['p1', 'p2', 'p3', 'p4']) await store.create(newSession(pid, { rooms: [room(1)] }))
    const other = (pid: string) => store.find(pid, ana)
    await world.proxy.goAway()
    const wentAtMs = world.clock.now()
    const refused = await Promise.allSettled([
      store.create(newSession('p5')),
      store.join('p3', [room(2)], at(1)),
      store.leave('p3', [room(1)], at(1)),
      store.attach('p3', ana, there),
      store.find('p3', ana),
      store.findAll(ana),
      store.detachNode(here, wentAtMs),
      store.remove('p2'),
    ])
    expect(refused.map((each) => each.status === 'rejected' && each.reason)).toEqual(
      refused.map(() => expect.objectContaining(unavailable)),
    )
    const detached = ['p1', 'p4'].map((pid) => store.detach(pid, 1, wentAtMs))
    expect(await Promise.all(detached)).toEqual([true, true])
    await world.proxy.comeBack()
    await until(() => world.database.state().state === 'up')
    // It came again before anybody has looked what is owed.
    expect(await store.attach('p4', ana, there)).toMatchObject({ fencedNode: undefined })
    await passUntil(world, async () => (await world.count()).rows === 3, 'p2 and p5 are gone')
    expect(await other('p1')).toMatchObject({ detachedAtMs: wentAtMs, generation: 1 })
    expect(await other('p3')).toMatchObject({ generation: 1, rooms: [{ room: room(1) }], left: [] })
    expect(await other('p4')).toMatchObject({ detachedAtMs: undefined, generation: 2, node: there })
    expect(await world.count()).toEqual({ rows: 3, away: 1, total: 1 })
  })

  it('sends away all of many that went meanwhile, whoever of them comes again first', async () => {
    await using world = await openWorld()
    const store = await world.open(long)
    const pids = numbers(1, 2_500).map((n) => `p${n}`)
    await Promise.all(pids.map((pid) => store.create(newSession(pid))))
    // The first are on their way, and have others behind them; the last come when it is known to be away.
    const wentAtMs = world.clock.now()
    const askedBefore = world.asked()
    const going = pids.slice(0, 2_400).map((pid) => store.detach(pid, 1, wentAtMs))
    await world.proxy.goAway()
    going.push(...pids.slice(2_400).map((pid) => store.detach(pid, 1, wentAtMs)))
    expect(new Set(await Promise.all(going))).toEqual(new Set([true]))
    // No round waited for longer since others had waited before it.
    expect(world.asked() - askedBefore).toBeLessThan(6)
    await world.proxy.comeBack()
    await until(() => world.database.state().state === 'up')
    for (const pid of ['p2499', 'p2500'])
      expect(await store.attach(pid, ana, there)).toMatchObject({ fencedNode: undefined })
    await passUntil(world, async () => (await world.count()).away === 2_498, 'the others are away')
  })

  it('answers or refuses each of many when its connections are ended, and loses nothing of what it answered', async () => {
    await using world = await openWorld()
    const store = await world.open({ ...long, detachedMax: 1_000 })
    const rounds = 12
    const held = new Map<string, number>()
    const attach = async (pid: string) => {
      const attached = await Promise.resolve(store.attach(pid, ana, here)).catch(() => undefined)
      if (attached !== undefined) held.set(pid, attached.session.generation)
    }
    const pids = numbers(1, 300).map((n) => `p${n}`)
    await Promise.all(pids.map((pid) => store.create(newSession(pid))))
    for (let round = 1; round <= rounds; round += 1) {
      const attaching = Promise.all(pids.map(attach))
      if (round % 2 === 0) await world.server.endSessions()
      await attaching
    }
    await passUntil(world, async () => (await store.findAll(ana)).length === 300, 'all are there')
    for (const { pid, generation } of await store.findAll(ana))
      expect(generation).toBeGreaterThanOrEqual(held.get(pid) ?? 1)
    // Nobody holds what was refused.
    for (const [pid, generation] of held) await store.detach(pid, generation, world.clock.now())
    await passUntil(world, async () => (await world.count()).away === 300, 'all are away')
    expect(await world.count()).toEqual({ rows: 300, away: 300, total: 300 })
  })

  it('lets one session that cannot be stored harm none of those that came with it', async () => {
    await using world = await openWorld()
    const store = await world.open()
    await store.create(newSession('p0'))
    const created = await Promise.allSettled([
      store.create(newSession('p1')),
      store.create(newSession('p2', { userId: 'a\0b' as UserId })),
      store.join('p0', [room(1)], at(1)),
      store.create(newSession('p3')),
    ])
    expect(created.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect((await store.findAll(ana)).map(({ pid }) => pid)).toEqual(['p0', 'p1', 'p3'])
  })

  it('knows no pid that PostgreSQL could not hold, and asks it for none', async () => {
    await using world = await openWorld()
    const store = await world.open()
    await world.proxy.goAway()
    for (const pid of ['a\0b', '\ud800']) {
      expect(await store.find(pid, ana)).toBeUndefined()
      expect(await store.attach(pid, ana, here)).toBeUndefined()
      expect(await store.join(pid, [room(1)], at(1))).toBe('no-session')
      expect(await store.leave(pid, [room(1)], at(1))).toBe(false)
      expect(await store.detach(pid, 1, 0)).toBe(false)
      expect(await store.remove(pid)).toBe(false)
      expect(await store.findAll({ ...ana, userId: pid as UserId })).toEqual([])
    }
  })
})

describe('sessions in PostgreSQL, of nodes that come and go', () => {
  it('[SS12] are there for the node that starts after a crash, away since the other was last heard of', async () => {
    await using world = await openWorld()
    const killed = await world.open({ ...long, node: here })
    await killed.create(newSession('p1', { rooms: [room(1)] }))
    await killed.join('p1', [room(2)], at(5))
    await killed.leave('p1', [room(1)], at(6))
    await killed.attach('p1', ana, here)
    await killed.create(newSession('p2'))
    await killed.remove('p2')
    const lastHeardMs = world.clock.now()
    world.clock.advance(7_000)
    const next = await world.open({ ...long, node: there, othersAreGone: true })
    expect(await next.find('p2', ana)).toBeUndefined()
    expect(await next.findAll(ana)).toEqual([
      {
        ...newSession('p1'),
        generation: 2,
        detachedAtMs: lastHeardMs,
        rooms: [{ room: room(2), joined: at(5) }],
        left: [{ room: room(1), joined: at(0), left: at(6) }],
        wholeFrom: at(0),
      },
    ])
    expect(await next.attach('p1', ana, there)).toMatchObject({ fencedNode: undefined })
    // What it holds itself stays with it.
    await next.create(newSession('p3', { node: there }))
    await passUntil(world, async () => true, 'a period')
    expect((await next.findAll(ana)).map(({ detachedAtMs }) => detachedAtMs)).toEqual([undefined, undefined])
    expect(await world.nodes()).toEqual([there])
    // The same name again is another process all the same.
    const namesake = await world.open({ ...long, node: there, othersAreGone: true })
    const awayAtMs = (await namesake.findAll(ana)).map(({ detachedAtMs }) => detachedAtMs)
    expect(awayAtMs).toEqual([world.clock.now(), world.clock.now()])
  })

  it('[SS7] expire at the start after a long stop, and their rows go', async () => {
    await using world = await openWorld()
    const stopped = await world.open({ node: here })
    const many = numbers(1, 6_000).map((n) => newSession(`p${n}`, { rooms: [room(n % 10)] }))
    await Promise.all(many.map((session) => stopped.create(session)))
    await stopped.detach('p1', 1, world.clock.now())
    await stopped.close()
    await world.server.sql('update sessions set detached_at_ms = null, departure = null where pid <> $1', [
      'p1',
    ])
    await world.server.sql('update session_totals set away = 1')
    await world.server.sql('insert into session_nodes values ($1, $2)', [here, world.clock.now()])
    world.clock.advance(60 * 60 * 1_000)
    const next = await world.open({ node: there, othersAreGone: true })
    expect(await next.find('p1', ana)).toBeUndefined()
    expect(await next.attach('p2', ana, there)).toBeUndefined()
    await passUntil(world, async () => (await world.count()).rows === 0, 'all rows are gone')
    expect(await world.count()).toEqual({ rows: 0, away: 0, total: 0 })
  })

  it('[SS12] are away since their node was last heard of, when it was silent for a minute', async () => {
    await using world = await openWorld()
    const killed = await world.open({ ...long, node: there }, world.stoppedClock())
    await killed.create(newSession('p1', { node: there }))
    const store = await world.open({ ...long, node: here })
    await store.create(newSession('p2', { node: here }))
    const heardAtMs = world.clock.now()
    const detachedAtMs = async (pid: string) => (await store.find(pid, ana))?.detachedAtMs
    for (const _beat of numbers(1, 5)) await world.beat(here)
    world.clock.advance(9_000)
    expect(await detachedAtMs('p1')).toBeUndefined()
    await passUntil(world, async () => (await detachedAtMs('p1')) !== undefined, 'p1 is away')
    expect(await detachedAtMs('p1')).toBe(heardAtMs)
    expect(await detachedAtMs('p2')).toBeUndefined()
    expect(world.logger.at('warn')).toMatchObject([{ fields: { node: there, sessions: 1 } }])
    expect(await world.nodes()).toEqual([here, there])
    while (world.clock.now() < heardAtMs + 11 * 60_000) await world.beat(here)
    expect(await world.nodes()).toEqual([here])
  })

  it('stay with their nodes when the database was away from all of them', async () => {
    await using world = await openWorld()
    const late = world.stoppedClock()
    const one = await world.open({ ...long, node: there }, late)
    await one.create(newSession('p1', { node: there }))
    const store = await world.open({ ...long, node: here })
    await store.create(newSession('p2', { node: here }))
    for (const _beat of numbers(1, 12)) await Promise.all([world.beat(here), world.beat(there, late)])
    await world.proxy.goAway()
    world.clock.advance(10 * 60_000)
    await expect(store.find('p2', ana)).rejects.toMatchObject(unavailable)
    await world.proxy.comeBack()
    await until(() => world.database.state().state === 'up')
    // This one is the first that is heard again; the other has some time to be.
    for (const _beat of numbers(1, 5)) await world.beat(here)
    for (const pid of ['p1', 'p2'])
      expect(await store.find(pid, ana)).toMatchObject({ detachedAtMs: undefined })
    await passUntil(
      world,
      async () => (await store.find('p1', ana))?.detachedAtMs === late.now(),
      'the other was given its time',
    )
  })

  it('are shared by two nodes that do everything at once, and none of it is lost', async () => {
    await using world = await openWorld()
    const stores = [await world.open(long), await world.open(long)]
    const random = new SeededRandom(7)
    const pids = numbers(1, 6).map((n) => `p${n}`)
    await Promise.all(pids.map((pid) => stores[0]?.create(newSession(pid))))
    const attached = new Map(pids.map((pid) => [pid, 1]))
    const joined = new Map(pids.map((pid) => [pid, new Set<string>()]))
    let nextRoom = 0
    const step = async (store: SessionStore, pid: string, choice: number) => {
      if (choice === 0) {
        await store.attach(pid, ana, here)
        attached.set(pid, (attached.get(pid) ?? 0) + 1)
      } else if (choice === 1) {
        await store.detach(pid, attached.get(pid) ?? 0, world.clock.now())
      } else {
        nextRoom += 1
        const added = room(nextRoom)
        expect(await store.join(pid, [added], at(nextRoom))).toBe('joined')
        joined.get(pid)?.add(added)
      }
    }
    for (const _round of numbers(1, 20)) {
      const steps = numbers(1, 40).map(() => step(random.oneOf(stores), random.oneOf(pids), random.below(4)))
      await Promise.all(steps)
    }
    const sessions = (await stores[1]?.findAll(ana)) ?? []
    expect(sessions.map(({ pid, generation }) => [pid, generation])).toEqual([...attached])
    for (const { pid, rooms } of sessions)
      expect(new Set(rooms.map((each) => each.room))).toEqual(joined.get(pid))
    const { away, total } = await world.count()
    expect(total).toBe(away)
  })
})

describe('sessions in PostgreSQL, many at once', () => {
  it('come back in few commits', async () => {
    await using world = await openWorld()
    const store = await world.open()
    const pids = numbers(1, 3_000).map((n) => `p${n}`)
    await Promise.all(pids.map((pid) => store.create(newSession(pid, { rooms: [room(1), room(2)] }))))
    const commits = async () =>
      Number((await world.server.sql('select count(distinct xmin::text) as n from sessions'))[0]?.['n'])
    expect(await commits()).toBeLessThan(30)
    const back = await Promise.all(pids.map((pid) => store.attach(pid, ana, there)))
    expect(back.map((each) => each?.session.pid)).toEqual(pids)
    expect(new Set(back.map((each) => each?.session.generation))).toEqual(new Set([2]))
    expect(await commits()).toBeLessThan(30)
  })

  it('takes the calls for one session in their order, though they come at once', async () => {
    await using world = await openWorld()
    const store = await world.open({ roomsMax: 3 })
    const answers = await Promise.all([
      store.join('p1', [room(1)], at(1)),
      store.create(newSession('p1')),
      store.join('p1', [room(1), room(2)], at(2)),
      store.leave('p1', [room(1)], at(3)),
      store.join('p1', [room(3), room(4)], at(4)),
      store.join('p1', [room(5)], at(5)),
      store.attach('p1', ana, there),
      store.detach('p1', 1, world.clock.now()),
      store.detach('p1', 2, world.clock.now()),
      store.find('p1', ana),
      store.remove('p1', 2),
      store.find('p1', ana),
      store.create(newSession('p1', { start: at(7), userId: 'ben' as UserId })),
      store.find('p1', { ...ana, userId: 'ben' as UserId }),
    ])
    const rooms = [2, 3, 4].map((n) => ({ room: room(n), joined: at(n === 2 ? 2 : 4) }))
    expect(answers).toMatchObject([
      'no-session',
      { generation: 1, rooms: [] },
      'joined',
      true,
      'joined',
      'too-many-rooms',
      { session: { generation: 2, rooms } },
      false,
      true,
      { generation: 2, rooms, detachedAtMs: world.clock.now() },
      true,
      undefined,
      { generation: 1, start: at(7), rooms: [] },
      { generation: 1, start: at(7), rooms: [] },
    ])
    expect(await world.count()).toEqual({ rows: 1, away: 0, total: 0 })
  })

  it('[SS8] makes room for many that go at once', async () => {
    await using world = await openWorld()
    const store = await world.open({ detachedMax: 100 })
    const pids = numbers(1, 400).map((n) => `p${n}`)
    await Promise.all(pids.map((pid) => store.create(newSession(pid))))
    await Promise.all(pids.map((pid) => store.detach(pid, 1, world.clock.now())))
    expect(await world.count()).toEqual({ rows: 100, away: 100, total: 100 })
  })
})

describe('a store of sessions in PostgreSQL that ends', () => {
  it('sends away what it holds, is not waited for, and takes nothing more', async () => {
    await using world = await openWorld()
    const store = await world.open({ ...long, node: here })
    const other = await world.open({ ...long, node: there })
    await other.create(newSession('p0', { node: there }))
    const creating = Promise.all(numbers(1, 50).map((n) => store.create(newSession(`p${n}`))))
    await store.close()
    await store.close()
    await creating
    expect(await world.count()).toEqual({ rows: 51, away: 50, total: 50 })
    expect(await world.nodes()).toEqual([there])
    const refused = [
      store.create(newSession('p51')),
      store.find('p0', ana),
      store.findAll(ana),
      store.attach('p0', ana, here),
      store.detachNode(there, 0),
      store.detach('p0', 1, 0),
    ]
    for (const each of refused) await expect(each).rejects.toMatchObject({ code: 'shutting_down' })
    expect(await other.find('p0', ana)).toMatchObject({ detachedAtMs: undefined })
  })

  it('does what is owed before it ends', async () => {
    await using world = await openWorld()
    const store = await world.open({ ...long, node: here })
    await store.create(newSession('p1', { node: there }))
    await world.proxy.goAway()
    await store.detach('p1', 1, world.clock.now())
    await world.proxy.comeBack()
    await until(() => world.database.state().state === 'up')
    await store.close()
    expect(await world.count()).toEqual({ rows: 1, away: 1, total: 1 })
  })

  it('has no session left after a backup was restored', async () => {
    await using world = await openWorld()
    const store = await world.open()
    await store.create(newSession('p1'))
    await store.detach('p1', 1, world.clock.now())
    await world.server.sql(forgetSessions)
    expect(await store.find('p1', ana)).toBeUndefined()
    expect(await world.count()).toEqual({ rows: 0, away: 0, total: 0 })
    await using empty = await openWorld()
    await empty.server.sql('drop table sessions, session_totals, session_nodes')
    await empty.server.sql(forgetSessions)
  })
})
