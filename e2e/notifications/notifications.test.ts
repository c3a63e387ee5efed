/** Notifications as a program sends them and a stock client gets them, over the built product. */
import { rmSync } from 'node:fs'
import { io, type Socket } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { migratedDirectory, type Product, startProduct } from '../product.ts'
import { until } from '../protocol/until.ts'
import { count } from '../protocol/world.ts'

const secret = 'the secret of these tests, with 32 bytes or more'
const environment = { JWT_SECRET: secret }

let dataDirectory: string
let product: Product
let sockets: Socket[] = []

beforeEach(async () => {
  dataDirectory = migratedDirectory()
  await start()
})
afterEach(async () => {
  for (const socket of sockets) socket.disconnect()
  sockets = []
  await product.stop()
  rmSync(dataDirectory, { recursive: true, force: true })
})

async function start(): Promise<void> {
  product = await startProduct({ dataDirectory, environment })
}

function tokenOf(claims: TokenClaims): string {
  return issueToken({ secret, claims, expiresInSeconds: 3_600, now: Date.now })
}
const program = { sub: 'billing', permissions: ['notifications:send'] }

async function ask(method: string, path: string, claims: TokenClaims, body?: object) {
  const response = await fetch(`${product.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${tokenOf(claims)}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

function connect(sub: string): { socket: Socket; heard: [string, Record<string, unknown>][] } {
  const socket = io(`${product.url}/notifications`, {
    auth: { token: tokenOf({ sub, workspaces: ['acme'] }) },
    transports: ['websocket'],
    forceNew: true,
  })
  sockets.push(socket)
  const heard: [string, Record<string, unknown>][] = []
  socket.onAny((name: string, data: Record<string, unknown>) => heard.push([name, data]))
  return { socket, heard }
}

describe('notifications', () => {
  it('go from a request to a stock client, and from its command to its other tab', async () => {
    const tabs = [connect('ana'), connect('ana')]
    await until(() => tabs.every(({ socket }) => socket.connected))
    const sent = await ask('POST', '/api/v1/notifications', program, {
      userId: 'ana',
      type: 'mention',
      title: 'Bob mentioned you',
    })
    expect(sent).toMatchObject({ status: 200, body: { recipients: 1, repeated: false } })
    for (const { heard } of tabs) {
      await until(() => heard.length === 2)
      expect(heard.map(([name]) => name).toSorted()).toEqual(['notification:new', 'notification:unreadCount'])
    }
    const { id } = sent.body as { id: string }
    const listed = await tabs[0]?.socket.emitWithAck('notification:getAll', { limit: 5, read: false })
    expect(listed).toMatchObject({ ok: true, data: { notifications: [{ id }], unread: 1, nextCursor: null } })
    expect(await tabs[0]?.socket.emitWithAck('notification:markRead', { notificationId: id })).toMatchObject({
      ok: true,
      data: { changed: 1, unread: 0 },
    })
    await until(() => tabs[1]?.heard.length === 4)
    expect(tabs[1]?.heard.find(([name]) => name === 'notification:update')?.[1]).toMatchObject({ id })
    expect((await ask('GET', '/api/v1/notifications/unread-count', { sub: 'ana' })).body).toMatchObject({
      unread: 0,
    })
  })

  it('are sent by those who may, to what the path of earlier clients says as well', async () => {
    const body = { workspaceId: 'acme', type: 'alert', title: 'Look' }
    expect(await ask('POST', '/api/v1/notifications', { sub: 'ana' }, body)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
    const { socket, heard } = connect('ana')
    await until(() => socket.connected)
    const sent = await ask('POST', '/realtime/notifications/send', { sub: 'olga', roles: ['admin'] }, body)
    expect(sent).toMatchObject({ status: 200, body: { recipients: 1 } })
    await until(() => heard.length === 2)
    const nobody = { type: 'alert', title: 'Look' }
    expect(await ask('POST', '/api/v1/notifications', program, nobody)).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', fields: [{ path: 'body.userId' }] },
    })
  })

  it('are one’s own over REST, and only those', async () => {
    for (const n of count(3))
      await ask('POST', '/api/v1/notifications', program, { userId: 'ana', type: 'n', title: `n ${n}` })
    const mine = await ask('GET', '/api/v1/notifications?limit=2&read=false', { sub: 'ana' })
    const { notifications, nextCursor } = mine.body as {
      notifications: { id: string; title: string }[]
      nextCursor: string
    }
    expect(notifications.map(({ title }) => title)).toEqual(['n 2', 'n 1'])
    const rest = await ask('GET', `/api/v1/notifications?limit=2&cursor=${nextCursor}`, { sub: 'ana' })
    expect(rest.body).toMatchObject({ notifications: [{ title: 'n 0' }], nextCursor: null, unread: 3 })
    const id = notifications[0]?.id ?? ''
    const path = `/api/v1/notifications/${id}`
    expect(await ask('POST', `${path}/read`, { sub: 'eve' })).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    })
    expect((await ask('GET', '/api/v1/notifications', { sub: 'eve' })).body).toMatchObject({
      notifications: [],
      unread: 0,
    })
    expect((await ask('POST', `${path}/read`, { sub: 'ana' })).body).toMatchObject({ changed: 1, unread: 2 })
    expect((await ask('POST', `${path}/unread`, { sub: 'ana' })).body).toMatchObject({
      changed: 1,
      unread: 3,
    })
    expect((await ask('POST', `${path}/dismiss`, { sub: 'ana' })).body).toMatchObject({
      changed: 1,
      unread: 2,
    })
    expect((await ask('DELETE', path, { sub: 'ana' })).body).toMatchObject({ changed: 1, unread: 2 })
    expect((await ask('POST', '/api/v1/notifications/read-all', { sub: 'ana' }, {})).body).toMatchObject({
      changed: 2,
      unread: 0,
    })
    expect((await ask('DELETE', path, { sub: 'ana' })).status).toBe(404)
    expect((await ask('POST', '/api/v1/notifications/no-uuid/read', { sub: 'ana' })).status).toBe(400)
  })

  it('that were acknowledged survive kill -9 of the server, and none is there twice', async () => {
    const acknowledged = new Map<string, string>()
    let keys = 0
    let isOver = false
    const sender = async () => {
      while (!isOver) {
        keys += 1
        const key = `k${keys}`
        const body = { userId: 'ana', type: 'n', title: key, key }
        const sent = await ask('POST', '/api/v1/notifications', program, body).catch(() => undefined)
        if (sent?.status === 200) acknowledged.set(key, String(sent.body['id']))
      }
    }
    const senders = count(8).map(sender)
    await until(() => acknowledged.size >= 300)
    product.process.kill('SIGKILL')
    await product.ended
    isOver = true
    await Promise.all(senders)
    await start()
    // Whoever got no answer asks again with the same key.
    for (const n of count(keys)) {
      const key = `k${n + 1}`
      const body = { userId: 'ana', type: 'n', title: key, key }
      const again = await ask('POST', '/api/v1/notifications', program, body)
      expect(again.status).toBe(200)
      const known = acknowledged.get(key)
      if (known !== undefined) expect(again.body).toMatchObject({ id: known, repeated: true })
      acknowledged.set(key, String(again.body['id']))
    }
    const listed: string[] = []
    let cursor: unknown = ''
    while (cursor !== null) {
      const page = await ask(
        'GET',
        `/api/v1/notifications?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`,
        { sub: 'ana' },
      )
      listed.push(...(page.body['notifications'] as { id: string }[]).map(({ id }) => id))
      cursor = page.body['nextCursor']
    }
    expect(listed.toSorted()).toEqual([...acknowledged.values()].toSorted())
    expect((await ask('GET', '/api/v1/notifications/unread-count', { sub: 'ana' })).body).toMatchObject({
      unread: listed.length,
    })
  })
})
