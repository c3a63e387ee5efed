/** Connections of a real server that are not read until it is their turn. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../engine/testing/until.ts'
import { Doorway } from './doorway.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each()
})

async function open() {
  const door = new Doorway()
  const http = createServer((request, response) => {
    door.asked(request.socket)
    asked.push(request.url ?? '')
    response.end('done')
  })
  const asked: string[] = []
  const sockets = new Set<Socket>()
  http.on('connection', (socket: Socket) => sockets.add(socket))
  const unfollow = door.follow(http)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  undo.push(() => closed(http))
  const { port } = http.address() as AddressInfo
  const line = async (): Promise<Socket> => {
    const before = sockets.size
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    undo.push(() => socket.destroy())
    await until(() => sockets.size > before)
    return socket
  }
  const ask = (socket: Socket, path: string) => socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`)
  return { door, http, asked, line, ask, unfollow }
}

describe('the doorway', () => {
  it('is open until it is held', async () => {
    const { door, line, ask, asked } = await open()
    ask(await line(), '/a')
    await until(() => asked.length === 1)
    expect(door.waiting).toBe(0)
  })

  it('has those wait who asked for nothing yet, also those who come later, and lets them in as they came', async () => {
    const { door, line, ask, asked } = await open()
    const early = [await line(), await line()]
    const known = await line()
    ask(known, '/known')
    await until(() => asked.length === 1)
    door.hold()
    const late = await line()
    const all = [...early, late]
    expect(door.waiting).toBe(3)
    for (const [n, socket] of all.entries()) ask(socket, `/${n}`)
    // Whoever is in is served, and the others are not read meanwhile.
    for (const path of ['/known/1', '/known/2']) {
      ask(known, path)
      await until(() => asked.includes(path))
    }
    expect(asked).toEqual(['/known', '/known/1', '/known/2'])
    expect(door.release(2)).toBe(true)
    await until(() => asked.length === 5)
    expect(asked.slice(3).toSorted()).toEqual(['/0', '/1'])
    expect(door.release(2)).toBe(false)
    await until(() => asked.length === 6)
    expect(asked.at(-1)).toBe('/2')
    ask(await line(), '/after')
    await until(() => asked.length === 7)
  })

  it('can be held again, and holds only those who have not asked', async () => {
    const { door, line, ask, asked } = await open()
    const socket = await line()
    door.hold()
    expect(door.release()).toBe(false)
    door.hold()
    expect(door.waiting).toBe(1)
    ask(socket, '/a')
    door.release()
    await until(() => asked.length === 1)
    door.hold()
    expect(door.waiting).toBe(0)
  })

  it('does not count those who were read in the moment in which they were held', async () => {
    const { door, http, line } = await open()
    const came = once(http, 'connection')
    await line()
    const [socket] = (await came) as [Socket]
    door.hold()
    expect(door.waiting).toBe(1)
    door.asked(socket)
    expect(door.waiting).toBe(0)
  })

  it('forgets those who go', async () => {
    const { door, http, line } = await open()
    const [one, other] = [await line(), await line()]
    one.destroy()
    await until(() => connectionsOf(http).then((count) => count === 1))
    door.hold()
    expect(door.waiting).toBe(1)
    http.closeAllConnections()
    await until(() => door.waiting === 0)
    other.destroy()
  })

  it('leaves servers with TLS alone, and a server that it follows no more', async () => {
    const { door, http, line, ask, asked, unfollow } = await open()
    const secure = createSecureServer()
    expect(secure.listenerCount('connection')).toBe(1)
    door.follow(secure as unknown as Server)()
    expect(secure.listenerCount('connection')).toBe(1)
    const before = http.listenerCount('connection')
    unfollow()
    expect(http.listenerCount('connection')).toBe(before - 1)
    door.hold()
    ask(await line(), '/a')
    await until(() => asked.length === 1)
  })
})

function connectionsOf(http: Server): Promise<number> {
  return new Promise((resolve) => http.getConnections((_error, open) => resolve(open)))
}

function closed(http: Server): Promise<void> {
  return new Promise((resolve) => {
    http.close(() => resolve())
    http.closeAllConnections()
  })
}
