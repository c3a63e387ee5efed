/** Engine.IO 4 as it travels: the way in, the heartbeat, polling, the way out. */
import { setImmediate as tick } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { posts } from './namespaces.ts'
import { answered, codeOf, RawPolling, type RawSocket, refusal } from './raw-clients.ts'
import { until } from './until.ts'
import { count, openWorld } from './world.ts'

describe('the handshake', () => {
  it('over polling says all that a client needs, and that it may upgrade', async () => {
    await using world = await openWorld()
    const first = await world.rawPolling()
    const second = await world.rawPolling()
    expect(first.handshake).toEqual({
      sid: expect.stringMatching(/^[\w-]{24}$/),
      upgrades: ['websocket'],
      pingInterval: 25_000,
      pingTimeout: 20_000,
      maxPayload: 1_000_000,
    })
    expect(second.handshake.sid).not.toBe(first.handshake.sid)
  })

  it('over WebSocket says the same, and that there is nothing better', async () => {
    await using world = await openWorld({ bounds: { pingIntervalMs: 300, pingTimeoutMs: 200 } })
    const socket = await world.rawSocket()
    expect(await socket.handshake()).toEqual({
      sid: expect.stringMatching(/^[\w-]{24}$/),
      upgrades: [],
      pingInterval: 300,
      pingTimeout: 200,
      maxPayload: 1_000_000,
    })
  })

  it('is never kept by a cache', async () => {
    await using world = await openWorld()
    const { headers } = await answered(fetch(`${world.url}/socket.io/?EIO=4&transport=polling`))
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it.each([
    ['GET', '', 0],
    ['GET', 'EIO=4', 0],
    ['GET', 'EIO=4&transport=carrier-pigeon', 0],
    ['GET', 'EIO=4&transport=__proto__', 0],
    ['GET', 'EIO=4&transport=polling&sid=nobody', 1],
    ['POST', 'EIO=4&transport=polling&sid=nobody', 1],
    ['POST', 'EIO=4&transport=polling', 2],
    ['PUT', 'EIO=4&transport=polling', 2],
    ['DELETE', 'EIO=4&transport=polling', 2],
    ['GET', 'EIO=4&transport=websocket', 3],
    ['GET', 'transport=polling', 5],
    ['GET', 'EIO=3&transport=polling', 5],
    ['GET', 'EIO=04&transport=polling', 5],
    ['GET', 'EIO=abc&transport=polling', 5],
  ])('refuses %s ?%s with code %i', async (method, query, code) => {
    await using world = await openWorld()
    const { status, text } = await answered(fetch(`${world.url}/socket.io/?${query}`, { method }))
    expect([status, codeOf(text)]).toEqual([400, code])
    expect(world.realtime.counts.opened).toBe(0)
  })

  it.each([
    ['', 0],
    ['EIO=4', 0],
    ['EIO=4&transport=abc', 0],
    ['EIO=4&transport=websocket&sid=nobody', 1],
    ['EIO=4&transport=polling', 3],
    ['transport=websocket', 5],
    ['EIO=3&transport=websocket', 5],
  ])('refuses a WebSocket to ?%s with code %i', async (query, code) => {
    await using world = await openWorld()
    const { status, body } = await refusal(world.rawSocket({ query }))
    expect([status, codeOf(body)]).toEqual([400, code])
    expect(world.realtime.counts.opened).toBe(0)
  })

  it('of a full server says so, and that it passes', async () => {
    await using world = await openWorld({ connectionsMax: 1 })
    const first = await world.rawSocket()
    for (const { status, body } of [
      await refusal(world.rawSocket()),
      await refusal(RawPolling.open(world.url)),
    ]) {
      expect(status).toBe(503)
      expect(JSON.parse(body)).toMatchObject({ error: 'server_full' })
    }
    const { headers } = await fetch(`${world.url}/socket.io/?EIO=4&transport=polling`)
    expect(headers.get('retry-after')).toBe('5')
    first.close()
    await first.closed
    await world.connections(0)
    await (await world.rawSocket()).handshake()
  })
})

it('nobody gets in who comes while the server closes', async () => {
  await using world = await openWorld()
  world.http.prependOnceListener('request', () => void world.sockets.close())
  const { status, text } = await answered(fetch(`${world.url}/socket.io/?EIO=4&transport=polling`))
  expect([status, JSON.parse(text).error]).toEqual([503, 'shutting_down'])
  expect(world.realtime.counts.opened).toBe(0)
})

describe('the heartbeat', () => {
  it.each(['polling', 'websocket'])('[A-27] goes on as long as %s answers', async (transport) => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    if (transport === 'websocket') {
      const socket = await world.rawSocket()
      await socket.handshake()
      await socket.enter(world.token())
      for (const round of count(4)) {
        clock.advance(25_000)
        expect([round, await socket.next()]).toEqual([round, '2'])
        socket.send('3')
        await until(() => [...world.realtime.connections][0]?.connection.roundTripMs !== undefined)
        await pongSeen(socket)
      }
    } else {
      const polling = await world.rawPolling()
      await polling.enter(world.token())
      for (const round of count(4)) {
        const poll = polling.poll()
        clock.advance(25_000)
        expect([round, (await poll).text]).toEqual([round, '2'])
        expect(await polling.post('3')).toMatchObject({ status: 200, text: 'ok' })
      }
    }
    expect(world.realtime.connections.size).toBe(1)
  })

  it('[A-27] comes at its time, whatever a client answers that nobody asked for', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const socket = await world.rawSocket()
    await socket.handshake()
    await socket.enter(world.token())
    clock.advance(24_000)
    socket.send('3')
    await pongSeen(socket)
    expect([...world.realtime.connections][0]?.connection.roundTripMs).toBeUndefined()
    clock.advance(1_050)
    expect(await socket.next()).toBe('2')
  })

  it('[A-27] ends a connection that does not answer, and not before its time', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const socket = await world.rawSocket()
    const polling = await world.rawPolling()
    await socket.handshake()
    await socket.enter(world.token())
    await polling.enter(world.token())
    clock.advance(25_000)
    expect(await socket.next()).toBe('2')
    expect((await polling.poll()).text).toBe('2')
    // The ping may have left up to 50 ms ago.
    clock.advance(19_949)
    expect(world.realtime.connections.size).toBe(2)
    clock.advance(101)
    expect((await polling.poll()).status).toBe(400)
    await socket.closed
    expect(world.closed()).toEqual({ ping_timeout: 2 })
  })

  it('[A-27] refuses a poll that comes after its time, to the millisecond', async () => {
    for (const phase of [0, 1, 25, 49]) {
      const clock = createTestClock()
      await using world = await openWorld({ clock })
      clock.advance(phase)
      const polling = await world.rawPolling()
      await polling.enter(world.token())
      clock.advance(25_000)
      expect([phase, (await polling.poll()).text]).toEqual([phase, '2'])
      clock.advance(20_000)
      expect([phase, (await polling.poll()).status]).toEqual([phase, 400])
      expect(world.closed()).toEqual({ ping_timeout: 1 })
    }
  })

  it('[A-27] gives a short timeout its whole time', async () => {
    for (const phase of [0, 1, 25, 49]) {
      const clock = createTestClock()
      await using world = await openWorld({ clock, bounds: { pingIntervalMs: 100, pingTimeoutMs: 100 } })
      clock.advance(phase)
      const socket = await world.rawSocket()
      await socket.handshake()
      await socket.enter(world.token())
      // By single milliseconds, as real time goes.
      let waited = 0
      while (socket.received.at(-1) !== '2') {
        clock.advance(1)
        await tick()
        waited += 1
        expect(waited, 'milliseconds until the ping').toBeLessThan(1_000)
      }
      clock.advance(90)
      expect(world.realtime.connections.size, `in phase ${phase}`).toBe(1)
    }
  })
})

describe('polling', () => {
  it('takes several packets in one body, and answers with several in one', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const packets = [0, 1, 2].map((id) => `42/posts,${id}["post:view",{"id":"p${id}"}]`)
    expect(await polling.post(packets.join('\x1e'))).toMatchObject({ status: 200, text: 'ok' })
    const received: string[] = []
    while (received.length < 3) received.push(...(await polling.poll()).packets)
    expect(received).toEqual(
      [0, 1, 2].map((id) => `43/posts,${id}[{"ok":true,"data":{"id":"p${id}","seen":true}}]`),
    )
  })

  it('carries bytes as base64, both ways', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    await polling.post('451-/posts,7["post:draw",{"image":{"_placeholder":true,"num":0}}]\x1ebAQIDBA==')
    const { packets } = await polling.poll()
    expect(packets).toEqual([
      '461-/posts,7[{"ok":true,"data":{"image":{"_placeholder":true,"num":0}}}]',
      'bBAMCAQ==',
    ])
  })

  it('keeps a GET until there is something to say', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    let isAnswered = false
    const poll = polling.poll().then((answer) => {
      isAnswered = true
      return answer
    })
    // Another round trip to the same server passes in between.
    await answered(fetch(`${world.url}/elsewhere`))
    expect(isAnswered).toBe(false)
    await world.publish(posts, 'post:created', { n: 1 })
    expect((await poll).text).toContain('["post:created",{"n":1,')
  })

  it('ends at a second GET while one waits: that is no client', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const [one, other] = await Promise.all([polling.poll(), polling.poll()])
    expect([one.status, other.status].toSorted()).toEqual([200, 400])
    expect([one.text, other.text]).toContain('1')
    expect((await polling.poll()).status).toBe(400)
    expect(world.closed()).toEqual({ malformed_packet: 1 })
  })

  it.each([
    ['no packet at all', ''],
    ['an unknown type', 'abc'],
    ['an empty packet among others', '4\x1e'],
    ['a ping, which only servers send', '2'],
    ['bytes that are no base64', 'b****'],
    ['bytes that nobody awaits', 'bAQID'],
    ['more packets than any client sends', `3${'\x1e3'.repeat(1_000)}`],
  ])('ends at a body with %s', async (_what, body) => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const poll = polling.poll()
    expect([200, 400]).toContain((await polling.post(body)).status)
    expect((await poll).text).toBe('1')
    expect((await polling.poll()).status).toBe(400)
    expect(world.closed()).toEqual({ malformed_packet: 1 })
  })

  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('leaves a connection alone at %s', async (method) => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    expect([204, 400]).toContain((await answered(fetch(polling.url, { method }))).status)
    expect((await polling.post('42/posts,["post:view",{"id":"a"}]')).text).toBe('ok')
    await until(() => world.handled.length === 1)
  })

  it('notices at once that a client hung up while its GET waited', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const hangUp = new AbortController()
    const poll = polling.poll(hangUp.signal)
    await answered(fetch(`${world.url}/elsewhere`))
    hangUp.abort()
    await expect(poll).rejects.toThrow()
    await world.connections(0)
    expect(world.closed()).toEqual({ transport_failed: 1 })
  })
})

describe('the way out', () => {
  it('is told by a client over polling: its GET is answered, and its id is forgotten', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    const poll = polling.poll()
    expect((await polling.post('1')).text).toBe('ok')
    expect((await poll).text).toBe('6')
    expect((await polling.poll()).status).toBe(400)
    expect((await polling.post('4')).status).toBe(400)
    expect(world.closed()).toEqual({ client_closed: 1 })
  })

  it.each([
    ['a packet', (socket: RawSocket) => socket.send('1')],
    ['a close frame', (socket: RawSocket) => socket.close(1000, 'bye')],
  ])('is told by a client over WebSocket, with %s', async (_how, leave) => {
    await using world = await openWorld()
    const socket = await world.rawSocket()
    await socket.handshake()
    leave(socket)
    expect((await socket.closed).code).toBe(1000)
    await world.connections(0)
    expect(world.closed()).toEqual({ client_closed: 1 })
  })

  it('[R9] is never told in one body with events', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const poll = polling.poll()
    await answered(fetch(`${world.url}/elsewhere`))
    for (const n of count(3)) void world.publish(posts, 'post:created', { n })
    for (const { connection } of world.realtime.connections) connection.close('shutting_down')
    const { packets } = await poll
    expect(packets).toHaveLength(3)
    for (const packet of packets) expect(packet).toContain('post:created')
    expect((await polling.poll()).status).toBe(400)
  })

  it('is told by the server with a reason', async () => {
    await using world = await openWorld()
    const socket = await world.rawSocket()
    const polling = await world.rawPolling()
    await socket.handshake()
    const poll = polling.poll()
    await answered(fetch(`${world.url}/elsewhere`))
    const isClosed = world.sockets.close()
    expect(await socket.closed).toEqual({ code: 1001, reason: 'shutting_down' })
    expect((await poll).text).toBe('1')
    await isClosed
  })
})

/** The server has read the answer to its ping when it has answered something that came after. */
async function pongSeen(socket: RawSocket): Promise<void> {
  socket.send('42/posts,99["post:view",{"id":"a"}]')
  await socket.next()
}
