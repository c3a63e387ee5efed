/** Waiters say what did come; that nothing came is known from a round trip; and lines break when they are told to. */
import { io } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { startTestServer, type TestServer, until } from './index.ts'
import { acme, ana, bob, posts, servePosts } from './testing/posts.ts'

const publish = (server: TestServer, n: number, name: 'post:created' | 'post:edited' = 'post:created') =>
  server.sockets.publish(posts, name, { n }, { rooms: [acme] })

describe('a waiter', () => {
  it('gets the next event, or the next of which something is true', async () => {
    await using server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), posts)
    const next = server.next(live, 'post:created')
    const third = server.next(live, 'post:created', { where: ({ n }) => n === 3 })
    for (const n of [1, 2, 3]) await publish(server, n)
    expect((await next).data).toEqual({ n: 1 })
    expect((await third).data).toEqual({ n: 3 })
  })

  it('of a recorder gets each event once, also those that came before it', async () => {
    await using server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), posts)
    using heard = server.events(live, 'post:created')
    for (const n of [1, 2, 3]) await publish(server, n)
    await heard.settled()
    expect((await heard.next({ where: ({ n }) => n === 2 })).data.n).toBe(2)
    expect((await heard.next()).data.n).toBe(1)
    expect((await heard.next()).data.n).toBe(3)
    const waiting = [heard.next(), heard.next({ where: ({ n }) => n === 5 }), heard.next()]
    for (const n of [4, 5, 6]) await publish(server, n)
    // The earliest one whose condition it meets.
    expect((await Promise.all(waiting)).map(({ data }) => data.n)).toEqual([4, 5, 6])
    expect(heard.all.map(({ data }) => data.n)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('says what did come, when it was in vain', async () => {
    await using server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), posts)
    const heard = server.events(live, 'post:created')
    await expect(heard.next({ withinMs: 1 })).rejects.toThrow(/not within 1 ms\. Nothing came on \/posts\.$/)
    await publish(server, 7)
    await heard.next()
    await publish(server, 8, 'post:edited')
    await heard.settled()
    const error = await heard.next({ withinMs: 1 }).catch((error: Error) => error)
    expect((error as Error).message).toBe(
      'post:created did not come: not within 1 ms. On /posts came:\n' +
        '  post:created { n: 7 } (given before)\n' +
        '  post:edited { n: 8 }',
    )
  })

  it('is rejected with what its condition throws, early or late', async () => {
    await using server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), posts)
    const heard = server.events(live, 'post:created')
    const where = () => {
      throw new Error('a condition that fails')
    }
    const late = expect(heard.next({ where })).rejects.toThrow('a condition that fails')
    await publish(server, 1)
    await late
    await expect(heard.next({ where })).rejects.toThrow('a condition that fails')
    expect((await heard.next()).data.n).toBe(1)
  })

  it('is told by a reset that something was missed', async () => {
    await using server = await startTestServer(servePosts())
    const client = server.client(ana)
    const heard = server.events(await server.open(client, posts), 'post:created')
    await server.cut(client)
    await publish(server, 1)
    await server.mend(client)
    await server.clock.advance('1s')
    expect((await heard.next()).data).toMatchObject({ n: 1 })
    await server.restart()
    await server.clock.advance('5s')
    await expect(heard.next({ withinMs: 1 })).rejects.toThrow("sync:reset { reason: 'epoch-changed' }")
  })

  it('ends at once where nothing will come any more', async () => {
    await using server = await startTestServer(servePosts())
    const client = server.client(ana)
    const live = await server.open(client, posts)
    const stopped = server.events(live, 'post:created')
    const waiting = expect(stopped.next()).rejects.toThrow('its recorder was stopped')
    stopped.stop()
    await waiting
    const heard = server.events(live, 'post:created')
    const kicked = expect(heard.next()).rejects.toThrow('"status":"ended"')
    const [session] = server.sockets.getUserSockets('ana')
    server.sockets.closeConnection(session?.id ?? '')
    await kicked
    await expect(heard.next()).rejects.toThrow('"status":"ended"')
  })

  it('is for clients of this server', async () => {
    await using server = await startTestServer(servePosts())
    await using other = await startTestServer(servePosts())
    const client = other.client(ana)
    expect(() => server.events(client.namespace(posts), 'post:created')).toThrow('client of this server')
    await expect(server.cut(client)).rejects.toThrow('was not made by this server')
  })
})

describe('that nothing came', () => {
  it.each(['client', 'stock client'])(
    'is known of a %s when it went round behind what was sent',
    async (kind) => {
      await using server = await startTestServer(servePosts())
      const stock = server.stockClient(io, ana, { namespace: '/posts' })
      await until(() => stock.connected)
      const live = await server.open(server.client(bob), posts)
      const heard =
        kind === 'client' ? server.events(live, 'post:created') : server.events(stock, 'post:created')
      await heard.none()
      // Not awaited: what is on its way when it is asked is met.
      void publish(server, 1)
      await expect(heard.none()).rejects.toThrow('1 of post:created came, and none should have.')
      await heard.next()
      await heard.none()
    },
  )

  it('is not claimed where there is no line', async () => {
    await using server = await startTestServer(servePosts())
    const client = server.client(ana)
    const stock = server.stockClient(io, ana, { namespace: '/posts' })
    await until(() => stock.connected)
    const recorders = [
      server.events(await server.open(client, posts), 'post:created'),
      server.events(stock, 'post:created'),
    ]
    await server.cut()
    const nothingIsKnown = 'Nothing is known of what is on its way on '
    await expect(recorders[0]?.none()).rejects.toThrow(`${nothingIsKnown}/posts: There is no connection`)
    await expect(recorders[1]?.none()).rejects.toThrow(`${nothingIsKnown}a stock client: it is not connected`)
  })

  it('is not claimed of a line that is silent', async () => {
    await using server = await startTestServer(servePosts())
    const client = server.client(ana)
    const heard = server.events(await server.open(client, posts), 'post:created')
    await server.silence(client)
    await publish(server, 1)
    let isKnown = false
    const none = expect(heard.none()).rejects.toThrow('1 of post:created came')
    void none.then(() => {
      isKnown = true
    })
    await server.clock.advance('5s')
    expect(isKnown).toBe(false)
    expect(heard.all).toEqual([])
    await server.mend(client)
    await none
  })
})

describe('a line', { timeout: 30_000 }, () => {
  it('breaks for one client, and both ends know when it is done', async () => {
    await using server = await startTestServer(servePosts())
    const [other, one] = [server.client(bob), server.client(ana)]
    await server.open(one, posts)
    await server.open(other, posts)
    await server.cut(one)
    expect(one.state.get()).toMatchObject({ status: 'waiting', reason: 'line_lost', attempt: 1 })
    expect(server.sockets.getConnectedUsers()).toEqual(['bob'])
    await server.clock.advance('1s')
    expect(one.state.get()).toMatchObject({ status: 'waiting', reason: 'unreachable', attempt: 2 })
    await server.mend(one)
    await server.clock.advance('5s')
    expect(one.state.get().status).toBe('connected')
    expect(other.state.get().status).toBe('connected')
    expect([...server.sockets.getConnectedUsers()].sort()).toEqual(['ana', 'bob'])
  })

  it('breaks for all, over polling and of stock clients too', async () => {
    await using server = await startTestServer(servePosts())
    const client = server.client(ana, { socket: { transports: ['polling'] } })
    await server.open(client, posts)
    const stocks = ['polling', 'websocket'].map((transport) =>
      server.stockClient(io, bob, { transports: [transport], namespace: '/posts' }),
    )
    for (const stock of stocks) await until(() => stock.connected)
    await server.cut()
    expect(client.state.get().status).toBe('waiting')
    expect(stocks.map(({ connected }) => connected)).toEqual([false, false])
    expect(server.sockets.getConnectedUsers()).toEqual([])
    await server.mend()
    await server.clock.advance('1s')
    expect(client.state.get().status).toBe('connected')
  })

  it('that was silent brings what was sent meanwhile when it is mended', async () => {
    const served = servePosts()
    await using server = await startTestServer(served)
    const client = server.client(ana)
    const live = await server.open(client, posts)
    const heard = server.events(live, 'post:created')
    await server.silence(client)
    await publish(server, 1)
    const answer = live.command('post:view', { id: 'a' })
    await server.clock.advance('5s')
    expect(heard.all).toEqual([])
    expect(served.views).toEqual([])
    await server.mend(client)
    expect(heard.all).toHaveLength(1)
    expect(await answer).toEqual({ views: 1 })
    // It is not given up later for having been silent.
    const states: string[] = []
    client.state.subscribe(() => states.push(client.state.get().status))
    await server.clock.advance('1m')
    expect(states).toEqual([])
  })

  it('that is silent while much is sent makes its reader too slow for the server', async () => {
    await using server = await startTestServer(servePosts())
    const client = server.client(ana)
    await server.open(client, posts)
    await server.silence(client)
    const post = { n: 0, text: 'x'.repeat(8_000) }
    const to = { rooms: [acme] }
    const isGone = () => server.sockets.getConnectedUsers().length === 0
    // What the system keeps for a line, and what the server keeps for a client.
    for (let megabytes = 0; megabytes < 64 && !isGone(); megabytes += 1) {
      for (let n = 0; n < 125; n += 1) await server.sockets.publish(posts, 'post:created', post, to)
      await new Promise(setImmediate)
    }
    expect(server.sockets.getConnectedUsers()).toEqual([])
  })
})

it('a condition is waited for, told by its name when it does not come, and ends the wait when it throws', async () => {
  let times = 0
  await until(async () => {
    times += 1
    return times === 3
  })
  await expect(until(() => false, { what: 'the moon', withinMs: 1 })).rejects.toThrow(
    'Not within 1 ms: the moon.',
  )
  const broken = () => {
    throw new Error('broken')
  }
  await expect(until(broken)).rejects.toThrow('broken')
})
