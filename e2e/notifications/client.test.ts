/** The notifications of `@belfry/client` over the built product: two tabs of a user, and a server that is killed. */
import { rmSync } from 'node:fs'
import { createClient, createNotifications, type Notifications } from '@belfry/client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { migratedDirectory, type Product, startProduct } from '../product.ts'
import { until } from '../protocol/until.ts'

const secret = 'the secret of these tests, with 32 bytes or more'

let dataDirectory: string
let product: Product
let ends: (() => void)[] = []

beforeEach(async () => {
  dataDirectory = migratedDirectory()
  await start('0')
})
afterEach(async () => {
  for (const end of ends) end()
  ends = []
  await product.stop()
  rmSync(dataDirectory, { recursive: true, force: true })
})

async function start(port: string): Promise<void> {
  product = await startProduct({
    dataDirectory,
    environment: { JWT_SECRET: secret, PORT: port },
  })
}

const tokenOf = (claims: TokenClaims) =>
  issueToken({ secret, claims, expiresInSeconds: 3_600, now: Date.now })

async function send(title: string): Promise<void> {
  const response = await fetch(`${product.url}/api/v1/notifications`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokenOf({ sub: 'billing', permissions: ['notifications:send'] })}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ userId: 'ana', type: 'n', title, key: title }),
  })
  expect(response.status).toBe(200)
}

/** A tab of Ana's that shows her notifications. */
function openTab(): Notifications {
  const client = createClient({
    url: product.url,
    token: () => tokenOf({ sub: 'ana' }),
    socket: { transports: ['websocket'] },
  })
  const notifications = createNotifications(client, { pageSize: 3 })
  const stop = notifications.state.subscribe(() => undefined)
  ends.push(() => {
    stop()
    notifications.close()
    client.close()
  })
  return notifications
}

const titles = ({ state }: Notifications) =>
  state.get().items.map(({ title, readAt }) => (readAt === null ? title : `(${title})`))
const shows = (tab: Notifications, expected: readonly string[], unread: number) =>
  until(() => tab.state.get().unread === unread && JSON.stringify(titles(tab)) === JSON.stringify(expected), {
    get what() {
      return `${expected}, ${unread} unread; it shows ${titles(tab)}, ${tab.state.get().unread}`
    },
  })

it('agree in all tabs, whatever is done in one of them', async () => {
  await send('one')
  const tabs = [openTab(), openTab()] as const
  for (const tab of tabs) await shows(tab, ['one'], 1)
  await send('two')
  for (const tab of tabs) await shows(tab, ['two', 'one'], 2)
  const [first, second] = tabs
  const [two, one] = first.state.get().items
  await first.markRead(two?.id ?? '')
  for (const tab of tabs) await shows(tab, ['(two)', 'one'], 1)
  await second.dismiss(one?.id ?? '')
  for (const tab of tabs) await shows(tab, ['(two)'], 0)
  await second.markUnread(two?.id ?? '')
  for (const tab of tabs) await shows(tab, ['two'], 1)
  await expect(first.markRead(crypto.randomUUID())).rejects.toMatchObject({ code: 'not_found' })
  await first.markAllRead()
  for (const tab of tabs) await shows(tab, ['(two)'], 0)
})

it('go on where they were after the server was killed, with what came meanwhile, page by page', async () => {
  for (const title of ['one', 'two', 'three', 'four']) await send(title)
  const tab = openTab()
  await shows(tab, ['four', 'three', 'two'], 4)
  await tab.loadMore()
  await shows(tab, ['four', 'three', 'two', 'one'], 4)
  expect(tab.state.get().hasMore).toBe(false)
  const { port } = new URL(product.url)
  product.process.kill('SIGKILL')
  await product.ended
  // Given while the line is down, done when it is back: once.
  const done = tab.markRead(tab.state.get().items[0]?.id ?? '')
  expect(titles(tab)[0]).toBe('(four)')
  await start(port)
  await send('five')
  await done
  // Its session goes on: what it had read stays.
  await shows(tab, ['five', '(four)', 'three', 'two', 'one'], 4)
})
