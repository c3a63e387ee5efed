/** Beside others on one HTTP server, or on a port of its own. */
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { posts } from './namespaces.ts'
import { answered, RawSocket, Refused } from './raw-clients.ts'
import { until } from './until.ts'
import { closed, connected, hearing, listening, openWorld } from './world.ts'

const own = ({ url = '' }: IncomingMessage) => `own answer to ${url}`

describe('on the server of an application', () => {
  it('[A-02] leaves every other request to the application, before and after it is closed', async () => {
    const seen: string[] = []
    const http = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      response.end(own(request))
    })
    await using world = await openWorld({ http })
    const paths = ['/', '/socket', '/socket.iox', '/socket.io.js', '/api?next=/socket.io/', '/SOCKET.IO/']
    for (const path of paths)
      expect((await answered(fetch(world.url + path))).text).toBe(`own answer to ${path}`)
    expect(await (await fetch(`${world.url}/posts`, { method: 'POST', body: 'x' })).text()).toBe(
      'own answer to /posts',
    )
    expect(seen).toHaveLength(paths.length + 1)
    for (const path of ['/socket.io', '/socket.io/', '/socket.io?EIO=4', '/socket.io/x/y?EIO=4'])
      expect((await answered(fetch(world.url + path))).status).toBe(400)
    expect(seen).toHaveLength(paths.length + 1)
    const client = await connected(world.client())
    client.disconnect()
    await world.sockets.close()
    expect((await answered(fetch(`${world.url}/socket.io/?EIO=4&transport=polling`))).text).toContain(
      'own answer',
    )
  })

  it('[A-02] leaves the upgrades of others to them', async () => {
    const http = createServer((request, response) => response.end(own(request)))
    const others = new WebSocketServer({ noServer: true })
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.url !== '/chat') return
      others.handleUpgrade(request, socket, head, (chat) => {
        chat.on('message', (data) => chat.send(`chat heard ${data}`))
      })
    })
    await using world = await openWorld({ http })
    const later = new WebSocketServer({ noServer: true })
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.url === '/later') later.handleUpgrade(request, socket, head, (other) => other.send('later'))
    })
    const chat = await RawSocket.open(world.url, { path: '/chat', query: '' })
    chat.send('hello')
    expect(await chat.next()).toBe('chat heard hello')
    const other = await RawSocket.open(world.url, { path: '/later', query: '' })
    expect(await other.next()).toBe('later')
    const client = world.client({ transports: ['websocket'] })
    const heard = hearing(client)
    await connected(client)
    await world.publish(posts, 'post:created', { n: 1 })
    await until(() => heard.length === 1)
    chat.send('again')
    expect(await chat.next()).toBe('chat heard again')
    for (const socket of [chat, other]) socket.terminate()
  })

  it('answers upgrades that are nobody’s, where nobody else would', async () => {
    await using world = await openWorld()
    const refusal = await RawSocket.open(world.url, { path: '/elsewhere/' }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Refused)
    expect((refusal as Refused).status).toBe(404)
  })

  it('is not cut by the patience of the application with slow requests', async () => {
    const http = createServer((_request, response) => response.writeHead(404).end())
    http.setTimeout(60)
    await using world = await openWorld({ http, bounds: { pingIntervalMs: 400 } })
    const socket = await world.rawSocket()
    await socket.handshake()
    await socket.enter(world.token())
    // Nothing travels until the first ping, which comes much later than that patience ends.
    expect(await socket.next()).toBe('2')
  })

  it('serves another path when it is told to', async () => {
    await using world = await openWorld({ path: '/live/' })
    await connected(world.client())
    expect((await answered(fetch(`${world.url}/socket.io/?EIO=4&transport=polling`))).status).toBe(404)
  })
})

describe('on ports', () => {
  it('[A-03] serves the same sessions on a port of its own as on the shared one', async () => {
    await using world = await openWorld()
    const separate = createServer((_request, response) => response.writeHead(404).end())
    world.sockets.attach(separate)
    const url = await listening(separate)
    try {
      const clients = [world.client(), world.client({ url }), world.client({ url, transports: ['polling'] })]
      const heard = clients.map(hearing)
      await Promise.all(clients.map(connected))
      await world.publish(posts, 'post:created', { n: 1 })
      await until(() => heard.every(({ length }) => length === 1))
      expect((await answered(fetch(`${url}/elsewhere`))).status).toBe(404)
      for (const client of clients) client.disconnect()
      await world.connections(0)
    } finally {
      await closed(separate)
    }
  })
})
