/** What callers get wrong, by accident or on purpose: each mistake has its answer, and nothing else happens. */

import { type Problem, Refusal } from '@belfry/contract'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { DatabaseError } from '../../engine/ports/database.ts'
import { defineRoute } from '../../engine/route.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let handled: unknown[] = []

beforeAll(async () => {
  const common = { tag: 'Test', access: 'public', summary: 'For tests' } as const
  const failing = (path: string, error: () => unknown) =>
    defineRoute({
      ...common,
      method: 'GET',
      path: `/api/v1/failing/${path}`,
      reply: z.object({ ok: z.boolean() }),
      handle: async () => {
        throw error()
      },
    })
  server = await startTestServer({
    bodyLimitBytes: 10_000,
    routes: [
      defineRoute({
        ...common,
        method: 'POST',
        path: '/api/v1/notes/:id',
        params: z.object({ id: z.coerce.number().int() }),
        query: z.object({ loud: z.enum(['yes', 'no']).optional() }),
        body: z.object({ title: z.string().min(3), tags: z.record(z.string(), z.unknown()).optional() }),
        reply: z.object({ seen: z.unknown() }),
        handle: async ({ body, query }) => {
          handled.push({ ...body, ...query })
          return { seen: body }
        },
      }),
      defineRoute({
        ...common,
        method: 'DELETE',
        path: '/api/v1/notes/:id',
        reply: undefined,
        handle: async () => {
          handled.push('deleted')
        },
      }),
      defineRoute({
        ...common,
        method: 'GET',
        path: '/api/v1/liar',
        reply: z.object({ count: z.number() }),
        handle: async () => ({ count: 'many' }) as never,
      }),
      failing('plainly', () => new Error('secret detail of ours')),
      failing('with-a-string', () => 'secret detail of ours'),
      failing('with-a-status', () => Object.assign(new Error('secret detail of ours'), { statusCode: 418 })),
      failing('refusing', () => new Refusal('forbidden', 'Only on Mondays.')),
      failing('duplicate', () => new DatabaseError('secret detail of ours', { code: '23505' })),
      failing('away', () => new Refusal('database_unavailable')),
    ],
  })
})
beforeEach(() => {
  handled = []
  server.log.length = 0
})
afterAll(() => server[Symbol.asyncDispose]())

const json = { 'content-type': 'application/json' }

function post(path: string, body: BodyInit, headers: Record<string, string> = json): Promise<Response> {
  return server.fetch(path, { method: 'POST', headers, body })
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(response.headers.get('x-powered-by')).toBeNull()
  const problem = (await response.json()) as Problem
  expect(problem.status).toBe(response.status)
  expect(problem.type).toBe(`/docs/errors#${problem.code}`)
  expect(problem.requestId).toBe(response.headers.get('x-request-id'))
  return problem
}

/** After every mistake: no handler ran, and the next request is served as ever. */
async function nothingHappened(): Promise<void> {
  expect(handled).toEqual([])
  const response = await post('/api/v1/notes/1', '{"title":"fine"}')
  expect(response.status).toBe(200)
  await response.text()
}

it.each<[name: string, code: string, send: () => Promise<Response>]>([
  ['JSON that breaks off', 'bad_request', () => post('/api/v1/notes/1', '{"title":"ab')],
  ['a body that is no JSON', 'bad_request', () => post('/api/v1/notes/1', 'title=abc')],
  ['an empty body announced as JSON', 'bad_request', () => post('/api/v1/notes/1', '')],
  ['a body without a type', 'unsupported_media_type', () => post('/api/v1/notes/1', new Uint8Array([1]), {})],
  [
    'a form',
    'unsupported_media_type',
    () => post('/api/v1/notes/1', 'title=abc', { 'content-type': 'application/x-www-form-urlencoded' }),
  ],
  [
    'plain text',
    'unsupported_media_type',
    () => post('/api/v1/notes/1', '{"title":"abc"}', { 'content-type': 'text/plain' }),
  ],
  [
    'a type that is none',
    'unsupported_media_type',
    () => post('/api/v1/notes/1', '{"title":"abc"}', { 'content-type': 'application/json json' }),
  ],
  [
    'a body beyond the limit',
    'payload_too_large',
    () => post('/api/v1/notes/1', JSON.stringify({ title: 'x'.repeat(10_001) })),
  ],
  [
    'a body beyond the limit, in pieces of no announced length',
    'payload_too_large',
    () =>
      server.fetch('/api/v1/notes/1', {
        method: 'POST',
        headers: json,
        body: new Blob(['"', 'x'.repeat(20_000), '"']).stream(),
        duplex: 'half',
      } as RequestInit),
  ],
  ['U+0000 in text', 'bad_request', () => post('/api/v1/notes/1', '{"title":"abc\\u0000"}')],
  ['U+0000 in a name', 'bad_request', () => post('/api/v1/notes/1', '{"title":"abc","tags":{"a\\u0000":1}}')],
  ['U+0000 in the path', 'bad_request', () => post('/api/v1/notes/%00', '{"title":"abc"}')],
  ['U+0000 in the query', 'bad_request', () => post('/api/v1/notes/1?loud=%00', '{"title":"abc"}')],
  ['a path that is no URL', 'bad_request', () => post('/api/v1/notes/%zz', '{"title":"abc"}')],
  ['an unknown path', 'not_found', () => server.fetch('/api/v1/nothing')],
  ['an unknown path outside the API', 'not_found', () => server.fetch('/nothing')],
  ['a page below the API', 'not_found', () => server.fetch('/api/', { headers: { accept: 'text/html' } })],
  ['an unknown method', 'not_found', () => server.fetch('/api/v1/notes/1', { method: 'PUT' })],
  ['an unusual method', 'not_found', () => server.fetch('/api/v1/notes/1', { method: 'PROPFIND' })],
  ['an endless parameter', 'not_found', () => post(`/api/v1/notes/${'1'.repeat(500)}`, '{"title":"abc"}')],
])('%s: %s', async (_name, code, send) => {
  const problem = await problemOf(await send())
  expect(problem.code).toBe(code)
  await nothingHappened()
})

it.each<[name: string, path: string, body: string, fields: string[]]>([
  ['a short title', '/api/v1/notes/1', '{"title":"ab"}', ['body.title']],
  ['no title', '/api/v1/notes/1', '{}', ['body.title']],
  ['an array', '/api/v1/notes/1', '[]', ['body']],
  ['null', '/api/v1/notes/1', 'null', ['body']],
  ['a wrong parameter', '/api/v1/notes/one', '{"title":"abc"}', ['params.id']],
  ['a wrong query', '/api/v1/notes/1?loud=maybe', '{"title":"abc"}', ['query.loud']],
  ['a query given twice', '/api/v1/notes/1?loud=yes&loud=no', '{"title":"abc"}', ['query.loud']],
  ['a megabyte of depth', '/api/v1/notes/1', '['.repeat(4_900) + ']'.repeat(4_900), ['body']],
])('names the fields: %s', async (_name, path, body, fields) => {
  const problem = await problemOf(await post(path, body))
  expect(problem.code).toBe('validation_failed')
  expect(problem.fields?.map((field) => field.path)).toEqual(fields)
  await nothingHappened()
})

it('names no body at all', async () => {
  const response = await server.fetch('/api/v1/notes/1', { method: 'POST' })
  expect((await problemOf(response)).fields?.[0]?.path).toBe('body')
  await nothingHappened()
})

it('does not quote the input in an answer', async () => {
  const response = await post('/api/v1/notes/1', '{"password": hunter2')
  expect(await response.text()).not.toContain('hunter2')
})

it('[B-06] drops unknown keys, and lets no key of a prototype reach an object', async () => {
  const body = `{"title":"abc","admin":true,"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},
    "tags":{"__proto__":{"admin":true},"constructor":1,"prototype":2,"\\u005f_proto__":3,"con\\u0073tructor":4,"ok":{"__proto__":5,"deep":[{"constructor":6}]}}}`
  const response = await post('/api/v1/notes/1?__proto__=1&constructor=2', body)
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ seen: { title: 'abc', tags: { ok: { deep: [{}] } } } })
  expect(JSON.stringify(handled)).toBe('[{"title":"abc","tags":{"ok":{"deep":[{}]}}}]')
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
})

it('lets a text speak of prototypes', async () => {
  const response = await post('/api/v1/notes/1', '{"title":"the constructor and its __proto__, \\\\u0000"}')
  expect(await response.json()).toEqual({ seen: { title: 'the constructor and its __proto__, \\u0000' } })
})

it('takes an empty body announced as JSON where none is wanted', async () => {
  const response = await server.fetch('/api/v1/notes/1', { method: 'DELETE', headers: json })
  expect(response.status).toBe(204)
  expect(handled).toEqual(['deleted'])
})

it.each<[name: string, path: string, code: string, logged: boolean]>([
  ['an error', 'plainly', 'internal', true],
  ['a string', 'with-a-string', 'internal', true],
  ['an error with a status of its own', 'with-a-status', 'internal', true],
  ['a statement PostgreSQL refused', 'duplicate', 'internal', true],
  ['a refusal', 'refusing', 'forbidden', false],
  ['a database that is away', 'away', 'database_unavailable', false],
])('answers %s thrown by a handler', async (_name, path, code, logged) => {
  const response = await server.fetch(`/api/v1/failing/${path}`)
  const problem = await problemOf(response)
  expect(problem.code).toBe(code)
  expect(JSON.stringify(problem)).not.toContain('secret detail')
  await expect.poll(() => server.log.some(({ message }) => message === 'request answered')).toBe(true)
  const failures = server.log.filter(({ message }) => message === 'request failed')
  expect(failures.map(({ level, fields }) => [level, fields['requestId']])).toEqual(
    logged ? [['error', problem.requestId]] : [],
  )
  if (logged) expect(server.log.filter(({ level }) => level === 'error')).toHaveLength(1)
})

it('gives a refusal its own sentence', async () => {
  const problem = await problemOf(await server.fetch('/api/v1/failing/refusing'))
  expect(problem).toMatchObject({ title: 'You may not do this.', detail: 'Only on Mondays.', retry: false })
})

it('answers with nothing that its schema does not allow', async () => {
  const problem = await problemOf(await server.fetch('/api/v1/liar'))
  expect(problem.code).toBe('internal')
  expect(JSON.stringify(problem)).not.toContain('many')
})
