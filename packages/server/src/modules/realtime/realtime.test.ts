import { randomBytes } from 'node:crypto'
import {
  type ActivityBatch,
  defineNamespace,
  latest,
  type Problem,
  realtimeNamespace,
  stream,
  type UserId,
  type WorkspaceId,
} from '@belfry/contract'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  asGuest,
  asOperator,
  startTestServer,
  type TestServer,
} from '../../adapters/http/testing/test-server.ts'
import { silentLogger } from '../../adapters/postgres/testing/silent-logger.ts'
import { createMemoryBroker } from '../../engine/memory/broker.ts'
import { createMemoryDurableLog } from '../../engine/memory/durable-log.ts'
import { createMemoryLog } from '../../engine/memory/log.ts'
import { createMemoryRevocations } from '../../engine/memory/revocations.ts'
import { createMemorySessionStore } from '../../engine/memory/session-store.ts'
import { createMemoryTransport } from '../../engine/memory/transport.ts'
import { serveNamespace } from '../../engine/namespace-handlers.ts'
import type { NodeId } from '../../engine/ports/session-store.ts'
import type { Principal } from '../../engine/ports/token-verifier.ts'
import { createRealtime, type Realtime } from '../../engine/realtime/realtime.ts'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { until } from '../../engine/testing/until.ts'
import { createRealtimeModule } from './module.ts'

const jobs = defineNamespace({
  name: '/jobs',
  summary: 'Work that takes a while.',
  events: {
    'job:progress': latest(z.object({ jobId: z.string(), done: z.int().min(0).max(100) }), {
      summary: 'How far a job is.',
      rooms: ['user'],
      key: ({ jobId }) => jobId,
    }),
    'job:ended': stream(z.object({ jobId: z.string() }), {
      summary: 'It is over, and stored.',
      rooms: ['everyone', 'user', 'workspace'],
      by: 'server',
    }),
  },
  commands: {},
})

const ended = { namespace: '/jobs', event: 'job:ended', data: { jobId: 'j1' } }

const worlds: AsyncDisposable[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world[Symbol.asyncDispose]()
})

async function openWorld() {
  const clock = createTestClock()
  let realtime: Realtime | undefined
  const asRealtime = () => {
    if (realtime === undefined) throw new Error('There is no engine yet.')
    return realtime
  }
  const module = createRealtimeModule({
    realtime: asRealtime,
    clock,
    connectionsMax: 10,
    queuedBytes: () => 0,
    admission: () => ({ waiting: 3, unread: 4, atOnce: 5, later: 6, refused: 7, gone: 8, waitedMs: 1_500 }),
    version: '1.2.3',
    host: 'app.example.com',
  })
  const revocations = createMemoryRevocations({ clock, logger: silentLogger })
  const log = createMemoryLog({ clock, randomBytes })
  const sessions = createMemorySessionStore({ clock })
  realtime = await createRealtime({
    namespaces: [...(module.namespaces ?? []), serveNamespace(jobs, { commands: {} })],
    roomAuthorities: [],
    verifier: { verify: (token) => principalOf(String(token)) },
    revocations,
    tokenGraceMs: 25_000,
    log,
    durable: createMemoryDurableLog({ log, logger: silentLogger }),
    sessions,
    durableSessions: sessions,
    node: 'node-1' as NodeId,
    soon: setImmediate,
    broker: createMemoryBroker({ logger: silentLogger }),
    clock,
    logger: silentLogger,
    randomBytes,
    connectionLimits: {
      connectionsMax: 10,
      perUserMax: 10,
      perWorkspaceMax: undefined,
      perAddressMax: undefined,
    },
    commandRate: { commandsPerSecond: 20, refusedSecondsMax: 5, coolDownMs: 60_000 },
    reconnection: { delayMs: 1_000, maxDelayMs: 5_000 },
    // As in production: what comes over REST is checked all the same.
    checkPayloads: false,
    isStopping: () => false,
  })
  const memory = createMemoryTransport({ handler: realtime.handler, clock })
  realtime.use(memory.transport)
  const server = await startTestServer({ routes: module.routes, metrics: () => module.metrics?.() ?? [] })
  worlds.push(server)
  const connect = async (token: string, namespace = '/realtime') => {
    const client = memory.connect({ remoteAddress: '10.0.0.7', userAgent: 'test' })
    const session = client.open(namespace, { token })
    await session.entered
    return { client, session }
  }
  return { clock, realtime, server, memory, module, connect }
}

/** `ana@acme` is Ana of the workspace acme. */
function principalOf(token: string): Principal {
  const [user = '', workspace = 'acme'] = token.split('@')
  return {
    userId: user as UserId,
    name: user === 'ana' ? 'Ana' : undefined,
    workspaces: [workspace as WorkspaceId],
    teams: [],
    roles: [],
    permissions: [],
    expiresAtMs: undefined,
    issuedAtMs: undefined,
    tokenId: undefined,
    loginId: undefined,
  }
}

async function call(server: TestServer, method: 'GET' | 'POST', path: string, body?: unknown) {
  const response = await server.fetch(path, {
    method,
    headers: { ...asOperator, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const operatorPaths: readonly (readonly ['GET' | 'POST', string])[] = [
  ['POST', '/api/v1/socket/broadcast'],
  ['POST', '/api/v1/socket/notify-user/ana'],
  ['POST', '/api/v1/socket/notify-room/workspace:acme'],
  ['POST', '/api/v1/socket/disconnect/ana?by=user'],
  ['GET', '/api/v1/socket/stats'],
  ['GET', '/api/v1/socket/connections'],
  ['GET', '/api/v1/socket/events'],
  ['GET', '/api/v1/socket/activity/stream'],
  ['GET', '/api/v1/events/analytics'],
  ['GET', '/api/v1/socket/stats/workspace/acme'],
  ['GET', '/realtime/stats'],
  ['GET', '/realtime/stats/workspace/acme'],
]

describe('publishing by hand (K-05 to K-07)', () => {
  it('reaches everybody, a workspace, a user, a room, and nobody else', async () => {
    const { server, connect, memory } = await openWorld()
    const ana = await connect('ana@acme')
    const bob = await connect('bob@beta')
    const send = (path: string, body: object) => call(server, 'POST', `/api/v1/socket/${path}`, body)
    const message = (text: string) => ({ data: { message: text } })
    const replies = [
      await send('broadcast', message('all')),
      await send('broadcast', { ...message('beta'), workspaceId: 'beta' }),
      await send('notify-user/ana', message('ana')),
      await send('notify-room/workspace:acme', message('acme')),
      await send('notify-user/nobody', message('nobody')),
    ]
    memory.flush()
    expect(replies.map(({ status, body }) => [status, body['recipients']])).toEqual([
      [200, 2],
      [200, 1],
      [200, 1],
      [200, 1],
      [200, 0],
    ])
    const heard = ({ session }: typeof ana) =>
      session.events.map(({ data }) => (data as { message: string }).message)
    expect(heard(ana)).toEqual(['all', 'ana', 'acme'])
    expect(heard(bob)).toEqual(['all', 'beta'])
    expect(ana.session.events.at(0)).toMatchObject({ name: 'system:message', data: { severity: 'info' } })
    expect(ana.session.events.map(({ cursor }) => cursor?.split('.')[1])).toEqual(['1', '3', '4'])
  })

  it('takes any event of a namespace, checks it, and drops what its contract does not name', async () => {
    const { server, connect, memory } = await openWorld()
    const { session } = await connect('ana', '/jobs')
    const event = { namespace: '/jobs', event: 'job:progress' }
    const right = await call(server, 'POST', '/api/v1/socket/notify-user/ana', {
      ...event,
      data: { jobId: 'j1', done: 40, extra: 1 },
    })
    const wrong = await call(server, 'POST', '/api/v1/socket/notify-user/ana', {
      ...event,
      data: { jobId: 'j1', done: 400 },
    })
    memory.flush()
    expect(right.status).toBe(200)
    expect(wrong).toMatchObject({ status: 400, body: { code: 'validation_failed' } })
    expect((wrong.body as unknown as Problem).fields).toMatchObject([{ path: 'body.data.done' }])
    expect(session.events).toHaveLength(1)
    expect(session.events[0]?.data).toEqual({ jobId: 'j1', done: 40, _meta: expect.anything() })
  })

  it.each([
    ['an unknown namespace', 'broadcast', { namespace: '/nothing', data: {} }, 404, 'unknown_namespace'],
    ['an unknown event', 'broadcast', { event: 'system:nothing', data: {} }, 404, 'unknown_event'],
    ['a room of the wrong kind', 'notify-room/zoo:1', { data: { message: 'a' } }, 400, 'validation_failed'],
    ['a room without a kind', 'notify-room/acme', { data: { message: 'a' } }, 400, 'validation_failed'],
    ['no data', 'broadcast', {}, 400, 'validation_failed'],
    ['a list for data', 'broadcast', { data: [] }, 400, 'validation_failed'],
    ['too much', 'broadcast', { data: { message: 'a'.repeat(2_001) } }, 400, 'validation_failed'],
    ['what the server alone tells, to all', 'broadcast', ended, 403, 'not_publishable'],
    ['what the server alone tells, to a user', 'notify-user/ana', ended, 403, 'not_publishable'],
    ['what the server alone tells, to a room', 'notify-room/user:ana', ended, 403, 'not_publishable'],
  ])('refuses %s', async (_, path, body, status, code) => {
    const { server, connect, memory } = await openWorld()
    const { session } = await connect('ana')
    expect(await call(server, 'POST', `/api/v1/socket/${path}`, body)).toMatchObject({
      status,
      body: { code },
    })
    memory.flush()
    expect(session.events).toEqual([])
  })
})

describe('who is connected (K-08 to K-10)', () => {
  it('is listed in pages, in the order in which they came', async () => {
    const { server, connect } = await openWorld()
    for (const user of ['ana', 'bob', 'cem', 'ana', 'eva']) await connect(user)
    const users: unknown[] = []
    let cursor = ''
    for (let page = 0; page < 3; page += 1) {
      const { body } = await call(server, 'GET', `/api/v1/socket/connections?limit=2${cursor}`)
      users.push(
        ...(body['connections'] as { sessions: { userId: string }[] }[]).map(
          (one) => one.sessions[0]?.userId,
        ),
      )
      expect(body['total']).toBe(5)
      cursor = `&cursor=${body['nextCursor']}`
    }
    expect(users).toEqual(['ana', 'bob', 'cem', 'ana', 'eva'])
    expect(cursor).toBe('&cursor=null')
    const { body } = await call(server, 'GET', '/api/v1/socket/connections?userId=ana')
    expect(body['connections']).toMatchObject([
      {
        transport: 'websocket',
        address: '10.0.0.7',
        userAgent: 'test',
        sessions: [
          {
            namespace: '/realtime',
            userId: 'ana',
            name: 'Ana',
            rooms: ['everyone:all', 'user:ana', 'workspace:acme'],
          },
        ],
      },
      {},
    ])
  })

  it.each(['x', '-1x', '1e999', '{}'])('refuses %s as a cursor', async (cursor) => {
    const { server } = await openWorld()
    expect(await call(server, 'GET', `/api/v1/socket/connections?cursor=${cursor}`)).toMatchObject({
      status: 400,
      body: { fields: [{ path: 'query.cursor' }] },
    })
  })

  it('is ended by connection, by session and by user, with the reason before', async () => {
    const { server, connect, realtime, memory } = await openWorld()
    const one = await connect('ana')
    const two = await connect('bob')
    await connect('cem')
    await connect('cem')
    const [state] = realtime.connections
    const disconnect = (id: string) => call(server, 'POST', `/api/v1/socket/disconnect/${id}`)
    expect((await disconnect(state?.connection.id ?? '')).body).toEqual({ disconnected: 1 })
    expect((await disconnect(realtime.users.sessionsOf('bob' as UserId)[0]?.id ?? '')).body).toEqual({
      disconnected: 1,
    })
    expect((await disconnect('cem?by=user')).body).toEqual({ disconnected: 2 })
    expect((await disconnect('cem?by=user')).body).toEqual({ disconnected: 0 })
    expect(await disconnect('nobody')).toMatchObject({ status: 404, body: { code: 'not_found' } })
    memory.flush()
    for (const { session } of [one, two]) {
      expect(session.events.map(({ name }) => name)).toEqual(['session:closing'])
      expect(session.events[0]?.data).toMatchObject({ code: 'kicked', retry: false })
    }
    expect(realtime.users.size).toBe(0)
  })

  it('is counted, in all and by workspace', async () => {
    const { server, connect } = await openWorld()
    await connect('ana@acme')
    await connect('ana@acme', '/jobs')
    await connect('bob@acme')
    const { client } = await connect('eva@beta')
    expect((await call(server, 'GET', '/realtime/stats')).body).toEqual({ connections: 4 })
    const ofAcme = { workspaceId: 'acme', connections: 3, users: ['ana', 'bob'], userCount: 2 }
    for (const path of ['/realtime/stats/workspace/acme', '/api/v1/socket/stats/workspace/acme'])
      expect((await call(server, 'GET', path)).body).toEqual(ofAcme)
    client.cut()
    expect((await call(server, 'GET', '/api/v1/socket/stats')).body).toMatchObject({
      connections: { current: 3, peak: 4, max: 10, opened: 4, byTransport: { websocket: 3, polling: 0 } },
      users: 2,
      namespaces: [
        { name: '/realtime', sessions: 2, peak: 3 },
        { name: '/jobs', sessions: 1, peak: 1 },
        { name: '/auth', sessions: 0, peak: 0 },
      ],
    })
  })

  it('is listed without a user as long as nobody said who it is', async () => {
    const { server, memory } = await openWorld()
    const session = memory.connect().open('/auth')
    await session.entered
    const { body } = await call(server, 'GET', '/api/v1/socket/connections')
    expect(body).toMatchObject({ connections: [{ sessions: [{ namespace: '/auth', userId: '' }] }] })
    expect((await call(server, 'GET', '/api/v1/socket/stats')).body).toMatchObject({ users: 0 })
  })
})

describe('what goes on (A-26, B-15)', () => {
  it('is counted by event and command, for REST and for Prometheus', async () => {
    const { server, connect, realtime } = await openWorld()
    const { session } = await connect('ana')
    await connect('bob')
    await realtime.publish(
      realtimeNamespace,
      'system:message',
      { message: 'a' },
      { rooms: [{ kind: 'workspace', id: 'acme' }] },
    )
    await session.ask('room:join', { room: { kind: 'workspace', id: 'other' } })
    await session.ask('nothing:known')
    const { body } = await call(server, 'GET', '/api/v1/events/analytics')
    const events = body['events'] as { kind: string; namespace: string; name: string }[]
    const of = (name: string) => events.find((one) => one.namespace === '/realtime' && one.name === name)
    expect(of('system:message')).toMatchObject({ kind: 'event', count: 1, deliveries: 2 })
    expect(of('room:join')).toMatchObject({ kind: 'command', count: 1, errors: { forbidden: 1 } })
    expect(of('(unknown)')).toMatchObject({ kind: 'command', count: 1, errors: { unknown_command: 1 } })
    const metrics = await (await server.fetch('/metrics')).text()
    expect(metrics).toContain('belfry_socket_connections{transport="websocket"} 2\n')
    for (const line of [
      'recovered_total 0',
      'replayed_total{namespace="/realtime"} 0',
      'sessions_behind{namespace="/realtime"} 0',
      'sessions_fell_behind_total{namespace="/realtime"} 0',
    ])
      expect(metrics).toContain(`belfry_${line}\n`)
    for (const line of [
      'waiting{what="newcomers"} 3',
      'waiting{what="unread"} 4',
      'wait_seconds 1.5',
      'total{outcome="at_once"} 5',
      'total{outcome="later"} 6',
      'total{outcome="refused"} 7',
      'total{outcome="gone"} 8',
    ])
      expect(metrics).toContain(`belfry_socket_admission_${line}\n`)
    expect(metrics).toContain(
      'belfry_events_delivered_total{namespace="/realtime",event="system:message"} 2\n',
    )
    expect(metrics).toContain(
      'belfry_command_errors_total{namespace="/realtime",command="room:join",code="forbidden"} 1\n',
    )
  })

  it('is told as it happens, and only while somebody watches', async () => {
    const { clock, connect, realtime, module } = await openWorld()
    const stream = module.routes.find(({ path }) => path === '/api/v1/socket/activity/stream')
    if (stream?.kind !== 'stream') throw new Error('There is no such stream.')
    const watcher = new AbortController()
    const batches: ActivityBatch[] = []
    const watching = (async () => {
      for await (const batch of stream.open({ signal: watcher.signal } as never))
        batches.push(batch as ActivityBatch)
    })()
    await until(() => realtime.tap.isWatched)
    const { session } = await connect('ana')
    for (let count = 0; count < 60; count += 1)
      await realtime.publish(
        realtimeNamespace,
        'system:message',
        { message: 'a' },
        { rooms: [{ kind: 'user', id: 'ana' }] },
      )
    await session.ask('nothing:known')
    clock.advance(250)
    await until(() => batches.length === 1)
    expect(batches[0]?.entries).toHaveLength(50)
    // A connect, 60 events and a command.
    expect(batches[0]?.left).toBe(12)
    expect(batches[0]?.entries.slice(0, 2)).toMatchObject([
      { kind: 'connect', namespace: '/realtime', userId: 'ana' },
      { kind: 'event', name: 'system:message', rooms: ['user:ana'], recipients: 1 },
    ])
    watcher.abort()
    await watching
    expect(realtime.tap.isWatched).toBe(false)
    expect(clock.timers).toBeGreaterThan(0)
  })

  it('can be published: the events of every namespace, with schema and example', async () => {
    const { server } = await openWorld()
    const { body } = await call(server, 'GET', '/api/v1/socket/events')
    expect(body).toMatchObject({
      namespaces: [
        {
          name: '/realtime',
          events: [{ name: 'system:message', lane: 'stream', schema: { type: 'object' } }],
        },
        {
          name: '/jobs',
          events: [
            { name: 'job:progress', lane: 'latest', by: 'anybody', example: { done: expect.any(Number) } },
            { name: 'job:ended', by: 'server' },
          ],
        },
      ],
    })
    const asyncApi = (await (await server.fetch('/asyncapi.json')).json()) as Record<string, unknown>
    expect(asyncApi).toMatchObject({
      asyncapi: '3.0.0',
      info: { version: '1.2.3' },
      servers: { belfry: { host: 'app.example.com' } },
      channels: { realtime: {}, jobs: {} },
    })
  })
})

it('is for operators alone (K-12)', async () => {
  const { server, connect, memory } = await openWorld()
  const { session } = await connect('ana')
  for (const [method, path] of operatorPaths) {
    const body = method === 'POST' ? { body: JSON.stringify({ data: { message: 'a' } }) } : {}
    const headers = { 'content-type': 'application/json' }
    const stranger = await server.fetch(path, { method, headers, ...body })
    const guest = await server.fetch(path, { method, headers: { ...headers, ...asGuest }, ...body })
    expect([path, stranger.status, guest.status]).toEqual([path, 401, 403])
  }
  memory.flush()
  expect(session.events).toEqual([])
  expect(session.state).toBe('open')
})
