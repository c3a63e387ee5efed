/** `/auth`: who gets in without a token and what for, tokens that are renewed, taken back and end, and cookies. */
import { defineNamespace, Refusal, type RoomRef, type UserId } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import type { MemoryClient, MemorySession } from '../memory/transport-client.ts'
import {
  type NamespaceHandlers,
  type RoomAuthority,
  type SessionView,
  serveNamespace,
} from '../namespace-handlers.ts'
import type { Handshake } from '../ports/transport.ts'
import { drafts, posts } from '../testing/example-namespaces.ts'
import {
  openRealtimeWorld,
  type Person,
  type RealtimeWorldOptions,
  tokenOf,
} from '../testing/realtime-world.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { until } from '../testing/until.ts'
import { deadlineMs, noticeMsMax } from './expiry.ts'

const secret = defineNamespace({
  name: '/secret',
  summary: 'For few.',
  permission: 'secrets:read',
  events: {},
  commands: {},
})
const startMs = createTestClock().now()
const graceMs = 25_000
const episode: RoomRef = { kind: 'episode', id: '7' }
type Handlers = Partial<NamespaceHandlers<typeof posts>>

const open = (options: Partial<RealtimeWorldOptions> & { readonly handlers?: Handlers } = {}) =>
  openRealtimeWorld({
    namespaces: [
      serveNamespace(posts, { commands: {}, ...options.handlers }),
      serveNamespace(drafts, { commands: {} }),
      serveNamespace(secret, { commands: {} }),
    ],
    soon: setImmediate,
    ...options,
  })

const ana: Person = {
  userId: 'ana',
  workspaces: ['acme', 'umbrella'],
  teams: ['red'],
  permissions: ['secrets:read'],
}
const lasting = (ms: number, more: Partial<Person> = {}): Person => ({
  ...ana,
  issuedAtMs: startMs,
  expiresAtMs: startMs + ms,
  ...more,
})
const refused = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) })
const authenticate = (session: MemorySession, person: Person) =>
  session.ask('authenticate', { token: tokenOf(person) })
const namesOf = ({ events }: MemorySession) => events.map(({ name }) => name)
const dataOf = ({ events }: MemorySession, wanted: string) =>
  events.filter(({ name }) => name === wanted).map(({ data }) => data)
/** Two turns: what was taken back has ended, and what is told has arrived. */
const settled = async (world: { memory: { flush(): void } }) => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  world.memory.flush()
}
async function opened(client: MemoryClient, namespace: string, auth: object = {}): Promise<MemorySession> {
  const session = client.open(namespace, { ...auth })
  await session.entered
  return session
}

describe('a client without a token', () => {
  it('gets into /auth, in no room of anybody, and nowhere else', async () => {
    await using world = await open()
    const client = world.connect()
    const session = await opened(client, '/auth')
    expect(world.sessionOf(session).rooms.map(({ name }) => name)).toEqual(['everyone:all'])
    for (const namespace of ['/posts', '/drafts', '/secret'])
      await expect(opened(client, namespace)).rejects.toMatchObject({ code: 'token_missing' })
    expect(world.realtime.users.size).toBe(0)
    expect(session.state).toBe('open')
  })

  it('can do nothing there but say who it is', async () => {
    await using world = await open()
    const session = await opened(world.connect(), '/auth')
    expect(await session.ask('logout')).toEqual(refused('unauthenticated'))
    expect(await session.ask('room:join', { room: { kind: 'user', id: 'ana' } })).toEqual(
      refused('unauthenticated'),
    )
    expect(await session.ask('room:leave', { room: { kind: 'everyone', id: 'all' } })).toEqual(
      refused('unauthenticated'),
    )
    expect(await session.ask('nothing')).toEqual(refused('unauthenticated'))
    session.send('logout')
    world.memory.flush()
    expect(dataOf(session, 'command:rejected')).toHaveLength(1)
    expect(world.sessionOf(session).rooms).toHaveLength(1)
  })

  it('is let go after five seconds, and not when it has said it', async () => {
    await using world = await open()
    const [silent, wrong, known] = [
      await opened(world.connect(), '/auth'),
      await opened(world.connect(), '/auth'),
      await opened(world.connect(), '/auth'),
    ]
    world.clock.advance(deadlineMs - 1)
    expect(await wrong.ask('authenticate', { token: 'made up' })).toEqual(refused('token_invalid'))
    expect(await authenticate(known, ana)).toEqual({ ok: true, data: { userId: 'ana' } })
    world.memory.flush()
    expect([silent, wrong, known].map(({ state }) => state)).toEqual(['open', 'open', 'open'])
    world.clock.advance(1)
    world.memory.flush()
    expect([silent, wrong, known].map(({ state }) => state)).toEqual(['over', 'over', 'open'])
    expect(dataOf(silent, 'session:closing')).toMatchObject([{ code: 'unauthenticated', retry: false }])
    world.clock.advance(3_600_000)
    world.memory.flush()
    expect(known.state).toBe('open')
  })

  it('keeps its deadline, whatever else it has open', async () => {
    await using world = await open()
    const client = world.connect()
    const other = await opened(client, '/posts', { token: tokenOf(ana) })
    const session = await opened(client, '/auth')
    world.clock.advance(deadlineMs)
    world.memory.flush()
    expect([session.state, other.state]).toEqual(['over', 'open'])
  })

  it('leaves nothing behind that could push out the sessions of others', async () => {
    await using world = await open()
    const store = world.realtime.namespaces.get('/auth')?.store
    for (const how of ['cut', 'known'] as const) {
      const client = world.connect()
      const session = await opened(client, '/auth', {
        pid: 'x'.repeat(30),
        offset: 'a.1',
        workspaceId: 'elsewhere',
      })
      expect(session.events).toEqual([])
      const { pid = '', userId } = { pid: session.pid, userId: world.sessionOf(session).principal.userId }
      if (how === 'known') await authenticate(session, ana)
      client.cut()
      for (const owner of [userId, 'ana' as UserId])
        expect(await store?.find(pid, { userId: owner, namespace: '/auth' })).toBeUndefined()
    }
  })

  it('is limited like everybody, apart from others, and closed when it does not stop', async () => {
    await using world = await open({
      commandRate: { commandsPerSecond: 2, refusedSecondsMax: 2, coolDownMs: 60_000 },
    })
    const [bad, good] = [await opened(world.connect(), '/auth'), await opened(world.connect(), '/auth')]
    for (let second = 0; second < 3; second += 1) {
      for (let n = 0; n < 10; n += 1) bad.send('authenticate', { token: 'made up' })
      world.clock.advance(1_000)
    }
    world.memory.flush()
    expect(bad.state).toBe('over')
    expect(dataOf(bad, 'session:closing')).toMatchObject([{ code: 'rate_limited' }])
    expect(await authenticate(good, ana)).toMatchObject({ ok: true })
    expect(JSON.stringify(world.logger.lines)).not.toContain('\\u0000')
  })

  it('is not believed when it sends a token that is none, or far too long', async () => {
    await using world = await open()
    const session = await opened(world.connect(), '/auth')
    for (const input of [
      undefined,
      {},
      { token: 7 },
      { token: null },
      { token: 'x'.repeat(10_001) },
      { userId: 'ana' },
    ])
      expect(await session.ask('authenticate', input)).toEqual(refused('validation_failed'))
    expect(await session.ask('authenticate', { token: 'x'.repeat(20_000) })).toEqual(
      refused('payload_too_large'),
    )
    expect(await session.ask('authenticate', { token: '' })).toEqual(refused('token_invalid'))
    expect(world.realtime.suspicions.seen.get('refused: token_invalid')).toBe(1)
    expect(world.realtime.users.size).toBe(0)
  })
})

describe('authenticate', () => {
  it.each([false, true])(
    'makes a connection somebody, whose namespaces need no token (later: %s)',
    async (verifiesLater) => {
      await using world = await open({ verifiesLater })
      const client = world.connect()
      const auth = await opened(client, '/auth')
      expect(await authenticate(auth, lasting(3_600_000))).toEqual({
        ok: true,
        data: { userId: 'ana', expiresAt: new Date(startMs + 3_600_000).toISOString() },
      })
      const session = await opened(client, '/posts')
      expect(world.sessionOf(session).principal).toMatchObject({
        userId: 'ana',
        workspaces: ['acme', 'umbrella'],
      })
      expect(world.sessionOf(auth).rooms.map(({ name }) => name)).toContain('user:ana')
      expect(world.realtime.users.sessionsOf('ana' as UserId)).toHaveLength(2)
      await expect(opened(world.connect(), '/posts')).rejects.toMatchObject({ code: 'token_missing' })
      client.cut()
      expect(world.realtime.users.size).toBe(0)
    },
  )

  it('renews every session of the connection, and asks for each room whether it may be there', async () => {
    const asked: [string, string][] = []
    const left: string[] = []
    let isAllowed = true
    const episodes: RoomAuthority = {
      kind: 'episode',
      async mayJoin({ permissions }, id) {
        asked.push([id, permissions.join()])
        return isAllowed
      },
    }
    const views: SessionView[] = []
    await using world = await open({
      roomAuthorities: [episodes],
      handlers: {
        connect: (view) => void views.push(view),
        leave: (_view, room) => void left.push(`${room.kind}:${room.id}`),
      },
    })
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(lasting(60_000)) })
    const session = await opened(client, '/posts')
    const few = await opened(client, '/secret')
    await session.ask('room:join', { room: episode })
    await views[0]?.join({ kind: 'shelf', id: 'put there by the server' })
    isAllowed = false
    const later: Person = {
      ...lasting(3_600_000),
      workspaces: ['acme', 'new'],
      teams: [],
      permissions: ['other'],
    }
    expect(await authenticate(auth, later)).toMatchObject({ ok: true })
    world.memory.flush()
    expect(asked).toEqual([
      ['7', 'secrets:read'],
      ['7', 'other'],
    ])
    expect(world.sessionOf(session).principal).toMatchObject({
      permissions: ['other'],
      expiresAtMs: startMs + 3_600_000,
    })
    expect(
      world
        .sessionOf(session)
        .rooms.map(({ name }) => name)
        .toSorted(),
    ).toEqual(
      [
        'everyone:all',
        'shelf:put there by the server',
        'user:ana',
        'workspace:acme',
        'workspace:new',
      ].toSorted(),
    )
    const lost = [{ kind: 'workspace', id: 'umbrella' }, { kind: 'team', id: 'red' }, episode]
    const [told] = dataOf(session, 'room:lost') as { rooms: RoomRef[] }[]
    expect(told?.rooms).toHaveLength(3)
    expect(told?.rooms).toEqual(expect.arrayContaining(lost))
    expect(left).toHaveLength(3)
    expect([session, few, auth].map(({ state }) => state)).toEqual(['open', 'over', 'open'])
    expect(dataOf(few, 'session:closing')).toMatchObject([{ code: 'forbidden', retry: false }])
    await world.realtime.publish(
      posts,
      'post:created',
      { n: 1 },
      { rooms: [{ kind: 'workspace', id: 'umbrella' }, episode] },
    )
    await world.realtime.publish(
      posts,
      'post:created',
      { n: 2 },
      { rooms: [{ kind: 'workspace', id: 'new' }] },
    )
    world.memory.flush()
    expect(dataOf(session, 'post:created')).toMatchObject([{ n: 2 }])
    expect(await session.ask('room:join', { room: { kind: 'workspace', id: 'umbrella' } })).toEqual(
      refused('forbidden'),
    )
  })

  it('counts the workspaces that a user has by now', async () => {
    await using world = await open({
      connectionLimits: {
        connectionsMax: 100,
        perUserMax: 100,
        perWorkspaceMax: 1,
        perAddressMax: undefined,
      },
    })
    const auth = await opened(world.connect(), '/auth', { token: tokenOf(ana) })
    await expect(world.enter('/posts', { userId: 'bob', workspaces: ['acme'] })).rejects.toMatchObject({
      code: 'too_many_connections',
    })
    await authenticate(auth, { ...ana, workspaces: ['umbrella'] })
    await world.enter('/posts', { userId: 'bob', workspaces: ['acme'] })
  })

  it('keeps a session to its one workspace, and ends it without', async () => {
    await using world = await open()
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(ana) })
    const session = await opened(client, '/posts', { workspaceId: 'acme' })
    await authenticate(auth, { ...ana, workspaces: ['acme', 'new'] })
    expect(world.sessionOf(session).principal.workspaces).toEqual(['acme'])
    await authenticate(auth, { ...ana, workspaces: ['new'] })
    world.memory.flush()
    expect([session.state, auth.state]).toEqual(['over', 'open'])
    expect(dataOf(session, 'session:closing')).toMatchObject([{ code: 'forbidden' }])
  })

  it('refuses the token of another user, and changes nothing', async () => {
    await using world = await open()
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(ana) })
    const session = await opened(client, '/posts')
    expect(await authenticate(auth, { userId: 'eve', roles: ['admin'] })).toEqual(refused('forbidden'))
    expect(world.sessionOf(session).principal.userId).toBe('ana')
    const other = await opened(client, '/drafts')
    expect(world.sessionOf(other).principal.userId).toBe('ana')
    const fresh = world.connect()
    await opened(fresh, '/posts', { token: tokenOf(ana) })
    expect(await authenticate(await opened(fresh, '/auth'), { userId: 'eve' })).toEqual(refused('forbidden'))
    const third = world.connect()
    await opened(third, '/posts', { token: tokenOf(ana) })
    await expect(opened(third, '/auth', { token: tokenOf({ userId: 'eve' }) })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('is also said by opening /auth with a fresh token', async () => {
    await using world = await open()
    const client = world.connect()
    const session = await opened(client, '/posts', { token: tokenOf(lasting(60_000)) })
    const auth = await opened(client, '/auth', {
      token: tokenOf(lasting(3_600_000, { workspaces: ['acme'] })),
    })
    await until(() => world.sessionOf(session).principal.expiresAtMs === startMs + 3_600_000)
    world.memory.flush()
    expect(dataOf(session, 'room:lost')).toMatchObject([{ rooms: [{ kind: 'workspace', id: 'umbrella' }] }])
    world.clock.advance(60_000 + graceMs)
    world.memory.flush()
    expect([session.state, auth.state]).toEqual(['open', 'open'])
  })

  it('changes nothing where a module cannot say, and all of it when it is tried again', async () => {
    let isAway = true
    await using world = await open({
      roomAuthorities: [
        {
          kind: 'episode',
          mayJoin({ permissions }) {
            if (permissions.length === 0 && isAway) throw new Refusal('database_unavailable')
            return true
          },
        },
      ],
    })
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(ana) })
    const [session, few] = [await opened(client, '/posts'), await opened(client, '/secret')]
    await session.ask('room:join', { room: episode })
    const less = { ...ana, workspaces: [], permissions: [] }
    expect(await authenticate(auth, less)).toEqual(refused('database_unavailable'))
    expect(world.sessionOf(session).principal.workspaces).toHaveLength(2)
    expect(few.state).toBe('open')
    isAway = false
    expect(await authenticate(auth, less)).toMatchObject({ ok: true })
    world.memory.flush()
    expect(world.sessionOf(session).principal.workspaces).toHaveLength(0)
    expect(few.state).toBe('over')
  })

  it('by opening /auth lets the client come back, where a module cannot say', async () => {
    let isAway = false
    await using world = await open({
      roomAuthorities: [
        {
          kind: 'episode',
          mayJoin() {
            if (isAway) throw new Refusal('database_unavailable')
            return true
          },
        },
      ],
    })
    const client = world.connect()
    const session = await opened(client, '/posts', { token: tokenOf(lasting(60_000)) })
    await session.ask('room:join', { room: episode })
    isAway = true
    await opened(client, '/auth', { token: tokenOf(lasting(3_600_000)) })
    await settled(world)
    expect(client.closedBy).toBe('closed_by_server')
  })

  it('asks the module of each namespace whether it still lets them in', async () => {
    await using world = await open({
      handlers: {
        admit({ permissions }) {
          if (permissions.length === 0) throw new Refusal('forbidden')
        },
      },
    })
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(ana) })
    const [session, other] = [await opened(client, '/posts'), await opened(client, '/drafts')]
    expect(await authenticate(auth, { ...ana, permissions: [] })).toMatchObject({ ok: true })
    world.memory.flush()
    expect([session.state, other.state]).toEqual(['over', 'open'])
    expect(dataOf(session, 'session:closing')).toMatchObject([{ code: 'forbidden' }])
  })

  it('asks about rooms that were joined while it was asking', async () => {
    const held = Promise.withResolvers<void>()
    const asked: string[] = []
    let isHeld = false
    await using world = await open({
      roomAuthorities: [
        {
          kind: 'episode',
          async mayJoin({ permissions }, id) {
            if (permissions.length > 0) return true
            asked.push(id)
            isHeld = true
            await held.promise
            return false
          },
        },
      ],
    })
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(ana) })
    const session = await opened(client, '/posts')
    await session.ask('room:join', { room: episode })
    const renewed = authenticate(auth, { ...ana, permissions: [] })
    await until(() => isHeld)
    await session.ask('room:join', { room: { kind: 'episode', id: '8' } })
    held.resolve()
    await renewed
    world.memory.flush()
    expect(asked).toEqual(['7', '8'])
    expect(dataOf(session, 'room:lost')).toMatchObject([{ rooms: [episode, { kind: 'episode', id: '8' }] }])
  })

  it('of two tokens, the one that was sent last holds', async () => {
    const held = Promise.withResolvers<boolean>()
    await using world = await open({
      roomAuthorities: [
        {
          kind: 'episode',
          mayJoin: ({ permissions }) => (permissions.includes('slow') ? held.promise : true),
        },
      ],
    })
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(ana) })
    const session = await opened(client, '/posts')
    await session.ask('room:join', { room: episode })
    const answers = [
      authenticate(auth, { ...ana, permissions: ['slow'] }),
      authenticate(auth, { ...ana, permissions: ['last'] }),
    ]
    await settled(world)
    held.resolve(true)
    await Promise.all(answers)
    expect(world.sessionOf(session).principal.permissions).toEqual(['last'])
  })

  it('does not let a client in that was sent away for too many commands', async () => {
    await using world = await open({
      commandRate: { commandsPerSecond: 2, refusedSecondsMax: 1, coolDownMs: 60_000 },
    })
    const abuser = await world.enter('/posts', ana)
    for (let second = 0; second < 2; second += 1) {
      for (let n = 0; n < 10; n += 1) abuser.send('x')
      world.clock.advance(1_000)
    }
    const auth = await opened(world.connect(), '/auth')
    expect(await authenticate(auth, ana)).toEqual(refused('cooling_down'))
    world.allowFailures()
  })

  it('is bound by how many connections a user may have', async () => {
    await using world = await open({
      connectionLimits: {
        connectionsMax: 100,
        perUserMax: 1,
        perWorkspaceMax: undefined,
        perAddressMax: undefined,
      },
    })
    await world.enter('/posts', ana)
    const auth = await opened(world.connect(), '/auth')
    expect(await authenticate(auth, ana)).toEqual(refused('too_many_connections'))
    await expect(opened(world.connect(), '/auth', { token: tokenOf(ana) })).rejects.toMatchObject({
      code: 'too_many_connections',
    })
  })

  it('is forgotten when the last session of the connection has gone', async () => {
    await using world = await open()
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(ana) })
    const session = await opened(client, '/posts')
    auth.leave()
    session.leave()
    await expect(opened(client, '/drafts')).rejects.toMatchObject({ code: 'token_missing' })
  })
})

describe('a token that ends', () => {
  it('is told a minute before on /auth, and ends its sockets after the grace', async () => {
    await using world = await open()
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(lasting(3_600_000)) })
    const session = await opened(client, '/posts')
    world.clock.advance(3_600_000 - noticeMsMax - 1)
    world.memory.flush()
    expect(namesOf(auth)).toEqual([])
    world.clock.advance(1)
    world.memory.flush()
    expect(dataOf(auth, 'auth:expiring')).toMatchObject([
      { expiresAt: new Date(startMs + 3_600_000).toISOString() },
    ])
    world.clock.advance(noticeMsMax + graceMs - 1)
    world.memory.flush()
    expect([auth.state, session.state, namesOf(session)]).toEqual(['open', 'open', []])
    world.clock.advance(1)
    world.memory.flush()
    for (const each of [auth, session]) {
      expect(each.state).toBe('over')
      expect(dataOf(each, 'session:closing')).toMatchObject([{ code: 'token_expired', retry: false }])
    }
    await expect(opened(client, '/drafts')).rejects.toMatchObject({ code: 'token_missing' })
  })

  it('is told on another namespace where /auth is not open, a fifth of its life before', async () => {
    await using world = await open()
    const session = await world.enter('/posts', lasting(10_000))
    world.clock.advance(7_999)
    world.memory.flush()
    expect(namesOf(session)).toEqual([])
    world.clock.advance(1)
    world.memory.flush()
    expect(dataOf(session, 'session:warning')).toMatchObject([{ code: 'token_expiring' }])
    world.clock.advance(60_000)
    world.memory.flush()
    expect(namesOf(session)).toEqual(['session:warning', 'session:closing'])
  })

  it('that is renewed in its grace goes on, is told anew, and leaves no timer', async () => {
    await using world = await open()
    const auth = await opened(world.connect(), '/auth', { token: tokenOf(lasting(60_000)) })
    world.clock.advance(60_000 + graceMs - 1)
    expect(await authenticate(auth, lasting(120_000 + graceMs))).toMatchObject({ ok: true })
    world.clock.advance(3_600_000)
    world.memory.flush()
    expect(namesOf(auth)).toEqual(['auth:expiring', 'auth:expiring', 'session:closing'])
  })

  it('is told once, and not ended before its time, whatever else is due on the connection', async () => {
    await using world = await open()
    const client = world.connect()
    const session = await opened(client, '/posts', { token: tokenOf(lasting(10_000)) })
    await opened(client, '/drafts', { token: tokenOf(ana) })
    world.clock.advance(9_000)
    const silent = await opened(client, '/auth')
    world.clock.advance(deadlineMs)
    world.memory.flush()
    expect([silent.state, session.state]).toEqual(['over', 'open'])
    expect(namesOf(session)).toEqual(['session:warning'])
  })

  it('gets nobody in, as the connection’s own neither', async () => {
    await using world = await open()
    const client = world.connect()
    await opened(client, '/auth', { token: tokenOf(lasting(60_000)) })
    world.clock.advance(70_000)
    await expect(opened(client, '/posts')).rejects.toMatchObject({ code: 'token_expired' })
    expect(await authenticate(await opened(world.connect(), '/auth'), lasting(60_000))).toEqual(
      refused('token_expired'),
    )
  })

  it('and ended its sockets loses nothing for who comes back with a new one', async () => {
    await using world = await open()
    const session = await opened(world.connect(), '/posts', { token: tokenOf(lasting(60_000)) })
    world.clock.advance(60_000 + graceMs)
    world.memory.flush()
    expect(dataOf(session, 'session:closing')).toMatchObject([{ code: 'token_expired' }])
    await world.realtime.publish(
      posts,
      'post:created',
      { n: 1 },
      { rooms: [{ kind: 'workspace', id: 'acme' }] },
    )
    const back = await world.enter('/posts', lasting(240_000), { pid: session.pid })
    await until(() => namesOf(back).includes('post:created'))
    expect([back.id, namesOf(back)]).toEqual([session.id, ['post:created']])
  })

  it('while its client is away, is refused when it comes back, and a new one recovers', async () => {
    await using world = await open()
    const client = world.connect()
    const session = await opened(client, '/posts', { token: tokenOf(lasting(10_000)), started: true })
    const { pid } = session
    client.cut()
    world.clock.advance(20_000)
    await world.realtime.publish(posts, 'post:created', { n: 1 }, { rooms: [{ kind: 'user', id: 'ana' }] })
    await expect(
      opened(world.connect(), '/posts', { token: tokenOf(lasting(10_000)), pid }),
    ).rejects.toMatchObject({
      code: 'token_expired',
    })
    const back = await opened(world.connect(), '/posts', {
      token: tokenOf(lasting(60_000)),
      pid,
      started: true,
    })
    await settled(world)
    expect(back.pid).toBe(pid)
    expect(namesOf(back)).toEqual(['session:started', 'post:created', 'sync:recovered'])
  })

  it('ends ten thousand at the same moment, over some turns, with one timer', async () => {
    await using world = await open()
    const before = world.clock.timers
    const sessions = await Promise.all(
      Array.from({ length: 2_000 }, (_, n) =>
        world.enter('/posts', lasting(60_000, { userId: `user-${n}` })),
      ),
    )
    expect(world.clock.timers).toBe(before + 1)
    world.clock.advance(60_000 + graceMs + 10)
    world.memory.flush()
    expect(sessions.filter(({ state }) => state === 'over')).toHaveLength(2_000)
    expect(world.realtime.users.size).toBe(0)
  })
})

describe('what is taken back', () => {
  const keptUntilMs = startMs + 3_600_000
  it.each([
    ['a token', { kind: 'token', id: 't-1', keptUntilMs }],
    ['a login', { kind: 'login', id: 'l-1', keptUntilMs }],
    ['what a user got', { kind: 'user', id: 'ana', issuedBeforeMs: startMs + 1, keptUntilMs }],
    ['what everybody got', { kind: 'everyone', issuedBeforeMs: startMs + 1, keptUntilMs }],
  ] as const)('%s: ends its sockets at once and gets nobody in', async (_what, revocation) => {
    await using world = await open()
    const person = lasting(3_600_000, { tokenId: 't-1', loginId: 'l-1' })
    const later = { ...person, userId: 'bob', tokenId: 't-2', loginId: 'l-2', issuedAtMs: startMs + 1 }
    const client = world.connect()
    const sessions = [
      await opened(client, '/auth', { token: tokenOf(person) }),
      await opened(client, '/posts'),
      await world.enter('/drafts', person),
    ]
    const other = await world.enter('/posts', later)
    const silent = await opened(world.connect(), '/auth')
    await world.revocations.revoke(revocation)
    // From this moment on, whatever is still open.
    await expect(opened(client, '/drafts')).rejects.toMatchObject({ code: 'token_revoked' })
    await expect(world.enter('/posts', person)).rejects.toMatchObject({ code: 'token_revoked' })
    await settled(world)
    for (const session of sessions) {
      expect(session.state).toBe('over')
      expect(dataOf(session, 'session:closing')).toMatchObject([{ code: 'token_revoked', retry: false }])
    }
    expect([other.state, silent.state]).toEqual(['open', 'open'])
    expect(await authenticate(await opened(world.connect(), '/auth'), person)).toEqual(
      refused('token_revoked'),
    )
  })

  it('counts also for who was on the way in, and for a token that is just renewed', async () => {
    const [admitted, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()]
    const [comes, asks] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    await using world = await open({
      handlers: {
        async admit({ userId }) {
          if (userId !== 'bob') return
          comes.resolve()
          await admitted.promise
        },
      },
      roomAuthorities: [
        {
          kind: 'episode',
          mayJoin({ tokenId }) {
            if (tokenId !== 't-2') return true
            asks.resolve()
            return answered.promise
          },
        },
      ],
    })
    const late = world.connect().open('/posts', { token: tokenOf({ userId: 'bob', tokenId: 't-1' }) })
    late.entered.catch(() => undefined)
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(ana) })
    const session = await opened(client, '/posts')
    await session.ask('room:join', { room: episode })
    const renewed = authenticate(auth, { ...ana, tokenId: 't-2' })
    await Promise.all([comes.promise, asks.promise])
    await world.revocations.revoke({ kind: 'token', id: 't-1', keptUntilMs })
    await world.revocations.revoke({ kind: 'token', id: 't-2', keptUntilMs })
    await settled(world)
    admitted.resolve()
    answered.resolve(true)
    expect(await renewed).toEqual(refused('token_revoked'))
    await settled(world)
    expect(late.state).toBe('over')
    expect(world.realtime.users.sessionsOf('bob' as UserId)).toEqual([])
    expect([auth.state, world.sessionOf(session).principal.tokenId]).toEqual(['open', undefined])
  })

  it('of many at once, is looked for ten times a second and no oftener', async () => {
    await using world = await open()
    const sessions = await Promise.all(
      Array.from({ length: 50 }, (_, n) => world.enter('/posts', { userId: `user-${n}`, tokenId: `t-${n}` })),
    )
    for (let n = 0; n < 25; n += 1)
      await world.revocations.revoke({ kind: 'token', id: `t-${n}`, keptUntilMs })
    await settled(world)
    expect(sessions.filter(({ state }) => state === 'over').length).toBeGreaterThan(0)
    for (let n = 25; n < 50; n += 1)
      await world.revocations.revoke({ kind: 'token', id: `t-${n}`, keptUntilMs })
    await settled(world)
    expect(sessions.filter(({ state }) => state === 'open').length).toBeGreaterThan(0)
    world.clock.advance(100)
    await settled(world)
    expect(sessions.filter(({ state }) => state === 'over')).toHaveLength(50)
    world.clock.advance(100)
  })
})

describe('logout', () => {
  it('answers, then ends every socket of the login in all namespaces, and no other', async () => {
    await using world = await open()
    const person = { ...ana, loginId: 'l-1', tokenId: 't-1' }
    const client = world.connect()
    const auth = await opened(client, '/auth', { token: tokenOf(person) })
    const ended = [
      auth,
      await opened(client, '/posts'),
      await world.enter('/posts', { ...person, tokenId: 't-2' }),
    ]
    const others = [await world.enter('/posts', { ...ana, loginId: 'l-2' }), await world.enter('/posts', ana)]
    expect(await auth.ask('logout')).toEqual({ ok: true })
    await settled(world)
    for (const session of ended) {
      expect(session.state).toBe('over')
      expect(dataOf(session, 'session:closing')).toMatchObject([{ code: 'token_revoked' }])
    }
    expect(others.map(({ state }) => state)).toEqual(['open', 'open'])
    for (const tokenId of ['t-1', 't-2', 't-3'])
      await expect(world.enter('/posts', { ...person, tokenId })).rejects.toMatchObject({
        code: 'token_revoked',
      })
    await expect(opened(client, '/drafts')).rejects.toMatchObject({ code: 'token_missing' })
  })

  it('of a token without a login ends the sockets of the token', async () => {
    await using world = await open()
    const person = { ...ana, tokenId: 't-1' }
    const [auth, other] = [
      await opened(world.connect(), '/auth', { token: tokenOf(person) }),
      await world.enter('/posts', { ...ana, tokenId: 't-2' }),
    ]
    await world.enter('/posts', person)
    expect(await auth.ask('logout')).toEqual({ ok: true })
    await settled(world)
    expect(world.realtime.users.sessionsOf('ana' as UserId)).toHaveLength(1)
    expect(other.state).toBe('open')
  })

  it('says so when it could not be done, and ends nothing', async () => {
    await using world = await open({ logOut: () => Promise.reject(new Refusal('database_unavailable')) })
    const auth = await opened(world.connect(), '/auth', { token: tokenOf(ana) })
    expect(await auth.ask('logout')).toEqual(refused('database_unavailable'))
    await settled(world)
    expect(auth.state).toBe('open')
  })
})

describe('session cookies', () => {
  const handshake: Handshake = { headers: { cookie: 'sid=1' }, isOwnPage: true }
  const principalOf = (userId: string) => ({
    userId: userId as UserId,
    name: undefined,
    workspaces: [],
    teams: [],
    roles: [],
    permissions: [],
    expiresAtMs: undefined,
    issuedAtMs: undefined,
    tokenId: undefined,
    loginId: undefined,
  })

  it('are asked once for all namespaces of a connection, and a token goes before them', async () => {
    const asked: Handshake[] = []
    await using world = await open({
      async askHandshake(given) {
        asked.push(given)
        return principalOf('ana')
      },
    })
    const client = world.connect({ handshake })
    const [one, two] = await Promise.all([opened(client, '/posts'), opened(client, '/drafts')])
    const auth = await opened(client, '/auth')
    for (const session of [one, two, auth]) expect(world.sessionOf(session).principal.userId).toBe('ana')
    expect(asked).toEqual([handshake])
    const other = await opened(world.connect({ handshake }), '/posts', { token: tokenOf({ userId: 'bob' }) })
    expect(world.sessionOf(other).principal.userId).toBe('bob')
    expect(asked).toHaveLength(1)
    expect(await auth.ask('logout')).toEqual({ ok: true })
    await settled(world)
    expect([one, two, auth].map(({ state }) => state)).toEqual(['over', 'over', 'over'])
    await expect(opened(client, '/posts')).rejects.toMatchObject({ code: 'token_missing' })
  })

  it('of a page that is not ours are not looked at', async () => {
    const asked: Handshake[] = []
    await using world = await open({
      async askHandshake(given) {
        asked.push(given)
        return principalOf('ana')
      },
    })
    const foreign = world.connect({ handshake: { ...handshake, isOwnPage: false } })
    await expect(opened(foreign, '/posts')).rejects.toMatchObject({ code: 'token_missing' })
    await expect(opened(world.connect(), '/posts')).rejects.toMatchObject({ code: 'token_missing' })
    expect((await opened(foreign, '/auth')).state).toBe('open')
    expect(world.realtime.users.size).toBe(0)
    expect(asked).toEqual([])
  })

  it('of nobody need a token; who cannot say lets the client come back', async () => {
    let answer: () => Promise<undefined> = async () => undefined
    await using world = await open({ askHandshake: () => answer() })
    await expect(opened(world.connect({ handshake }), '/posts')).rejects.toMatchObject({
      code: 'token_missing',
    })
    answer = () => Promise.reject(new Error('on purpose'))
    const failing = world.connect({ handshake })
    await expect(opened(failing, '/posts')).rejects.toThrow()
    expect(failing.closedBy).toBe('closed_by_server')
    answer = () => new Promise(() => undefined)
    const hanging = world.connect({ handshake })
    const entered = opened(hanging, '/posts')
    entered.catch(() => undefined)
    world.clock.advance(5_000)
    await expect(entered).rejects.toThrow()
    expect(hanging.closedBy).toBe('closed_by_server')
    expect(world.logger.at('error')).toHaveLength(1)
    world.allowFailures()
    world.clock.advance(5_000)
  })
})
