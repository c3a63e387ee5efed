/** What operators and machines look at: health, metrics, the request log, the API description. */
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRoute, defineStream } from '../../engine/route.ts'
import { createLogger } from '../logging/logger.ts'
import type { ReadinessCheck } from './health.ts'
import type { HttpServerOptions } from './server.ts'
import { asOperator, startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer

afterEach(() => server[Symbol.asyncDispose]())

const thing = z.object({ id: z.string() })
const common = { tag: 'Things', summary: 'A thing' } as const
const routes = [
  defineRoute({
    ...common,
    method: 'GET',
    path: '/api/v1/things/:id',
    access: 'public',
    params: thing,
    reply: thing,
    handle: async ({ params }) => params,
  }),
  defineRoute({
    ...common,
    method: 'POST',
    path: '/api/v1/things',
    access: 'operator',
    body: thing,
    refusals: ['sign_in_link_invalid'],
    reply: undefined,
    handle: async ({ session }) => {
      session.start('planted-session-token', new Date(Date.UTC(2031, 0)))
      throw new Error('failed with postgres://belfry:planted-password@db/belfry')
    },
  }),
  defineStream({
    ...common,
    method: 'GET',
    path: '/api/v1/things/stream',
    access: 'operator',
    event: thing,
    async *open() {
      yield { id: '1' }
    },
  }),
]

async function start(options: Partial<HttpServerOptions> = {}): Promise<void> {
  server = await startTestServer({ routes, ...options })
}

describe('/readyz', () => {
  const ready = (checks: () => Promise<ReadinessCheck[]>) => start({ readiness: checks })

  it('is ready when every check is', async () => {
    await ready(async () => [{ name: 'database', ok: true, detail: 'It answers.' }])
    expect((await server.fetch('/readyz')).status).toBe(200)
  })

  it('names the check that fails', async () => {
    await ready(async () => [
      { name: 'database', ok: true, detail: 'It answers.' },
      { name: 'migrations', ok: false, detail: 'Two are pending.' },
    ])
    const response = await server.fetch('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({
      status: 'not ready',
      checks: [
        { name: 'server', ok: true },
        { ok: true },
        { name: 'migrations', ok: false, detail: 'Two are pending.' },
      ],
    })
  })

  it('is not ready when a check fails to run, and tells no secret of why', async () => {
    await ready(() => Promise.reject(new Error('password is hunter2')))
    const response = await server.fetch('/readyz')
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('hunter2')
    expect((await server.fetch('/healthz')).status).toBe(200)
  })

  it('is not ready when a check hangs', async () => {
    await ready(() => new Promise(() => undefined))
    expect((await server.fetch('/readyz')).status).toBe(503)
  }, 10_000)
})

describe('/metrics', () => {
  it('counts by pattern, never by path', async () => {
    const requestCounter = { answered: 0 }
    await start({ requestCounter })
    for (const id of ['one', 'two', 'three']) await (await server.fetch(`/api/v1/things/${id}`)).text()
    for (const path of ['/x1', '/x2', '/api/x3']) await (await server.fetch(path)).text()
    await expect.poll(() => requestCounter.answered).toBe(6)
    const text = await (await server.fetch('/metrics')).text()
    expect(text).toContain('_count{method="GET",route="/api/v1/things/:id",status="200"} 3')
    expect(text).toContain('_count{method="GET",route="unknown",status="404"} 3')
    expect(text).toContain('belfry_build_info{version="1.2.3",node="')
    expect(text).toContain('process_resident_memory_bytes')
    expect(text).toContain('nodejs_eventloop_lag')
    expect(text).not.toMatch(/things\/one|x1/)
  })

  it('asks for the token when there is one', async () => {
    await start({ metricsToken: 'planted-metrics-token' })
    const get = (authorization?: string) =>
      server.fetch('/metrics', authorization === undefined ? {} : { headers: { authorization } })
    for (const wrong of [
      undefined,
      'Bearer',
      'Bearer wrong',
      'planted-metrics-token',
      'Basic planted-metrics-token',
    ]) {
      const response = await get(wrong)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
    }
    expect((await get('Bearer planted-metrics-token')).status).toBe(200)
  })
})

describe('the request log', () => {
  it('has one line a request, at a level that fits', async () => {
    await start()
    await server.fetch('/api/v1/things/1')
    await server.fetch('/api/v1/things/stream')
    await server.fetch('/api/v1/things', { method: 'POST', headers: { cookie: asOperator.cookie } })
    await server.fetch('/nothing')
    await expect.poll(() => server.log.length).toBe(4)
    expect(
      server.log.map(({ level, fields }) => [
        level,
        fields['method'],
        fields['route'],
        fields['status'],
        fields['code'],
      ]),
    ).toEqual([
      ['debug', 'GET', '/api/v1/things/:id', 200, undefined],
      ['debug', 'GET', '/api/v1/things/stream', 401, 'unauthenticated'],
      ['warn', 'POST', '/api/v1/things', 403, 'origin_refused'],
      ['debug', 'GET', 'unknown', 404, 'not_found'],
    ])
    for (const { fields } of server.log) expect(fields['requestId']).toMatch(/^[\w-]+$/)
    expect(new Set(server.log.map(({ fields }) => fields['requestId'])).size).toBe(4)
  })

  it('notices callers who left before the answer', async () => {
    await start({ readiness: () => new Promise(() => undefined) })
    const connection = await server.connect()
    connection.send('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect
      .poll(async () => {
        connection.socket.destroy()
        return server.log[0]?.fields['status']
      })
      .toBe(499)
  })

  it('holds no secret, whatever was sent and whatever failed', async () => {
    const lines: string[] = []
    const logger = createLogger({
      level: 'debug',
      pretty: false,
      destination: { write: (line) => lines.push(line) },
    })
    await start({ logger, metricsToken: 'planted-metrics-token' })
    await server.fetch('/api/v1/things?token=planted-query', {
      method: 'POST',
      headers: { ...asOperator, 'content-type': 'application/json' },
      body: '{"id":"planted-body"}',
    })
    await server.fetch('/api/v1/things', { headers: { authorization: 'Bearer planted-bearer' } })
    await server.fetch('/planted-path/planted-path', { headers: { cookie: 'belfry_session=planted-cookie' } })
    await server.fetch('/metrics', { headers: { authorization: 'Bearer planted-guess' } })
    await server.fetch('/api/v1/things', {
      method: 'POST',
      headers: { ...asOperator, 'content-type': 'application/json' },
      body: '{"id":planted-broken',
    })
    await expect.poll(() => lines.length).toBe(6)
    expect(lines.join('')).toContain('postgres://belfry:[masked]@db/belfry')
    expect(lines.join('')).not.toMatch(/planted|operator-session/)
  })
})

describe('/openapi.json', () => {
  type Operation = {
    operationId: string
    tags: string[]
    summary: string
    security?: object[]
    responses: Record<string, { content?: Record<string, { schema: object }> }>
  }
  type Document = {
    openapi: string
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, object>; securitySchemes: Record<string, object> }
  }

  async function read(): Promise<Document> {
    const response = await server.fetch('/openapi.json')
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    return (await response.json()) as Document
  }

  it('describes every route that is served', async () => {
    await start({ metricsToken: 'token' })
    const { openapi, paths, components } = await read()
    expect(openapi).toBe('3.1.0')
    expect(Object.keys(paths).sort()).toEqual([
      '/api/v1/things',
      '/api/v1/things/stream',
      '/api/v1/things/{id}',
      '/healthz',
      '/metrics',
      '/openapi.json',
      '/readyz',
    ])
    const operations = Object.values(paths).flatMap((path) => Object.values(path))
    for (const operation of operations) {
      expect(operation.summary).not.toBe('')
      expect(operation.tags).toHaveLength(1)
    }
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    expect(Object.keys(components.securitySchemes)).toEqual(['session', 'token', 'metricsToken'])
    expect(Object.keys(components.schemas)).toEqual(['Problem'])
  })

  it('describes what can be refused by one shared schema, and refers to nothing that is not there', async () => {
    await start()
    const document = await read()
    const post = document.paths['/api/v1/things']?.['post']
    expect(Object.keys(post?.responses ?? {})).toEqual([
      '204',
      '400',
      '401',
      '403',
      '413',
      '415',
      '429',
      '500',
      '503',
    ])
    expect(post?.responses['401']?.content).toEqual({
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    })
    expect(post?.security).toEqual([{ session: [] }, { token: [] }])
    const stream = document.paths['/api/v1/things/stream']?.['get']
    expect(Object.keys(stream?.responses['200']?.content ?? {})).toEqual(['text/event-stream'])
    for (const [, reference] of JSON.stringify(document).matchAll(
      /"\$ref":"#\/components\/schemas\/(\w+)"/g,
    )) {
      expect(document.components.schemas).toHaveProperty(String(reference))
    }
  })
})
