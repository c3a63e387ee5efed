/**
 * Handshakes that stop in the middle, clients that vanish, and clients that send and never read: each ends within a
 * bound, holds little until then, and touches nobody else.
 */
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { openBystander } from './bystander.ts'
import { posts } from './namespaces.ts'
import { answered } from './raw-clients.ts'
import { clientFrame, opcode } from './raw-line.ts'
import { until } from './until.ts'
import { count, openWorld, type World } from './world.ts'

const megabyte = 1_048_576

describe('half a way in', () => {
  it('of a connection that asks for nothing ends', async () => {
    const http = createServer(
      { headersTimeout: 100, connectionsCheckingInterval: 20 },
      (_request, response) => response.writeHead(404).end(),
    )
    await using world = await openWorld({ http })
    const other = await openBystander(world)
    const silent = await world.rawLine()
    const slow = await world.rawLine()
    slow.write('GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost:')
    await Promise.all([silent.ended, slow.ended])
    expect(world.realtime.counts.opened).toBe(1)
    await other.isFine()
  })

  it.each(['polling', 'websocket'])('of a client that opens no session over %s ends', async (transport) => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    if (transport === 'websocket') {
      const socket = await world.rawSocket()
      await socket.handshake()
      clock.advance(25_000)
      expect(await socket.next()).toBe('2')
      socket.send('3')
      await until(() => [...world.realtime.connections][0]?.connection.roundTripMs !== undefined)
      clock.advance(19_900)
      expect(world.realtime.connections.size).toBe(1)
      // It is looked at with the next ping.
      clock.advance(6_000)
      expect(await socket.closed).toEqual({ code: 1008, reason: 'idle_connection' })
    } else {
      const polling = await world.rawPolling()
      const poll = polling.poll()
      clock.advance(25_000)
      expect((await poll).text).toBe('2')
      await polling.post('3')
      const last = polling.poll()
      await answered(fetch(`${world.url}/elsewhere`))
      clock.advance(26_000)
      expect((await last).text).toBe('1')
    }
    await world.connections(0)
    expect(world.closed()).toEqual({ idle_connection: 1 })
  })

  it('of a client that opens no session within less than a ping ends as well', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock, bounds: { idleTimeoutMs: 5_000 } })
    const idle = await world.rawSocket()
    const busy = await world.rawSocket()
    await idle.handshake()
    await busy.handshake()
    await busy.enter(world.token())
    clock.advance(5_100)
    expect(await idle.closed).toEqual({ code: 1008, reason: 'idle_connection' })
    expect(world.realtime.connections.size).toBe(1)
  })

  it('of a client that polls no more ends when it answers no ping, and little waits for it until then', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    for (const n of count(10)) await world.publish(posts, 'post:created', { n })
    clock.advance(25_000)
    expect(world.sockets.queuedBytes()).toBeLessThan(10_000)
    clock.advance(20_050)
    await world.connections(0)
    expect(world.closed()).toEqual({ ping_timeout: 1 })
    expect(world.sockets.queuedBytes()).toBe(0)
    expect((await polling.poll()).status).toBe(400)
  })

  it('of a body that never ends goes with its connection', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const line = await world.rawLine()
    const path = polling.url.slice(world.url.length)
    line.write(`POST ${path} HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n42/posts,["post:view"`)
    // When its twin is refused, the first is being read.
    await until(async () => (await polling.post('3')).status === 400 || world.realtime.connections.size === 0)
    await line.ended
    expect(world.handled).toEqual([])
    expect(world.closed()).toEqual({ malformed_packet: 1 })
  })

  it('of a body that never ends goes when the client answers no ping', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const line = await world.rawLine()
    const path = polling.url.slice(world.url.length)
    line.write(`POST ${path} HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n42/posts,["post:view"`)
    await answered(fetch(`${world.url}/elsewhere`))
    clock.advance(25_000)
    clock.advance(20_050)
    await line.ended
    expect(world.closed()).toEqual({ ping_timeout: 1 })
  })

  it.each([
    ['of another origin', 'EIO=4&transport=websocket', ['Origin: https://elsewhere.example']],
    ['with an unknown id', 'EIO=4&transport=websocket&sid=nobody', []],
    ['of another version', 'EIO=3&transport=websocket', []],
  ])('of an upgrade %s is closed by us, whatever the client does', async (_what, query, headers) => {
    await using world = await openWorld()
    const line = await world.rawLine()
    line.askForWebSocket(query, headers)
    await line.ended
    expect(line.received).toMatch(/^HTTP\/1\.1 40[03] /)
    // The client keeps its half open and goes on writing: nobody listens any more.
    await new Promise<void>((resolve) => {
      line.socket.once('error', () => resolve())
      line.socket.once('close', () => resolve())
      const insist = () => {
        if (!line.socket.destroyed) line.socket.write('x', () => setImmediate(insist))
      }
      insist()
    })
  })

  it.each(['/socket.io/?EIO=3&transport=websocket', '/elsewhere', '/socket.io/?EIO=4&transport=websocket'])(
    'of an upgrade to %s is no mistake of ours when the client has gone before it is answered',
    async (path) => {
      await using world = await openWorld()
      const other = await openBystander(world)
      for (const _ of count(60)) {
        const line = await world.rawLine()
        line.write(
          `GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
        )
        await new Promise((resolve) => setImmediate(resolve))
        line.socket.resetAndDestroy()
      }
      await other.isFine()
      await world.connections(1)
    },
  )

  it('of an upgrade that is no WebSocket is answered, and closed by us', async () => {
    await using world = await openWorld()
    const line = await world.rawLine()
    line.write(
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\n' +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n',
    )
    await line.ended
    expect(line.received).toMatch(/^HTTP\/1\.1 426 /)
    await until(() => connectionsOf(world).then((open) => open === 0))
  })
})

describe('a client that vanishes', () => {
  it('is noticed at once when its system ends the stream for it', async () => {
    await using world = await openWorld()
    const other = await openBystander(world)
    const line = await world.rawLine()
    line.askForWebSocket()
    await until(() => line.received.includes('"sid"'))
    line.write(clientFrame(opcode.text, `40/posts,${JSON.stringify({ token: world.token() })}`))
    await until(() => line.received.includes('40/posts,'))
    line.socket.end()
    await world.connections(1)
    expect(world.closed()).toEqual({ transport_failed: 1 })
    await other.isFine()
  })

  it('is noticed by its silence between two pings only, whatever the host thinks of slow requests', async () => {
    const http = createServer()
    http.setTimeout(5_000)
    const sockets: Socket[] = []
    http.on('upgrade', (_request, socket: Socket) => sockets.push(socket))
    await using world = await openWorld({ http })
    const socket = await world.rawSocket()
    await socket.handshake()
    expect(sockets.map(({ timeout }) => timeout)).toEqual([0])
  })

  it('is cut when it takes our goodbye and gives none', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    await using world = await openWorld()
    const line = await world.rawLine()
    line.askForWebSocket()
    await until(() => line.received.includes('"sid"'))
    line.write(clientFrame(opcode.text, 'abc'))
    await line.ended
    expect(line.received).toContain('malformed_packet')
    await until(() => connectionsOf(world).then((open) => open === 1))
    vi.advanceTimersByTime(3_000)
    await until(() => connectionsOf(world).then((open) => open === 0))
  })
})

describe('a client that does not read', () => {
  it('[A-32] [R7] holds up nobody, has little waiting for it, and gets it all when it reads', async () => {
    await using world = await openWorld()
    const other = await openBystander(world)
    const line = await world.rawLine()
    line.askForWebSocket()
    await until(() => line.received.includes('"sid"'))
    line.write(clientFrame(opcode.text, `40/posts,${JSON.stringify({ token: world.token() })}`))
    await until(() => line.received.includes('40/posts,'))
    line.socket.pause()
    let most = 0
    const text = 'x'.repeat(100_000)
    const published = 100
    for (const _ of count(published)) {
      await other.publish(text)
      most = Math.max(most, world.sockets.queuedBytes())
      await other.hasAll()
    }
    expect(world.realtime.namespaces.get('/posts')?.behind.size).toBe(1)
    expect(most).toBeLessThan(megabyte)
    line.socket.resume()
    await until(() => line.received.split('"post:created"').length - 1 === published)
    const cursors = [...line.received.matchAll(/"id":"[0-9a-z]+\.(\d+)"/g)].map(([, offset]) =>
      Number(offset),
    )
    expect(cursors).toEqual(count(published).map((_, index) => (cursors[0] ?? 0) + index))
    expect(world.closed()).toEqual({})
    await other.isFine()
  })

  it('[A-32] cannot make us answer more pings than it reads', async () => {
    await using world = await openWorld()
    const other = await openBystander(world)
    const line = await world.rawLine()
    line.askForWebSocket()
    await until(() => line.received.includes('"sid"'))
    line.socket.pause()
    const pings = Buffer.concat(count(20_000).map(() => clientFrame(opcode.ping, 'x'.repeat(125))))
    let most = 0
    let isDone = false
    line.socket.on('error', () => undefined)
    for (const _ of count(10)) line.socket.write(pings, () => undefined)
    line.socket.write('', () => {
      isDone = true
    })
    await until(() => {
      most = Math.max(most, world.sockets.queuedBytes())
      return isDone || line.socket.destroyed || world.realtime.connections.size === 1
    })
    expect(most).toBeLessThan(megabyte)
    await other.isFine()
  })

  it('[A-32] cannot leave bodies lying by asking for the next one', async () => {
    await using world = await openWorld()
    const other = await openBystander(world)
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const path = polling.url.slice(world.url.length)
    const text = 'x'.repeat(100_000)
    const line = await world.rawLine()
    line.socket.pause()
    let most = 0
    for (let n = 0; world.realtime.connections.size > 1; n += 1) {
      expect(n, 'events of 100 kB that nobody read').toBeLessThan(500)
      if (n % 8 === 0) line.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`)
      await other.publish(text)
      most = Math.max(most, world.sockets.queuedBytes())
      await other.hasAll()
    }
    expect(world.closed()).toEqual({ slow_reader: 1 })
    expect(most).toBeGreaterThan(megabyte / 2)
    expect(most).toBeLessThan(2 * megabyte)
    await until(() => connectionsOf(world).then((open) => open <= 3))
    await other.isFine()
  })

  it('cannot make us swallow a body without end', async () => {
    await using world = await openWorld()
    const other = await openBystander(world)
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const line = await world.rawLine()
    const path = polling.url.slice(world.url.length)
    line.write(`POST ${path} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    let megabytes = 0
    line.socket.on('error', () => undefined)
    while (!line.socket.destroyed && megabytes < 100) {
      const isDone = new Promise<void>((resolve) => line.socket.write(chunk, () => resolve()))
      await isDone
      megabytes += 1 / 16
    }
    expect(megabytes).toBeLessThan(100)
    expect(world.closed()).toEqual({ too_large: 1 })
    await other.isFine()
  })
})

function connectionsOf(world: World): Promise<number> {
  return new Promise((resolve) => world.http.getConnections((_error, open) => resolve(open)))
}
