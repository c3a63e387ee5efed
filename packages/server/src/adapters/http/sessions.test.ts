/** Who is asking: the session cookie, and pages of other origins. */
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRoute } from '../../engine/route.ts'
import type { HttpServerOptions } from './server.ts'
import { asGuest, asOperator, startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let changes = 0

afterEach(() => server[Symbol.asyncDispose]())

async function start(options: Partial<HttpServerOptions> = {}): Promise<void> {
  changes = 0
  const common = { tag: 'Test', summary: 'For tests' }
  server = await startTestServer({
    routes: [
      defineRoute({
        ...common,
        method: 'GET',
        path: '/api/v1/me',
        access: 'operator',
        reply: z.object({ name: z.string() }),
        handle: async ({ identity }) => ({ name: identity?.name ?? 'nobody' }),
      }),
      defineRoute({
        ...common,
        method: 'POST',
        path: '/api/v1/things',
        access: 'operator',
        reply: undefined,
        handle: async () => {
          changes += 1
        },
      }),
      defineRoute({
        ...common,
        method: 'POST',
        path: '/api/v1/session',
        access: 'public',
        reply: undefined,
        handle: async ({ session }) => session.start('new-token', new Date('2031-01-01T00:00:00Z')),
      }),
      defineRoute({
        ...common,
        method: 'DELETE',
        path: '/api/v1/session',
        access: 'public',
        reply: undefined,
        handle: async ({ session }) => session.end(),
      }),
    ],
    ...options,
  })
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code
}

describe('access', () => {
  it('knows an operator by the cookie', async () => {
    await start()
    const response = await server.fetch('/api/v1/me', { headers: asOperator })
    expect(await response.json()).toEqual({ name: 'operator' })
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it.each([
    ['nobody', {}, 401, 'unauthenticated'],
    ['a session that is over', { cookie: 'belfry_session=old' }, 401, 'unauthenticated'],
    ['an empty cookie', { cookie: 'belfry_session=' }, 401, 'unauthenticated'],
    ['a broken cookie', { cookie: 'belfry_session=%zz; ;;==' }, 401, 'unauthenticated'],
    ['somebody without the role', asGuest, 403, 'forbidden'],
    [
      'somebody who says who they are',
      { 'x-user': 'operator', authorization: 'Bearer operator-session' },
      401,
      'token_invalid',
    ],
  ])('refuses %s', async (_name, headers, status, code) => {
    await start()
    const response = await server.fetch('/api/v1/me', { headers })
    expect(response.status).toBe(status)
    expect(await codeOf(response)).toBe(code)
  })

  it('refuses before it reads a body', async () => {
    await start()
    const response = await server.fetch('/api/v1/things', {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    })
    expect(await codeOf(response)).toBe('unauthenticated')
  })

  it('says so when nobody can tell who it is', async () => {
    await start({ resolveIdentity: () => Promise.reject(new Error('database password is hunter2')) })
    const response = await server.fetch('/api/v1/me', { headers: asOperator })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('hunter2')
    expect((await server.fetch('/healthz')).status).toBe(200)
  })
})

describe('the cookie', () => {
  it('is out of reach for scripts and other sites', async () => {
    await start()
    const response = await server.fetch('/api/v1/session', { method: 'POST' })
    expect(response.headers.getSetCookie()).toEqual([
      'belfry_session=new-token; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT; HttpOnly; SameSite=Strict',
    ])
  })

  it('is taken back', async () => {
    await start()
    const response = await server.fetch('/api/v1/session', { method: 'DELETE', headers: asOperator })
    expect(response.headers.getSetCookie()[0]).toMatch(
      /^belfry_session=; .*Expires=Thu, 01 Jan 1970 00:00:00 GMT/,
    )
  })

  it.each([
    ['believed: from a trusted proxy', '127.0.0.1', true],
    ['not believed: from anybody', undefined, false],
    ['not believed: from an address that is not the proxy', '10.0.0.1', false],
  ])('is Secure when the request came over https, and that is %s', async (_name, trustProxy, secure) => {
    await start({ trustProxy })
    const response = await server.fetch('/api/v1/session', {
      method: 'POST',
      headers: { 'x-forwarded-proto': 'https' },
    })
    expect(response.headers.getSetCookie()[0]?.includes('; Secure')).toBe(secure)
    expect(response.headers.has('strict-transport-security')).toBe(secure)
  })
})

describe('a request that changes something and carries the cookie', () => {
  const { cookie } = asOperator

  it.each<[name: string, headers: Record<string, string>, accepted: boolean]>([
    ['from a page of ours', { 'sec-fetch-site': 'same-origin' }, true],
    ['from a page of ours, in a browser that does not say', { origin: 'self' }, true],
    ['from an allowed origin', { origin: 'https://desk.example', 'sec-fetch-site': 'same-site' }, true],
    ['from a foreign page', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, false],
    ['from a foreign page, in a browser that does not say', { origin: 'https://evil.example' }, false],
    [
      'from a neighbour on the same site',
      { origin: 'https://other.example', 'sec-fetch-site': 'same-site' },
      false,
    ],
    ['from a page on another port', { origin: 'http://127.0.0.1:1' }, false],
    ['from a page without an origin', { origin: 'null' }, false],
    ['from a link', { 'sec-fetch-site': 'none' }, false],
    ['from nowhere', {}, false],
    ['with an origin that only looks allowed', { origin: 'https://desk.example.evil.example' }, false],
  ])('%s', async (_name, headers, accepted) => {
    await start({ allowedOrigins: ['https://desk.example'] })
    const origin = headers['origin'] === 'self' ? { origin: server.url } : {}
    const response = await server.fetch('/api/v1/things', {
      method: 'POST',
      headers: { cookie, ...headers, ...origin },
    })
    expect(response.status).toBe(accepted ? 204 : 403)
    expect(changes).toBe(accepted ? 1 : 0)
    if (!accepted) expect(await codeOf(response)).toBe('origin_refused')
  })

  it('may read from anywhere, since the browser keeps the answer from foreign pages', async () => {
    await start()
    const response = await server.fetch('/api/v1/me', { headers: { cookie, origin: 'https://evil.example' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('pages of other origins', () => {
  const ask = (origin: string) =>
    server.fetch('/api/v1/things', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })

  it('are told when they are allowed', async () => {
    await start({ allowedOrigins: ['https://desk.example'] })
    const response = await ask('https://desk.example')
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://desk.example')
    expect(response.headers.get('access-control-allow-credentials')).toBe('true')
    expect(response.headers.get('vary')).toContain('Origin')
    const refused = await server.fetch('/api/v1/me', { headers: { origin: 'https://desk.example' } })
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://desk.example')
  })

  it('are told nothing when they are not', async () => {
    await start({ allowedOrigins: ['https://desk.example'] })
    const response = await ask('https://evil.example')
    expect(response.status).toBe(403)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(response.headers.get('vary')).toContain('Origin')
  })

  it.each(['*', 'desk.example', 'https://desk.example/', 'https://desk.example/path', 'null', ''])(
    'cannot be allowed by "%s"',
    async (origin) => {
      await start()
      await expect(startTestServer({ allowedOrigins: [origin] })).rejects.toThrow('is not an origin')
    },
  )
})
