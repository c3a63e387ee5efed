/** Users and logins on a real PostgreSQL: who gets in, what a refresh token is good for, and how everything ends. */
import { expect, inject, it } from 'vitest'
import { migrateDown, migrateUp } from '../../adapters/postgres/migrations.ts'
import { sql } from '../../engine/sql.ts'
import { attemptsPerAddressMax, attemptsPerUserMax, attemptWindowMs } from './attempts.ts'
import { loginsPerUserMax, repeatMs } from './logins.ts'
import {
  cheap,
  loginLifeMs,
  noGrants,
  openAuthenticationWorld,
  password,
  tokenLifeMs,
} from './testing/authentication-world.ts'

const openWorld = () => openAuthenticationWorld(inject('postgresUrl'))
const ended = { code: 'login_ended' }

async function openWithAna() {
  const world = await openWorld()
  await world.users.add({ ...noGrants, id: 'ana', name: 'Ana', workspaces: ['acme'], password })
  return world
}

it('lets a user in with the password, as who they are', async () => {
  await using world = await openWithAna()
  const login = await world.logIn('ana')
  expect(world.whoIs(login)).toMatchObject({
    userId: 'ana',
    name: 'Ana',
    workspaces: ['acme'],
    roles: [],
    tokenId: expect.stringMatching(/^[\w-]{22}$/),
    loginId: expect.stringMatching(/^[\w-]{22}$/),
    expiresAtMs: world.clock.now() + tokenLifeMs,
  })
  expect(login).toMatchObject({
    expiresAt: new Date(world.clock.now() + tokenLifeMs).toISOString(),
    loginExpiresAt: new Date(world.clock.now() + loginLifeMs).toISOString(),
    user: { id: 'ana', name: 'Ana' },
  })
  const other = await world.logIn('ana')
  expect(world.whoIs(other).loginId).not.toBe(world.whoIs(login).loginId)
})

it('refuses everybody else in the same words, and says in no log what was tried', async () => {
  await using world = await openWithAna()
  const tried: [string, string][] = [
    ['ana', 'wrong password'],
    ['ana', password.toUpperCase()],
    ['ana', `${password} `],
    ['Ana', password],
    ['ben', password],
    ['my password, typed into the wrong field', 'ana'],
    ['a\u0000na', password],
    ['\ud800', password],
    ["' or true --", password],
  ]
  for (const [user, given] of tried) {
    const refusal = await world.logIn(user, given).catch((error) => error)
    expect(refusal, user).toMatchObject({ code: 'login_refused', message: 'User or password is not right.' })
  }
  const log = JSON.stringify(world.logger.lines)
  for (const secret of ['wrong password', 'correct horse', 'wrong field', 'CORRECT'])
    expect(log).not.toContain(secret)
})

it('stores nothing that anybody could sign in with', async () => {
  await using world = await openWithAna()
  const { accessToken, refreshToken } = await world.logins.refresh((await world.logIn('ana')).refreshToken)
  const stored = JSON.stringify(
    await world.server.sql('select users::text as row from users union all select logins::text from logins'),
  )
  for (const secret of [password, accessToken, ...refreshToken.split('.')]) {
    expect(stored).not.toContain(secret)
    expect(stored).not.toContain(Buffer.from(secret).toString('hex'))
    expect(stored).not.toContain(Buffer.from(secret, 'base64url').toString('hex'))
  }
  expect(stored).toContain('scrypt$4$1$1$')
  expect(JSON.stringify(world.logger.lines)).not.toContain(refreshToken)
})

it('hashes anew what was hashed otherwise, with the next login', async () => {
  await using world = await openWithAna()
  const dearer = { ...cheap, log2n: 5 }
  const { module } = await world.openModule(dearer)
  const hash = async () => (await world.server.sql('select password_hash from users'))[0]?.['password_hash']
  const before = await hash()
  await module.logins.logIn({ user: 'ana', password: 'not the password' }, '').catch(() => undefined)
  expect(await hash()).toBe(before)
  await module.logins.logIn({ user: 'ana', password }, '')
  expect(await hash()).toMatch(/^scrypt\$5\$/)
  await world.logIn('ana')
  expect(await hash()).toMatch(/^scrypt\$4\$/)
})

it('renews tokens by turns, with what was granted meanwhile, until the login is over', async () => {
  await using world = await openWithAna()
  let login = await world.logIn('ana')
  const { loginId } = world.whoIs(login)
  await world.users.grant('ana', { workspaces: ['beta'], roles: ['editor'] })
  for (let turns = 0; turns < 5; turns += 1) {
    world.clock.advance(tokenLifeMs)
    login = await world.logins.refresh(login.refreshToken)
    expect(world.whoIs(login)).toMatchObject({
      loginId,
      workspaces: ['beta'],
      roles: ['editor'],
      name: 'Ana',
    })
  }
  world.clock.advance(loginLifeMs - 5 * tokenLifeMs - 1)
  login = await world.logins.refresh(login.refreshToken)
  world.clock.advance(1)
  await expect(world.logins.refresh(login.refreshToken)).rejects.toMatchObject(ended)
})

it('gives the same answer to a refresh that comes again at once, and to twenty at the same time', async () => {
  await using world = await openWithAna()
  const { refreshToken } = await world.logIn('ana')
  const replies = await Promise.all(Array.from({ length: 20 }, () => world.logins.refresh(refreshToken)))
  expect(new Set(replies.map((reply) => reply.refreshToken)).size).toBe(1)
  world.clock.advance(repeatMs - 1)
  const again = await world.logins.refresh(refreshToken)
  expect(again.refreshToken).toBe(replies[0]?.refreshToken)
  await world.logins.refresh(again.refreshToken)
})

it('ends the login when an old refresh token comes back, for the thief and for the robbed', async () => {
  await using world = await openWithAna()
  const first = await world.logIn('ana')
  const other = await world.logIn('ana')
  const second = await world.logins.refresh(first.refreshToken)
  world.clock.advance(repeatMs)
  await expect(world.logins.refresh(first.refreshToken)).rejects.toMatchObject(ended)
  await expect(world.logins.refresh(second.refreshToken)).rejects.toMatchObject(ended)
  expect([first, second].map(world.refused)).toEqual(['token_revoked', 'token_revoked'])
  expect(world.logger.at('warn')).toMatchObject([{ fields: { userId: 'ana' } }])
  // Of the other device, nothing was stolen.
  expect(world.refused(other)).toBeUndefined()
  await world.logins.refresh(other.refreshToken)
})

it('takes a turn before the last for stolen, however quickly it comes', async () => {
  await using world = await openWithAna()
  const first = await world.logIn('ana')
  const second = await world.logins.refresh(first.refreshToken)
  await world.logins.refresh(second.refreshToken)
  await expect(world.logins.refresh(first.refreshToken)).rejects.toMatchObject(ended)
  expect(world.refused(second)).toBe('token_revoked')
})

it('refuses what is no refresh token, and ends nothing for it', async () => {
  await using world = await openWithAna()
  const { refreshToken } = await world.logIn('ana')
  const [secret = '', turn = ''] = refreshToken.split('.')
  const made = ['', 'x', `${secret}`, `${secret}.`, `${secret}.${turn}x`, `${turn}.${secret}`, 'x'.repeat(65)]
  for (const each of [...made, `${'x'.repeat(32)}.${turn}`])
    await expect(world.logins.refresh(each)).rejects.toMatchObject(ended)
  await world.logins.refresh(refreshToken)
})

it('ends with a logout, by the refresh token or by a token, and nothing of another login', async () => {
  await using world = await openWithAna()
  const logins = [await world.logIn('ana'), await world.logIn('ana'), await world.logIn('ana')] as const
  await world.logins.logOut(logins[0].refreshToken)
  await world.logins.logOut(logins[0].refreshToken)
  await world.logins.logOut('never one')
  await world.module.revoking.logOut(world.whoIs(logins[1]))
  expect(logins.map(world.refused)).toEqual(['token_revoked', 'token_revoked', undefined])
  for (const { refreshToken } of logins.slice(0, 2))
    await expect(world.logins.refresh(refreshToken)).rejects.toMatchObject(ended)
  await world.logins.refresh(logins[2].refreshToken)
})

it('ends every login and token with a new password, and with the user', async () => {
  await using world = await openWithAna()
  await world.users.add({ ...noGrants, id: 'ben', password })
  const [before, ben] = [await world.logIn('ana'), await world.logIn('ben')]
  expect(await world.users.setPassword('ana', 'another horse battery')).toBe(true)
  expect(world.refused(before)).toBe('token_revoked')
  await expect(world.logins.refresh(before.refreshToken)).rejects.toMatchObject(ended)
  await expect(world.logIn('ana')).rejects.toMatchObject({ code: 'login_refused' })
  world.clock.advance(1)
  const after = await world.logIn('ana', 'another horse battery')
  expect(world.refused(after)).toBeUndefined()
  expect(await world.users.remove('ana')).toBe(true)
  expect(world.refused(after)).toBe('token_revoked')
  await expect(world.logins.refresh(after.refreshToken)).rejects.toMatchObject(ended)
  await expect(world.logIn('ana', 'another horse battery')).rejects.toMatchObject({ code: 'login_refused' })
  expect(world.refused(ben)).toBeUndefined()
  for (const nobody of ['ana', 'nobody']) {
    expect(await world.users.remove(nobody)).toBe(false)
    expect(await world.users.setPassword(nobody, password)).toBe(false)
    expect(await world.users.grant(nobody, { roles: ['admin'] })).toBe(false)
  }
})

it('lets nobody in with a password that is changed at the same time', async () => {
  await using world = await openWithAna()
  for (let round = 0; round < 10; round += 1) {
    const [from, to] = [`${password} ${round}`, `${password} ${round + 1}`]
    if (round === 0) await world.users.setPassword('ana', from)
    world.clock.advance(10)
    const attempts = Array.from({ length: 5 }, () => world.logIn('ana', from, `10.0.1.${round}`))
    const [changed, ...outcomes] = await Promise.allSettled([world.users.setPassword('ana', to), ...attempts])
    expect(changed?.status).toBe('fulfilled')
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled')
        await expect(world.logins.refresh(outcome.value.refreshToken)).rejects.toMatchObject(ended)
      else expect(outcome.reason).toMatchObject({ code: 'login_refused' })
    }
    expect(await world.server.sql('select 1 from logins')).toHaveLength(0)
  }
})

it('begins no login for a password that was changed while it was looked at', async () => {
  await using world = await openWithAna()
  const changed = Promise.withResolvers<void>()
  const isLocked = Promise.withResolvers<void>()
  const change = world.database.transaction(async (transaction) => {
    await transaction.query(sql`update users set password_hash = 'another' where id = 'ana'`)
    isLocked.resolve()
    await changed.promise
  })
  await isLocked.promise
  const login = world.logIn('ana')
  login.catch(() => undefined)
  await expect
    .poll(() =>
      world.server.sql(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'into logins'",
      ),
    )
    .toHaveLength(1)
  changed.resolve()
  await change
  await expect(login).rejects.toMatchObject({ code: 'login_refused' })
  expect(await world.server.sql('select 1 from logins')).toHaveLength(0)
})

it('renews nothing of a login that was taken back, whoever wrote that', async () => {
  await using world = await openWithAna()
  const login = await world.logIn('ana')
  const { loginId = '' } = world.whoIs(login)
  await world.revocations.revoke({ kind: 'login', id: loginId, keptUntilMs: world.clock.now() + 1_000 })
  await expect(world.logins.refresh(login.refreshToken)).rejects.toMatchObject(ended)
  expect(await world.server.sql('select 1 from logins')).toHaveLength(0)
})

it('keeps a hundred logins of a user, and ends the one that began first', async () => {
  await using world = await openWithAna()
  const first = await world.logIn('ana')
  for (let n = 1; n < loginsPerUserMax; n += 1) {
    world.clock.advance(1)
    await world.logIn('ana')
  }
  expect(world.refused(first)).toBeUndefined()
  world.clock.advance(1)
  const last = await world.logIn('ana')
  expect([first, last].map(world.refused)).toEqual(['token_revoked', undefined])
  expect(await world.server.sql('select 1 from logins')).toHaveLength(loginsPerUserMax)
})

it('lets ten thousand guesses through to twenty passwords, and the user in after a while', async () => {
  await using world = await openWithAna()
  const codes = await Promise.all(
    Array.from({ length: 10_000 }, (_, n) =>
      world.logIn('ana', `guess number ${n}`, `10.${n % 250}.0.1`).then(
        () => 'let in',
        ({ code }: { code: string }) => code,
      ),
    ),
  )
  expect(codes.filter((code) => code === 'login_refused')).toHaveLength(attemptsPerUserMax)
  expect(codes.filter((code) => code === 'too_many_requests')).toHaveLength(10_000 - attemptsPerUserMax)
  await expect(world.logIn('ana', password, '10.9.9.9')).rejects.toMatchObject({ code: 'too_many_requests' })
  world.clock.advance(attemptWindowMs)
  await world.logIn('ana', password, '10.9.9.9')
})

it('lets one address try a few names, and takes what was right off again', async () => {
  await using world = await openWithAna()
  for (let n = 0; n < attemptsPerAddressMax; n += 1)
    await expect(world.logIn(`user-${n}`)).rejects.toMatchObject({ code: 'login_refused' })
  await expect(world.logIn('ana')).rejects.toMatchObject({ code: 'too_many_requests' })
  for (let n = 0; n < 3 * attemptsPerUserMax; n += 1) await world.logIn('ana', password, '10.0.0.2')
})

it('revokes what an operator names, together with the logins, in every process', async () => {
  await using world = await openWithAna()
  await world.users.add({ ...noGrants, id: 'ben', password })
  const [ana, again, ben] = [await world.logIn('ana'), await world.logIn('ana'), await world.logIn('ben')]
  const other = await world.openModule()
  const { loginId = '', tokenId = '' } = world.whoIs(ana)
  await world.module.revoking.revoke({ loginId }, 'olga')
  expect([ana, again, ben].map(world.refused)).toEqual(['token_revoked', undefined, undefined])
  await expect(other.module.logins.refresh(ana.refreshToken)).rejects.toMatchObject(ended)
  world.clock.advance(500)
  await expect.poll(() => other.revocations.isRevoked({ ...world.whoIs(again), loginId })).toBe(true)
  // A token alone: its login brings another one.
  await world.module.revoking.revoke({ tokenId: world.whoIs(again).tokenId }, 'olga')
  expect(world.refused(again)).toBe('token_revoked')
  const renewed = await world.logins.refresh(again.refreshToken)
  expect(world.whoIs(renewed).tokenId).not.toBe(tokenId)
  world.clock.advance(1)
  await other.module.revoking.revoke({ userId: 'ana' }, 'olga')
  await expect(world.logins.refresh(renewed.refreshToken)).rejects.toMatchObject(ended)
  world.clock.advance(500)
  await expect.poll(() => world.refused(renewed)).toBe('token_revoked')
  const later = await world.logIn('ana')
  expect([later, ben].map(world.refused)).toEqual([undefined, undefined])
  await world.module.revoking.revoke(
    { everyone: true, issuedBefore: new Date(world.clock.now()).toISOString() },
    'olga',
  )
  expect([later, ben].map(world.refused)).toEqual([undefined, 'token_revoked'])
  expect(world.logger.lines.filter(({ message }) => message === 'revoked')).toHaveLength(4)
})

it('revokes nothing that lies in the future, and of two kinds nothing', async () => {
  await using world = await openWithAna()
  const issuedBefore = new Date(world.clock.now() + 1).toISOString()
  for (const request of [
    { userId: 'ana', issuedBefore },
    { everyone: true as const, issuedBefore },
  ])
    await expect(world.module.revoking.revoke(request, '')).rejects.toMatchObject({
      code: 'validation_failed',
    })
  expect(world.revocations.size).toBe(0)
})

it('a refresh does not outrun a revocation that this process has not read yet', async () => {
  await using world = await openWithAna()
  const login = await world.logIn('ana')
  world.clock.advance(1)
  const other = await world.openModule()
  const [, refreshed] = await Promise.allSettled([
    other.module.revoking.revoke({ userId: 'ana' }, 'olga'),
    world.logins.refresh(login.refreshToken),
  ])
  if (refreshed.status === 'fulfilled')
    await expect(world.logins.refresh(refreshed.value.refreshToken)).rejects.toMatchObject(ended)
  world.clock.advance(500)
  await expect.poll(() => world.refused(login)).toBe('token_revoked')
  expect(await world.server.sql('select 1 from logins')).toHaveLength(0)
})

it('refuses users and grants that no token could carry', async () => {
  await using world = await openWithAna()
  const wrong = { code: 'validation_failed' }
  await expect(world.users.add({ ...noGrants, id: 'ana', password })).rejects.toMatchObject(wrong)
  for (const id of ['', 'a\nb', 'x'.repeat(129), '\ud800'])
    await expect(world.users.add({ ...noGrants, id, password })).rejects.toMatchObject(wrong)
  for (const given of ['', 'short', 'x'.repeat(513)])
    await expect(world.users.add({ ...noGrants, id: 'ben', password: given })).rejects.toMatchObject(wrong)
  const many = Array.from({ length: 200 }, (_, n) => `workspace-${n}-${'x'.repeat(40)}`)
  for (const grants of [
    { workspaces: many },
    { teams: [''] },
    { name: 'a\nb' },
    { roles: Array(201).fill('a') },
  ]) {
    await expect(world.users.grant('ana', grants)).rejects.toMatchObject({ code: 'token_invalid' })
    await expect(world.users.add({ ...noGrants, id: 'ben', password, ...grants })).rejects.toThrow()
  }
  expect((await world.users.list()).map(({ id }) => id)).toEqual(['ana'])
  expect(await world.users.list('ana')).toEqual([])
})

it('signs in, renews and logs out over HTTP', async () => {
  await using world = await openWithAna()
  const server = await world.serve()
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await server.fetch(`/api/v1/auth/${path}`, {
      method: 'POST',
      body: body === undefined ? null : JSON.stringify(body),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const login = await post('login', { user: 'ana', password })
  expect(login.status).toBe(200)
  expect(login.headers.get('cache-control')).toBe('no-store')
  expect(await post('login', { user: 'ana', password: 'wrong password' })).toMatchObject({
    status: 401,
    body: { code: 'login_refused' },
  })
  for (const wrong of [{}, { user: 'ana' }, { user: 7, password }, { user: '', password }, [], null])
    expect((await post('login', wrong)).status, JSON.stringify(wrong)).toBe(400)
  const renewed = await post('refresh', { refreshToken: login.body.refreshToken })
  expect(renewed.status).toBe(200)
  expect(await post('logout', undefined)).toMatchObject({ status: 401, body: { code: 'token_missing' } })
  expect((await post('logout', undefined, bearer(renewed.body.accessToken))).status).toBe(204)
  expect(await post('logout', undefined, bearer(renewed.body.accessToken))).toMatchObject({
    status: 401,
    body: { code: 'token_revoked' },
  })
  expect(await post('refresh', { refreshToken: renewed.body.refreshToken })).toMatchObject({
    status: 401,
    body: { code: 'login_ended' },
  })
  const other = await post('login', { user: 'ana', password })
  expect((await post('revocations', { userId: 'ana' }, bearer(other.body.accessToken))).status).toBe(403)
  await world.users.add({ ...noGrants, id: 'olga', password, roles: ['admin'] })
  const olga = await post('login', { user: 'olga', password })
  for (const wrong of [
    {},
    { userId: 'ana', everyone: true },
    { tokenId: 'x', issuedBefore: '2030-01-01T00:00:00Z' },
  ])
    expect((await post('revocations', wrong, bearer(olga.body.accessToken))).status).toBe(400)
  world.clock.advance(1)
  const revoked = await post('revocations', { userId: 'ana' }, bearer(olga.body.accessToken))
  expect(revoked).toMatchObject({ status: 200, body: { keptUntil: expect.any(String) } })
  expect(world.refused(other.body)).toBe('token_revoked')
  expect(JSON.stringify(server.log)).not.toContain(password)
})

it('sweeps once an hour what is over, goes back and forth with its schema', async () => {
  await using world = await openWithAna()
  await world.module.start?.()
  await world.logIn('ana')
  world.clock.advance(loginLifeMs)
  await expect.poll(async () => (await world.server.sql('select 1 from logins')).length).toBe(0)
  await world.module.stop?.()
  await migrateDown(world.server, world.migrations, { steps: 1 })
  await migrateUp(world.server, world.migrations)
  expect(await world.users.list()).toEqual([])
})
