/** Web pages of other origins: polling and WebSocket alike are refused, or allowed and told so. */
import { describe, expect, it } from 'vitest'
import { openBystander } from './bystander.ts'
import { answered, RawPolling, Refused } from './raw-clients.ts'
import { openWorld, type World } from './world.ts'

const app = 'https://app.example.com'
const allowed = [app, 'http://localhost:5173']

const foreign = [
  'https://elsewhere.example',
  'null',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com/',
  'https://APP.example.com',
  'https://app.example.com.elsewhere.example',
  'https://elsewhere.example/app.example.com',
  'https://app.example.com@elsewhere.example',
  'https://example.com',
  'file://',
  '*',
  'https://app.example.com, https://elsewhere.example',
  '',
]

const pollOnce = (world: World, headers: Record<string, string>, method = 'GET') =>
  answered(fetch(`${world.url}/socket.io/?EIO=4&transport=polling`, { method, headers }))

describe('a page of another origin', () => {
  describe.each(foreign)('"%s"', (origin) => {
    it.each([
      ['without cookies', {}],
      ['with cookies', { cookie: 'belfry_session=stolen' }],
    ])('[A-29] [M-12] gets neither polling nor WebSocket, %s', async (_what, cookie) => {
      await using world = await openWorld({ origins: { allowed, credentials: true } })
      const other = await openBystander(world)
      const headers = { origin, ...cookie }
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await pollOnce(world, headers, method)
        expect([method, answer.status, JSON.parse(answer.text).code]).toEqual([method, 403, 4])
        expect(answer.headers.get('access-control-allow-origin')).toBeNull()
        expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      }
      const refusal = await world.rawSocket({ headers }).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(Refused)
      expect((refusal as Refused).status).toBe(403)
      expect(world.realtime.counts.opened).toBe(1)
      expect(world.suspicions()).toEqual(new Array(4).fill('foreign origin'))
      await other.isFine()
    })
  })

  it('[A-29] cannot speak for a connection whose id it knows', async () => {
    await using world = await openWorld({ origins: { allowed, credentials: true } })
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const headers = { origin: 'https://elsewhere.example' }
    const posted = await answered(
      fetch(polling.url, { method: 'POST', body: '42/posts,["post:view",{"id":"a"}]', headers }),
    )
    expect(posted.status).toBe(403)
    expect((await answered(fetch(polling.url, { headers }))).status).toBe(403)
    const query = `EIO=4&transport=websocket&sid=${polling.handshake.sid}`
    await expect(world.rawSocket({ query, headers })).rejects.toMatchObject({ status: 403 })
    expect(world.handled).toEqual([])
    expect((await polling.post('42/posts,["post:view",{"id":"a"}]')).status).toBe(200)
  })

  it.each(allowed)('[A-39] that is allowed ("%s") gets both, and may read the answers', async (origin) => {
    await using world = await openWorld({ origins: { allowed, credentials: true } })
    const headers = { origin }
    const { status, headers: given } = await pollOnce(world, headers)
    expect(status).toBe(200)
    expect(given.get('access-control-allow-origin')).toBe(origin)
    expect(given.get('access-control-allow-credentials')).toBe('true')
    expect(given.get('vary')).toBe('Origin')
    const preflight = await pollOnce(
      world,
      { ...headers, 'access-control-request-method': 'POST' },
      'OPTIONS',
    )
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    const polling = await RawPolling.open(world.url, headers)
    await polling.enter(world.token())
    const socket = await world.rawSocket({ headers })
    await socket.handshake()
    await socket.enter(world.token())
  })

  it('may read also what it did wrong', async () => {
    await using world = await openWorld({ origins: { allowed, credentials: true } })
    const answer = await answered(
      fetch(`${world.url}/socket.io/?EIO=4&transport=polling&sid=nobody`, { headers: { origin: app } }),
    )
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([400, app])
  })

  it('gets no cookies through when credentials are off', async () => {
    await using world = await openWorld({ origins: { allowed, credentials: false } })
    const { headers } = await pollOnce(world, { origin: app })
    expect(headers.get('access-control-allow-origin')).toBe(app)
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  it.each(['https://elsewhere.example', 'null'])(
    '[M-12] may be any with "*", and never with cookies: %s',
    async (origin) => {
      await using world = await openWorld({ origins: { allowed: ['*', app], credentials: true } })
      const { status, headers } = await pollOnce(world, { origin })
      expect([status, headers.get('access-control-allow-origin')]).toEqual([200, '*'])
      expect(headers.get('access-control-allow-credentials')).toBeNull()
      const named = await pollOnce(world, { origin: app })
      expect(named.headers.get('access-control-allow-origin')).toBe(app)
      expect(named.headers.get('access-control-allow-credentials')).toBe('true')
      await (await world.rawSocket({ headers: { origin } })).handshake()
    },
  )
})

describe('a page of this server, and a program', () => {
  it('need no permission', async () => {
    await using world = await openWorld()
    const origin = world.url
    for (const headers of [{}, { origin }]) {
      const { status, headers: given } = await pollOnce(world, headers)
      expect([status, given.get('access-control-allow-origin'), given.get('vary')]).toEqual([
        200,
        null,
        'Origin',
      ])
      await (await world.rawSocket({ headers })).handshake()
    }
  })
})
