/** The stock client in a browser: on a page of the server's own origin, of an allowed one, and of a foreign one. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { UserId } from '@belfry/contract'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch } from '../browser/browser.ts'
import { repository } from '../product.ts'
import { posts } from './namespaces.ts'
import { until } from './until.ts'
import { closed, count, listening, openWorld, type World } from './world.ts'

const bundle = readFileSync(join(repository, 'node_modules/socket.io-client/dist/socket.io.min.js'))

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

/** A page with the stock client on it, and nothing else. */
function pageServer() {
  return createServer((request, response) => {
    if (request.url === '/client.js')
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(bundle)
    else if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<!doctype html><title>Page</title><script src="/client.js"></script>')
    } else response.writeHead(204).end()
  })
}

interface PageWindow {
  io: (url: string, options: object) => PageClient
  client: PageClient
  heard: { name: string; args: unknown[] }[]
  said: string[]
}
interface HeardPost {
  readonly args: readonly [{ readonly n: number; readonly image?: number[]; readonly text?: string }, string]
}
interface PageClient {
  on(name: string, listener: (...args: never[]) => void): void
  onAny(listener: (name: string, ...args: unknown[]) => void): void
  emitWithAck(name: string, data: unknown): Promise<unknown>
  disconnect(): void
  connect(): void
  connected: boolean
  recovered: boolean
  io: { engine: { transport: { name: string } } }
}

/** Opens a client on the page; resolves with "in", or with what it was told. */
function enter(page: Page, url: string, options: object): Promise<string> {
  return page.evaluate(
    ([to, given]) =>
      new Promise<string>((resolve) => {
        const { io } = window as unknown as PageWindow
        const client = io(`${to}/posts`, { ...given, forceNew: true, reconnection: false })
        const heard: PageWindow['heard'] = []
        client.onAny((name, data, ...rest) => {
          const image = (data as { image?: ArrayBuffer }).image
          const shown =
            image === undefined ? data : { ...(data as object), image: [...new Uint8Array(image)] }
          heard.push({ name, args: [shown, ...rest] })
        })
        client.on('post:ask', (data: { n: number }, answer: (value: unknown) => void) => {
          if (typeof answer === 'function') answer({ heard: data.n, bytes: new Uint8Array([1, 2]) })
        })
        client.on('connect', () => resolve('in'))
        client.on('connect_error', (error: Error) => resolve(error.message))
        Object.assign(window, { client, heard })
      }),
    [url, options] as const,
  )
}

const heardBy = (page: Page) => page.evaluate(() => (window as unknown as PageWindow).heard)
const transportOf = (page: Page) =>
  page.evaluate(() => (window as unknown as PageWindow).client.io.engine.transport.name)

async function openPage(url: string): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints }
}

describe.each([
  { way: 'polling alone', transports: ['polling'], ends: 'polling' },
  { way: 'WebSocket alone', transports: ['websocket'], ends: 'websocket' },
  { way: 'polling, then WebSocket', transports: ['polling', 'websocket'], ends: 'websocket' },
])('in Chromium, over $way', ({ transports, ends }) => {
  it('[A-01] [A-02] [A-05] a page of the same server gets events and bytes in order, asks and answers', async () => {
    const http = pageServer()
    await using world = await openWorld({ http, bounds: { compressBeyondBytes: 1_024 } })
    const { page } = await openPage(world.url)
    expect(await enter(page, world.url, { transports, auth: { token: world.token() } })).toBe('in')
    const big = 'A long text that repeats itself. '.repeat(500)
    for (const n of count(40)) {
      if (n % 4 === 0) await world.publish(posts, 'post:drawn', { n, image: Buffer.from([n, 255]) })
      else await world.publish(posts, 'post:created', { n, text: n % 5 === 0 ? big : `Grüße ${n} 🔔` })
    }
    await until(async () => (await heardBy(page)).length === 40)
    await until(async () => (await transportOf(page)) === ends)
    const heard = (await heardBy(page)) as unknown as HeardPost[]
    expect(heard.map(({ args: [{ n }] }) => n)).toEqual(count(40))
    expect(heard[4]?.args[0].image).toEqual([4, 255])
    expect([heard[1]?.args[0].text, heard[5]?.args[0].text]).toEqual(['Grüße 1 🔔', big])
    const answers = await page.evaluate(async () => {
      const { client } = window as unknown as PageWindow
      const view = await client.emitWithAck('post:view', { id: 'a' })
      const image = Uint8Array.from({ length: 50_000 }, (_, index) => index % 256)
      const drawn = (await client.emitWithAck('post:draw', { image })) as { data: { image: ArrayBuffer } }
      const back = new Uint8Array(drawn.data.image)
      return { view, isBack: back.every((byte, index) => byte === image[image.length - 1 - index]) }
    })
    expect(answers).toEqual({ view: { ok: true, data: { id: 'a', seen: true } }, isBack: true })
    const [session] = world.realtime.users.sessionsOf('ana' as UserId)
    if (session === undefined) throw new Error('There is no session.')
    const answer = (await world.realtime.request(session, 'post:ask', { n: 7 }, 15_000)) as {
      bytes: Uint8Array
    }
    expect({ ...answer, bytes: [...answer.bytes] }).toEqual({ heard: 7, bytes: [1, 2] })
    await page.close()
    await gone(world)
  })

  it.each([
    ['that is allowed, with cookies', true, true],
    ['that is allowed, without cookies', true, false],
    ['that is foreign', false, false],
  ])('[A-29] [A-39] a page of another origin %s', async (_what, isAllowed, withCredentials) => {
    const elsewhere = pageServer()
    // Another host, as ports alone do not make browsers strict about cookies.
    const pageUrl = (await listening(elsewhere)).replace('127.0.0.1', 'localhost')
    try {
      const allowed = isAllowed ? [new URL(pageUrl).origin] : []
      await using world = await openWorld({ origins: { allowed, credentials: true } })
      const { page, complaints } = await openPage(pageUrl)
      const said = await enter(page, world.url, {
        transports,
        withCredentials,
        auth: { token: world.token() },
      })
      if (!isAllowed) {
        expect(said).toMatch(/xhr poll error|websocket error/)
        expect(world.realtime.counts.opened).toBe(0)
        expect(world.suspicions()).toContain('foreign origin')
      } else {
        expect(said).toBe('in')
        await world.publish(posts, 'post:created', { n: 1 })
        await until(async () => (await heardBy(page)).length === 1)
        await until(async () => (await transportOf(page)) === ends)
        expect(complaints).toEqual([])
      }
      await page.close()
      await gone(world)
    } finally {
      await closed(elsewhere)
    }
  })
})

it('a page that is reloaded or closed leaves nothing behind', async () => {
  const http = pageServer()
  await using world = await openWorld({ http })
  const { page } = await openPage(world.url)
  const token = world.token()
  for (const _ of count(3)) {
    expect(await enter(page, world.url, { transports: ['websocket'], auth: { token } })).toBe('in')
    await world.connections(1)
    await page.reload()
    await world.connections(0)
  }
  await enter(page, world.url, { auth: { token } })
  // In the middle of an upgrade it would be missed with the next ping only.
  await until(async () => [...world.realtime.connections][0]?.connection.transport === 'websocket')
  await page.close()
  await gone(world)
})

const gone = (world: World) => world.connections(0)
