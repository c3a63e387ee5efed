/** Starting and stopping: ports that are taken, requests that run, connections that wait for nothing. */
import { connect, createServer } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRoute, defineStream } from '../../engine/route.ts'
import { createHttpServer, type HttpServerOptions } from './server.ts'
import { recordingLogger, startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let release: (() => void) | undefined

afterEach(async () => {
  release?.()
  await server?.[Symbol.asyncDispose]()
})

async function start(options: Partial<HttpServerOptions> = {}): Promise<void> {
  release = undefined
  const common = { tag: 'Test', access: 'public', summary: 'For tests' } as const
  server = await startTestServer({
    routes: [
      defineRoute({
        ...common,
        method: 'GET',
        path: '/api/v1/slow',
        reply: z.object({ ok: z.boolean() }),
        handle: async () => {
          await new Promise<void>((resolve) => {
            release = resolve
          })
          return { ok: true }
        },
      }),
      defineStream({
        ...common,
        method: 'GET',
        path: '/api/v1/events',
        event: z.object({}),
        async *open({ signal }) {
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
          yield {}
        },
      }),
    ],
    ...options,
  })
}

async function request(path: string) {
  const connection = await server.connect()
  connection.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  return connection
}

async function msToClose(): Promise<number> {
  const startedMs = performance.now()
  await server.http.close()
  return performance.now() - startedMs
}

it('closes at once with idle connections, silent connections, half requests and open streams', async () => {
  await start()
  const idle = await request('/healthz')
  await idle.until('"alive"')
  const silent = await server.connect()
  const half = await server.connect()
  half.send('GET /healthz HTTP/1.1\r\nHo')
  const streams = await Promise.all(Array.from({ length: 20 }, () => request('/api/v1/events')))
  await Promise.all(streams.map((stream) => stream.until(':\n\n')))
  expect(await msToClose()).toBeLessThan(500)
  for (const connection of [idle, silent, half, ...streams]) await connection.ended()
  for (const stream of streams) expect(stream.received()).toContain('0\r\n\r\n')
})

it('lets a running request finish, then hangs up', async () => {
  await start()
  const slow = await request('/api/v1/slow')
  await expect.poll(() => release).toBeDefined()
  const closed = msToClose()
  await expect.poll(() => server.http.server.listening).toBe(false)
  release?.()
  expect(await slow.ended()).toContain('{"ok":true}')
  expect(await closed).toBeLessThan(1_000)
})

it('hangs up on a connection that was accepted in the last moment', async () => {
  await start()
  const door = createServer((socket) => server.http.server.emit('connection', socket))
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  const closed = server.http.close()
  const client = connect((door.address() as { port: number }).port, '127.0.0.1')
  await new Promise((resolve) => client.once('close', resolve))
  await closed
  door.close()
})

it('waits for a running request no longer than it said', async () => {
  await start({ bounds: { closeGraceMs: 100 } })
  const slow = await request('/api/v1/slow')
  await expect.poll(() => release).toBeDefined()
  const ms = await msToClose()
  expect(ms).toBeGreaterThanOrEqual(95)
  expect(ms).toBeLessThan(1_000)
  expect(await slow.ended()).toBe('')
})

it('does not wait for a stream whose reader stands still', async () => {
  let sent = 0
  await start({
    routes: [
      defineStream({
        method: 'GET',
        path: '/api/v1/flood',
        tag: 'Test',
        access: 'public',
        summary: 'For tests',
        event: z.object({ text: z.string() }),
        async *open() {
          for (;;) {
            sent += 1
            yield { text: 'x'.repeat(1_000_000) }
          }
        },
      }),
    ],
  })
  const reader = await server.connect()
  reader.socket.pause()
  reader.send('GET /api/v1/flood HTTP/1.1\r\nHost: x\r\n\r\n')
  // It stands still once the buffers of the kernel are full.
  let before = -1
  const standsStill = () => {
    const still = sent > 0 && sent === before
    before = sent
    return still
  }
  await expect.poll(standsStill, { interval: 100, timeout: 5_000 }).toBe(true)
  expect(await msToClose()).toBeLessThan(500)
})

it('refuses what arrives on an open connection while it closes', async () => {
  await start()
  let arrived = 0
  server.http.server.on('request', () => {
    arrived += 1
  })
  const connection = await request('/api/v1/slow')
  await expect.poll(() => release).toBeDefined()
  const closed = server.http.close()
  connection.send('GET /api/v1/slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => arrived).toBe(2)
  release?.()
  const text = await connection.ended()
  expect(text).toContain('{"ok":true}')
  expect(text).toContain('HTTP/1.1 503')
  expect(text).toContain('"code":"shutting_down"')
  await closed
})

it('opens no stream any more for a request that was slow', async () => {
  let identify: (() => void) | undefined
  await start({
    resolveIdentity: () =>
      new Promise((resolve) => {
        identify = () => resolve(undefined)
      }),
  })
  const connection = await server.connect()
  connection.send('GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: belfry_session=x\r\n\r\n')
  await expect.poll(() => identify).toBeDefined()
  const closed = server.http.close()
  identify?.()
  expect(await connection.ended()).toContain('"code":"shutting_down"')
  await closed
})

it('takes nobody new once it closes', async () => {
  await start()
  await server.http.close()
  await expect(server.fetch('/healthz')).rejects.toThrow()
  await server.http.close()
})

it('says that it is stopping while it still answers', async () => {
  let stopping = false
  await start({ isStopping: () => stopping })
  expect((await server.fetch('/healthz')).status).toBe(200)
  stopping = true
  const health = await server.fetch('/healthz')
  expect([health.status, await health.json()]).toEqual([503, { status: 'stopping' }])
  expect((await server.fetch('/readyz')).status).toBe(503)
  expect((await server.fetch('/openapi.json')).status).toBe(200)
})

it('rejects with the reason when it cannot listen', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const taken = (other.address() as { port: number }).port
  const make = (options: { host?: string; port: number }) =>
    createHttpServer({
      routes: [],
      logger: recordingLogger([]),
      version: '1',
      host: '127.0.0.1',
      rateLimit: { windowMs: 1_000, max: 10 },
      readiness: async () => [],
      resolveIdentity: async () => undefined,
      resolvePrincipal: () => Promise.reject(new Error('Nobody comes with a token.')),
      ...options,
    })
  const onTakenPort = await make({ port: taken })
  await expect(onTakenPort.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await onTakenPort.close()
  const elsewhere = await make({ port: 0, host: '192.0.2.1' })
  await expect(elsewhere.listen()).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
  await elsewhere.close()
  other.close()
  await start()
})
