/** Lines that break and servers that go: what a client does meanwhile. */
import { type AddressInfo, createServer as createSilentServer, type Socket } from 'node:net'
import type { Client } from '@belfry/client'
import { startTestServer, type TestServerOptions } from '@belfry/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { news, posts, serveAll } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { openWorld } from '../protocol/world.ts'
import { openClient } from './client-world.ts'

const ana = { sub: 'ana', workspaces: ['acme'] }
const everyone = { rooms: [{ kind: 'everyone', id: 'all' }] }

const openServer = (options: TestServerOptions = {}) =>
  startTestServer({ namespaces: serveAll([]), ...options })

function statesOf({ state }: Client): string[] {
  const states: string[] = [state.get().status]
  state.subscribe(() => states.push(state.get().status))
  return states
}

it('waits, comes back, and either has everything or says that something was missed', async () => {
  await using server = await openServer()
  const client = server.client(ana)
  const live = await server.open(client, posts)
  const heard = server.events(live, 'post:created')
  const resets: string[] = []
  live.onReset((reason) => resets.push(reason))
  const publish = (n: number) => server.sockets.publish(posts, 'post:created', { n }, everyone)
  await publish(1)
  await heard.next()
  await server.cut(client)
  expect(client.state.get()).toEqual({
    status: 'waiting',
    attempt: 1,
    retryAt: server.clock.now() + 1_000,
    reason: 'line_lost',
    message: expect.any(String),
  })
  expect(live.state.get()).toBe(client.state.get())
  await publish(2)
  await server.clock.advance('1s')
  expect(client.state.get()).toMatchObject({ status: 'waiting', attempt: 2, reason: 'unreachable' })
  await server.mend(client)
  await server.clock.advance('1s')
  const state = live.state.get()
  expect(state.status).toBe('open')
  await publish(3)
  const numbers = (await heard.settled()).map(({ data }) => data.n)
  expect(state).toMatchObject({ status: 'open', recovered: true })
  expect(numbers).toEqual([1, 2, 3])
  expect(resets).toEqual([])
  await server.cut(client)
  expect(live.state.get()).toMatchObject({ status: 'waiting', attempt: 1 })
})

it('leaves nothing of it to the stock client, which would ask nobody for a token', async () => {
  await using server = await openServer()
  const timers = vi.spyOn(globalThis, 'setTimeout')
  onTestFinished(() => timers.mockRestore())
  const client = server.client(ana)
  await server.open(client, posts)
  timers.mockClear()
  await server.stop()
  expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'shutting_down' })
  expect(timers.mock.calls.filter(([, delayMs = 0]) => delayMs >= 400 && delayMs <= 1_600)).toEqual([])
})

it('tries at once when it is told to', async () => {
  await using server = await openServer()
  const client = server.client(ana)
  await server.open(client, posts)
  await server.cut(client)
  await server.mend(client)
  client.connect()
  await server.clock.advance(0)
  expect(client.state.get().status).toBe('connected')
})

it('comes back to a server that was started again, and is told that it missed something', async () => {
  await using server = await openServer()
  const client = server.client(ana)
  const states = statesOf(client)
  const lives = [await server.open(client, posts), await server.open(client, news)]
  const resets: string[] = []
  for (const live of lives) live.onReset((reason) => resets.push(reason))
  await server.stop()
  await server.clock.advance('1s')
  expect(client.state.get()).toMatchObject({ status: 'waiting', attempt: 2, reason: 'unreachable' })
  await server.start()
  await server.clock.advance('1s')
  expect(lives.map(({ state }) => state.get().status)).toEqual(['open', 'open'])
  expect(resets).toEqual(['epoch-changed', 'epoch-changed'])
  expect(server.sockets.getUserSockets('ana')).toHaveLength(2)
  expect(states).toEqual([
    ...['idle', 'connecting', 'connected'],
    ...['waiting', 'connecting', 'waiting', 'connecting', 'connected'],
  ])
})

it('waits for a server without room, and says so where the transport lets it be read', async () => {
  await using server = await openServer({ settings: { MAX_SOCKET_CONNECTIONS: '1' } })
  const before = server.client(ana)
  await server.open(before, posts)
  const client = server.client(ana, { socket: { transports: ['polling'] } })
  const live = client.namespace(posts)
  live.onReset(() => {})
  await server.clock.advance(0)
  // Not before the time that it names.
  const retryAt = server.clock.now() + 5_000
  expect(live.state.get()).toMatchObject({ status: 'waiting', reason: 'server_full', attempt: 1, retryAt })
  before.close()
  await server.clock.advance('5s')
  expect(live.state.get().status).toBe('open')
})

it('gives up a server that takes it and says nothing, and tries again', async () => {
  const open = new Set<Socket>()
  const silent = createSilentServer((socket) => {
    open.add(socket.on('error', () => {}).resume())
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  await using world = await openWorld()
  const { port } = silent.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  using tested = openClient(world, { url, connectTimeoutMs: 300 })
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  for (const attempt of [1, 2]) {
    await until(() => open.size === 1)
    tested.clock.advance(300)
    expect(live.state.get()).toMatchObject({ status: 'waiting', reason: 'timeout', attempt })
    await until(() => open.size === 0)
    tested.clock.advance(1_000)
  }
  await until(() => open.size === 1)
  tested.client.close()
  await until(() => open.size === 0)
  await new Promise((resolve) => silent.close(resolve))
})
