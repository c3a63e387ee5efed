/** Who comes in, as whom, into which rooms, and what is given back when they go. */
import { defineNamespace, Refusal, type RoomRef, type SessionId } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { type NamespaceHandlers, type SessionView, serveNamespace } from '../namespace-handlers.ts'
import { drafts, posts } from '../testing/example-namespaces.ts'
import {
  openRealtimeWorld,
  type Person,
  type RealtimeWorldOptions,
  tokenOf,
} from '../testing/realtime-world.ts'
import { until } from '../testing/until.ts'

const secret = defineNamespace({
  name: '/secret',
  summary: 'For few.',
  permission: 'secrets:read',
  events: {},
  commands: {},
})

type Handlers = Partial<NamespaceHandlers<typeof posts>>

const open = (options: Partial<RealtimeWorldOptions> & { readonly handlers?: Handlers } = {}) =>
  openRealtimeWorld({
    namespaces: [
      serveNamespace(posts, { commands: {}, ...options.handlers }),
      serveNamespace(drafts, { commands: {} }),
      serveNamespace(secret, { commands: {} }),
    ],
    ...options,
  })

const unbounded = {
  connectionsMax: 1_000,
  perUserMax: 1_000,
  perWorkspaceMax: undefined,
  perAddressMax: undefined,
}
const ana: Person = { userId: 'ana', workspaces: ['acme', 'umbrella'], teams: ['red'] }

describe('arrivals', () => {
  describe.each([
    ['at once', false],
    ['later', true],
  ])('with tokens that are verified %s', (_when, verifiesLater) => {
    it('lets in who has a token, into the rooms of its user, workspaces and teams and no others', async () => {
      await using world = await open({ verifiesLater })
      const session = await world.enter('/posts', ana)
      expect(world.sessionOf(session).rooms.map(({ name }) => name)).toEqual([
        'everyone:all',
        'user:ana',
        'workspace:acme',
        'workspace:umbrella',
        'team:red',
      ])
      expect(world.sessionOf(session).principal).toMatchObject({ userId: 'ana' })
    })

    it.each([
      ['without a token', '/posts', undefined, 'token_missing'],
      ['with a token that is none', '/posts', 'nonsense', 'token_invalid'],
      ['with something else as a token', '/posts', { toString: 'x' }, 'token_invalid'],
      ['to a namespace that there is not', '/nowhere', tokenOf(ana), 'unknown_namespace'],
      ['to the main namespace, which nobody serves', '/', tokenOf(ana), 'unknown_namespace'],
      ['without the permission of the namespace', '/secret', tokenOf(ana), 'forbidden'],
    ])('keeps out who comes %s, for good', async (_how, namespace, token, code) => {
      await using world = await open({ verifiesLater })
      const client = world.connect({ comesBack: true })
      const session = client.open(namespace, token === undefined ? {} : { token })
      await expect(session.entered).rejects.toMatchObject({ code })
      expect(session.state).toBe('refused')
      expect(client.closedBy).toBeUndefined()
      expect(world.realtime.counts.refused).toEqual(new Map([[code, 1]]))
      expect(world.realtime.suspicions.seen).toEqual(new Map([[`refused: ${code}`, 1]]))
      expect(world.realtime.users.size).toBe(0)
    })

    it('refuses a session of one namespace, and lets the same client into another', async () => {
      await using world = await open({ verifiesLater })
      const client = world.connect()
      const refused = client.open('/secret', { token: tokenOf(ana) })
      const session = client.open('/posts', { token: tokenOf(ana) })
      await session.entered
      expect(refused.state).toBe('refused')
      expect(world.realtime.connections.size).toBe(1)
      const allowed = { ...ana, permissions: ['secrets:read'] }
      await client.open('/secret', { token: tokenOf(allowed) }).entered
      const operator = { userId: 'op', roles: ['admin'] }
      await world.enter('/secret', operator)
    })

    it('forgets a client that went while its token was verified', async () => {
      await using world = await open({ verifiesLater })
      const client = world.connect()
      client.open('/posts', { token: tokenOf(ana) })
      client.close()
      const other = world.connect()
      other.open('/posts', { token: 'nonsense' })
      other.cut()
      await world.enter('/drafts', { userId: 'bo' })
      expect(world.realtime.connections.size).toBe(1)
      expect(world.realtime.users.size).toBe(1)
      expect(world.realtime.namespaces.get('/posts')?.sessions).toEqual([])
    })
  })

  it('takes nobody for somebody else, whatever is written beside the token', async () => {
    await using world = await open()
    const claims = {
      userId: 'boss',
      user: { id: 'boss' },
      principal: { userId: 'boss' },
      sub: 'boss',
      roles: ['admin'],
      permissions: ['secrets:read'],
      workspaces: ['secret'],
    }
    const session = await world.enter('/posts', { userId: 'ana' }, claims)
    const { principal, rooms } = world.sessionOf(session)
    expect(principal).toMatchObject({ userId: 'ana', roles: [], permissions: [], workspaces: [] })
    expect(rooms.map(({ name }) => name)).toEqual(['everyone:all', 'user:ana'])
    const refused = world.connect().open('/secret', { token: tokenOf({ userId: 'ana' }), ...claims })
    await expect(refused.entered).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('verifies one token once for all namespaces of a connection, as long as it is valid', async () => {
    await using world = await open()
    const token = tokenOf({ ...ana, expiresAtMs: world.clock.now() + 60_000 })
    const client = world.connect()
    await client.open('/posts', { token }).entered
    await client.open('/drafts', { token }).entered
    expect(world.verified).toEqual([token])
    await client.open('/drafts', { token: tokenOf(ana) }).entered
    expect(world.verified).toHaveLength(2)
    await client.open('/posts', { token }).entered
    expect(world.verified).toHaveLength(3)
    world.clock.advance(60_000)
    await client.open('/drafts', { token }).entered
    expect(world.verified).toHaveLength(4)
    // Another connection is another matter.
    await world.connect().open('/posts', { token }).entered
    expect(world.verified).toHaveLength(5)
  })

  it('has two people on one connection, if they come with two tokens', async () => {
    await using world = await open()
    const client = world.connect()
    const one = client.open('/posts', { token: tokenOf({ userId: 'ana' }) })
    const other = client.open('/drafts', { token: tokenOf({ userId: 'bo' }) })
    await Promise.all([one.entered, other.entered])
    expect(world.sessionOf(one).principal.userId).toBe('ana')
    expect(world.sessionOf(other).principal.userId).toBe('bo')
    expect([...world.realtime.users.ids()]).toEqual(['ana', 'bo'])
  })

  describe('workspaces', () => {
    it('confines a session to the one it asks for', async () => {
      await using world = await open()
      const session = await world.enter('/posts', ana, { workspaceId: 'umbrella' })
      const { principal, rooms } = world.sessionOf(session)
      expect(principal.workspaces).toEqual(['umbrella'])
      expect(rooms.map(({ name }) => name)).toEqual([
        'everyone:all',
        'user:ana',
        'workspace:umbrella',
        'team:red',
      ])
      expect(await session.ask('room:join', { room: { kind: 'workspace', id: 'acme' } })).toMatchObject({
        error: { code: 'forbidden' },
      })
    })

    it.each(['elsewhere', '', 7, null, ['acme'], { id: 'acme' }, 'x'.repeat(200), 'acme\n'])(
      'refuses one that it does not belong to: %j',
      async (workspaceId) => {
        await using world = await open()
        const session = world.connect().open('/posts', { token: tokenOf(ana), workspaceId })
        await expect(session.entered).rejects.toMatchObject({ code: 'forbidden' })
      },
    )
  })

  describe('bounds', () => {
    it('lets in as many connections as the process may have, and others when some go', async () => {
      await using world = await open({ connectionLimits: { ...unbounded, connectionsMax: 2 } })
      const [one, two, three] = [world.connect(), world.connect(), world.connect({ comesBack: true })]
      expect(three.refusal).toMatchObject({ code: 'server_full' })
      expect(world.realtime.connections.size).toBe(2)
      expect(world.realtime.counts).toMatchObject({ opened: 2, peak: 2 })
      const waiting = three.open('/posts', { token: tokenOf(ana) })
      one?.close()
      world.clock.advance(1_000)
      await waiting.entered
      two?.close()
      expect(world.realtime.counts.closed).toEqual(new Map([['client_closed', 2]]))
      expect(world.realtime.counts.refused.get('server_full')).toBe(1)
    })

    it('lets nobody in while the server stops, and says so to who comes back', async () => {
      await using world = await open()
      const before = await world.enter('/posts', ana)
      world.stop()
      const late = world.connect()
      expect(late.refusal).toMatchObject({ code: 'shutting_down' })
      expect(before.state).toBe('open')
    })

    it('bounds the connections of an address', async () => {
      await using world = await open({ connectionLimits: { ...unbounded, perAddressMax: 2 } })
      const from = (remoteAddress: string) => world.connect({ remoteAddress })
      const one = from('203.0.113.1')
      from('203.0.113.1')
      expect(from('203.0.113.1').refusal).toMatchObject({ code: 'too_many_connections' })
      expect(from('203.0.113.2').refusal).toBeUndefined()
      expect(world.realtime.suspicions.seen.get('too many connections of one address')).toBe(1)
      one.cut()
      expect(from('203.0.113.1').refusal).toBeUndefined()
      expect(from('203.0.113.1').refusal).toMatchObject({ code: 'too_many_connections' })
    })

    it('bounds the connections of a user, and counts one with many sessions once', async () => {
      await using world = await open({ connectionLimits: { ...unbounded, perUserMax: 2 } })
      const token = tokenOf(ana)
      const both = world.connect()
      await both.open('/posts', { token }).entered
      const drafted = both.open('/drafts', { token })
      await drafted.entered
      const second = await world.enter('/posts', ana)
      const third = world.connect().open('/posts', { token })
      await expect(third.entered).rejects.toMatchObject({ code: 'too_many_connections' })
      await both.open('/drafts', { token }).entered
      drafted.leave()
      // The connection still counts, with what is left of it.
      await expect(world.connect().open('/posts', { token }).entered).rejects.toMatchObject({
        code: 'too_many_connections',
      })
      await world.enter('/posts', { userId: 'bo' })
      second.leave()
      await world.enter('/posts', ana)
      both.close()
      await world.enter('/posts', ana)
      await expect(world.connect().open('/posts', { token }).entered).rejects.toMatchObject({
        code: 'too_many_connections',
      })
    })

    it('bounds the connections of a workspace, over all of its users', async () => {
      await using world = await open({ connectionLimits: { ...unbounded, perWorkspaceMax: 2 } })
      const bo: Person = { userId: 'bo', workspaces: ['acme'] }
      const one = await world.enter('/posts', ana)
      const client = world.connect()
      await client.open('/posts', { token: tokenOf(bo) }).entered
      await client.open('/drafts', { token: tokenOf(bo) }).entered
      await expect(world.enter('/posts', bo)).rejects.toMatchObject({ code: 'too_many_connections' })
      // Confined to another workspace, it fits.
      await world.enter('/posts', ana, { workspaceId: 'umbrella' })
      await expect(world.enter('/posts', ana)).rejects.toMatchObject({ code: 'too_many_connections' })
      one.leave()
      await world.enter('/posts', bo)
      await world.enter('/posts', { userId: 'di' })
    })

    it('counts a workspace once for a connection whose sessions are confined in different ways', async () => {
      await using world = await open({ connectionLimits: { ...unbounded, perWorkspaceMax: 1 } })
      const client = world.connect()
      const token = tokenOf(ana)
      await client.open('/posts', { token, workspaceId: 'acme' }).entered
      const whole = client.open('/drafts', { token })
      await whole.entered
      const bo = (workspace: string) => world.enter('/posts', { userId: 'bo', workspaces: [workspace] })
      await expect(bo('acme')).rejects.toMatchObject({ code: 'too_many_connections' })
      await expect(bo('umbrella')).rejects.toMatchObject({ code: 'too_many_connections' })
      whole.leave()
      await expect(bo('acme')).rejects.toMatchObject({ code: 'too_many_connections' })
      await bo('umbrella')
      client.close()
      await bo('acme')
    })

    it('counts a workspace once that a token names twice', async () => {
      await using world = await open({ connectionLimits: { ...unbounded, perWorkspaceMax: 2 } })
      const twice: Person = { userId: 'ana', workspaces: ['acme', 'acme'] }
      const session = await world.enter('/posts', twice)
      expect(world.sessionOf(session).rooms).toHaveLength(3)
      const second = await world.enter('/posts', twice)
      await expect(world.enter('/posts', twice)).rejects.toMatchObject({ code: 'too_many_connections' })
      session.leave()
      second.leave()
      await world.enter('/posts', twice)
      await world.enter('/posts', twice)
    })

    it('asks again when a module took its time, so that two who waited do not both get the last place', async () => {
      const gate = Promise.withResolvers<void>()
      await using world = await open({
        connectionLimits: { ...unbounded, perUserMax: 1 },
        handlers: { admit: () => gate.promise },
      })
      const both = [1, 2].map(() => world.connect().open('/posts', { token: tokenOf(ana) }))
      gate.resolve()
      const ended = await Promise.allSettled(both.map(({ entered }) => entered))
      expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
      expect(both[1]?.state).toBe('refused')
    })
  })

  describe('modules', () => {
    it('asks the module, and keeps out whom it refuses, with its words', async () => {
      const asked: string[] = []
      await using world = await open({
        handlers: {
          admit({ userId }) {
            asked.push(userId)
            if (userId === 'bo') throw new Refusal('forbidden', 'Bo stays outside.')
          },
        },
      })
      await world.enter('/posts', ana)
      await expect(world.enter('/posts', { userId: 'bo' })).rejects.toMatchObject({
        code: 'forbidden',
        message: 'Bo stays outside.',
      })
      expect(asked).toEqual(['ana', 'bo'])
    })

    it('waits for a module that takes its time, and lets nothing through before', async () => {
      const gates = new Map<string, PromiseWithResolvers<void>>()
      await using world = await open({
        handlers: {
          admit({ userId }) {
            const gate = Promise.withResolvers<void>()
            gates.set(userId, gate)
            return gate.promise
          },
        },
      })
      const slow = world.connect().open('/posts', { token: tokenOf(ana) })
      const refused = world.connect().open('/posts', { token: tokenOf({ userId: 'bo' }) })
      await world.realtime.publish(posts, 'post:created', { n: 1 }, { rooms: [{ kind: 'user', id: 'ana' }] })
      expect(slow.state).toBe('waiting')
      gates.get('bo')?.reject(new Refusal('forbidden', 'No.'))
      await expect(refused.entered).rejects.toMatchObject({ message: 'No.' })
      gates.get('ana')?.resolve()
      await slow.entered
      expect(slow.events).toEqual([])
    })

    it('forgets a client that went while the module decided', async () => {
      const gate = Promise.withResolvers<void>()
      const connected: string[] = []
      await using world = await open({
        handlers: {
          admit: () => gate.promise,
          connect: ({ principal }) => void connected.push(principal.userId),
        },
      })
      const gone = world.connect()
      gone.open('/posts', { token: tokenOf(ana) })
      const left = world.connect()
      left.open('/posts', { token: tokenOf({ userId: 'bo' }) }).leave()
      const stays = world.connect().open('/posts', { token: tokenOf({ userId: 'cy' }) })
      gone.cut()
      gate.resolve()
      await stays.entered
      expect(connected).toEqual(['cy'])
      expect(world.realtime.users.size).toBe(1)
      expect(left.closedBy).toBeUndefined()
    })

    it('closes the connection when a module fails to decide, so that the client comes back', async () => {
      let fails = true
      await using world = await open({
        handlers: {
          async admit() {
            if (fails) throw new Error('Out of order.')
          },
        },
      })
      world.allowFailures()
      const client = world.connect({ comesBack: true })
      const session = client.open('/posts', { token: tokenOf(ana) })
      await until(() => client.closedBy === 'closed_by_server', { what: 'it is closed' })
      fails = false
      world.clock.advance(1_000)
      await session.entered
      expect(world.logger.at('error').length).toBeGreaterThan(0)
      expect(world.realtime.counts.refused.get('internal')).toBeGreaterThan(0)
    })

    it('tells a module of each session that came and went, once, whatever ended it', async () => {
      const told: string[] = []
      await using world = await open({
        handlers: {
          connect: ({ id }) => void told.push(`connect ${id}`),
          disconnect: ({ id }, reason) => void told.push(`disconnect ${id} ${reason}`),
        },
      })
      const sessions = [1, 2, 3, 4, 5, 6].map(() => {
        const client = world.connect()
        return { client, session: client.open('/posts', { token: tokenOf(ana) }) }
      })
      await Promise.all(sessions.map(({ session }) => session.entered))
      const ids = sessions.map(({ session }) => session.id)
      const states = sessions.map(({ session }) => world.sessionOf(session))
      expect(told).toEqual(ids.map((id) => `connect ${id}`))
      told.length = 0
      sessions[0]?.session.leave()
      sessions[0]?.client.close()
      sessions[1]?.client.cut()
      sessions[2]?.client.close()
      if (states[3] !== undefined) world.realtime.disconnectConnection(states[3].connection)
      states[4]?.link.connection.close('idle_connection')
      states[4]?.link.connection.close('shutting_down')
      world.memory.flush()
      sessions[3]?.client.cut()
      expect(told).toEqual([
        `disconnect ${ids[0]} client_left`,
        `disconnect ${ids[1]} transport_failed`,
        `disconnect ${ids[2]} client_closed`,
        `disconnect ${ids[3]} disconnected_by_server`,
        `disconnect ${ids[4]} idle_connection`,
      ])
    })

    it('harms nobody when a handler of a module fails', async () => {
      await using world = await open({
        handlers: {
          connect() {
            throw new Error('connect fails at once')
          },
          async disconnect() {
            throw new Error('disconnect fails later')
          },
        },
      })
      world.allowFailures()
      const session = await world.enter('/posts', ana)
      expect(session.state).toBe('open')
      session.leave()
      await until(() => world.logger.at('error').length === 2, { what: 'both are logged' })
      expect(world.memory.failures).toEqual([])
      expect(world.realtime.users.size).toBe(0)
    })

    it('lets a module put a session into rooms as it comes, and see them while it goes', async () => {
      const episode: RoomRef = { kind: 'episode', id: '7' }
      let seen: SessionView | undefined
      const atTheEnd: unknown[] = []
      await using world = await open({
        handlers: {
          connect(session) {
            seen = session
            session.join(episode)
          },
          disconnect: (session) => void atTheEnd.push(session.isOpen, session.isIn(episode)),
        },
      })
      const session = await world.enter('/posts', ana)
      expect(seen?.isIn(episode)).toBe(true)
      expect(seen?.isIn({ kind: 'episode', id: '8' })).toBe(false)
      expect(seen?.isOpen).toBe(true)
      session.leave()
      expect(atTheEnd).toEqual([false, false])
      seen?.join(episode)
      expect(seen?.isIn(episode)).toBe(false)
      expect(world.realtime.namespaces.get('/posts')?.rooms.size).toBe(0)
    })
  })

  it('aborts the signal of a session when it ends, also one that is asked for later', async () => {
    await using world = await open()
    const [one, other] = [await world.enter('/posts', ana), await world.enter('/posts', ana)]
    const [first, second] = [world.sessionOf(one), world.sessionOf(other)]
    const { signal } = first
    expect(signal.aborted).toBe(false)
    one.leave()
    expect(signal.aborted).toBe(true)
    expect(first.signal).toBe(signal)
    other.leave()
    expect(second.signal.aborted).toBe(true)
  })

  it('tells who takes no cursor its pid, first of all, and others nothing', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana, { recover: false })
    const plain = await world.enter('/posts', ana)
    const python = world.connect({ takesCursor: false }).open('/posts', { token: tokenOf(ana) })
    await python.entered
    world.memory.flush()
    const cursor = world.realtime.namespaces.get('/posts')?.cursor
    for (const each of [session, python]) {
      expect(each.events).toHaveLength(1)
      expect(each.events[0]).toMatchObject({
        name: 'session:started',
        cursor: undefined,
        data: {
          pid: each.pid,
          cursor,
          recovered: false,
          reconnection: { delayMs: 1_000, maxDelayMs: 5_000 },
        },
      })
    }
    expect(plain.events).toEqual([])
    expect(plain.pid).toMatch(/^[\w-]{24}$/)
    const asking = world
      .connect({ takesCursor: false })
      .open('/posts', { token: tokenOf(ana), recover: true })
    await asking.entered
    world.memory.flush()
    expect(asking.events).toEqual([])
  })

  it('tells its terms also to a client that takes a cursor and asks for them', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana, { started: true })
    const other = await world.enter('/posts', ana, { started: 'yes' })
    world.memory.flush()
    expect(session.events).toMatchObject([
      { name: 'session:started', cursor: expect.any(String), data: { pid: session.pid } },
    ])
    expect(other.events).toEqual([])
  })

  it('tells who comes with a pid that nothing is kept under it, before anything else', async () => {
    await using world = await open()
    await world.realtime.publish(
      posts,
      'post:progress',
      { n: 1, id: 'a' },
      { rooms: [{ kind: 'user', id: 'ana' }] },
    )
    const { epoch } = world.realtime.namespaces.get('/posts')?.position ?? { epoch: '' }
    const pid = 'x'.repeat(24)
    for (const [offset, reason] of [
      [undefined, 'unknown-session'],
      ['no cursor', 'unknown-session'],
      ['k3f.9', 'epoch-changed'],
      [`${epoch}.0`, 'expired'],
    ]) {
      const session = await world.enter('/posts', ana, { pid, offset })
      world.memory.flush()
      expect(session.pid).not.toBe(pid)
      expect(session.events.map(({ name }) => name)).toEqual(['sync:reset', 'post:progress'])
      expect(session.events[0]?.data).toMatchObject({ reason })
    }
  })

  it('gives every session and pid an id of its own', async () => {
    await using world = await open()
    const ids = new Set<string>()
    const client = world.connect()
    for (let n = 0; n < 600; n += 1) {
      const session = client.open('/posts', { token: tokenOf(ana) })
      await session.entered
      ids.add(session.id ?? '').add(session.pid ?? '')
    }
    expect(ids.size).toBe(1_200)
    expect(world.realtime.namespaces.get('/posts')?.sessions).toHaveLength(1)
  })

  describe('ended by hand', () => {
    it('says goodbye to every session of a connection, and leaves others alone', async () => {
      await using world = await open()
      const client = world.connect({ comesBack: true })
      const token = tokenOf(ana)
      const sessions = [client.open('/posts', { token }), client.open('/drafts', { token })]
      await Promise.all(sessions.map(({ entered }) => entered))
      const other = await world.enter('/posts', ana)
      const state = sessions.map((session) => world.sessionOf(session))[0]?.connection
      if (state === undefined) throw new Error('There is no connection.')
      expect(world.realtime.disconnectConnection(state)).toBe(2)
      expect(world.realtime.disconnectConnection(state)).toBe(0)
      world.memory.flush()
      for (const session of sessions) {
        expect(session.state).toBe('over')
        expect(session.events.at(-1)).toMatchObject({
          name: 'session:closing',
          data: { code: 'kicked', retry: false },
        })
      }
      expect(other.state).toBe('open')
      expect(world.realtime.users.size).toBe(1)
    })

    it('says goodbye to every session of a user, wherever it is', async () => {
      await using world = await open()
      const sessions = [
        await world.enter('/posts', ana),
        await world.enter('/posts', ana),
        await world.enter('/drafts', ana),
      ]
      const bo = await world.enter('/posts', { userId: 'bo' })
      const { userId } = world.sessionOf(sessions[0] ?? bo).principal
      expect(world.realtime.disconnectUser(userId)).toBe(3)
      expect(world.realtime.disconnectUser(userId)).toBe(0)
      world.memory.flush()
      expect(sessions.map(({ state }) => state)).toEqual(['over', 'over', 'over'])
      expect(bo.state).toBe('open')
      // It may come back: nothing was revoked.
      await world.enter('/posts', ana)
    })
  })

  it('refuses two services of one namespace, and a command that nothing handles', async () => {
    const served = serveNamespace(posts, { commands: {} })
    await expect(openRealtimeWorld({ namespaces: [served, served] })).rejects.toThrow(/served twice/)
  })

  it('refuses two owners of one kind of room, so that nobody takes over the rooms of users', async () => {
    const roomAuthorities = [{ kind: 'user', mayJoin: () => true }]
    await expect(open({ roomAuthorities })).rejects.toThrow(/user/)
    const twice = { kind: 'episode', mayJoin: () => true }
    await expect(open({ roomAuthorities: [twice, twice] })).rejects.toThrow(/episode/)
  })

  it('knows how many were there at most', async () => {
    await using world = await open()
    const first = await world.enter('/posts', ana)
    await world.enter('/posts', ana)
    first.leave()
    await world.enter('/posts', ana)
    expect(world.realtime.namespaces.get('/posts')?.sessionsPeak).toBe(2)
    expect(world.realtime.counts.peak).toBe(3)
    const id = world.realtime.namespaces.get('/posts')?.sessions[0]?.id satisfies SessionId | undefined
    expect(id).toMatch(/^[\w-]{16}$/)
  })
})
