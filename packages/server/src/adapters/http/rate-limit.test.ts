/** The limit counts callers, not requests of everybody, and only what costs something. */
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRoute, defineStream } from '../../engine/route.ts'
import type { HttpServerOptions } from './server.ts'
import { asGuest, asOperator, startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer

afterEach(() => server[Symbol.asyncDispose]())

async function start(options: Partial<HttpServerOptions> = {}): Promise<void> {
  const common = { tag: 'Test', access: 'public', summary: 'For tests' } as const
  server = await startTestServer({
    rateLimit: { windowMs: 60_000, max: 3 },
    routes: [
      defineRoute({
        ...common,
        method: 'GET',
        path: '/api/v1/me',
        reply: z.object({}),
        handle: async () => ({}),
      }),
      defineStream({
        ...common,
        method: 'GET',
        path: '/api/v1/events',
        event: z.object({}),
        async *open({ signal }) {
          for (let n = 0; n < 20; n += 1) yield {}
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        },
      }),
    ],
    ...options,
  })
}

async function statuses(path: string, headers: Record<string, string> = {}, count = 4): Promise<number[]> {
  const all: number[] = []
  for (let n = 0; n < count; n += 1) {
    const response = await server.fetch(path, { headers })
    await response.text()
    all.push(response.status)
  }
  return all
}

const limited = [200, 200, 200, 429]

it('refuses the fourth of three, and says when to come back', async () => {
  await start()
  expect(await statuses('/api/v1/me')).toEqual(limited)
  const response = await server.fetch('/api/v1/me')
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(response.headers.get('x-ratelimit-limit')).toBe('3')
  expect(response.headers.get('x-ratelimit-remaining')).toBe('0')
  expect(await response.json()).toMatchObject({ code: 'too_many_requests', status: 429, retry: true })
  await expect.poll(() => server.log.filter(({ level }) => level === 'warn')).toHaveLength(2)
})

it('counts users by who they are and strangers by their address', async () => {
  await start()
  expect(await statuses('/api/v1/me')).toEqual(limited)
  expect(await statuses('/api/v1/me', asGuest)).toEqual(limited)
  expect(await statuses('/api/v1/me', { cookie: 'belfry_session=made-up' }, 1)).toEqual([429])
})

it('gives operators ten times as much, and no more', async () => {
  await start()
  const all = await statuses('/api/v1/me', asOperator, 31)
  expect(all.filter((status) => status === 200)).toHaveLength(30)
  expect(all.at(-1)).toBe(429)
})

it('believes a forwarded address only from a proxy it was told of', async () => {
  await start()
  expect(await statuses('/api/v1/me', { 'x-forwarded-for': '203.0.113.1' })).toEqual(limited)
  expect(await statuses('/api/v1/me', { 'x-forwarded-for': '203.0.113.2' }, 1)).toEqual([429])
  await server[Symbol.asyncDispose]()
  await start({ trustProxy: '127.0.0.1' })
  expect(await statuses('/api/v1/me', { 'x-forwarded-for': '203.0.113.1' })).toEqual(limited)
  expect(await statuses('/api/v1/me', { 'x-forwarded-for': '203.0.113.2' })).toEqual(limited)
})

it('counts a path however it is written, also when nothing is there', async () => {
  await start()
  expect(await statuses('/%61pi/v1/me', {}, 2)).toEqual([200, 200])
  expect(await statuses('/api/v1/nothing', {}, 1)).toEqual([404])
  expect(await statuses('/%61pi/v1/nothing', {}, 1)).toEqual([429])
  expect(await statuses('/api/v1/me', {}, 1)).toEqual([429])
})

it('leaves health, metrics and the API description alone', async () => {
  await start()
  await statuses('/api/v1/me')
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/']) {
    expect(await statuses(path, {}, 5)).toEqual([200, 200, 200, 200, 200])
  }
})

it('counts an event stream once, whatever it sends', async () => {
  await start()
  const connection = await server.connect()
  connection.send('GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => connection.received().match(/data: /g)?.length).toBe(20)
  expect(await statuses('/api/v1/me', {}, 3)).toEqual([200, 200, 429])
})
