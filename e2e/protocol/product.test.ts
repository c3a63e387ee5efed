/** The whole product as its users start it: stock clients on its shared port and on a port of its own. */
import { createServer } from 'node:http'
import { io, type Socket } from 'socket.io-client'
import * as msgpack from 'socket.io-msgpack-parser'
import { afterEach, expect, it } from 'vitest'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { type Product, type ProductOptions, startProduct } from '../product.ts'
import { answered, RawSocket, Refused } from './raw-clients.ts'
import { clientFrame, RawLine } from './raw-line.ts'
import { until } from './until.ts'
import { closed, connected, count, expectNoSecrets, hearing, listening, refused } from './world.ts'

const secret = 'the secret of these tests, with 32 bytes or more'
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each()
})

async function open(environment: Record<string, string> = {}, options: ProductOptions = {}) {
  const product = await startProduct({
    ...options,
    environment: { JWT_SECRET: secret, LOG_LEVEL: 'debug', ...environment },
  })
  undo.push(() => product.stop())
  return product
}

const tokens: string[] = []
function token(claims: TokenClaims = { sub: 'ana', workspaces: ['acme'] }): string {
  const made = issueToken({ secret, claims, expiresInSeconds: 600, now: Date.now })
  tokens.push(made)
  return made
}

function client(url: string, options: object = {}): Socket {
  const made = io(`${url}/realtime`, {
    forceNew: true,
    reconnection: false,
    auth: { token: token() },
    ...options,
  })
  undo.push(() => made.disconnect())
  return made
}

async function operator(product: Product) {
  const signedIn = await fetch(`${product.url}/api/v1/access/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: product.url },
    body: JSON.stringify({ token: product.signInLink.split('#token=')[1] }),
  })
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  return async (message: string) => {
    const answer = await answered(
      fetch(`${product.url}/api/v1/socket/broadcast`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: product.url, cookie },
        body: JSON.stringify({ data: { message } }),
      }),
    )
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('cursor')])
    return JSON.parse(answer.text) as { cursor: string; recipients: number }
  }
}

it('[A-02] [A-04] serves stock clients and pages on one port, and says nothing of their tokens', async () => {
  const product = await open()
  const publish = await operator(product)
  const clients = [['websocket'], ['polling'], ['polling', 'websocket']].map((transports) =>
    client(product.url, { transports }),
  )
  const heard = clients.map(hearing)
  await Promise.all(clients.map(connected))
  for (const number of count(10)) expect((await publish(`message ${number}`)).recipients).toBe(3)
  await until(() => heard.every(({ length }) => length === 10))
  for (const each of heard) {
    const messages = each.map(({ name, args: [data] }) => [name, (data as { message: string }).message])
    expect(messages).toEqual(count(10).map((number) => ['system:message', `message ${number}`]))
  }
  expect((await fetch(product.url)).status).toBe(200)
  expect((await fetch(`${product.url}/healthz`)).status).toBe(200)
  const forged = issueToken({
    secret: `${secret}!`,
    claims: { sub: 'eva' },
    expiresInSeconds: 60,
    now: Date.now,
  })
  tokens.push(forged)
  expect((await refused(client(product.url, { auth: { token: forged } }))).code).toBe('token_invalid')
  expect((await refused(client(product.url, { auth: {} }))).code).toBe('token_missing')
  await product.stop()
  const output = product.output()
  expect(output).toContain('suspicious activity')
  expectNoSecrets([{ level: 'info', fields: {}, message: output }], tokens)
  expect(output).not.toMatch(/"level":(50|60|"error"|"fatal")/)
})

it('[A-30] leaves the way for others when somebody misbehaves, and stops in order with clients connected', async () => {
  const product = await open()
  const publish = await operator(product)
  const other = client(product.url, { transports: ['websocket'] })
  const heard = hearing(other)
  const reasons: string[] = []
  other.on('disconnect', (reason) => reasons.push(reason))
  await connected(other)
  // An upgrade that belongs to nobody, of a client that is gone before it is answered.
  for (const path of ['/', '/elsewhere', '/socket.io/?EIO=3&transport=websocket']) {
    for (const _ of count(20)) {
      const line = await RawLine.open(product.url)
      line.socket.on('error', () => undefined)
      line.write(
        `GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      )
      await new Promise((resolve) => setImmediate(resolve))
      line.socket.resetAndDestroy()
    }
  }
  for (const frame of [
    clientFrame(1, 'abc'),
    clientFrame(1, '42'),
    clientFrame(3, 'x'),
    Buffer.from([0x81, 1, 0]),
  ]) {
    const line = await RawLine.open(product.url)
    line.askForWebSocket()
    line.write(frame)
    await line.ended
    line.terminate()
  }
  await publish('still here')
  await until(() => heard.length === 1)
  await product.stop()
  await until(() => reasons.length === 1)
  expect(reasons).toEqual(['transport close'])
  expect(product.process.exitCode).toBe(0)
})

it('[A-03] [A-29] [A-36] [A-37] does what its settings say', async () => {
  const origin = 'https://app.example.com'
  const port = await freePort()
  const product = await open({
    SOCKET_PORT: port,
    SOCKET_CORS_ORIGIN: origin,
    SOCKET_COMPRESSION: 'true',
    SOCKET_PARSER: 'msgpack',
    SOCKET_PING_INTERVAL: '300',
    SOCKET_MAX_PAYLOAD_BYTES: '5000',
  })
  expect(product.output()).toContain(`on port ${port} as well`)
  const separate = new URL(product.url)
  separate.port = port
  const publish = await operator(product)
  const clients = [product.url, separate.origin].map((url) => client(url, { parser: msgpack }))
  const heard = clients.map(hearing)
  await Promise.all(clients.map(connected))
  expect((await publish('hello')).recipients).toBe(2)
  await until(() => heard.every(({ length }) => length === 1))
  for (const url of [product.url, separate.origin]) {
    const poll = (headers: Record<string, string>) =>
      answered(fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers }))
    expect((await poll({ origin: 'https://elsewhere.example' })).status).toBe(403)
    const allowed = await poll({ origin })
    expect(JSON.parse(allowed.text.slice(1))).toMatchObject({ pingInterval: 300, maxPayload: 5_000 })
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin)
    await expect(RawSocket.open(url, { headers: { origin: 'null' } })).rejects.toBeInstanceOf(Refused)
    const socket = await RawSocket.open(url, { headers: { origin }, deflate: true })
    expect((await socket.handshake()).pingInterval).toBe(300)
    expect(await socket.next()).toBe('2')
    socket.send(Buffer.alloc(5_001))
    expect(await socket.closed).toEqual({ code: 1009, reason: 'too_large' })
  }
})

async function freePort(): Promise<string> {
  const server = createServer()
  const { port } = new URL(await listening(server))
  await closed(server)
  return port
}
