/** Lines that break and servers that go: what a client does meanwhile. */
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createSilentServer, type Socket } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { cuttableLine } from '../browser/line.ts'
import { news, posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { openWorld } from '../protocol/world.ts'
import { becomes, isOpen, openClient } from './client-world.ts'

it('waits, comes back, and either has everything or says that something was missed', async () => {
  await using world = await openWorld()
  await using line = await cuttableLine(world.url)
  using tested = openClient(world, { url: line.url })
  const { client, clock } = tested
  const live = client.namespace(posts)
  const heard: number[] = []
  const resets: string[] = []
  live.on('post:created', ({ n }) => heard.push(n))
  live.onReset((reason) => resets.push(reason))
  await isOpen(live)
  await world.publish(posts, 'post:created', { n: 1 })
  await until(() => heard.length === 1)
  line.cut()
  await becomes(live, 'waiting')
  expect(client.state.get()).toEqual({
    status: 'waiting',
    attempt: 1,
    retryAt: clock.now() + 1_000,
    reason: 'line_lost',
    message: expect.any(String),
  })
  expect(live.state.get()).toBe(client.state.get())
  await world.publish(posts, 'post:created', { n: 2 })
  clock.advance(1_000)
  await until(() => live.state.get().status === 'waiting')
  expect(client.state.get()).toMatchObject({ attempt: 2, reason: 'unreachable' })
  line.mend()
  clock.advance(1_000)
  await isOpen(live)
  await world.publish(posts, 'post:created', { n: 3 })
  await until(() => heard.at(-1) === 3)
  const state = live.state.get()
  if (state.status === 'open' && state.recovered) {
    expect(heard).toEqual([1, 2, 3])
    expect(resets).toEqual([])
  } else {
    expect(heard).toEqual([1, 3])
    expect(resets).toEqual(['unknown-session'])
  }
  line.cut()
  await becomes(live, 'waiting')
  expect(live.state.get()).toMatchObject({ attempt: 1 })
})

it('leaves nothing of it to the stock client, which would ask nobody for a token', async () => {
  await using world = await openWorld()
  const timers = vi.spyOn(globalThis, 'setTimeout')
  onTestFinished(() => timers.mockRestore())
  using tested = openClient(world)
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await isOpen(live)
  timers.mockClear()
  for (const { connection } of world.realtime.connections) connection.close('closed_by_server')
  await becomes(live, 'waiting')
  await new Promise(setImmediate)
  expect(timers.mock.calls.filter(([, delayMs = 0]) => delayMs >= 400 && delayMs <= 1_600)).toEqual([])
})

it('tries at once when it is told to', async () => {
  await using world = await openWorld()
  await using line = await cuttableLine(world.url)
  using tested = openClient(world, { url: line.url })
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await isOpen(live)
  line.cut()
  await becomes(live, 'waiting')
  line.mend()
  tested.client.connect()
  await isOpen(live)
})

it('comes back to a server that was started again, and is told that it missed something', async () => {
  const http = serverOnOnePort()
  const resets: string[] = []
  const first = await openWorld({ http: await http.next() })
  using tested = openClient(first, { token: () => first.token() })
  const { client, clock } = tested
  const lives = [client.namespace(posts), client.namespace(news)]
  for (const live of lives) live.onReset((reason) => resets.push(reason))
  for (const live of lives) await isOpen(live)
  await first[Symbol.asyncDispose]()
  await becomes(client, 'waiting')
  clock.advance(1_000)
  await becomes(client, 'waiting')
  expect(client.state.get()).toMatchObject({ attempt: 2, reason: 'unreachable' })
  await using second = await openWorld({ http: await http.next() })
  clock.advance(1_000)
  for (const live of lives) await isOpen(live)
  await until(() => resets.length === 2)
  expect(second.realtime.connections.size).toBe(1)
  expect(tested.states).toEqual([
    ...['idle', 'connecting', 'connected'],
    ...['waiting', 'connecting', 'waiting', 'connecting', 'connected'],
  ])
})

it('waits for a server without room, and says so where the transport lets it be read', async () => {
  await using world = await openWorld({ connectionsMax: 1 })
  using before = openClient(world)
  before.client.namespace(posts).onReset(() => {})
  await becomes(before.client, 'connected')
  using tested = openClient(world, { socket: { transports: ['polling'] } })
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await becomes(live, 'waiting')
  expect(live.state.get()).toMatchObject({ reason: 'server_full', attempt: 1 })
  before.client.close()
  await world.connections(0)
  tested.clock.advance(1_000)
  await isOpen(live)
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

/** HTTP servers one after the other, all on the port that the first one got. */
function serverOnOnePort() {
  let port = 0
  return {
    async next(): Promise<Server> {
      const server = createServer((_request, response) => response.writeHead(404).end())
      const listen = server.listen.bind(server) as (port: number, host: string, done: () => void) => Server
      server.listen = ((_port: number, host: string, done: () => void) =>
        listen(port, host, () => {
          const address = server.address()
          if (typeof address === 'object' && address !== null) port = address.port
          done()
        })) as typeof server.listen
      return server
    },
  }
}
