/** What a route's handler is told, and what becomes of its answer. */
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRoute } from '../../engine/route.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let signal: AbortSignal | undefined
let release: () => void = () => undefined
let contexts: unknown[] = []

afterEach(() => server[Symbol.asyncDispose]())

async function start(): Promise<void> {
  signal = undefined
  contexts = []
  const common = { tag: 'Test', access: 'public', summary: 'For tests' } as const
  server = await startTestServer({
    routes: [
      defineRoute({
        ...common,
        method: 'GET',
        path: '/api/v1/waits',
        reply: z.object({ ok: z.boolean() }),
        handle: async (context) => {
          signal = context.signal
          await new Promise<void>((resolve) => {
            release = resolve
            context.signal.addEventListener('abort', () => resolve())
          })
          return { ok: true, internal: 'not in the schema' } as { ok: boolean }
        },
      }),
      defineRoute({
        ...common,
        method: 'POST',
        path: '/api/v1/plain/:id',
        reply: undefined,
        handle: async ({ params, query, body }) => {
          contexts.push({ params, query, body })
        },
      }),
      defineRoute({
        ...common,
        method: 'POST',
        path: '/api/v1/perhaps',
        body: z.object({ n: z.int().optional() }).default({}),
        reply: undefined,
        handle: async ({ body }) => {
          contexts.push(body)
        },
      }),
    ],
  })
}

it('tells a handler when its caller goes', async () => {
  await start()
  const connection = await server.connect()
  connection.send('GET /api/v1/waits HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => signal).toBeDefined()
  expect(signal?.aborted).toBe(false)
  connection.socket.destroy()
  await expect.poll(() => signal?.aborted).toBe(true)
  await expect.poll(() => server.log.map(({ fields }) => fields['status'])).toEqual([499])
})

it('tells it nothing of the kind when the caller got the answer, and sends what the schema knows', async () => {
  await start()
  const answer = server.fetch('/api/v1/waits')
  await expect.poll(() => signal).toBeDefined()
  release()
  expect(await (await answer).json()).toEqual({ ok: true })
  await expect.poll(() => server.log).toHaveLength(1)
  expect(signal?.aborted).toBe(false)
})

it('hands over nothing that no schema has seen', async () => {
  await start()
  const response = await server.fetch('/api/v1/plain/1?x=2', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"y":3}',
  })
  expect(response.status).toBe(204)
  expect(await response.text()).toBe('')
  expect(contexts).toEqual([{ params: undefined, query: undefined, body: undefined }])
})

it('answers HEAD as GET, without the body', async () => {
  await start()
  const answer = server.fetch('/api/v1/waits', { method: 'HEAD' })
  await expect.poll(() => signal).toBeDefined()
  release()
  const response = await answer
  expect([response.status, await response.text()]).toEqual([200, ''])
})

it('needs no body where the schema has a default for it', async () => {
  await start()
  const headers = { 'content-type': 'application/json' }
  const post = (init: RequestInit = {}) => server.fetch('/api/v1/perhaps', { method: 'POST', ...init })
  expect((await post()).status).toBe(204)
  expect((await post({ headers, body: '{"n":1}' })).status).toBe(204)
  expect((await post({ headers, body: '{"n":"one"}' })).status).toBe(400)
  expect((await post({ headers, body: '[]' })).status).toBe(400)
  expect(contexts).toEqual([{}, { n: 1 }])
})
