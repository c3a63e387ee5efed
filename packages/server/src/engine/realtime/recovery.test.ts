/**
 * Clients that come back: each gets every event that was for it, once and in order, or is told first that it does not (R1 to R15).
 */
import { randomBytes } from 'node:crypto'
import { defineNamespace, Refusal, roomName, type SessionId, type UserId } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { createMemoryDurableLog } from '../memory/durable-log.ts'
import { createMemoryLog } from '../memory/log.ts'
import { createMemorySessionStore } from '../memory/session-store.ts'
import type { MemorySession } from '../memory/transport-client.ts'
import { serveNamespace } from '../namespace-handlers.ts'
import type { DurableLog } from '../ports/outbox.ts'
import type { NodeId } from '../ports/session-store.ts'
import { posts } from '../testing/example-namespaces.ts'
import { tokenOf } from '../testing/realtime-world.ts'
import { createRecordingLogger } from '../testing/recording-logger.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { until } from '../testing/until.ts'
import {
  acme,
  ana,
  comeBack,
  cursors,
  episode,
  everyone,
  live,
  numbersTo,
  open,
  publish,
  said,
  visit,
} from '../testing/visits.ts'

/** Says yes, and while it is slow, when its gate is opened. */
function slowAuthority() {
  const authority = {
    kind: 'episode',
    isSlow: false,
    gates: [] as (() => void)[],
    mayJoin: () =>
      !authority.isSlow || new Promise<boolean>((resolve) => authority.gates.push(() => resolve(true))),
  }
  return authority
}

describe('a client that comes back', () => {
  it('[R6] has its session, its rooms and what it missed, once and in order', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana)
    await session.ask('room:join', { room: episode('1') })
    const { id, pid } = session
    await publish(world, 1, acme)
    world.memory.flush()
    client.cut()
    await publish(world, 2, acme)
    await publish(world, 3, episode('1'))
    await publish(world, 4, { kind: 'team', id: 'red' })
    await publish(world, 5, everyone)
    await comeBack(world, session)
    await publish(world, 6, episode('1'))
    world.memory.flush()
    expect(said(session)).toEqual([1, 2, 3, 5, 6])
    expect([session.id, session.pid]).toEqual([id, pid])
    expect(world.realtime.recoveries.recovered).toBe(1)
    expect(world.realtime.namespaces.get('/posts')?.replayed).toBe(3)
  })

  it('[R3] [R4] has a cursor behind everything that it is told, which never goes back', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana, { started: true })
    for (let n = 1; n <= 300; n += 1) {
      await publish(world, n, everyone)
      if (n % 7 === 0) await world.realtime.publish(posts, 'post:typing', { n: -n }, { rooms: [everyone] })
      if (n % 50 !== 0) continue
      world.memory.flush()
      client.cut()
      await publish(world, n + 1_000, acme)
      await comeBack(world, session)
    }
    const offsets = cursors(session).map((cursor) => Number(cursor?.split('.')[1]))
    expect(offsets).toEqual(offsets.toSorted((one, other) => one - other))
    const numbers = said(session).filter((each) => typeof each === 'number')
    expect(numbers).toEqual(numbersTo(300).flatMap((n) => (n % 50 === 0 ? [n, n + 1_000] : [n])))
    expect(said(session).filter((each) => String(each).startsWith('sync:recovered'))).toEqual(
      Array(6).fill('sync:recovered 1'),
    )
  })

  it.each([undefined, 'abc', 'zzzzzzz.3', 1])(
    '[R5] gets all of its session when its cursor is %j',
    async (offset) => {
      await using world = await open()
      await publish(world, 1, acme)
      const { client, session } = await visit(world, ana)
      await publish(world, 2, acme)
      await publish(world, 3, acme)
      world.memory.flush()
      const { pid } = session
      client.close()
      const back = await world.enter('/posts', ana, { pid, offset })
      await live(world, back)
      expect([said(back), back.pid]).toEqual([[2, 3], pid])
    },
  )

  it('keeps rooms about which nobody decides: the server put it there', async () => {
    await using world = await open({ roomAuthorities: [] })
    const { client, session } = await visit(world, ana)
    await world.sessionOf(session).join(episode('1'))
    client.cut()
    await publish(world, 1, episode('1'))
    await comeBack(world, session)
    expect(said(session)).toEqual([1])
  })

  it('[R12] that was sent away does not come back to its session', async () => {
    await using world = await open()
    const { session } = await visit(world, ana)
    const { pid } = session
    world.realtime.disconnectUser('ana' as UserId)
    await until(() => session.state === 'over')
    const back = await world.enter('/posts', ana, { pid })
    world.memory.flush()
    expect(said(back)).toEqual(['sync:reset "unknown-session"'])
  })

  it.each(['refused', 'gone'])(
    '[SS7] is forgotten in its time though it asked in between, and was %s',
    async (how) => {
      let mayEnter = true
      const gates: (() => void)[] = []
      await using world = await open({
        namespaces: [
          serveNamespace(posts, {
            commands: {},
            admit() {
              if (!mayEnter) throw new Refusal('forbidden')
            },
          }),
        ],
        roomAuthorities: [
          {
            kind: 'episode',
            mayJoin: () => gates.length === 0 || new Promise((resolve) => gates.push(() => resolve(true))),
          },
        ],
      })
      const { client, session } = await visit(world, ana)
      await session.ask('room:join', { room: episode('1') })
      const { pid } = session
      client.close()
      mayEnter = how !== 'refused'
      if (how === 'gone') gates.push(() => undefined)
      const asking = world.connect()
      const asked = asking.open('/posts', { token: tokenOf(ana), pid })
      if (how === 'gone') {
        await until(() => gates.length === 2)
        asking.close()
        for (const open of gates.splice(0)) open()
      }
      await expect(asked.entered).rejects.toThrow()
      mayEnter = true
      await new Promise((resolve) => setImmediate(resolve))
      world.clock.advance(5 * 60_000)
      const late = await world.enter('/posts', ana, { pid })
      world.memory.flush()
      expect(said(late)).toEqual(['sync:reset "unknown-session"'])
    },
  )

  it('leaves nothing when it goes while it is stored', async () => {
    const clock = createTestClock()
    const sessions = createMemorySessionStore({ clock })
    const stored = Promise.withResolvers<void>()
    const pids: string[] = []
    await using world = await open({
      sessions: {
        ...sessions,
        async create(session) {
          pids.push(session.pid)
          await stored.promise
          return sessions.create(session)
        },
      },
    })
    const client = world.connect()
    client.open('/posts', { token: tokenOf(ana) })
    client.close()
    stored.resolve()
    const owner = { userId: 'ana' as UserId, namespace: '/posts' }
    await new Promise((resolve) => setImmediate(resolve))
    expect([pids.length, sessions.findAll(owner)]).toEqual([1, []])
    sessions.close()
  })

  it('is stored later when it could not be stored at first, with the rooms that it has by then', async () => {
    const clock = createTestClock()
    const sessions = createMemorySessionStore({ clock })
    let isAway = true
    await using world = await open({
      sessions: {
        ...sessions,
        async create(session) {
          if (isAway) throw new Refusal('database_unavailable')
          return sessions.create(session)
        },
      },
    })
    const { client, session } = await visit(world, ana)
    await session.ask('room:join', { room: episode('1') })
    world.clock.advance(5_000)
    await new Promise((resolve) => setImmediate(resolve))
    isAway = false
    world.clock.advance(5_000)
    const owner = { userId: 'ana' as UserId, namespace: '/posts' }
    await until(async () => (await sessions.findAll(owner)).length === 1)
    client.cut()
    await publish(world, 1, episode('1'))
    await comeBack(world, session)
    expect(said(session)).toEqual([1])
    sessions.close()
  })

  it('waits for sessions that cannot be read, and is told when that takes too long', async () => {
    const clock = createTestClock()
    const sessions = createMemorySessionStore({ clock })
    let isAway = false
    await using world = await open({
      sessions: {
        ...sessions,
        async attach(...args) {
          if (isAway) throw new Refusal('database_unavailable')
          return sessions.attach(...args)
        },
      },
    })
    const { client, session } = await visit(world, ana)
    const { pid } = session
    for (const [seconds, told] of [
      [9, []],
      [12, ['sync:reset "unknown-session"']],
    ] as const) {
      client.cut()
      isAway = true
      const asked = world.connect().open('/posts', { token: tokenOf(ana), pid })
      for (let half = 0; half < 2 * seconds; half += 1) {
        await new Promise((resolve) => setImmediate(resolve))
        world.clock.advance(500)
      }
      isAway = false
      await until(() => {
        world.clock.advance(500)
        return asked.state === 'open'
      })
      world.memory.flush()
      expect(said(asked)).toEqual(told)
    }
    client.close()
    sessions.close()
  })

  it('is cut off by a mistake of ours that concerns it, and the others go on', async () => {
    await using world = await open()
    world.allowFailures()
    const [one, other] = [await visit(world, ana), await visit(world, ana)]
    for (const { client } of [one, other]) client.cut()
    await publish(world, 1, acme)
    const namespace = world.realtime.namespaces.get('/posts')
    const { history, behind = new Set() } = namespace ?? {}
    const after = history?.after.bind(history)
    let failures = 0
    if (history !== undefined)
      history.after = (offset) => {
        if (behind.size > 0 && failures === 0) {
          failures += 1
          throw new Error('on purpose')
        }
        return after?.(offset) ?? 'trimmed'
      }
    await comeBack(world, other.session)
    await comeBack(world, one.session)
    for (const { session } of [one, other]) expect(said(session)).toEqual([1])
    expect(world.logger.at('error').map(({ message }) => message)).toEqual(['a session could not catch up'])
  })

  it('[LG7] is told that its log is another one when its session began in an earlier one', async () => {
    const clock = createTestClock()
    const sessions = createMemorySessionStore({ clock })
    await using world = await open({ sessions })
    const pid = 'p'.repeat(24)
    sessions.create({
      pid,
      id: 'session-1' as SessionId,
      userId: 'ana' as UserId,
      namespace: '/posts',
      node: 'node-0' as NodeId,
      start: { epoch: 'earlier', offset: 0 },
      rooms: [roomName(everyone)],
    })
    const back = await world.enter('/posts', ana, { pid })
    world.memory.flush()
    expect(said(back)).toEqual(['sync:reset "epoch-changed"'])
    sessions.close()
  })

  it('gets nothing of what it may not receive, nor may any more', async () => {
    await using world = await open()
    const mayAudit = { ...ana, permissions: ['posts:audit'] }
    const { client, session } = await visit(world, mayAudit)
    const other = await visit(world, mayAudit)
    const { pid } = other.session
    client.cut()
    other.client.close()
    await world.realtime.publish(posts, 'post:hidden', { n: 1 }, { rooms: [acme] })
    await publish(world, 2, acme)
    await comeBack(world, session)
    const lessTrusted = await world.enter('/posts', ana, { pid })
    await live(world, lessTrusted)
    const numbers = ({ events }: MemorySession) => events.map(({ data }) => (data as { n: number }).n)
    expect([numbers(session), numbers(lessTrusted)]).toEqual([[1, 2], [2]])
  })

  it('gets once what was stored before it came, and delivered after', async () => {
    const held: (() => void)[] = []
    let isHolding = false
    const logger = createRecordingLogger()
    const clock = createTestClock()
    const log = createMemoryLog({ clock, randomBytes })
    const stored = createMemoryDurableLog({ log, logger })
    const durable: DurableLog = {
      ...stored,
      subscribe: ({ entry, missed }) =>
        stored.subscribe({
          missed,
          entry(...given) {
            if (isHolding) held.push(() => entry(...given))
            else entry(...given)
          },
        }),
    }
    const kept = defineNamespace({
      name: '/kept',
      summary: 'What is stored first.',
      durable: true,
      events: { 'post:created': posts.events['post:created'] },
      commands: {},
    })
    await using world = await open({ durable, namespaces: [serveNamespace(kept, { commands: {} })] })
    const publishKept = (n: number) =>
      world.realtime.publish(kept, 'post:created', { n }, { rooms: [everyone] })
    const client = world.connect({ comesBack: true })
    const session = client.open('/kept', { token: tokenOf(ana) })
    await session.entered
    client.cut()
    await publishKept(1)
    isHolding = true
    await publishKept(2)
    await comeBack(world, session)
    expect(said(session)).toEqual([1])
    isHolding = false
    for (const deliver of held) deliver()
    await publishKept(3)
    world.memory.flush()
    expect(said(session)).toEqual([1, 2, 3])
    log.close()
  })

  it('[LG6] is told that its log is another one when it has seen more than there is', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana)
    await publish(world, 1, acme)
    const { epoch } = world.realtime.namespaces.get('/posts')?.position ?? { epoch: '' }
    const { pid } = session
    client.close()
    const back = await world.enter('/posts', ana, { pid, offset: `${epoch}.2` })
    world.memory.flush()
    expect(back.pid).not.toBe(pid)
    expect(said(back)).toEqual(['sync:reset "epoch-changed"'])
  })

  it('[R5] is owed what was for its rooms at the time: from when it joined to when it left', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana)
    const known = world.sessionOf(session)
    await publish(world, 1, episode('1'))
    await known.join(episode('1'))
    await publish(world, 2, episode('1'))
    await known.leave(episode('1'))
    await publish(world, 3, episode('1'))
    await known.join(episode('1'))
    await publish(world, 4, episode('1'))
    await publish(world, 5, everyone, [episode('1')])
    await known.leave(episode('1'))
    await publish(world, 6, everyone, [episode('1')])
    // None of it has arrived.
    client.cut()
    await comeBack(world, session)
    expect(said(session)).toEqual([2, 4, 6])
  })

  it('[R13] is told which rooms it has lost, and keeps the others', async () => {
    const allowed = new Set(['1', '2', '3'])
    await using world = await open({
      roomAuthorities: [{ kind: 'episode', mayJoin: async (_, id) => allowed.has(id) }],
    })
    const { client, session } = await visit(world, ana)
    for (const id of allowed) await session.ask('room:join', { room: episode(id) })
    client.cut()
    for (const [index, id] of [...allowed].entries()) await publish(world, index + 1, episode(id))
    allowed.delete('2')
    await comeBack(world, session)
    await publish(world, 4, episode('2'))
    await publish(world, 5, episode('3'))
    world.memory.flush()
    expect(said(session)).toEqual(['room:lost [{"kind":"episode","id":"2"}]', 1, 3, 5])
    client.cut()
    await comeBack(world, session)
    expect(said(session)).toHaveLength(4)
  })

  it('[R13] goes by the token that it brings now', async () => {
    await using world = await open()
    const { client, session } = await visit(world, { userId: 'ana', workspaces: ['acme', 'umbrella'] })
    const { pid } = session
    await publish(world, 1, acme)
    world.memory.flush()
    client.close()
    await publish(world, 2, { kind: 'workspace', id: 'umbrella' })
    await publish(world, 3, { kind: 'workspace', id: 'initech' })
    await publish(world, 4, acme)
    const back = await world.enter(
      '/posts',
      { userId: 'ana', workspaces: ['acme', 'initech'] },
      { pid, offset: cursors(session).at(-1) },
    )
    await live(world, back)
    await publish(world, 5, { kind: 'workspace', id: 'initech' })
    await publish(world, 6, { kind: 'workspace', id: 'umbrella' })
    world.memory.flush()
    expect(said(back)).toEqual(['room:lost [{"kind":"workspace","id":"umbrella"}]', 4, 5])
  })

  it('[R12] as somebody else gets a session of his own, and nothing of the other one', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana)
    await publish(world, 1, acme)
    world.memory.flush()
    const { pid } = session
    client.cut()
    await publish(world, 2, acme)
    const bo = await world.enter('/posts', { userId: 'bo' }, { pid, offset: cursors(session)[0] })
    await live(world, bo)
    expect(bo.pid).not.toBe(pid)
    expect(said(bo)).toEqual(['sync:reset "expired"'])
    await comeBack(world, session)
    expect(said(session)).toEqual([1, 2])
  })

  it('[R12] after it said goodbye begins anew', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    const { pid } = session
    session.leave()
    const back = await world.enter('/posts', ana, { pid })
    world.memory.flush()
    expect(back.pid).not.toBe(pid)
    expect(said(back)).toEqual(['sync:reset "unknown-session"'])
  })

  it('[R11] takes its session from a connection that is still there, which is told to stay away', async () => {
    await using world = await open()
    const ghost = await visit(world, ana)
    await publish(world, 1, acme)
    world.memory.flush()
    ghost.client.pause()
    await publish(world, 2, acme)
    const { pid } = ghost.session
    const back = await world.enter('/posts', ana, { pid, offset: cursors(ghost.session)[0] })
    await live(world, back)
    await publish(world, 3, acme)
    world.memory.flush()
    expect(said(back)).toEqual([2, 3])
    ghost.client.resume()
    world.memory.flush()
    expect(ghost.session.state).toBe('over')
    expect(said(ghost.session)).toEqual([1, 2, 'session:closing null'])
    // What becomes of the older connection does nothing to the session.
    ghost.client.close()
    const again = await world.enter('/posts', ana, { pid, offset: cursors(back).at(-1) })
    await live(world, again)
    expect([again.pid, said(again)]).toEqual([pid, []])
  })

  it('[R11] [SS5] is the one that came last, though the one before it is let in later', async () => {
    const authority = slowAuthority()
    await using world = await open({ roomAuthorities: [authority] })
    const { client, session } = await visit(world, ana)
    await session.ask('room:join', { room: episode('1') })
    const { pid } = session
    client.close()
    authority.isSlow = true
    const [first, second] = [1, 2].map(() => world.connect().open('/posts', { token: tokenOf(ana), pid }))
    await until(() => authority.gates.length === 2)
    authority.gates[1]?.()
    await second?.entered
    authority.gates[0]?.()
    await until(() => first?.state === 'over')
    await publish(world, 1, episode('1'))
    world.memory.flush()
    expect([first?.events, second?.events].map((events) => events?.map(({ name }) => name))).toEqual([
      ['session:closing'],
      ['post:created'],
    ])
    expect(second?.pid).toBe(pid)
  })

  it('[R11] is let in though the connection that it left behind still counts', async () => {
    await using world = await open({
      connectionLimits: { connectionsMax: 10, perUserMax: 1, perWorkspaceMax: 1, perAddressMax: undefined },
    })
    const { session } = await visit(world, ana)
    const back = await world.enter('/posts', ana, { pid: session.pid })
    expect(back.state).toBe('open')
  })

  it('recovers time and again, also without any event, and however long ago the last one was', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana)
    const { pid } = session
    for (let round = 0; round < 5; round += 1) {
      client.cut()
      await comeBack(world, session)
    }
    await publish(world, 1, acme)
    world.memory.flush()
    // The log has long forgotten it; it has missed nothing.
    for (let minutes = 0; minutes < 60; minutes += 1) world.clock.advance(60_000)
    client.cut()
    await comeBack(world, session)
    expect([session.pid, said(session)]).toEqual([pid, [1]])
    expect(world.realtime.recoveries.recovered).toBe(6)
  })

  it('[R6] is told so first when it was away for too long', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana)
    await publish(world, 1, acme)
    world.memory.flush()
    client.close()
    world.clock.advance(5 * 60_000 - 1)
    const { pid } = session
    const offset = cursors(session)[0]
    const back = await world.enter('/posts', ana, { pid, offset })
    expect(back.pid).toBe(pid)
    world.sessionOf(back).connection.connection.close('closed_by_server')
    world.memory.flush()
    world.clock.advance(5 * 60_000)
    const late = await world.enter('/posts', ana, { pid, offset })
    world.memory.flush()
    expect(late.pid).not.toBe(pid)
    expect(said(late)).toEqual(['sync:reset "expired"'])
    expect(world.realtime.recoveries.resets).toEqual(new Map([['expired', 1]]))
  })

  it.each([
    [50_000, 'all of it'],
    [50_001, 'nothing'],
  ])(
    '[R6] is told so first when the log does not reach back: %i events missed, it gets %s',
    async (missed) => {
      await using world = await open()
      await publish(world, -1, acme)
      const { client, session } = await visit(world, ana)
      client.cut()
      for (let n = 1; n <= missed; n += 1) await publish(world, n, acme)
      await comeBack(world, session)
      await publish(world, missed + 1, acme)
      world.memory.flush()
      if (missed === 50_000) expect(said(session)).toEqual(numbersTo(missed + 1))
      else expect(said(session)).toEqual(['sync:reset "trimmed"', missed + 1])
    },
  )

  it('[R6] is told so first when it has missed rooms that nobody remembers', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana)
    const known = world.sessionOf(session)
    client.pause()
    for (let n = 1; n <= 101; n += 1) {
      void known.join(episode(`${n}`))
      await publish(world, n, episode(`${n}`))
      void known.leave(episode(`${n}`))
    }
    client.cut()
    await comeBack(world, session)
    expect(said(session)).toEqual(['sync:reset "trimmed"'])
  })

  it('[R13] is in the rooms into which the server put it while it caught up', async () => {
    const due: (() => void)[] = []
    await using world = await open({ soon: (action) => due.push(action) })
    const { client, session } = await visit(world, ana)
    await publish(world, 1, acme)
    world.memory.flush()
    client.cut()
    for (let n = 2; n <= 500; n += 1) await publish(world, n, acme)
    world.clock.advance(1_000)
    await until(() => session.state === 'open')
    const known = world.sessionOf(session)
    expect(known.catchUp).toBeDefined()
    expect(world.realtime.namespaces.get('/posts')?.sessionCount).toBe(1)
    void known.join(episode('1'))
    void known.leave(acme)
    expect([known.isIn(episode('1')), known.isIn(acme), known.isIn(everyone)]).toEqual([true, false, true])
    expect(world.realtime.countRecipients('/posts', { rooms: [episode('1')] })).toBe(1)
    expect(world.realtime.countRecipients('/posts', { rooms: [everyone], except: [episode('1')] })).toBe(0)
    await publish(world, 501, episode('1'))
    await publish(world, 502, acme)
    await until(() => {
      due.shift()?.()
      return known.catchUp === undefined
    })
    await publish(world, 503, episode('1'))
    await publish(world, 504, acme)
    world.memory.flush()
    expect(said(session)).toEqual([...numbersTo(501), 503])
  })

  it('[R13] is in the rooms into which the server put its user while it was away', async () => {
    await using world = await open()
    const away = await visit(world, ana)
    const here = await visit(world, ana)
    away.client.cut()
    await publish(world, 1, episode('1'))
    const userId = 'ana' as UserId
    expect(await world.realtime.joinUser('/posts', userId, episode('1'))).toBe(2)
    await publish(world, 2, episode('1'))
    await publish(world, 3, acme)
    expect(await world.realtime.leaveUser('/posts', userId, episode('1'))).toBe(2)
    await publish(world, 4, episode('1'))
    await comeBack(world, away.session)
    for (const { session } of [away, here]) expect(said(session)).toEqual([2, 3])
    await expect(world.realtime.joinUser('/nowhere', userId, acme)).rejects.toThrow('namespace')
  })

  it('[R13] is in the rooms into which the server put its user while it came back', async () => {
    const authority = slowAuthority()
    await using world = await open({ roomAuthorities: [authority] })
    const { client, session } = await visit(world, ana)
    for (const id of ['1', '3']) await session.ask('room:join', { room: episode(id) })
    client.cut()
    authority.isSlow = true
    world.clock.advance(1_000)
    await until(() => authority.gates.length === 1)
    // It was asked about the rooms that it had; these come in between.
    const userId = 'ana' as UserId
    const joined = world.realtime.joinUser('/posts', userId, episode('2'))
    const left = world.realtime.leaveUser('/posts', userId, episode('3'))
    await new Promise((resolve) => setImmediate(resolve))
    authority.isSlow = false
    authority.gates[0]?.()
    expect(await Promise.all([joined, left])).toEqual([1, 1])
    await live(world, session)
    await publish(world, 1, episode('2'))
    await publish(world, 2, episode('3'))
    await publish(world, 3, episode('1'))
    world.memory.flush()
    expect(said(session)).toEqual([1, 3])
  })

  it('[R14] recovers by what stands in its events when it gets no cursor behind them', async () => {
    await using world = await open()
    const plain = world.connect({ takesCursor: false }).open('/posts', { token: tokenOf(ana) })
    await plain.entered
    await publish(world, 1, acme)
    world.memory.flush()
    const [started, first] = plain.events.map(({ data }) => data as { pid: string; _meta: { id: string } })
    world.sessionOf(plain).connection.connection.close('closed_by_server')
    world.memory.flush()
    await publish(world, 2, acme)
    const client = world.connect({ takesCursor: false })
    const back = client.open('/posts', { token: tokenOf(ana), pid: started?.pid, cursor: first?._meta.id })
    await live(world, back)
    expect(said(back)).toEqual(['session:started null', 2, 'sync:recovered 1'])
    expect(back.events[0]?.data).toMatchObject({
      pid: started?.pid,
      recovered: true,
      cursor: first?._meta.id,
    })
    expect(cursors(back)).toEqual([undefined, undefined, undefined])
  })

  it('has the current values of its rooms after what it missed', async () => {
    await using world = await open()
    const { client, session } = await visit(world, ana)
    client.cut()
    const values = { rooms: [acme] }
    for (let n = 1; n <= 5; n += 1)
      await world.realtime.publish(posts, 'post:progress', { n, id: n % 2 === 0 ? 'a' : 'b' }, values)
    await publish(world, 6, acme)
    await comeBack(world, session)
    expect(session.events.map(({ data }) => (data as { n: number }).n)).toEqual([6, 4, 5])
  })
})
