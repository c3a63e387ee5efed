/** Time that is moved by hand, over lines that are real: everything that waits for time, and nothing that is lost to it. */
import { readFile } from 'node:fs/promises'
import { serveNamespace } from 'belfry'
import { io } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { startTestServer, until } from './index.ts'
import { acme, ana, bob, ledger, posts, servePosts } from './testing/posts.ts'

/** Many round trips: on a busy machine they take their time. */
const patient = { timeout: 30_000 }

describe('while time is moved', patient, () => {
  it.each(['websocket', 'polling'])('clients over %s answer every ping, however far', async (transport) => {
    await using server = await startTestServer(servePosts())
    const socket = { transports: [transport] }
    const client = server.client(ana, { socket })
    const states: string[] = []
    await server.open(client, posts)
    client.state.subscribe(() => states.push(client.state.get().status))
    const stock = server.stockClient(io, bob, socket)
    await until(() => stock.connected)
    const began = server.clock.now()
    await server.clock.advance('5m')
    expect(server.clock.now() - began).toBe(5 * 60_000)
    expect(states).toEqual([])
    expect(stock.connected).toBe(true)
    expect(server.sockets.getConnectedUsers()).toHaveLength(2)
  })

  it('clients from elsewhere answer too', async () => {
    await using server = await startTestServer(servePosts())
    const options = { auth: { token: server.token(ana) }, transports: ['websocket'], reconnection: false }
    const socket = io(`${server.url}/posts`, { forceNew: true, ...options })
    await until(() => socket.connected)
    await server.clock.advance('5m')
    expect(socket.connected).toBe(true)
    socket.disconnect()
  })

  it('one from elsewhere that answers slowly, in real time, is waited for', async () => {
    await using server = await startTestServer(servePosts())
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    let pings = 0
    socket.onmessage = ({ data }) => {
      if (String(data).startsWith('0'))
        socket.send(`40/posts,${JSON.stringify({ token: server.token(ana) })}`)
      if (data !== '2') return
      pings += 1
      setTimeout(() => socket.send('3'), 60)
    }
    await until(() => server.sockets.getConnectedUsers().length === 1)
    await server.clock.advance('2m')
    expect(server.sockets.getConnectedUsers()).toEqual(['ana'])
    expect(pings).toBe(4)
    socket.close()
  })

  it('one that answers nothing is let go when the ping says so, and not before', async () => {
    await using server = await startTestServer(servePosts())
    const client = server.client(ana)
    await server.open(client, posts)
    await server.silence(client)
    await server.clock.advance('44s')
    expect(server.sockets.getConnectedUsers()).toEqual(['ana'])
    expect(client.state.get().status).toBe('connected')
    await server.clock.advance('1.5s')
    expect(server.sockets.getConnectedUsers()).toEqual([])
    expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'line_lost' })
    // Nobody answers its attempts, until each is given up.
    await server.clock.advance('1s')
    expect(client.state.get()).toMatchObject({ status: 'connecting' })
    await server.clock.advance('20s')
    expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'timeout' })
    await server.mend(client)
    await server.clock.advance('1s')
    expect(client.state.get().status).toBe('connected')
  })

  it('a batch leaves when its window ends', async () => {
    await using server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), posts)
    const heard = server.events(live, 'post:gathered')
    const published = [1, 2].map((n) =>
      server.sockets.publish(posts, 'post:gathered', { n }, { rooms: [acme] }),
    )
    await server.clock.advance(499)
    await heard.none()
    await server.clock.advance(1)
    expect(heard.all.map(({ data }) => data.n)).toEqual([1, 2])
    await Promise.all(published)
  })

  it('tokens expire, and clients ask for fresh ones', async () => {
    await using server = await startTestServer(servePosts())
    const token = server.token({ ...ana, expiresIn: '1m' })
    const fixed = server.client(ana, { token })
    const asked: string[] = []
    const asking = server.client(bob, {
      token: (reason) => {
        asked.push(reason)
        return reason === 'first' ? server.token({ ...bob, expiresIn: '1m' }) : server.token(bob)
      },
    })
    const live = await server.open(fixed, posts)
    await server.open(asking, posts)
    await expect(server.sockets.authenticate(token)).resolves.toMatchObject({ userId: 'ana' })
    await server.clock.advance('2m')
    await expect(server.sockets.authenticate(token)).rejects.toMatchObject({ code: 'token_expired' })
    await server.cut()
    await server.mend()
    await server.clock.advance('1s')
    expect(live.state.get()).toMatchObject({ status: 'ended', code: 'token_expired' })
    expect(asking.state.get()).toMatchObject({ status: 'connected' })
    expect(asked).toEqual(['first', 'expiring', 'reconnect'])
  })

  it('a second of commands passes, and a key is forgotten after five minutes', async () => {
    const served = servePosts()
    await using server = await startTestServer({ ...served, settings: { SOCKET_EVENT_RATE_PER_SEC: '2' } })
    const live = await server.open(server.client(ana), posts)
    const view = () => live.command('post:view', { id: 'a' }, { key: 'k' })
    await view()
    expect(await view()).toEqual({ views: 1 })
    await expect(view()).rejects.toMatchObject({ code: 'too_many_requests', retry: true })
    await server.clock.advance('1s')
    expect(await view()).toEqual({ views: 1 })
    await server.clock.advance('5m')
    expect(await view()).toEqual({ views: 2 })
  })

  it('a command that gets no answer is given up in its time', async () => {
    const served = servePosts()
    await using server = await startTestServer(served)
    const live = await server.open(server.client(ana), posts)
    const { promise, resolve } = Promise.withResolvers<void>()
    served.waitFor = promise
    const waiting = expect(live.command('post:wait')).rejects.toMatchObject({ code: 'timeout' })
    await server.clock.advance('10s')
    await waiting
    resolve()
  })

  it('a handler that works is waited for, and one that waits for the clock is not', async () => {
    const ends: number[] = []
    const handlers = serveNamespace(posts, {
      commands: {
        'post:view': async () => {
          for (let times = 0; times < 5; times += 1) await readFile(import.meta.filename)
          ends.push(server.clock.now())
          return { views: 0 }
        },
        'post:wait': () =>
          new Promise<void>((resolve) => {
            server.clock.after(30_000, () => {
              ends.push(server.clock.now())
              resolve()
            })
          }),
        'post:break': () => {},
      },
    })
    await using server = await startTestServer({ namespaces: [handlers] })
    const live = await server.open(server.client(ana), posts)
    const began = server.clock.now()
    const answers = [
      live.command('post:view', { id: 'a' }),
      live.command('post:wait', {}, { timeoutMs: 60_000 }),
    ]
    await server.clock.advance('1m')
    expect(ends.map((each) => each - began)).toEqual([0, 30_000])
    await Promise.all(answers)
  })

  it('the clock begins where it is told to, and in the present otherwise', async () => {
    const startAt = Date.UTC(2030, 0, 1)
    await using told = await startTestServer({ startAt })
    expect(told.clock.now()).toBe(startAt)
    await using present = await startTestServer()
    expect(Math.abs(present.clock.now() - Date.now())).toBeLessThan(60_000)
  })
})

describe('a server that goes away', patient, () => {
  it('comes back on the same port, and clients with it, who are told that they missed something', async () => {
    await using server = await startTestServer(servePosts())
    const { url } = server
    const client = server.client(ana)
    const live = await server.open(client, posts)
    const resets: string[] = []
    live.onReset((reason) => resets.push(reason))
    await server.stop()
    expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'shutting_down' })
    await server.clock.advance('1s')
    expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'unreachable', attempt: 2 })
    await server.start()
    expect(server.url).toBe(url)
    await expect(server.start()).rejects.toThrow('is running already')
    await server.clock.advance('5s')
    expect(client.state.get().status).toBe('connected')
    expect(resets).toEqual(['epoch-changed'])
  })

  it.each([
    ['stop', 1001],
    ['crash', 1006],
  ] as const)('by a %s says goodbye, or does not', async (how, code) => {
    await using server = await startTestServer(servePosts())
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    const closed = new Promise<number>((resolve) => {
      socket.onclose = (event) => resolve(event.code)
    })
    await new Promise((resolve) => {
      socket.onmessage = resolve
    })
    await server[how]()
    expect(await closed).toBe(code)
  })

  it('has lost what is not durable, after a crash too', async () => {
    await using server = await startTestServer(servePosts())
    const client = server.client(ana)
    const to = { rooms: [acme] }
    const publish = async () => [
      (await server.sockets.publish(posts, 'post:created', { n: 1 }, to)).cursor.split('.'),
      (await server.sockets.publish(ledger, 'entry:made', { n: 1 }, to)).cursor.split('.'),
    ]
    const before = await publish()
    await server.open(client, posts)
    await server.crash()
    expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'line_lost' })
    await server.start()
    await server.clock.advance('5s')
    expect(client.state.get().status).toBe('connected')
    const after = await publish()
    // Another epoch begins at 1; the durable log goes on.
    expect(after[0]?.[0]).not.toBe(before[0]?.[0])
    expect(after[0]?.[1]).toBe('1')
    expect(after[1]).toEqual([before[1]?.[0], '2'])
    await server.restart()
    expect((await publish())[1]).toEqual([before[1]?.[0], '3'])
  })
})
