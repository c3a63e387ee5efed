/** Server-sent events on a real connection: who leaves, who is slow, who signs out, and time that passes. */
import { getEventListeners } from 'node:events'
import { Refusal } from '@belfry/contract'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRoute, defineStream } from '../../engine/route.ts'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { heartbeatMs } from './event-streams.ts'
import type { HttpServerOptions } from './server.ts'
import { asOperator, operator, startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer

afterEach(() => server[Symbol.asyncDispose]())

/** A source that the test feeds, and that says how it was treated. */
function createSource() {
  const queue: object[] = []
  const state = {
    asked: 0,
    returned: 0,
    aborted: 0,
    wake: undefined as (() => void) | undefined,
    failing: false,
  }
  const iterator: AsyncIterableIterator<object> = {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      state.asked += 1
      while (queue.length === 0) {
        if (state.failing) throw new Error('the source broke')
        if (state.returned > 0) return { done: true, value: undefined }
        await new Promise<void>((resolve) => {
          state.wake = resolve
        })
      }
      return { done: false, value: queue.shift() ?? {} }
    },
    async return() {
      state.returned += 1
      state.wake?.()
      return { done: true, value: undefined }
    },
  }
  return {
    state,
    iterator,
    push(value: object) {
      queue.push(value)
      state.wake?.()
    },
    fail() {
      state.failing = true
      state.wake?.()
    },
  }
}

type Source = ReturnType<typeof createSource>

async function start(options: Partial<HttpServerOptions> = {}): Promise<Source> {
  const source = createSource()
  const common = { tag: 'Test', access: 'operator', summary: 'For tests' } as const
  server = await startTestServer({
    routes: [
      defineStream({
        ...common,
        method: 'GET',
        path: '/api/v1/events',
        event: z.object({ n: z.number(), text: z.string().optional() }),
        open: ({ signal }) => {
          signal.addEventListener('abort', () => {
            source.state.aborted += 1
          })
          return source.iterator as AsyncIterableIterator<{ n: number }>
        },
      }),
      defineStream({
        ...common,
        method: 'GET',
        path: '/api/v1/refused',
        event: z.object({}),
        open: () => {
          throw new Refusal('not_found', 'There is no such stream.')
        },
      }),
      defineRoute({
        ...common,
        method: 'DELETE',
        path: '/api/v1/session',
        reply: undefined,
        handle: async ({ session }) => session.end(),
      }),
    ],
    ...options,
  })
  return source
}

async function openStream(path = '/api/v1/events') {
  const connection = await server.connect()
  connection.send(`GET ${path} HTTP/1.1\r\nHost: x\r\nCookie: ${asOperator.cookie}\r\n\r\n`)
  await connection.until(':\n\n')
  return connection
}

it('sends each event as one line of JSON, with headers that keep it flowing', async () => {
  const source = await start()
  const connection = await openStream()
  source.push({ n: 1, text: 'two\nlines', unknown: 'dropped' })
  source.push({ n: 2 })
  const text = await connection.until('"n":2')
  expect(text).toContain('data: {"n":1,"text":"two\\nlines"}\n\n')
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(text).toMatch(/content-type: text\/event-stream/i)
  expect(text).toMatch(/cache-control: no-store/i)
  expect(text).toMatch(/x-accel-buffering: no/i)
  expect(text).toMatch(/content-security-policy: /i)
  expect(text).toMatch(/x-request-id: /i)
})

it('ends the source when the caller goes', async () => {
  const source = await start()
  const connection = await openStream()
  connection.socket.destroy()
  await expect.poll(() => source.state.returned).toBe(1)
  expect(source.state.aborted).toBe(1)
  await expect
    .poll(async () => (await (await server.fetch('/metrics')).text()).includes('streams_open 0'))
    .toBe(true)
})

it('ends the answer when the source ends', async () => {
  const source = await start()
  const connection = await openStream()
  await source.iterator.return?.()
  await connection.until('0\r\n\r\n')
})

it('ends the answer, and says why in the log, when the source fails', async () => {
  const source = await start()
  const connection = await openStream()
  source.fail()
  const text = await connection.until('0\r\n\r\n')
  expect(text).not.toContain('the source broke')
  expect(server.log.filter(({ message }) => message === 'event stream failed')).toHaveLength(1)
})

it('sends nothing that its schema does not allow', async () => {
  const source = await start()
  const connection = await openStream()
  source.push({ n: 'secret' })
  expect(await connection.until('0\r\n\r\n')).not.toContain('secret')
})

it('refuses before it streams', async () => {
  await start()
  const refused = await server.fetch('/api/v1/refused', { headers: asOperator })
  expect(refused.status).toBe(404)
  expect(await refused.json()).toMatchObject({ code: 'not_found', detail: 'There is no such stream.' })
  expect((await server.fetch('/api/v1/events')).status).toBe(401)
  expect((await server.fetch('/api/v1/events', { method: 'HEAD', headers: asOperator })).status).toBe(404)
})

it('asks the source for no more than the caller reads', async () => {
  const source = await start()
  const connection = await openStream()
  connection.socket.pause()
  const text = 'x'.repeat(1_000_000)
  for (let n = 0; n < 50; n += 1) source.push({ n, text })
  // The kernel's buffers take some megabytes; then it stands still, long before the fifty.
  let before = -1
  await expect
    .poll(
      () => {
        const still = source.state.asked === before
        before = source.state.asked
        return still
      },
      { interval: 100, timeout: 5_000 },
    )
    .toBe(true)
  expect(source.state.asked).toBeLessThan(40)
  connection.socket.resume()
  await connection.until('"n":49')
}, 15_000)

it('beats while nothing happens, and hangs up on who does not read for a minute', async () => {
  const clock = createTestClock()
  const source = await start({ clock })
  const awake = await openStream()
  clock.advance(heartbeatMs)
  await expect.poll(() => awake.received().match(/:\n\n/g)?.length).toBe(2)
  awake.socket.pause()
  for (let n = 0; n < 50; n += 1) source.push({ n, text: 'x'.repeat(1_000_000) })
  await expect.poll(() => source.state.asked).toBeGreaterThan(3)
  await expect
    .poll(() => {
      clock.advance(heartbeatMs)
      return source.state.returned
    })
    .toBe(1)
  expect(clock.timers).toBe(0)
  awake.socket.resume()
  expect(await awake.ended()).not.toContain('0\r\n\r\n')
})

it('ends with the session, at once when it is ended here', async () => {
  const source = await start()
  const connection = await openStream()
  await server.fetch('/api/v1/session', { method: 'DELETE', headers: asOperator })
  await connection.until('0\r\n\r\n')
  expect(source.state.returned).toBe(1)
})

it('ends with the session within a heartbeat when it expires or is ended elsewhere', async () => {
  const clock = createTestClock()
  let answer: () => Promise<typeof operator | undefined> = async () => operator
  const source = await start({ clock, resolveIdentity: () => answer() })
  const connection = await openStream()
  answer = () => Promise.reject(new Error('the database is away'))
  clock.advance(heartbeatMs)
  await expect
    .poll(() => server.log.some(({ message }) => message.includes('could not be checked')))
    .toBe(true)
  expect(source.state.returned).toBe(0)
  answer = async () => undefined
  clock.advance(heartbeatMs)
  await connection.until('0\r\n\r\n')
})

it('holds so many streams and no more', async () => {
  await start({ bounds: { streamsMax: 2 } })
  const [first] = [await openStream(), await openStream()]
  const refused = await server.fetch('/api/v1/events', { headers: asOperator })
  expect(refused.status).toBe(429)
  expect(await refused.json()).toMatchObject({ code: 'too_many_requests' })
  first.socket.destroy()
  await expect
    .poll(async () => {
      const abort = new AbortController()
      const { status } = await server.fetch('/api/v1/events', { headers: asOperator, signal: abort.signal })
      abort.abort()
      return status
    })
    .toBe(200)
})

it('leaves nothing behind after many callers came and went', async () => {
  const clock = createTestClock()
  const source = await start({ clock })
  for (let n = 0; n < 50; n += 1) (await openStream()).socket.destroy()
  await expect.poll(() => source.state.aborted).toBe(50)
  expect(clock.timers).toBe(0)
  expect(getEventListeners(server.http.server, 'connection').length).toBeLessThan(5)
})
