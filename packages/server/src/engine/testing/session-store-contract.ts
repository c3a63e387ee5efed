/**
 * What every `SessionStore` must do, rule by rule (see ports/session-store.ts). An adapter's tests call this
 * with a world in which several nodes open the same store, and time is moved by hand.
 */
import { type Position, type Room, roomName, type SessionId, type UserId } from '@belfry/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Awaitable } from '../awaitable.ts'
import {
  type NewSession,
  type NodeId,
  type PastMembership,
  type SessionOwner,
  type SessionStore,
  type SessionStoreOptions,
  type StoredSession,
  sessionSweepPeriodMs,
} from '../ports/session-store.ts'
import { numbers } from './log-contract.ts'
import { SeededRandom } from './seeded-random.ts'
import type { TestClock } from './test-clock.ts'

export interface SessionStoreWorld extends AsyncDisposable {
  readonly clock: TestClock
  /** The store as a node opens it, with the same options on every node. */
  open(options?: SessionStoreOptions): Promise<SessionStore>
}

const node1 = 'node-1' as NodeId
const node2 = 'node-2' as NodeId
const ana: SessionOwner = { userId: 'ana' as UserId, namespace: '/posts' }
const strangers: readonly SessionOwner[] = [
  { userId: 'ben' as UserId, namespace: '/posts' },
  { userId: 'ana' as UserId, namespace: '/jobs' },
  { userId: 'ben' as UserId, namespace: '/jobs' },
  { userId: 'ANA' as UserId, namespace: '/posts' },
  { userId: 'ana/posts' as UserId, namespace: '' },
]

export function describeSessionStoreContract(
  adapter: string,
  makeWorld: () => Promise<SessionStoreWorld>,
): void {
  describe(`Session store contract: ${adapter}`, () => {
    let world: SessionStoreWorld
    let store: SessionStore

    const open = async (options?: SessionStoreOptions) => {
      store = await world.open(options)
      return store
    }
    beforeEach(async () => {
      world = await makeWorld()
    })
    afterEach(async () => world[Symbol.asyncDispose]())

    /** A store that answers at once throws at once. */
    const createdOn = async (on: SessionStore, session: NewSession) => on.create(session)
    const create = (session: NewSession) => createdOn(store, session)
    /** Creates a session of Ana and sends it away. */
    const createAway = async (pid: string, more: Partial<NewSession> = {}) => {
      await store.create(newSession(pid, more))
      expect(await store.detach(pid, 1, world.clock.now())).toBe(true)
    }
    const held = async (pid: string, owner = ana): Promise<StoredSession> => {
      const session = await store.find(pid, owner)
      if (session === undefined) throw new Error(`${pid} is not found.`)
      return session
    }
    const pidsOf = async (owner = ana) => (await store.findAll(owner)).map(({ pid }) => pid).sort()
    /** As if there never was one: for every call, and for a new session of the same pid. */
    const expectGone = async (pid: string, owner = ana) => {
      expect(await store.find(pid, owner)).toBeUndefined()
      expect(await pidsOf(owner)).not.toContain(pid)
      expect(await store.join(pid, [room(1)], at(90))).toBe('no-session')
      expect(await store.leave(pid, [room(1)], at(90))).toBe(false)
      for (const generation of [1, 2, 3])
        expect(await store.detach(pid, generation, world.clock.now())).toBe(false)
      expect(await store.attach(pid, owner, node1)).toBeUndefined()
      expect(await store.remove(pid)).toBe(false)
    }

    it('[SS1] begins a session attached, of generation 1, in its rooms from its start', async () => {
      await open()
      const created = await store.create(newSession('p1', { start: at(7), rooms: [room(1), room(2)] }))
      expect(created).toEqual({
        ...ana,
        pid: 'p1',
        id: 'id of p1',
        node: node1,
        start: at(7),
        generation: 1,
        detachedAtMs: undefined,
        rooms: joinedAt(7, 1, 2),
        left: [],
        wholeFrom: at(7),
      })
      const other = await world.open()
      expect(await other.find('p1', ana)).toEqual(created)
      expect(await other.findAll(ana)).toEqual([created])
    })

    it('[SS1] takes a room that is named twice once', async () => {
      await open({ roomsMax: 2 })
      const { rooms } = await store.create(newSession('p1', { rooms: [room(1), room(2), room(1)] }))
      expect(rooms).toEqual(joinedAt(0, 1, 2))
    })

    it('[SS1] refuses a pid that is taken, by whomever, and leaves its session as it is', async () => {
      await open()
      const first = await store.create(newSession('p1', { rooms: [room(1)] }))
      const others = [ana, ...strangers].map((owner) => newSession('p1', { ...owner, id: 'x' as SessionId }))
      for (const other of others) await expect(create(other)).rejects.toThrow('pid')
      expect(await held('p1')).toEqual(first)
      for (const owner of strangers) expect(await pidsOf(owner)).toEqual([])
      await store.detach('p1', 1, world.clock.now())
      await expect(create(newSession('p1'))).rejects.toThrow('pid')
      expect((await held('p1')).rooms).toEqual(joinedAt(0, 1))
    })

    it('[SS1] refuses all but one of many sessions with the same pid at once', async () => {
      await open()
      const outcomes = await Promise.allSettled(numbers(1, 10).map(() => create(newSession('p1'))))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    it('[SS2] is found by its own user on its own namespace, and by nobody else', async () => {
      await open()
      const created = await store.create(newSession('p1'))
      await createAway('p2')
      for (const pid of ['p1', 'p2']) {
        for (const owner of strangers) {
          expect(await store.find(pid, owner)).toBeUndefined()
          expect(await store.attach(pid, owner, node2)).toBeUndefined()
          expect(await store.findAll(owner)).toEqual([])
        }
      }
      expect(await held('p1')).toEqual(created)
      expect(await held('p2')).toMatchObject({ generation: 1, detachedAtMs: world.clock.now(), node: node1 })
    })

    it('[SS2] knows no pid it has not heard of', async () => {
      await open()
      await store.create(newSession('p1'))
      for (const pid of ['p', 'P1', 'p1 ', '', '__proto__', 'constructor']) await expectGone(pid)
      expect(await held('p1')).toMatchObject({ generation: 1, rooms: [] })
    })

    it('[SS2] finds all sessions of a user on a namespace, also those away', async () => {
      await open()
      const jobs = { ...ana, namespace: '/jobs' }
      await store.create(newSession('p1'))
      await createAway('p2')
      await store.create(newSession('p3', jobs))
      await store.create(newSession('p4', { userId: 'ben' as UserId }))
      expect(await pidsOf()).toEqual(['p1', 'p2'])
      expect(await pidsOf(jobs)).toEqual(['p3'])
      await store.remove('p1')
      expect(await pidsOf()).toEqual(['p2'])
    })

    it('[SS3] knows where it joined each room, and a second join changes nothing', async () => {
      await open()
      await store.create(newSession('p1', { start: at(3), rooms: [room(1)] }))
      expect(await store.join('p1', [room(2)], at(5))).toBe('joined')
      expect(await store.join('p1', [room(1), room(2), room(3), room(3)], at(9))).toBe('joined')
      const { rooms, left } = await held('p1')
      expect(rooms).toEqual([...joinedAt(3, 1), ...joinedAt(5, 2), ...joinedAt(9, 3)])
      expect(left).toEqual([])
    })

    it('[SS3] keeps a room that it left with both positions, and passes over other rooms', async () => {
      await open()
      await store.create(newSession('p1', { start: at(3), rooms: [room(1), room(2)] }))
      expect(await store.leave('p1', [room(2), room(9), room(2)], at(8))).toBe(true)
      expect(await store.leave('p1', [room(2)], at(9))).toBe(true)
      expect(await held('p1')).toMatchObject({
        rooms: joinedAt(3, 1),
        left: leftAt(3, 8, 2),
        wholeFrom: at(3),
      })
    })

    it('[SS3] makes a new membership of a room that is joined again, as often as it is', async () => {
      await open()
      await store.create(newSession('p1', { start: at(1), rooms: [room(1)] }))
      for (const n of [10, 20, 30]) {
        await store.leave('p1', [room(1)], at(n))
        await store.join('p1', [room(1)], at(n + 5))
      }
      const { rooms, left } = await held('p1')
      expect(rooms).toEqual(joinedAt(35, 1))
      expect(left).toEqual([...leftAt(1, 10, 1), ...leftAt(15, 20, 1), ...leftAt(25, 30, 1)])
    })

    it('[SS3] keeps nothing of a room that was left where it was joined', async () => {
      await open()
      await store.create(newSession('p1', { start: at(3), rooms: [room(1)] }))
      await store.leave('p1', [room(1)], at(3))
      await store.join('p1', [room(1)], at(5))
      await store.leave('p1', [room(1)], at(4))
      expect(await held('p1')).toMatchObject({ rooms: [], left: [] })
      await store.join('p1', [room(1)], at(5))
      const afterRestart = { epoch: 'epoch2', offset: 2 }
      await store.leave('p1', [room(1)], afterRestart)
      expect((await held('p1')).left).toEqual([{ room: room(1), joined: at(5), left: afterRestart }])
    })

    it('[SS4] is reached by joins and leaves while it is away, and has them when it comes back', async () => {
      await open()
      await createAway('p1', { rooms: [room(1), room(2)] })
      expect(await store.join('p1', [room(3)], at(4))).toBe('joined')
      expect(await store.leave('p1', [room(1)], at(6))).toBe(true)
      const expected = { rooms: [...joinedAt(0, 2), ...joinedAt(4, 3)], left: leftAt(0, 6, 1) }
      expect(await held('p1')).toMatchObject({ ...expected, generation: 1, detachedAtMs: world.clock.now() })
      expect((await store.attach('p1', ana, node2))?.session).toMatchObject(expected)
    })

    it('[SS4] has every room of joins that came at once from several nodes', async () => {
      await open()
      const other = await world.open()
      await store.create(newSession('p1'))
      const joins = numbers(1, 40).map((n) =>
        (n % 2 === 0 ? store : other).join('p1', [room(n), room(n + 1)], at(n)),
      )
      expect(new Set(await Promise.all(joins))).toEqual(new Set(['joined']))
      const { rooms } = await held('p1')
      expect(rooms.map((one) => one.room).sort()).toEqual(numbers(1, 41).map(room).sort())
    })

    it('[SS5] is attached where its client comes back, with its rooms and a higher generation', async () => {
      await open()
      await createAway('p1', { start: at(2), rooms: [room(1)] })
      const away = await held('p1')
      expect(await store.attach('p1', ana, node2)).toEqual({
        session: { ...away, node: node2, generation: 2, detachedAtMs: undefined },
        fencedNode: undefined,
      })
      await store.detach('p1', 2, world.clock.now())
      expect(await store.attach('p1', ana, node1)).toMatchObject({
        session: { node: node1, generation: 3 },
        fencedNode: undefined,
      })
    })

    it('[SS5] goes to the newer connection while another is alive, and says which node to tell', async () => {
      await open()
      await store.create(newSession('p1'))
      expect(await store.attach('p1', ana, node2)).toMatchObject({
        session: { generation: 2 },
        fencedNode: node1,
      })
      expect(await store.attach('p1', ana, node2)).toMatchObject({
        session: { generation: 3 },
        fencedNode: node2,
      })
      expect(await held('p1')).toMatchObject({ node: node2, generation: 3, detachedAtMs: undefined })
    })

    it('[SS5] lets no older connection detach or remove it, attached or away', async () => {
      await open()
      await store.create(newSession('p1'))
      await store.attach('p1', ana, node2)
      const expectFenced = async () => {
        const before = await held('p1')
        for (const generation of [1, 0, 3, -1, Number.NaN]) {
          expect(await store.detach('p1', generation, world.clock.now())).toBe(false)
          expect(await store.remove('p1', generation)).toBe(false)
        }
        expect(await held('p1')).toEqual(before)
      }
      await expectFenced()
      expect(await store.detach('p1', 2, world.clock.now())).toBe(true)
      await expectFenced()
      expect(await store.remove('p1', 2)).toBe(true)
    })

    it('[SS5] of many claims at once answers each, and only the highest generation counts', async () => {
      await open()
      const other = await world.open()
      await createAway('p1')
      const claims = await Promise.all(
        numbers(1, 20).map((n) => (n % 2 === 0 ? store : other).attach('p1', ana, `node-${n}` as NodeId)),
      )
      const generations = claims.map((claim) => claim?.session.generation ?? Number.NaN)
      expect([...generations].sort((a, b) => a - b)).toEqual(numbers(2, 21))
      // Each of them but the first took it from another one, and no two from the same.
      const fenced = claims.map((claim) => claim?.fencedNode).filter((node) => node !== undefined)
      expect(new Set(fenced).size).toBe(19)
      const newest = claims.find((claim) => claim?.session.generation === 21)
      expect(await held('p1')).toEqual(newest?.session)
      const outcomes = await Promise.all(generations.map((generation) => store.detach('p1', generation, 0)))
      expect(outcomes).toEqual(generations.map((generation) => generation === 21))
    })

    it('[SS6] is away from the first time it is said, which another time does not prolong', async () => {
      await open({ detachedMsMax: 1_000 })
      await store.create(newSession('p1'))
      const awayAtMs = world.clock.now()
      expect(await store.detach('p1', 1, awayAtMs)).toBe(true)
      world.clock.advance(600)
      expect(await store.detach('p1', 1, world.clock.now())).toBe(false)
      expect(await store.detachNode(node1, world.clock.now())).toBe(0)
      expect(await held('p1')).toMatchObject({ detachedAtMs: awayAtMs, generation: 1, node: node1 })
      world.clock.advance(400)
      await expectGone('p1')
    })

    it('[SS6] counts its time away from when it went, not from when that was noticed', async () => {
      await open({ detachedMsMax: 1_000 })
      await store.create(newSession('p1'))
      await store.create(newSession('p2'))
      world.clock.advance(5_000)
      await store.detach('p1', 1, world.clock.now() - 900)
      await store.detachNode(node1, world.clock.now() - 900)
      expect(await pidsOf()).toEqual(['p1', 'p2'])
      world.clock.advance(100)
      expect(await pidsOf()).toEqual([])
    })

    it('[SS6] sends away all sessions that a killed node held, and no others', async () => {
      await open()
      for (const pid of ['p1', 'p2', 'p3', 'p4']) await store.create(newSession(pid))
      await store.create(newSession('p5', { node: node2 }))
      const jobs = { userId: 'ben' as UserId, namespace: '/jobs' }
      await store.create(newSession('p6', jobs))
      await store.attach('p2', ana, node2)
      await store.detach('p3', 1, world.clock.now())
      await store.attach('p5', ana, node1)
      world.clock.advance(10)
      expect(await store.detachNode(node1, world.clock.now())).toBe(4)
      const now = world.clock.now()
      const away = await Promise.all(
        ['p1', 'p2', 'p3', 'p4', 'p5'].map(async (pid) => (await held(pid)).detachedAtMs),
      )
      expect(away).toEqual([now, undefined, now - 10, now, now])
      expect(await held('p6', jobs)).toMatchObject({ detachedAtMs: now, generation: 1 })
      expect(await store.detachNode(node1, now)).toBe(0)
      expect(await store.detachNode('node' as NodeId, now)).toBe(0)
      expect(await store.attach('p1', ana, node2)).toMatchObject({
        fencedNode: undefined,
        session: { generation: 2 },
      })
    })

    it('[SS7] is gone from the moment it was away too long, and not before', async () => {
      await open({ detachedMsMax: 1_000 })
      for (const pid of ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']) await createAway(pid)
      world.clock.advance(999)
      expect((await store.attach('p1', ana, node2))?.session.generation).toBe(2)
      await store.detach('p1', 2, world.clock.now())
      expect(await pidsOf()).toHaveLength(7)
      world.clock.advance(1)
      // Each by another call, so that none of them has to look before.
      expect(await store.find('p2', ana)).toBeUndefined()
      expect(await store.attach('p3', ana, node2)).toBeUndefined()
      expect(await store.join('p4', [room(1)], at(1))).toBe('no-session')
      expect(await store.leave('p5', [room(1)], at(1))).toBe(false)
      expect(await store.remove('p6', 1)).toBe(false)
      expect(await pidsOf()).toEqual(['p1'])
      for (const pid of ['p2', 'p3', 'p4', 'p5', 'p6', 'p7']) await expectGone(pid)
      expect(await store.create(newSession('p7', { start: at(5) }))).toMatchObject({
        generation: 1,
        start: at(5),
      })
      world.clock.advance(999)
      await expectGone('p1')
      expect(await pidsOf()).toEqual(['p7'])
    })

    it('[SS7] does not expire while it is attached, however long', async () => {
      await open({ detachedMsMax: 1_000 })
      await store.create(newSession('p1'))
      await createAway('p2')
      world.clock.advance(500)
      await store.attach('p2', ana, node2)
      world.clock.advance(7 * 24 * 60 * 60 * 1000)
      expect(await pidsOf()).toEqual(['p1', 'p2'])
      expect(await store.attach('p1', ana, node1)).toBeDefined()
    })

    it('[SS7] with a time of zero keeps no session that is away', async () => {
      await open({ detachedMsMax: 0 })
      await store.create(newSession('p1'))
      expect(await held('p1')).toMatchObject({ generation: 1 })
      await store.detach('p1', 1, world.clock.now())
      await expectGone('p1')
    })

    it('[SS8] makes room for one more that goes away, at the cost of the one that went first', async () => {
      await open({ detachedMax: 3 })
      await store.create(newSession('attached'))
      for (const pid of ['p1', 'p2', 'p3']) await createAway(pid)
      expect(await pidsOf()).toEqual(['attached', 'p1', 'p2', 'p3'])
      await createAway('p4')
      expect(await pidsOf()).toEqual(['attached', 'p2', 'p3', 'p4'])
      await expectGone('p1')
      // Who came back and went again went last.
      await store.attach('p2', ana, node1)
      await store.detach('p2', 2, world.clock.now())
      await createAway('p5')
      expect(await pidsOf()).toEqual(['attached', 'p2', 'p4', 'p5'])
      expect(await store.attach('p4', ana, node2)).toBeDefined()
      await createAway('p6')
      expect(await pidsOf()).toEqual(['attached', 'p2', 'p4', 'p5', 'p6'])
    })

    it('[SS8] does not count those attached, removed or expired', async () => {
      await open({ detachedMax: 2, detachedMsMax: 1_000 })
      for (const n of numbers(1, 10)) await store.create(newSession(`attached-${n}`))
      await createAway('p1')
      await createAway('p2')
      await store.remove('p1')
      await createAway('p3')
      expect(await pidsOf()).toHaveLength(12)
      world.clock.advance(1_000 + sessionSweepPeriodMs)
      await createAway('p4')
      await createAway('p5')
      expect((await pidsOf()).filter((pid) => pid.startsWith('p'))).toEqual(['p4', 'p5'])
    })

    it('[SS8] holds when a whole node is sent away, and when nobody may be away', async () => {
      await open({ detachedMax: 4 })
      for (const n of numbers(1, 10)) await store.create(newSession(`p${n}`))
      expect(await store.detachNode(node1, world.clock.now())).toBe(10)
      expect(await pidsOf()).toHaveLength(4)
      await using another = await makeWorld()
      const none = await another.open({ detachedMax: 0 })
      await none.create(newSession('p1'))
      expect(await none.detach('p1', 1, another.clock.now())).toBe(true)
      expect(await none.find('p1', ana)).toBeUndefined()
    })

    it('[SS9] refuses a join beyond its rooms, wholly, and a session that begins with too many', async () => {
      await open({ roomsMax: 3 })
      await store.create(newSession('p1', { rooms: [room(1), room(2)] }))
      const before = await held('p1')
      expect(await store.join('p1', [room(3), room(4)], at(5))).toBe('too-many-rooms')
      expect(await held('p1')).toEqual(before)
      expect(await store.join('p1', [room(1), room(2), room(3), room(3)], at(5))).toBe('joined')
      expect(await store.join('p1', [room(4)], at(6))).toBe('too-many-rooms')
      expect(await store.join('p1', [room(2), room(3)], at(6))).toBe('joined')
      await store.leave('p1', [room(2)], at(7))
      expect(await store.join('p1', [room(4)], at(8))).toBe('joined')
      await expect(create(newSession('p2', { rooms: [1, 2, 3, 4].map(room) }))).rejects.toThrow(RangeError)
      expect(await pidsOf()).toEqual(['p1'])
    })

    it('[SS9] forgets the rooms it left first, and says from where on nothing was forgotten', async () => {
      await open({ leftMax: 2 })
      await store.create(newSession('p1', { start: at(10), rooms: numbers(1, 6).map(room) }))
      await store.leave('p1', [room(1)], at(11))
      await store.leave('p1', [room(2)], at(14))
      expect(await held('p1')).toMatchObject({
        left: [...leftAt(10, 11, 1), ...leftAt(10, 14, 2)],
        wholeFrom: at(10),
      })
      await store.leave('p1', [room(3)], at(13))
      expect(await held('p1')).toMatchObject({
        left: [...leftAt(10, 14, 2), ...leftAt(10, 13, 3)],
        wholeFrom: at(11),
      })
      await store.leave('p1', [room(4), room(5)], at(20))
      const last = await held('p1')
      expect(last).toMatchObject({ left: leftAt(10, 20, 4, 5), start: at(10), rooms: joinedAt(10, 6) })
      // Of what was forgotten, the furthest: room 3 was left before room 2, and forgotten after it.
      expect(last.wholeFrom).toEqual(at(14))
      const nextEpoch = (offset: number) => ({ epoch: 'epoch2', offset })
      await store.join('p1', [room(1), room(2), room(3)], nextEpoch(1))
      await store.leave('p1', [room(1), room(2), room(3)], nextEpoch(2))
      expect((await held('p1')).wholeFrom).toEqual(nextEpoch(2))
    })

    it('[SS9] with nothing kept of the rooms it left, is whole from the last leave on', async () => {
      await open({ leftMax: 0 })
      await store.create(newSession('p1', { start: at(1), rooms: [room(1), room(2)] }))
      await store.leave('p1', [room(1)], at(5))
      expect(await held('p1')).toMatchObject({ left: [], wholeFrom: at(5), start: at(1) })
    })

    it('[SS10] ends at once and for good, attached or away, by its connection or anybody', async () => {
      await open()
      for (const pid of ['p1', 'p2']) await store.create(newSession(pid, { rooms: [room(1)] }))
      for (const pid of ['p3', 'p4']) await createAway(pid)
      await store.create(newSession('p5'))
      await store.attach('p5', ana, node2)
      const removals = [
        store.remove('p1'),
        store.remove('p2', 1),
        store.remove('p3'),
        store.remove('p4', 1),
        store.remove('p5'),
      ]
      expect(await Promise.all(removals)).toEqual([true, true, true, true, true])
      for (const pid of ['p1', 'p2', 'p3', 'p4', 'p5']) await expectGone(pid)
      expect(await store.detachNode(node1, world.clock.now())).toBe(0)
      expect(await store.create(newSession('p1'))).toMatchObject({ generation: 1, rooms: [], left: [] })
    })

    it('[SS11] gave answers that stay as they were', async () => {
      await open({ leftMax: 1 })
      const rooms = [room(1), room(2)]
      const created = await store.create(newSession('p1', { rooms }))
      rooms.push(room(9))
      const [found, [listed], attached] = [
        await store.find('p1', ana),
        await store.findAll(ana),
        await store.attach('p1', ana, node1),
      ]
      const answers = [created, found, listed, attached]
      const before = structuredClone(answers)
      await store.join('p1', [room(3)], at(2))
      await store.leave('p1', [room(1)], at(4))
      await store.leave('p1', [room(2)], at(5))
      await store.attach('p1', ana, node2)
      await store.detach('p1', 3, world.clock.now())
      await store.remove('p1')
      expect(answers).toEqual(before)
      expect(created.rooms).toEqual(joinedAt(0, 1, 2))
    })

    it.each(numbers(1, 12))('[SS1–SS10] agrees with a plain list, seed %d', async (seed) => {
      const random = new SeededRandom(seed)
      const options = { detachedMsMax: 1_000, detachedMax: 3, roomsMax: 4, leftMax: 2 }
      await open(options)
      const other = await world.open(options)
      const model = createModel(options, () => world.clock.now())
      const owners = [ana, ...strangers.slice(0, 2)]
      const pids = numbers(1, 7).map((n) => `p${n}`)
      const someRooms = () => numbers(1, 1 + random.below(3)).map(() => room(random.below(6)))
      let offset = 0
      const here = () => {
        offset += random.below(3)
        return at(offset)
      }
      const steps: Record<string, (on: SessionStore, pid: string) => [Awaitable<unknown>, unknown]> = {
        create: (on, pid) => {
          const session = newSession(pid, {
            ...random.oneOf(owners),
            node: random.oneOf([node1, node2]),
            start: here(),
            rooms: [...someRooms(), ...someRooms()],
          })
          return [createdOn(on, session).catch(() => 'refused'), model.create(session)]
        },
        join: (on, pid) => {
          const args = [pid, someRooms(), here()] as const
          return [on.join(...args), model.join(...args)]
        },
        leave: (on, pid) => {
          const args = [pid, someRooms(), here()] as const
          return [on.leave(...args), model.leave(...args)]
        },
        attach: (on, pid) => {
          const owner = model.get(pid) ?? random.oneOf(owners)
          const args = [
            pid,
            random.below(4) === 0 ? random.oneOf(owners) : owner,
            random.oneOf([node1, node2]),
          ] as const
          return [on.attach(...args), model.attach(...args)]
        },
        detach: (on, pid) => {
          if (!model.knowsWhoGoes()) return [Promise.resolve(), undefined]
          const generation = (model.get(pid)?.generation ?? 1) - (random.below(4) === 0 ? 1 : 0)
          return [on.detach(pid, generation, world.clock.now()), model.detach(pid, generation)]
        },
        detachNode: (on) => {
          const node = random.oneOf([node1, node2])
          if (!model.hasRoomFor(node)) return [Promise.resolve(), undefined]
          return [on.detachNode(node, world.clock.now()), model.detachNode(node)]
        },
        remove: (on, pid) => {
          const generation = random.below(2) === 0 ? undefined : 1 + random.below(3)
          return [on.remove(pid, generation), model.remove(pid, generation)]
        },
        wait: () => {
          world.clock.advance(random.below(700))
          return [Promise.resolve(), undefined]
        },
      }
      const names =
        'create create create join join leave leave attach attach detach detach detach detachNode remove wait'
      for (const step of numbers(1, 250)) {
        const name = random.oneOf(names.split(' '))
        const [outcome, expected] = steps[name]?.(random.oneOf([store, other]), random.oneOf(pids)) ?? []
        expect({ step, name, outcome: await outcome }).toEqual({ step, name, outcome: expected })
        for (const owner of owners) {
          const found = (await store.findAll(owner)).toSorted((a, b) => (a.pid < b.pid ? -1 : 1))
          expect({ step, name, found }).toEqual({ step, name, found: model.findAll(owner) })
        }
      }
    })
  })
}

/** The same rules over a plain list, oldest departure first, without a thought for speed. */
function createModel(
  { detachedMsMax, detachedMax, roomsMax, leftMax }: Required<SessionStoreOptions>,
  now: () => number,
) {
  let list: StoredSession[] = []
  /** Those that a node took with it, by a number for each time. */
  const departures = new Map<string, number>()
  let departuresSoFar = 0
  const current = () => {
    list = list.filter(
      ({ detachedAtMs }) => detachedAtMs === undefined || now() - detachedAtMs < detachedMsMax,
    )
    return list
  }
  const get = (pid: string) => current().find((session) => session.pid === pid)
  /** At the end of the list: who goes away last stands last. */
  const put = (session: StoredSession) => {
    list = [...current().filter(({ pid }) => pid !== session.pid), session]
    departures.delete(session.pid)
    const away = allAway()
    if (away.length > detachedMax) list = list.filter((one) => one !== away[0])
  }
  const allAway = () => current().filter(({ detachedAtMs }) => detachedAtMs !== undefined)
  const replace = (session: StoredSession) => {
    list = list.map((one) => (one.pid === session.pid ? session : one))
  }
  const attachedTo = (node: NodeId) =>
    current().filter((one) => one.node === node && one.detachedAtMs === undefined)
  const isOwn = (session: StoredSession, owner: SessionOwner) =>
    session.userId === owner.userId && session.namespace === owner.namespace
  return {
    get,
    create({ rooms, ...session }: NewSession): StoredSession | 'refused' {
      const names = [...new Set(rooms)]
      if (get(session.pid) !== undefined || names.length > roomsMax) return 'refused'
      const joined = names.map((name) => ({ room: name, joined: session.start }))
      const stored = {
        generation: 1,
        detachedAtMs: undefined,
        left: [],
        wholeFrom: session.start,
        rooms: joined,
      }
      put({ ...session, ...stored })
      return { ...session, ...stored }
    },
    findAll: (owner: SessionOwner) =>
      current()
        .filter((session) => isOwn(session, owner))
        .sort((a, b) => (a.pid < b.pid ? -1 : 1)),
    join(pid: string, names: readonly Room[], joined: Position) {
      const session = get(pid)
      if (session === undefined) return 'no-session'
      const added = [...new Set(names)].filter((name) => !session.rooms.some((one) => one.room === name))
      if (session.rooms.length + added.length > roomsMax) return 'too-many-rooms'
      replace({ ...session, rooms: [...session.rooms, ...added.map((name) => ({ room: name, joined }))] })
      return 'joined'
    },
    leave(pid: string, names: readonly Room[], left: Position) {
      const session = get(pid)
      if (session === undefined) return false
      const gone = [...new Set(names)].flatMap((name): PastMembership[] => {
        const membership = session.rooms.find((one) => one.room === name)
        return membership === undefined || membership.joined.offset >= left.offset
          ? []
          : [{ ...membership, left }]
      })
      const all = [...session.left, ...gone]
      const forgotten = all.slice(0, Math.max(0, all.length - leftMax))
      const wholeFrom = Math.max(session.wholeFrom.offset, ...forgotten.map((one) => one.left.offset))
      const rooms = session.rooms.filter((one) => !names.includes(one.room))
      replace({ ...session, rooms, left: all.slice(forgotten.length), wholeFrom: at(wholeFrom) })
      return true
    },
    attach(pid: string, owner: SessionOwner, node: NodeId) {
      const session = get(pid)
      if (session === undefined || !isOwn(session, owner)) return undefined
      const attached = { ...session, node, generation: session.generation + 1, detachedAtMs: undefined }
      replace(attached)
      return { session: attached, fencedNode: session.detachedAtMs === undefined ? session.node : undefined }
    },
    detach(pid: string, generation: number) {
      const session = get(pid)
      if (session?.generation !== generation || session.detachedAtMs !== undefined) return false
      put({ ...session, detachedAtMs: now() })
      return true
    },
    hasRoomFor: (node: NodeId) => attachedTo(node).length + allAway().length <= detachedMax,
    /** Not so where all are away that may be, and the first two went together. */
    knowsWhoGoes() {
      const away = allAway()
      const [first, second] = away.map(({ pid }) => departures.get(pid))
      return away.length < detachedMax || first === undefined || first !== second
    },
    detachNode(node: NodeId) {
      const sessions = attachedTo(node)
      departuresSoFar += 1
      for (const session of sessions) {
        put({ ...session, detachedAtMs: now() })
        departures.set(session.pid, departuresSoFar)
      }
      return sessions.length
    },
    remove(pid: string, generation?: number) {
      const session = get(pid)
      if (session === undefined || (generation !== undefined && generation !== session.generation))
        return false
      list = list.filter((one) => one !== session)
      return true
    },
  }
}

function newSession(pid: string, more: Partial<NewSession> = {}): NewSession {
  return { ...ana, pid, id: `id of ${pid}` as SessionId, node: node1, start: at(0), rooms: [], ...more }
}

function room(n: number): Room {
  return roomName({ kind: 'episode', id: `${n}` })
}

function at(offset: number): Position {
  return { epoch: 'epoch1', offset }
}

function joinedAt(offset: number, ...rooms: number[]) {
  return rooms.map((n) => ({ room: room(n), joined: at(offset) }))
}

function leftAt(joined: number, left: number, ...rooms: number[]) {
  return rooms.map((n) => ({ room: room(n), joined: at(joined), left: at(left) }))
}
