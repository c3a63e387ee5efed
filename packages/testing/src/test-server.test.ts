/** The server of a test: who comes in, what it tells, and what it says was left behind. */
import { Refusal } from '@belfry/contract'
import { type SessionView, serveNamespace } from 'belfry'
import { io } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { startTestServer, until } from './index.ts'
import { acme, ana, bob, ledger, posts, servePosts } from './testing/posts.ts'

describe('a test server', () => {
  it('lets clients in with real tokens, tells them events and runs their commands', async () => {
    const served = servePosts()
    await using server = await startTestServer(served)
    const live = await server.open(server.client(ana), posts)
    const others = await server.open(server.client({ sub: 'eva' }), posts)
    const heard = server.events(live, 'post:created')
    const notHeard = server.events(others, 'post:created')
    await server.sockets.publish(posts, 'post:created', { n: 1 }, { rooms: [acme] })
    const { data, meta } = await heard.next()
    expect(data).toEqual({ n: 1 })
    expect(new Date(meta.at).getTime()).toBe(server.clock.now())
    await notHeard.none()
    expect(await live.command('post:view', { id: 'a' })).toEqual({ views: 1 })
    expect(served.views).toEqual(['a'])
    expect([...server.sockets.getConnectedUsers()].sort()).toEqual(['ana', 'eva'])
    expect(await server.sockets.authenticate(server.token({ ...ana, roles: ['editor'] }))).toMatchObject({
      userId: 'ana',
      workspaces: ['acme'],
      roles: ['editor'],
    })
  })

  it('lets stock clients in, over WebSocket and polling', async () => {
    await using server = await startTestServer(servePosts())
    for (const transport of ['websocket', 'polling']) {
      const socket = server.stockClient(io, ana, { namespace: '/posts', transports: [transport] })
      await until(() => socket.connected)
      const heard = server.events(socket, 'post:created')
      await server.sockets.publish(posts, 'post:created', { n: 1 }, { rooms: [acme] })
      expect(await heard.next()).toMatchObject({ data: { n: 1 }, meta: { id: expect.any(String) } })
      expect(await socket.emitWithAck('post:view', { id: transport })).toMatchObject({ ok: true })
      expect(await heard.settled()).toHaveLength(1)
    }
  })

  it('says why a client was not let in', async () => {
    const forbidden = serveNamespace(posts, {
      admit: () => {
        throw new Refusal('forbidden', 'Not you.')
      },
      commands: { 'post:view': () => ({ views: 0 }), 'post:wait': () => {}, 'post:break': () => {} },
    })
    await using server = await startTestServer({ namespaces: [forbidden] })
    const client = server.client(ana)
    await expect(server.open(client, posts)).rejects.toThrow('Not you.')
    await expect(server.open(client, ledger)).rejects.toThrow('unknown_namespace')
    await server.stop()
    await expect(server.open(server.client(bob), ledger)).rejects.toThrow('unreachable')
  })

  it('takes as much within one second of its clock as a test may send', async () => {
    const served = servePosts()
    await using server = await startTestServer(served)
    const live = await server.open(server.client(ana), posts)
    const ids = Array.from({ length: 1_100 }, (_, index) => String(index))
    await Promise.all(ids.map((id) => live.command('post:view', { id })))
    expect(served.views).toEqual(ids)
  })

  it('takes the settings of a server, and refuses wrong ones', async () => {
    const settings = { SOCKET_PATH: '/live/', JWT_AUDIENCE: 'tests', JWT_ISSUER: 'here' }
    await using server = await startTestServer({ ...servePosts(), settings })
    await server.open(server.client(ana), posts)
    await expect(startTestServer({ settings: { SOCKET_PING_INTERVAL: 'often' } })).rejects.toMatchObject({
      code: 'settings_invalid',
    })
  })

  it('calls handlers as they were meant, also those of a class, and asks who owns rooms', async () => {
    class Handlers {
      #views = 0
      readonly left: string[] = []
      readonly commands = {
        'post:view': async () => {
          this.#views += 1
          return { views: this.#views }
        },
        'post:wait': () => {},
        'post:break': () => {},
      }
      async disconnect({ principal }: SessionView) {
        this.left.push(`${principal.userId} after ${this.#views}`)
      }
    }
    const handlers = new Handlers()
    await using server = await startTestServer({
      namespaces: [serveNamespace(posts, handlers)],
      rooms: [{ kind: 'thread', mayJoin: async (_, id) => id === 'open' }],
    })
    const client = server.client(ana)
    const live = await server.open(client, posts)
    expect(await live.command('post:view', { id: 'a' })).toEqual({ views: 1 })
    await live.command('room:join', { room: { kind: 'thread', id: 'open' } })
    const secret = live.command('room:join', { room: { kind: 'thread', id: 'secret' } })
    await expect(secret).rejects.toMatchObject({ code: 'forbidden' })
    await server.cut(client)
    expect(handlers.left).toEqual(['ana after 1'])
  })

  it('publishes what a transaction told when it is done, and nothing of one that failed', async () => {
    await using server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), ledger)
    const heard = server.events(live, 'entry:made')
    const to = { rooms: [acme] }
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const done = server.transaction(async (transaction) => {
      await transaction.publish(ledger, 'entry:made', { n: 1 }, to)
      await held
      return 'done'
    })
    await heard.none()
    letGo()
    expect(await done).toBe('done')
    expect((await heard.next()).data).toEqual({ n: 1 })
    const failed = server.transaction(async (transaction) => {
      await transaction.publish(ledger, 'entry:made', { n: 2 }, to)
      throw new Error('on purpose')
    })
    await expect(failed).rejects.toThrow('on purpose')
    await heard.none()
    const selecting = server.transaction((transaction) => transaction.query({} as never))
    await expect(selecting).rejects.toThrow('is in memory and has no database')
    expect(() => server.notifications).toThrow("{ database: 'embedded' }")
    expect(() => server.address).toThrow("{ database: 'embedded' }")
  })
})

describe('what a test left behind is told: ', () => {
  it('errors of handlers, unless the test took them', async () => {
    const server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), posts)
    const breaks = () => expect(live.command('post:break')).rejects.toMatchObject({ code: 'internal' })
    await breaks()
    expect(server.errors()).toMatchObject([{ message: expect.stringContaining('command failed') }])
    expect(server.errors()).toEqual([])
    await breaks()
    await expect(server.close()).rejects.toThrow('broken on purpose')
  })

  it('errors of listeners', async () => {
    const server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), posts)
    live.on('post:created', () => {
      throw new Error('an expectation in a listener')
    })
    await server.sockets.publish(posts, 'post:created', { n: 1 }, { rooms: [acme] })
    await server.events(live, 'post:created').settled()
    await expect(server.close()).rejects.toThrow('an expectation in a listener')
  })

  it('connections from elsewhere, which are broken', async () => {
    const server = await startTestServer(servePosts())
    const token = server.token(ana)
    const options = { auth: { token }, reconnection: false, forceNew: true, transports: ['websocket'] }
    const socket = io(`${server.url}/posts`, options)
    await until(() => socket.connected)
    await expect(server.close()).rejects.toThrow('did not make were left open: 1')
    await until(() => !socket.connected)
  })

  it('no connection from elsewhere that its owner closed', async () => {
    const server = await startTestServer(servePosts())
    const socket = io(`${server.url}/posts`, { auth: { token: server.token(ana) }, forceNew: true })
    await until(() => socket.connected)
    socket.disconnect()
    await server.close()
  })

  it('what fails while it stops, and the rest is ended all the same', async () => {
    const server = await startTestServer(servePosts())
    const client = server.client(ana)
    const live = await server.open(client, posts)
    live.state.subscribe(() => {
      throw new Error('a subscriber')
    })
    server.clock.every(1_000, () => {})
    const error = await server.close().catch((error: AggregateError) => error)
    expect((error as AggregateError).errors).toHaveLength(2)
    expect(client.state.get().status).toBe('closed')
    await expect(fetch(server.url)).rejects.toThrow()
  })

  it('timers on its clock', async () => {
    const server = await startTestServer(servePosts())
    await server.open(server.client(ana), posts)
    server.clock.every(1_000, () => {})
    await expect(server.close()).rejects.toThrow('set on the clock are left: 1')
  })

  it('who still waits', async () => {
    const server = await startTestServer(servePosts())
    const live = await server.open(server.client(ana), posts)
    const stock = server.stockClient(io, ana, { namespace: '/posts' })
    const waiting = [
      expect(server.next(live, 'post:created')).rejects.toThrow('did not come: it is {"status":"closed"}'),
      expect(server.next(stock, 'post:created')).rejects.toThrow('did not come: the test server was closed'),
    ]
    await server.close()
    await Promise.all(waiting)
  })

  it('and nothing, where nothing was: also when it is closed twice, stopped, or broken', async () => {
    const server = await startTestServer(servePosts())
    const client = server.client(ana)
    const live = await server.open(client, posts)
    live.command('post:view', { id: 'under way' }).catch(() => {})
    await server.silence(client)
    await server.close()
    await server.close()
    expect(() => server.sockets).toThrow('is closed')
    await expect(server.start()).rejects.toThrow('is closed')
    const stopped = await startTestServer(servePosts())
    await stopped.open(stopped.client(ana), posts)
    await stopped.crash()
    expect(() => stopped.sockets).toThrow('is stopped')
    await stopped.close()
  })
})
