/** Session cookies of a hosting program, over real handshakes: whose pages may use them, and whose may not (S3). */
import { rmSync } from 'node:fs'
import { io } from 'socket.io-client'
import { afterEach, expect, it } from 'vitest'
import { until } from '../../packages/server/src/engine/testing/until.ts'
import { migratedDirectory } from '../product.ts'
import { openSockets } from './client.ts'
import { type Session, startApplication } from './cookie-host.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each()
})

async function open(environment: Record<string, string> = {}) {
  const dataDirectory = migratedDirectory()
  const sessions = new Map<string, Session>([
    ['ana-1', { userId: 'ana', endsAt: new Date(Date.now() + 3_600_000) }],
  ])
  const belfry = await startApplication(sessions, {
    BELFRY_DATA_DIR: dataDirectory,
    PORT: '0',
    LOG_LEVEL: 'silent',
    SOCKET_CORS_ORIGIN: 'https://app.example.com',
    ...environment,
  })
  undo.push(() => rmSync(dataDirectory, { recursive: true, force: true }))
  undo.push(() => belfry.stop())
  return { belfry, sessions }
}

/** What becomes of a client with these headers: its user, or why it was refused. */
async function outcome(
  url: string,
  headers: Record<string, string>,
  transport: 'websocket' | 'polling',
): Promise<string> {
  const socket = io(`${url}/realtime`, {
    forceNew: true,
    reconnection: false,
    transports: [transport],
    extraHeaders: headers,
  })
  undo.push(() => socket.disconnect())
  return new Promise((resolve) => {
    socket.once('connect', () => resolve('let in'))
    socket.once('connect_error', (error: Error & { data?: { code?: string } }) =>
      resolve(error.data?.code ?? 'turned away'),
    )
  })
}

it.each(['websocket', 'polling'] as const)(
  'count for pages of this server and of allowed origins alone, by %s',
  async (transport) => {
    const { belfry } = await open()
    const cookie = 'theme=dark; sid=ana-1; sid=other'
    const cases: [headers: Record<string, string>, expected: string][] = [
      [{ cookie, origin: belfry.address }, 'let in'],
      [{ cookie, origin: 'https://app.example.com' }, 'let in'],
      [{ cookie, 'sec-fetch-site': 'same-origin' }, 'let in'],
      [{ cookie, origin: 'https://evil.example.com' }, 'turned away'],
      [{ cookie, origin: 'null' }, 'turned away'],
      [{ cookie }, 'token_missing'],
      [{ cookie, 'sec-fetch-site': 'cross-site' }, 'token_missing'],
      [{ cookie: 'sid=somebody-else', origin: belfry.address }, 'token_missing'],
      [{ origin: belfry.address }, 'token_missing'],
      [{ cookie: '; =; sid', origin: belfry.address }, 'token_missing'],
    ]
    for (const [headers, expected] of cases)
      expect(await outcome(belfry.address, headers, transport), JSON.stringify(headers)).toBe(expected)
    expect(belfry.sockets.getConnectedUsers()).toEqual(['ana'])
  },
)

it('of any page do not count where sockets are open to every origin', async () => {
  const { belfry } = await open({ SOCKET_CORS_ORIGIN: '*', SOCKET_CORS_CREDENTIALS: 'false' })
  const headers = { cookie: 'sid=ana-1', origin: 'https://evil.example.com' }
  expect(await outcome(belfry.address, headers, 'websocket')).toBe('token_missing')
})

it('of a session that is over get nobody in', async () => {
  const { belfry, sessions } = await open()
  sessions.set('old', { userId: 'ana', endsAt: new Date(Date.now() - 60_000) })
  expect(await outcome(belfry.address, { cookie: 'sid=old', origin: belfry.address }, 'websocket')).toBe(
    'token_expired',
  )
})

it('what the page of docs/authentication.md does: tokens of three seconds, and one connection', async () => {
  const { belfry } = await open({ SOCKET_EXPIRY_GRACE_SECONDS: '1' })
  let issued = 0
  const told: string[] = []
  const { identity, realtime } = openSockets(
    belfry.address,
    async () => {
      issued += 1
      return belfry.issueToken({ sub: 'ana' }, { expiresInSeconds: 3 })
    },
    (what) => told.push(what),
  )
  undo.push(() => [identity, realtime].map((socket) => socket.disconnect()))
  await until(() => identity.connected && realtime.connected)
  const [ids, renewedFrom] = [[identity.id, realtime.id], issued]
  await until(() => issued >= renewedFrom + 3)
  expect([identity.id, realtime.id]).toEqual(ids)
  expect(told).toEqual([])
})
