/** Tokens on living sockets, in the built product: stock clients, short-lived tokens, the command line beside it. */

import { generateKeyPairSync } from 'node:crypto'
import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { io, Manager, type Socket } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { publicJwk, startKeyServer } from '../../packages/server/src/adapters/tokens/testing/key-server.ts'
import { until } from '../../packages/server/src/engine/testing/until.ts'
import { mustRefuse, mustSucceed } from '../cli/command-line.ts'
import { migratedDirectory, type Product, type ProductOptions, startProduct } from '../product.ts'

const secret = 'the secret of these tests, with 32 bytes or more'
const password = 'correct horse battery'
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each()
})

async function open(environment: Record<string, string> = {}, options: ProductOptions = {}) {
  const dataDirectory = options.dataDirectory ?? migratedDirectory()
  const settings = { JWT_SECRET: secret, LOG_LEVEL: 'info', RATE_LIMIT_MAX_REQUESTS: '10000', ...environment }
  const product = await startProduct({ ...options, dataDirectory, environment: settings })
  if (options.dataDirectory === undefined)
    undo.push(() => rmSync(dataDirectory, { recursive: true, force: true }))
  undo.push(() => product.stop())
  return { product, environment: { ...settings, BELFRY_DATA_DIR: dataDirectory }, dataDirectory }
}

const token = (claims: Partial<TokenClaims> = {}, expiresInSeconds = 600) =>
  issueToken({
    secret,
    claims: { sub: 'ana', workspaces: ['acme'], ...claims },
    expiresInSeconds,
    now: Date.now,
  })

interface Heard {
  readonly name: string
  readonly data: { readonly code?: string }
  readonly at: number
}
interface Client {
  readonly socket: Socket
  readonly heard: Heard[]
  readonly ended: Promise<number>
}

/** One connection, as a stock application has it. */
function connection({ url }: Product): (namespace: string, auth?: object) => Client {
  const manager = new Manager(url, { reconnection: false, forceNew: true, transports: ['websocket'] })
  undo.push(() => manager._close())
  return (namespace, auth = {}) => {
    const socket = manager.socket(namespace, { auth: { ...auth } })
    const heard: Heard[] = []
    socket.onAny((name: string, data: Heard['data']) => heard.push({ name, data, at: performance.now() }))
    const ended = new Promise<number>((resolve) =>
      socket.once('disconnect', () => resolve(performance.now())),
    )
    socket.connect()
    return { socket, heard, ended }
  }
}

async function entered(client: Client): Promise<Client> {
  await new Promise<void>((resolve, reject) => {
    client.socket.once('connect', () => resolve())
    client.socket.once('connect_error', reject)
  })
  return client
}

const codeOf = (client: Client): Promise<string> =>
  entered(client).then(
    () => 'let in',
    (error: { data?: { code?: string } }) => error.data?.code ?? String(error),
  )

const closings = ({ heard }: Client) =>
  heard.filter(({ name }) => name === 'session:closing').map(({ data }) => data.code)

async function post(product: Product, path: string, body?: object, bearer?: string) {
  const response = await fetch(`${product.url}/api/v1/auth/${path}`, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

const addUser = (environment: Record<string, string>, id: string, ...options: string[]) =>
  mustSucceed(['user', 'add', id, ...options], { environment, input: Buffer.from(`${password}\n`) })

describe('/auth', () => {
  it('[A-10] lets a stock client say who it is, and open other namespaces then', async () => {
    const { product } = await open()
    const on = connection(product)
    const auth = await entered(on('/auth'))
    expect(await codeOf(on('/realtime'))).toBe('token_missing')
    expect(await auth.socket.emitWithAck('logout')).toMatchObject({
      ok: false,
      error: { code: 'unauthenticated' },
    })
    expect(await auth.socket.emitWithAck('authenticate', { token: 'made up' })).toMatchObject({
      ok: false,
      error: { code: 'token_invalid' },
    })
    expect(await auth.socket.emitWithAck('authenticate', { token: token() })).toMatchObject({
      ok: true,
      data: { userId: 'ana' },
    })
    await entered(on('/notifications'))
    expect(await auth.socket.emitWithAck('authenticate', { token: token({ sub: 'eve' }) })).toMatchObject({
      ok: false,
      error: { code: 'forbidden' },
    })
  })

  it('[A-10] drops whoever says nothing for five seconds', async () => {
    const { product } = await open()
    const began = performance.now()
    const silent = await entered(connection(product)('/auth'))
    const took = (await silent.ended) - began
    expect(took).toBeGreaterThan(4_900)
    expect(took).toBeLessThan(9_000)
    expect(closings(silent)).toEqual(['unauthenticated'])
  })

  it('[A-13] tells of the end of a token, renews it in place, and ends what was not renewed', async () => {
    const { product } = await open({ SOCKET_EXPIRY_GRACE_SECONDS: '1' })
    const [renewing, idle] = [connection(product), connection(product)]
    const auth = await entered(renewing('/auth', { token: token({}, 3) }))
    const kept = await entered(renewing('/realtime'))
    const lost = await entered(idle('/realtime', { token: token({}, 3) }))
    await until(() => auth.heard.some(({ name }) => name === 'auth:expiring'))
    expect(await auth.socket.emitWithAck('authenticate', { token: token({ workspaces: [] }) })).toMatchObject(
      { ok: true },
    )
    await lost.ended
    expect(lost.heard.map(({ name, data }) => [name, data.code])).toEqual([
      ['session:warning', 'token_expiring'],
      ['session:closing', 'token_expired'],
    ])
    expect(kept.heard.map(({ name }) => name)).toEqual(['room:lost'])
    expect([auth.socket.connected, kept.socket.connected, lost.socket.connected]).toEqual([true, true, false])
  })
})

describe('what is taken back', () => {
  it('[M-17] ends sockets within a second, also when another process did it, and stays so over a restart', async () => {
    const { product, environment, dataDirectory } = await open({}, { dataDirectory: migratedDirectory() })
    undo.unshift(() => rmSync(dataDirectory, { recursive: true, force: true }))
    const clients = await Promise.all(
      ['t-1', 't-2'].map((jti) => entered(connection(product)('/realtime', { token: token({ jti }) }))),
    )
    const [revoked, other] = clients as [Client, Client]
    const began = performance.now()
    await mustSucceed(['revoke', '--token', 't-1'], { environment })
    const written = performance.now()
    const ended = await revoked.ended
    // From the end of the command, which was done a little before it ended.
    expect(ended - written).toBeLessThan(1_000)
    expect(ended).toBeGreaterThan(began)
    expect(closings(revoked)).toEqual(['token_revoked'])
    expect(other.socket.connected).toBe(true)
    expect(await codeOf(connection(product)('/realtime', { token: token({ jti: 't-1' }) }))).toBe(
      'token_revoked',
    )
    const asked = await fetch(`${product.url}/api/v1/notifications`, {
      headers: { authorization: `Bearer ${token({ jti: 't-1' })}` },
    })
    expect([asked.status, ((await asked.json()) as { code: string }).code]).toEqual([401, 'token_revoked'])
    await product.stop()
    await mustSucceed(['revoke', '--user', 'ana'], { environment })
    const issuedBefore = token({ jti: 't-3' })
    await mustSucceed(['revoke', '--everyone'], { environment })
    const again = await open({}, { dataDirectory })
    expect(await codeOf(connection(again.product)('/realtime', { token: issuedBefore }))).toBe(
      'token_revoked',
    )
    expect(await codeOf(connection(again.product)('/realtime', { token: token({ jti: 't-1' }) }))).toBe(
      'token_revoked',
    )
    expect(await codeOf(connection(again.product)('/realtime', { token: token({ jti: 't-4' }) }))).toBe(
      'let in',
    )
    for (const words of [
      [],
      ['--user', 'ana', '--everyone'],
      ['--token', 'x', '--issued-before', '2026-01-01T00:00:00Z'],
    ])
      await mustRefuse(['revoke', ...words], { environment, code: 2 })
    await mustRefuse(['revoke', '--user', 'ana', '--issued-before', '2999-01-01T00:00:00Z'], {
      environment,
      code: 2,
    })
  })

  it('[A-11] with a logout: two sockets and two namespaces of the login, and no other', async () => {
    const { product, environment } = await open()
    await addUser(environment, 'ana', '--workspaces', 'acme')
    const login = async () => (await post(product, 'login', { user: 'ana', password })).body
    const [one, two] = [await login(), await login()]
    const on = connection(product)
    const auth = await entered(on('/auth', { token: one.accessToken }))
    const sockets = [
      auth,
      await entered(on('/realtime')),
      await entered(on('/notifications')),
      await entered(connection(product)('/realtime', { token: one.accessToken })),
    ]
    const other = await entered(connection(product)('/realtime', { token: two.accessToken }))
    expect(await auth.socket.emitWithAck('logout')).toEqual({ ok: true })
    await Promise.all(sockets.map(({ ended }) => ended))
    for (const client of sockets) expect(closings(client)).toEqual(['token_revoked'])
    expect(other.socket.connected).toBe(true)
    expect(await codeOf(connection(product)('/realtime', { token: one.accessToken }))).toBe('token_revoked')
    expect(await post(product, 'refresh', { refreshToken: one.refreshToken })).toMatchObject({
      status: 401,
      body: { code: 'login_ended' },
    })
    expect((await post(product, 'logout', { refreshToken: two.refreshToken })).status).toBe(204)
    await other.ended
    expect(closings(other)).toEqual(['token_revoked'])
  })
})

describe('belfry user', () => {
  it('keeps users, whose password comes from the input alone', async () => {
    const { product, environment } = await open()
    await addUser(environment, 'ana', '--name', 'Ana', '--workspaces', 'acme,beta', '--roles', 'editor')
    await mustRefuse(['user', 'add', 'ana'], { environment, input: Buffer.from(`${password}\n`) })
    await mustRefuse(['user', 'add', 'ben'], { environment, input: Buffer.from('short\n') })
    await mustRefuse(['user', 'add', 'ben'], { environment, input: Buffer.from('') })
    await mustRefuse(['user', 'add', 'ben', '--password', password], {
      environment,
      input: Buffer.from(''),
      code: 2,
    })
    await mustRefuse(['user', 'grant', 'nobody', '--roles', 'admin'], { environment })
    await mustRefuse(['user'], { environment, code: 2 })
    expect((await mustSucceed(['user', 'list'], { environment })).stdout).toBe(
      'ana\tAna\tworkspaces=acme,beta\troles=editor\n',
    )
    const login = (await post(product, 'login', { user: 'ana', password })).body
    await mustSucceed(['user', 'grant', 'ana', '--workspaces', '', '--permissions', 'posts:write'], {
      environment,
    })
    const renewed = (await post(product, 'refresh', { refreshToken: login.refreshToken })).body
    const claims = JSON.parse(Buffer.from(renewed.accessToken.split('.')[1], 'base64url').toString())
    expect(claims).toMatchObject({
      sub: 'ana',
      name: 'Ana',
      workspaces: [],
      roles: ['editor'],
      permissions: ['posts:write'],
    })
    const socket = await entered(connection(product)('/realtime', { token: renewed.accessToken }))
    await mustSucceed(['user', 'password', 'ana'], {
      environment,
      input: Buffer.from('another horse battery\r\n'),
    })
    await socket.ended
    expect(closings(socket)).toEqual(['token_revoked'])
    expect((await post(product, 'login', { user: 'ana', password })).status).toBe(401)
    expect((await post(product, 'login', { user: 'ana', password: 'another horse battery' })).status).toBe(
      200,
    )
    await mustSucceed(['user', 'remove', 'ana'], { environment })
    expect((await post(product, 'login', { user: 'ana', password: 'another horse battery' })).status).toBe(
      401,
    )
    expect((await mustSucceed(['user', 'list'], { environment })).stdout).toBe('')
    for (const secretText of [password, 'another horse', login.accessToken, login.refreshToken])
      expect(product.output()).not.toContain(secretText)
  })

  it('bears two thousand wrong logins, and serves everybody else meanwhile', async () => {
    const { product, environment } = await open({ RATE_LIMIT_MAX_REQUESTS: '1000000' })
    await addUser(environment, 'ana')
    const socket = await entered(connection(product)('/realtime', { token: token() }))
    const statuses = new Map<number, number>()
    let longestMs = 0
    let isOver = false
    const pulse = (async () => {
      while (!isOver) {
        const began = performance.now()
        await socket.socket.emitWithAck('room:leave', { room: { kind: 'user', id: 'ana' } })
        longestMs = Math.max(longestMs, performance.now() - began)
        await delay(100)
      }
    })()
    for (let round = 0; round < 20; round += 1) {
      const tried = Array.from({ length: 100 }, (_, n) =>
        post(product, 'login', {
          user: n % 2 === 0 ? 'ana' : `user-${round}-${n}`,
          password: `guess ${round} ${n}`,
        }),
      )
      for (const { status } of await Promise.all(tried)) statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    isOver = true
    await pulse
    expect([...statuses.keys()].toSorted()).toEqual([401, 429])
    expect(statuses.get(401)).toBeLessThanOrEqual(60)
    expect((statuses.get(401) ?? 0) + (statuses.get(429) ?? 0)).toBe(2_000)
    expect(longestMs).toBeLessThan(3_000)
    expect(product.output()).not.toContain('guess 1 1')
  })
})

it('takes tokens of keys that are fetched, and of a new one without a restart', async () => {
  await using keys = await startKeyServer()
  const [first, second] = ['first', 'second'].map((kid) => ({ kid, ...generateKeyPairSync('ed25519') })) as [
    Key,
    Key,
  ]
  keys.publish(publicJwk(first.publicKey, 'first'))
  const { product } = await open({ JWT_JWKS_URL: keys.url })
  const signed = ({ kid, privateKey }: Key) =>
    new SignJWT({ sub: 'ana' })
      .setProtectedHeader({ alg: 'EdDSA', kid })
      .setExpirationTime('1h')
      .sign(privateKey)
  expect(await codeOf(connection(product)('/realtime', { token: await signed(first) }))).toBe('let in')
  keys.publish(publicJwk(first.publicKey, 'first'), publicJwk(second.publicKey, 'second'))
  // Until the keys may be fetched again its connection is closed, and it comes back by itself.
  const socket = io(`${product.url}/realtime`, { auth: { token: await signed(second) } })
  undo.push(() => socket.disconnect())
  await until(() => socket.connected)
})

interface Key extends ReturnType<typeof generateKeyPairSync> {
  readonly kid: string
  readonly publicKey: Parameters<typeof publicJwk>[0]
  readonly privateKey: Parameters<typeof publicJwk>[0]
}
