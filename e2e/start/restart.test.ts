/** A lone server that restarts while people use it: who hears of it, in which order it stops, and that all come back. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { io, type Socket } from 'socket.io-client'
import { expect, it, onTestFinished } from 'vitest'
import { issueToken } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import type { Product } from '../product.ts'
import { RawPolling } from '../protocol/raw-clients.ts'
import { RawLine } from '../protocol/raw-line.ts'
import { until } from '../protocol/until.ts'
import { connected, count } from '../protocol/world.ts'
import { start } from './world.ts'

const secret = 'the secret of these tests, with 32 bytes or more'
const token = (sub: string) =>
  issueToken({ secret, claims: { sub, workspaces: ['acme'] }, expiresInSeconds: 600, now: Date.now })

it('tells its clients, lets nobody new in, stops in order, and has all of them back', async () => {
  const environment = {
    JWT_SECRET: secret,
    PORT: await freePort(),
    DRAIN_SECONDS: '4',
    RESTART_SECONDS: '7',
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
  }
  const first = await start({ environment })
  const clients = count(60).map((n) => new Client(first.url, `user-${n}`, n % 3 === 0))
  await Promise.all(clients.map(({ socket }) => connected(socket)))
  const load = publishing(first)
  await until(() => clients.every(({ heard }) => heard.includes('system:message')))
  // One that asks for nothing any more holds up the stop, as far as it can.
  const silent = await RawPolling.open(first.url)
  await silent.enter(token('silent'), '/realtime')

  const stoppedAtMs = performance.now()
  first.process.kill('SIGTERM')
  await until(async () => (await fetch(`${first.url}/readyz`)).status === 503)
  const newcomer = await fetch(`${first.url}/socket.io/?EIO=4&transport=polling`)
  expect(newcomer.status).toBe(503)
  expect(newcomer.headers.get('retry-after')).toBe('5')
  expect(await newcomer.json()).toMatchObject({ error: 'shutting_down' })
  const line = await RawLine.open(first.url)
  line.askForWebSocket()
  await line.ended
  expect(line.received).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 5\r\n.*"shutting_down"/s)

  expect(await first.ended).toBe(0)
  // A second for the pool and four for PostgreSQL come on top, at most.
  expect(performance.now() - stoppedAtMs).toBeLessThan(9_000)
  const published = await load
  expect(published).toBeGreaterThan(0)
  for (const { reasons, goodbyes } of clients) {
    expect(reasons).toEqual(['transport close'])
    expect(goodbyes).toEqual([
      expect.objectContaining({ code: 'shutting_down', retry: true, afterMs: expect.any(Number) }),
    ])
    expect(goodbyes[0]?.afterMs).toBeGreaterThanOrEqual(7_000)
    expect(goodbyes[0]?.afterMs).toBeLessThan(8_000)
  }
  expect(stepsOf(first)).toEqual([
    ['stopping: nobody new is let in', expect.objectContaining({ connections: 61 })],
    ['clients were let go', expect.objectContaining({ connections: 61, late: 1 })],
    ['requests are finished', expect.anything()],
    ['Belfry has stopped', expect.anything()],
  ])
  expect(first.output()).not.toMatch(/"level":"?(?:error|fatal|50|60)/)

  const second = await start({ environment })
  expect(second.url).toBe(first.url)
  await until(() => clients.every(({ socket }) => socket.connected))
  for (const client of clients) client.heard.length = 0
  const again = publishing(second)
  await until(() => clients.every(({ heard }) => heard.includes('system:message')))
  second.process.kill('SIGTERM')
  await again
  expect(await second.ended).toBe(0)
})

it('with DRAIN_SECONDS=0 cuts at once', async () => {
  const product = await start({
    environment: { JWT_SECRET: secret, DRAIN_SECONDS: '0', LOG_LEVEL: 'info', LOG_FORMAT: 'json' },
  })
  const silent = await RawPolling.open(product.url)
  await silent.enter(token('silent'), '/realtime')
  const client = new Client(product.url, 'ana', false)
  await connected(client.socket)
  product.process.kill('SIGTERM')
  expect(await product.ended).toBe(0)
  const [began, ended] = timesOf(product)
  expect(Number(ended) - Number(began)).toBeLessThan(500)
  await until(() => client.reasons.length === 1)
})

/** A stock client, and what it hears. */
class Client {
  readonly socket: Socket
  readonly heard: string[] = []
  readonly goodbyes: { afterMs?: number }[] = []
  readonly reasons: string[] = []

  constructor(url: string, sub: string, polls: boolean) {
    this.socket = io(`${url}/realtime`, {
      forceNew: true,
      auth: { token: token(sub) },
      transports: [polls ? 'polling' : 'websocket'],
      reconnectionDelay: 50,
      reconnectionDelayMax: 500,
    })
    this.socket.onAny((name: string, data: { afterMs?: number }) => {
      this.heard.push(name)
      if (name === 'session:closing') this.goodbyes.push(data)
    })
    this.socket.on('disconnect', (reason) => this.reasons.push(reason))
    onTestFinished(() => {
      this.socket.disconnect()
    })
  }
}

/** Publishes until the server takes nothing more; how often it did. */
async function publishing(product: Product): Promise<number> {
  const post = (path: string, body: object, cookie = '') =>
    fetch(`${product.url}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: product.url, cookie },
      body: JSON.stringify(body),
    })
  const signedIn = await post('access/session', { token: product.signInLink.split('#token=')[1] })
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  let published = 0
  for (;;) {
    const answer = await post('socket/broadcast', { data: { message: `number ${published}` } }, cookie).catch(
      () => undefined,
    )
    if (answer?.status !== 200) return published
    published += 1
  }
}

const steps = [
  'stopping: nobody new is let in',
  'clients were let go',
  'requests are finished',
  'Belfry has stopped',
]

function linesOf(product: Product): { message: string; time: string | number }[] {
  return product
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}

function stepsOf(product: Product) {
  return linesOf(product).flatMap((line) => (steps.includes(line.message) ? [[line.message, line]] : []))
}

function timesOf(product: Product): number[] {
  const known = linesOf(product).filter(({ message }) => steps.slice(0, 2).includes(message))
  return known.map(({ time }) => new Date(time).getTime())
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return String(port)
}
