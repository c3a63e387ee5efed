/** Bytes on a bare connection: what is not HTTP is answered once or hung up on, and harms nobody else. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRoute, defineStream } from '../../engine/route.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let handled = 0

beforeAll(async () => {
  server = await startTestServer({
    bounds: { headersTimeoutMs: 200, requestTimeoutMs: 400 },
    routes: [
      defineStream({
        method: 'GET',
        path: '/api/v1/events',
        tag: 'Test',
        access: 'public',
        summary: 'For tests',
        event: z.object({}),
        async *open({ signal }) {
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
          yield {}
        },
      }),
      defineRoute({
        method: 'POST',
        path: '/api/v1/notes',
        tag: 'Test',
        access: 'public',
        summary: 'For tests',
        body: z.object({ title: z.string() }),
        reply: z.object({ ok: z.boolean() }),
        handle: async () => {
          handled += 1
          return { ok: true }
        },
      }),
    ],
  })
})
afterAll(() => server[Symbol.asyncDispose]())

async function expectAlive(): Promise<void> {
  expect((await server.fetch('/healthz')).status).toBe(200)
}

it.each<[name: string, bytes: string | Buffer]>([
  ['garbage', Buffer.from([0, 255, 1, 254, 13, 10, 13, 10])],
  ['the first bytes of TLS', Buffer.from('16030100a5010000a10303', 'hex')],
  ['a method nobody knows', 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a version nobody knows', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n'],
  ['a header without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n'],
  ['headers beyond 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`],
  [
    'two lengths of one body',
    'POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
  ],
  [
    'a length and pieces at once',
    'POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
])('%s: 400, and the connection ends', async (_name, bytes) => {
  const connection = await server.connect()
  connection.send(bytes)
  const answer = await connection.ended()
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  expect(answer).toContain('application/problem+json')
  expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ code: 'bad_request', status: 400 })
  expect(handled).toBe(0)
  await expectAlive()
})

it('hangs up on a request whose head never ends', async () => {
  const connection = await server.connect()
  connection.send('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ')
  expect(await connection.ended()).toContain('did not arrive in time')
  await expectAlive()
})

it('hangs up without a word on a connection that never asked anything', async () => {
  const connection = await server.connect()
  expect(await connection.ended()).toBe('')
  await expectAlive()
})

it('hangs up on a body that never ends', async () => {
  const connection = await server.connect()
  const head = [
    'POST /api/v1/notes HTTP/1.1',
    'Host: x',
    'Content-Type: application/json',
    'Content-Length: 100',
  ]
  connection.send(`${head.join('\r\n')}\r\n\r\n{"title":`)
  expect(await connection.ended()).toContain('did not arrive in time')
  expect(handled).toBe(0)
  await expectAlive()
})

it('serves others while a request is held half open', async () => {
  const held = await server.connect()
  held.send(
    'POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
  )
  await expectAlive()
  held.socket.destroy()
  await expectAlive()
  expect(handled).toBe(0)
})

it('survives callers who leave in the middle of everything', async () => {
  const request =
    'POST /api/v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"title":"abcd"}'
  for (let length = 1; length < request.length - 2; length += 7) {
    const connection = await server.connect()
    connection.send(request.slice(0, length))
    connection.socket.resetAndDestroy()
  }
  await expectAlive()
  expect(handled).toBe(0)
})

it('does not write a refusal into an answer that has begun', async () => {
  const connection = await server.connect()
  connection.send('GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n')
  await connection.until(':\n\n')
  connection.send('\0\0garbage\r\n\r\n')
  const answer = await connection.ended()
  expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  await expectAlive()
})

it.each([
  'OPTIONS *',
  'GET *',
  'GET http://elsewhere.example/healthz',
  'GET //',
  'GET /?',
  'GET /#x',
  'GET ?',
  'CONNECT x:1',
])('survives an unusual target: %s', async (line) => {
  const connection = await server.connect()
  connection.send(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  expect(await connection.ended()).not.toMatch(/^HTTP\/1\.1 5/)
  await expectAlive()
})

it('survives five hundred requests with bytes changed at random', async () => {
  const random = seededRandom(20_300_101)
  const body = '{"title":"abcd","tags":{"__proto__":1}}'
  const valid = Buffer.from(
    `POST /api/v1/notes?x=1 HTTP/1.1\r\nHost: x\r\nCookie: belfry_session=abc\r\nOrigin: http://x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
  const send = async () => {
    const bytes = Buffer.from(valid)
    for (let change = 0; change <= random() * 6; change += 1) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    }
    const connection = await server.connect()
    connection.send(bytes)
    connection.socket.end()
    return connection.ended()
  }
  for (let round = 0; round < 25; round += 1) {
    const answers = await Promise.all(Array.from({ length: 20 }, send))
    for (const answer of answers) expect(answer).not.toMatch(/HTTP\/1\.1 5/)
  }
  expect(server.log.filter(({ level }) => level === 'error')).toEqual([])
  await expectAlive()
}, 30_000)

/** The same numbers at every run (mulberry32), so that what fails once fails again. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
