/** Access on a real PostgreSQL: links that work once, sessions that end, and who races for them. */
import { randomBytes } from 'node:crypto'
import { expect, inject, it } from 'vitest'
import { startTestServer } from '../../adapters/http/testing/test-server.ts'
import { createDatabase } from '../../adapters/postgres/database.ts'
import { migrateDown, migrateUp } from '../../adapters/postgres/migrations.ts'
import { testDatabase } from '../../adapters/postgres/testing/test-database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { createAccessModule } from './module.ts'
import { linkValidForMs, sessionValidForMs } from './service.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const operator = { name: 'operator', roles: ['admin'] }
const invalid = { code: 'sign_in_link_invalid' }

async function createWorld() {
  const world = await testDatabase(inject('postgresUrl'))
  const database = createDatabase({ url: world.url, logger: quiet })
  const clock = createTestClock()
  const access = createAccessModule({ database, clock, logger: quiet, randomBytes })
  await migrateUp(world, [access])
  return {
    world,
    database,
    clock,
    access,
    service: access.service,
    count: async (table: string) => (await world.sql(`select * from ${table}`)).length,
    async [Symbol.asyncDispose]() {
      await database.close()
      await world[Symbol.asyncDispose]()
    },
  }
}

it('turns a link into a session, once', async () => {
  await using world = await createWorld()
  const { service, clock, count } = world
  const link = await service.createSignInLink(operator)
  expect(link).toMatch(/^[\w-]{43}$/)
  const { token, session } = await service.signIn(link)
  expect(token).not.toBe(link)
  expect(session).toEqual({ ...operator, expiresAt: new Date(clock.now() + sessionValidForMs) })
  expect(await service.identify(token)).toEqual(session)
  await expect(service.signIn(link)).rejects.toMatchObject(invalid)
  expect(await count('operator_sessions')).toBe(1)
})

it('lets one of a thousand win who race with the same link', async () => {
  await using world = await createWorld()
  const { service, count } = world
  const link = await service.createSignInLink(operator)
  const attempts = await Promise.allSettled(Array.from({ length: 1_000 }, () => service.signIn(link)))
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject(invalid)
  }
  expect(await count('operator_sessions')).toBe(1)
  expect(await count('sign_in_links')).toBe(0)
})

it('keeps no token anywhere', async () => {
  await using world = await createWorld()
  const { service } = world
  const link = await service.createSignInLink(operator)
  const { token } = await service.signIn(await service.createSignInLink(operator))
  const stored = JSON.stringify(
    await world.world.sql(
      'select sign_in_links::text as row from sign_in_links union all select operator_sessions::text from operator_sessions',
    ),
  )
  for (const secret of [link, token]) {
    expect(stored).not.toContain(secret)
    expect(stored).not.toContain(Buffer.from(secret).toString('hex'))
    expect(stored).not.toContain(Buffer.from(secret, 'base64url').toString('hex'))
  }
})

it('refuses links that are over, and what never was a link', async () => {
  await using world = await createWorld()
  const { service, clock, count } = world
  const inTime = await service.createSignInLink(operator)
  const late = await service.createSignInLink(operator)
  const short = await service.createSignInLink({ ...operator, validForMs: 1_000 })
  clock.advance(1_000)
  await expect(service.signIn(short)).rejects.toMatchObject(invalid)
  clock.advance(linkValidForMs - 1_001)
  await service.signIn(inTime)
  clock.advance(1)
  await expect(service.signIn(late)).rejects.toMatchObject(invalid)
  for (const made of [
    '',
    'x',
    'x'.repeat(43),
    `${late}x`,
    late.toLowerCase(),
    "' or true --",
    'é'.repeat(43),
  ]) {
    await expect(service.signIn(made)).rejects.toMatchObject(invalid)
  }
  expect(await count('operator_sessions')).toBe(1)
})

it('ends a session after twelve hours, and at once when it is signed out', async () => {
  await using world = await createWorld()
  const { service, clock } = world
  const first = await service.signIn(await service.createSignInLink(operator))
  const second = await service.signIn(await service.createSignInLink(operator))
  await service.signOut(first.token)
  await service.signOut(first.token)
  await service.signOut('never one')
  expect(await service.identify(first.token)).toBeUndefined()
  clock.advance(sessionValidForMs - 1)
  expect(await service.identify(second.token)).toEqual(second.session)
  clock.advance(1)
  expect(await service.identify(second.token)).toBeUndefined()
})

it('takes a link for no session and a session for no link', async () => {
  await using world = await createWorld()
  const { service } = world
  const link = await service.createSignInLink(operator)
  expect(await service.identify(link)).toBeUndefined()
  const { token } = await service.signIn(link)
  await expect(service.signIn(token)).rejects.toMatchObject(invalid)
})

it('sweeps once an hour what is over, and nothing else', async () => {
  await using world = await createWorld()
  const { access, service, clock, count } = world
  await access.start?.()
  await service.createSignInLink(operator)
  const { token } = await service.signIn(await service.createSignInLink(operator))
  clock.advance(60 * 60 * 1000)
  await expect.poll(() => count('sign_in_links')).toBe(0)
  expect(await service.identify(token)).toBeDefined()
  clock.advance(sessionValidForMs)
  await expect.poll(() => count('operator_sessions')).toBe(0)
  await access.stop?.()
  expect(clock.timers).toBe(0)
})

it('finds a session by its index', async () => {
  await using world = await createWorld()
  await world.world.sql(`insert into operator_sessions
    select sha256(n::text::bytea), 'n', '{}', now(), now() + interval '1 hour' from generate_series(1, 5000) n; analyze operator_sessions`)
  const plan = await world.world.sql(
    "explain select name from operator_sessions where token_hash = sha256('1') and expires_at > now()",
  )
  expect(JSON.stringify(plan)).toContain('operator_sessions_pkey')
})

it('goes back and forth with its schema', async () => {
  await using world = await createWorld()
  await migrateDown(world.world, [world.access], { steps: 1 })
  await migrateUp(world.world, [world.access])
  expect(await world.count('operator_sessions')).toBe(0)
})

it('signs in, is somebody, and signs out over HTTP', async () => {
  await using world = await createWorld()
  const { access, service } = world
  await using server = await startTestServer({
    routes: access.routes,
    resolveIdentity: (token) => service.identify(token),
  })
  const path = '/api/v1/access/session'
  const sameOrigin = { 'sec-fetch-site': 'same-origin' }
  const signIn = (token: unknown) =>
    server.fetch(path, {
      method: 'POST',
      body: JSON.stringify({ token }),
      headers: { 'content-type': 'application/json' },
    })

  expect((await server.fetch(path)).status).toBe(401)
  const link = await service.createSignInLink(operator)
  const signedIn = await signIn(link)
  expect(signedIn.status).toBe(200)
  const view = await signedIn.json()
  expect(view).toMatchObject(operator)
  const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  expect(cookie).toMatch(/^belfry_session=[\w-]{43}$/)

  expect(await (await server.fetch(path, { headers: { cookie } })).json()).toEqual(view)
  const again = await signIn(link)
  expect(again.status).toBe(401)
  expect(await again.json()).toMatchObject(invalid)
  expect(again.headers.getSetCookie()).toEqual([])
  for (const wrong of [undefined, null, 1, '', 'short', 'x'.repeat(201), {}, [link]]) {
    expect((await signIn(wrong)).status).toBe(400)
  }

  const foreign = await server.fetch(path, {
    method: 'DELETE',
    headers: { cookie, origin: 'https://evil.example' },
  })
  expect(foreign.status).toBe(403)
  expect((await server.fetch(path, { headers: { cookie } })).status).toBe(200)
  const signedOut = await server.fetch(path, { method: 'DELETE', headers: { cookie, ...sameOrigin } })
  expect(signedOut.status).toBe(204)
  expect((await server.fetch(path, { headers: { cookie } })).status).toBe(401)
  expect((await server.fetch(path, { method: 'DELETE', headers: { cookie, ...sameOrigin } })).status).toBe(
    204,
  )
  expect(JSON.stringify(server.log)).not.toContain(link)
})

it('ends the old session when the same browser signs in again', async () => {
  await using world = await createWorld()
  const { access, service, count } = world
  await using server = await startTestServer({ routes: access.routes, resolveIdentity: service.identify })
  const old = await service.signIn(await service.createSignInLink(operator))
  const response = await server.fetch('/api/v1/access/session', {
    method: 'POST',
    body: JSON.stringify({ token: await service.createSignInLink(operator) }),
    headers: {
      'content-type': 'application/json',
      'sec-fetch-site': 'same-origin',
      cookie: `belfry_session=${old.token}`,
    },
  })
  expect(response.status).toBe(200)
  expect(await service.identify(old.token)).toBeUndefined()
  expect(await count('operator_sessions')).toBe(1)
})
