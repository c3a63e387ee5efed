/** The built product, and pages of an application on its origin: with its socket, and under its content policy. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Notification, SendNotificationInput, SocketStats } from '@belfry/contract'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { collectComplaints } from '../browser/browser.ts'
import { signIn } from '../browser/server.ts'
import { migratedDirectory, type Product, repository, startProduct } from '../product.ts'
import { bundled } from './bundle.ts'

const secret = 'the secret of these tests, with 32 bytes or more'
/** As the product's own pages are served, in short. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"

export interface World extends AsyncDisposable {
  readonly url: string
  /** Whom `send`, `stored` and pages are about: each test has its own, so that they can share a server. */
  user: string
  /** Answers with its id. */
  send(notification: Partial<SendNotificationInput> & { title: string }): Promise<string>
  stored(): Promise<readonly Notification[]>
  /** Waits until so many clients are connected, and over WebSocket: a page that goes before that is missed only later. */
  connections(count: number): Promise<void>
  /** Connections since the server began. */
  opened(): Promise<number>
  stop(): Promise<void>
  /** At the same address, with the same data. */
  startAgain(): Promise<void>
  /** Until the test is over. */
  open(browser: Browser, options?: OpenOptions): Promise<OpenedApp>
  /** A page more, which shares cookies and the like: another tab. */
  openTab(context: BrowserContext, query?: string): Promise<Page>
}

export interface OpenOptions extends BrowserContextOptions {
  /** Markup that the page comes with. */
  readonly rendered?: string
  /** Runs in the page before anything else. */
  readonly first?: (() => void) | { readonly content: string }
}

export interface OpenedApp {
  readonly context: BrowserContext
  readonly page: Page
  /** Errors and warnings of the page, without those of the network. */
  readonly complaints: readonly string[]
  /** How often the application was asked for a token. */
  tokensAsked(): number
}

let script: string | undefined

export async function openWorld(): Promise<World> {
  script ??= bundled(join(import.meta.dirname, 'app.tsx'), 'development')
  const dataDirectory = migratedDirectory()
  let product: Product
  const start = async (port: string) => {
    product = await startProduct({
      dataDirectory,
      environment: { JWT_SECRET: secret, PORT: port },
    })
  }
  await start('0')
  const operator = async () => {
    const [{ name, value } = { name: '', value: '' }] = await signIn(product.url, product.signInLink)
    return `${name}=${value}`
  }
  let cookie = operator()

  const call = async (path: string, claims: TokenClaims, body?: object) => {
    const response = await fetch(`${product.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${tokenOf(claims)}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }

  const stats = async () => {
    const answer = await fetch(`${product.url}/api/v1/socket/stats`, { headers: { cookie: await cookie } })
    return ((await answer.json()) as SocketStats).connections
  }

  const world: World = {
    user: 'ana',
    get url() {
      return product.url
    },
    async send(notification) {
      const body = { userId: world.user, type: 'test', ...notification }
      const claims = { sub: 'billing', permissions: ['notifications:send'] }
      return ((await call('/api/v1/notifications', claims, body)) as { id: string }).id
    },
    async stored() {
      const list = (await call('/api/v1/notifications', { sub: world.user })) as {
        notifications: Notification[]
      }
      return list.notifications
    },
    async connections(count) {
      await expect.poll(stats).toMatchObject({ current: count, byTransport: { websocket: count } })
    },
    opened: async () => (await stats()).opened,
    stop: () => product.stop(),
    async startAgain() {
      await start(new URL(product.url).port)
      cookie = operator()
    },
    async open(browser, { rendered = '', first, ...options } = {}) {
      const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
      onTestFinished(() => context.close())
      // A page that the test serves counts as one from another network than the server.
      await context.grantPermissions(['local-network-access'])
      if (first !== undefined) await context.addInitScript(first)
      const tokensAsked = await serve(context, rendered)
      const complaints = collectComplaints(context)
      return { context, page: await world.openTab(context), complaints, tokensAsked }
    },
    async openTab(context, query = '') {
      const page = await context.newPage()
      await page.goto(`${product.url}/test/?user=${world.user}${query}`)
      return page
    },
    async [Symbol.asyncDispose]() {
      await product.stop()
      rmSync(dataDirectory, { recursive: true, force: true })
    },
  }
  return world
}

const tokenOf = (claims: TokenClaims) =>
  issueToken({ secret, claims, expiresInSeconds: 3_600, now: Date.now })

/** Answers below `/test/` instead of the server. */
async function serve(context: BrowserContext, rendered: string): Promise<() => number> {
  let tokens = 0
  const styles = readFileSync(join(repository, 'packages/react/styles.css'), 'utf8')
  await context.route('**/test/**', async (route) => {
    const { pathname, searchParams } = new URL(route.request().url())
    const answer = (contentType: string, body: string) =>
      route.fulfill({ contentType, body, headers: { 'content-security-policy': policy } })
    if (pathname === '/test/token') {
      tokens += 1
      await answer('text/plain', tokenOf({ sub: searchParams.get('user') ?? '' }))
    } else if (pathname === '/test/app.js') await answer('text/javascript', script ?? '')
    else if (pathname === '/test/styles.css') await answer('text/css', styles)
    else if (pathname === '/test/page.css') await answer('text/css', pageStyles)
    else await answer('text/html', pageOf(rendered))
  })
  return () => tokens
}

const pageStyles = `
  :root { color-scheme: light dark; font-family: system-ui, sans-serif }
  body { margin: 0; color: light-dark(#17213a, #e8ebf3); background: light-dark(#f7f4ed, #0b1221) }
  header { display: flex; justify-content: space-between; align-items: center; padding: 0.5rem 1rem }
  main { padding: 1rem }
  nav button, dd button { min-height: 1.75rem }
`

const pageOf = (rendered: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>An application</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/test/page.css">
    <link rel="stylesheet" href="/test/styles.css">
  </head>
  <body><div id="root">${rendered}</div><script type="module" src="/test/app.js"></script></body>
</html>`
