/** Requests with a token of the application: whom they speak for, what they may do, and how they are counted. */
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AnyRoute, defineRoute, defineStream } from '../../engine/route.ts'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { heartbeatMs } from './event-streams.ts'
import { asGuest, asOperator, startTestServer, type TestServer, tokens } from './testing/test-server.ts'

const shape = { tag: 'Things', summary: 'Of a test.', reply: z.object({ name: z.string() }) }
const routes: AnyRoute[] = [
  defineRoute({
    ...shape,
    method: 'GET',
    path: '/api/v1/mine',
    access: 'user',
    handle: async ({ principal }) => ({ name: principal.userId }),
  }),
  defineRoute({
    ...shape,
    method: 'GET',
    path: '/api/v1/all',
    access: 'operator',
    handle: async ({ identity }) => ({ name: identity?.name ?? '' }),
  }),
  defineRoute({
    ...shape,
    method: 'POST',
    path: '/api/v1/things',
    access: { permission: 'things:make' },
    handle: async ({ identity }) => ({ name: identity?.name ?? '' }),
  }),
  defineRoute({
    ...shape,
    method: 'GET',
    path: '/api/v1/open',
    access: 'public',
    handle: async ({ identity }) => ({ name: identity?.name ?? 'nobody' }),
  }),
]

let server: TestServer
afterEach(async () => server[Symbol.asyncDispose]())

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
async function ask(path: string, headers: Record<string, string>, method = 'GET') {
  const response = await server.fetch(path, { method, headers })
  const body = (await response.json()) as { name?: string; code?: string }
  return [response.status, body.name ?? body.code]
}

describe('a request with a token', () => {
  it.each<readonly [string, string, Record<string, string>, string, number, string]>([
    ['its own things', 'GET', bearer('user-token'), '/api/v1/mine', 200, 'ana'],
    [
      'its own things, however it spells bearer',
      'GET',
      { authorization: 'bEaReR user-token' },
      '/api/v1/mine',
      200,
      'ana',
    ],
    ['what is the operator’s', 'GET', bearer('user-token'), '/api/v1/all', 403, 'forbidden'],
    ['what needs a permission it lacks', 'POST', bearer('user-token'), '/api/v1/things', 403, 'forbidden'],
    ['what its permission is for', 'POST', bearer('program-token'), '/api/v1/things', 200, 'billing'],
    ['what is the operator’s, as one', 'GET', bearer('admin-token'), '/api/v1/all', 200, 'olga'],
    ['what needs a permission, as operator', 'POST', bearer('admin-token'), '/api/v1/things', 200, 'olga'],
    ['what is public', 'GET', bearer('user-token'), '/api/v1/open', 200, 'ana'],
  ])('gets %s', async (_what, method, headers, path, status, name) => {
    server = await startTestServer({ routes })
    expect(await ask(path, headers, method)).toEqual([status, name])
  })

  it.each<readonly [string, Record<string, string>, number, string]>([
    ['nobody made', bearer('forged'), 401, 'token_invalid'],
    ['is empty', { authorization: 'Bearer' }, 401, 'token_invalid'],
    ['is of a prototype', bearer('constructor'), 401, 'token_invalid'],
  ])('is refused when the token %s, also where nobody needs one', async (_what, headers, status, code) => {
    server = await startTestServer({ routes })
    for (const path of ['/api/v1/mine', '/api/v1/open'])
      expect(await ask(path, headers)).toEqual([status, code])
  })

  it('speaks for whom the token names, and not for the cookie that comes along', async () => {
    server = await startTestServer({ routes })
    expect(await ask('/api/v1/all', { ...asOperator, ...bearer('user-token') })).toEqual([403, 'forbidden'])
    expect(await ask('/api/v1/open', { ...asOperator, ...bearer('user-token') })).toEqual([200, 'ana'])
  })

  it('is not what another scheme brings', async () => {
    server = await startTestServer({ routes })
    expect(await ask('/api/v1/mine', { authorization: 'Basic user-token' })).toEqual([401, 'unauthenticated'])
    expect(await ask('/api/v1/mine', asOperator)).toEqual([403, 'forbidden'])
    expect(await ask('/api/v1/things', asGuest, 'POST')).toEqual([403, 'forbidden'])
  })

  it('counts against the limit of its user, and not of the address', async () => {
    server = await startTestServer({ routes, rateLimit: { windowMs: 60_000, max: 3 } })
    for (const _ of [1, 2, 3]) expect(await ask('/api/v1/mine', bearer('user-token'))).toEqual([200, 'ana'])
    expect(await ask('/api/v1/mine', bearer('user-token'))).toEqual([429, 'too_many_requests'])
    expect(await ask('/api/v1/open', {})).toEqual([200, 'nobody'])
  })

  it('counts when it was refused', async () => {
    server = await startTestServer({ routes, rateLimit: { windowMs: 60_000, max: 3 } })
    for (const _ of [1, 2, 3])
      expect(await ask('/api/v1/mine', bearer('forged'))).toEqual([401, 'token_invalid'])
    expect(await ask('/api/v1/mine', bearer('forged'))).toEqual([429, 'too_many_requests'])
  })

  it('is not counted where a permission was given for it, and only there', async () => {
    server = await startTestServer({ routes, rateLimit: { windowMs: 60_000, max: 3 } })
    for (let n = 0; n < 10; n += 1)
      expect(await ask('/api/v1/things', bearer('program-token'), 'POST')).toEqual([200, 'billing'])
    for (const _ of [1, 2, 3])
      expect(await ask('/api/v1/things', bearer('user-token'), 'POST')).toEqual([403, 'forbidden'])
    expect(await ask('/api/v1/things', bearer('user-token'), 'POST')).toEqual([429, 'too_many_requests'])
  })

  it('ends its stream when the token expires', async () => {
    const clock = createTestClock()
    const expiring = {
      ...(tokens['admin-token'] as (typeof tokens)[string]),
      expiresAtMs: clock.now() + heartbeatMs + 1,
    }
    const stream = defineStream({
      method: 'GET',
      path: '/api/v1/stream',
      tag: 'Things',
      access: 'operator',
      summary: 'Of a test.',
      event: z.object({}),
      async *open({ signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    server = await startTestServer({ routes: [stream], clock, resolvePrincipal: () => expiring })
    const response = await server.fetch('/api/v1/stream', { headers: bearer('x') })
    expect(response.status).toBe(200)
    const ended = response.text()
    clock.advance(heartbeatMs)
    clock.advance(heartbeatMs)
    expect(await ended).toMatch(/^(:\n\n)+$/)
  })
})
