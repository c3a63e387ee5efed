/** Who is connected: seen in the table, which stands still while one reads it, and sent away. */
import type { ConnectionsView } from '@belfry/contract'
import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { eventually, hasFocus, operatorPage, problem, reading, shown } from './browser.ts'
import { connectClient, untilNobodyIsConnected } from './clients.ts'
import { browser, product } from './world.ts'

const listPath = '/api/v1/socket/connections'

beforeEach(() => untilNobodyIsConnected(product))

it('says how the first client connects, and shows it as soon as it is there', async () => {
  const { context, page, complaints } = await openConnections({ clock: true })
  await page.getByText('Nobody is connected yet').waitFor()
  await page.locator('.command', { hasText: 'belfry token --sub' }).waitFor()
  await page.getByText(`io('${product.url}/realtime'`).waitFor()
  // The pointer rests on the place of the table: nobody reads an empty one.
  await page.getByText('Nobody is connected yet').hover()
  await connectClient(product, 'ana', { name: 'Ana Alvarez' })
  await later(page)
  await row(page, 'ana').waitFor()
  expect(complaints).toEqual([])
  await context.close()
})

it('shows who it is, over what they are connected, and where they are', async () => {
  const words = ['--sub', 'ana', '--name', 'Ana Alvarez', '--workspaces', 'acme,beta']
  await connectClient(product, 'ana', { token: product.printedToken(words) })
  await connectClient(product, 'bob', { transports: ['polling'] })
  const { context, page, complaints } = await openConnections()
  const cells = async (user: string) =>
    (await row(page, user).getByRole('cell').allTextContents()).map((text) => text.trim())
  await row(page, 'ana').waitFor()
  expect((await cells('ana')).slice(0, 4)).toEqual([
    'Ana Alvarez',
    '/realtime',
    'WebSocket',
    expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
  ])
  expect((await cells('bob')).slice(0, 3)).toEqual(['–', '/realtime', 'Polling'])
  expect(await reading(page, 'Connected now').textContent()).toBe('2')
  expect(await reading(page, 'Users').textContent()).toBe('2')
  await page.getByText('1 by polling').waitFor()

  const toggle = page.getByRole('button', { name: 'ana details' })
  expect(await toggle.getAttribute('aria-expanded')).toBe('false')
  await toggle.press('Enter')
  const details = page.getByRole('region', { name: 'Details of the connection' })
  expect(await toggle.getAttribute('aria-expanded')).toBe('true')
  expect(await details.locator('.connection-rooms code').allTextContents()).toEqual([
    'everyone:all',
    'user:ana',
    'workspace:acme',
    'workspace:beta',
  ])
  await toggle.press('Enter')
  await details.waitFor({ state: 'detached' })
  expect(complaints).toEqual([])
  await context.close()
})

describe('the table', () => {
  it('is refreshed by itself, but stands still under the pointer', async () => {
    await connectClient(product, 'ana')
    const { context, page } = await openConnections({ clock: true })
    await row(page, 'ana').waitFor()
    const asked = countRequests(page)
    await later(page)
    await eventually(
      async () => asked.list,
      (times) => times > 0,
    )
    await row(page, 'ana').hover()
    await page.getByText('Paused while you read').waitFor()
    const place = await row(page, 'ana').boundingBox()
    const figures = await page.locator('.connections-figures').textContent()
    await connectClient(product, 'aaron')
    await notAsked(page, asked)
    expect(await row(page, 'aaron').count()).toBe(0)
    expect(await row(page, 'ana').boundingBox()).toEqual(place)
    // Nor do the figures above it, which could push it down.
    expect(await page.locator('.connections-figures').textContent()).toBe(figures)
    await page.getByRole('heading', { name: 'Connections' }).hover()
    await row(page, 'aaron').waitFor()
    await page.getByText('Paused while you read').waitFor({ state: 'hidden' })
    await context.close()
  })

  it('stands still while the focus is in it, and an answer that was on its way is dropped', async () => {
    await connectClient(product, 'ana')
    const { context, page } = await openConnections({ clock: true })
    await row(page, 'ana').waitFor()
    const asked = countRequests(page)
    const answer = await heldAnswers(page)
    await later(page)
    await eventually(
      async () => asked.list,
      (times) => times > 0,
    )
    await page.getByRole('button', { name: 'ana details' }).focus()
    await page.getByText('Paused while you read').waitFor()
    await connectClient(product, 'aaron')
    answer.letGo()
    await notAsked(page, asked)
    expect(await row(page, 'aaron').count()).toBe(0)
    await page.getByRole('searchbox').focus()
    await row(page, 'aaron').waitFor()
    await context.close()
  })

  it('stands still while everything is paused, and is refreshed when one asks for it', async () => {
    await connectClient(product, 'ana')
    const { context, page } = await openConnections({ clock: true })
    await row(page, 'ana').waitFor()
    await page.getByRole('button', { name: 'Pause live' }).click()
    const asked = countRequests(page)
    await page.getByText(/Paused at/).waitFor()
    await connectClient(product, 'aaron')
    await notAsked(page, asked)
    expect(await row(page, 'aaron').count()).toBe(0)
    await page.getByRole('button', { name: 'Refresh now' }).click()
    await row(page, 'aaron').waitFor()
    await context.close()
  })

  it('goes on when what had the focus is taken away', async () => {
    await connectClient(product, 'ana')
    const { context, page } = await openConnections({ clock: true })
    await page.getByRole('button', { name: 'ana details' }).focus()
    await page.getByText('Paused while you read').waitFor()
    // As with the browser's own button, to an address with another filter.
    await page.evaluate(() => {
      history.replaceState(null, '', '?user=bob')
      dispatchEvent(new PopStateEvent('popstate'))
    })
    await page.getByText('This user is not connected').waitFor()
    await connectClient(product, 'bob')
    await later(page)
    await row(page, 'bob').waitFor()
    await page.getByText('Paused while you read').waitFor({ state: 'hidden' })
    await context.close()
  })

  it('is paged through in both directions, and begins anew with another filter', async () => {
    const token = product.token({ sub: 'many' })
    await Promise.all(Array.from({ length: 30 }, () => connectClient(product, 'many', { token })))
    await connectClient(product, 'last')
    const { context, page } = await openConnections()
    const rows = page.getByRole('rowheader')
    const next = page.getByRole('button', { name: 'Next page of connections' })
    const previous = page.getByRole('button', { name: 'Previous page of connections' })
    await page.getByText('Page 1: 25 of 31 connections').waitFor()
    expect(await rows.count()).toBe(25)
    expect(await previous.getAttribute('aria-disabled')).toBe('true')
    await previous.press('Enter')
    await next.focus()
    await page.keyboard.press('Enter')
    await page.getByText('Page 2: 6 of 31 connections').waitFor()
    expect(await rows.count()).toBe(6)
    // There is no further page, and the focus is where it was.
    await page.keyboard.press('Enter')
    await hasFocus(next)
    await row(page, 'last').waitFor()
    await page.getByRole('searchbox', { name: 'Id of a user' }).fill('many')
    await page.getByText('Page 1: 25 connections of this user').waitFor()
    await next.click()
    await page.getByText('Page 2: 5 connections of this user').waitFor()
    await page.getByRole('searchbox', { name: 'Id of a user' }).fill('last')
    await page.getByText('1 connection of this user').waitFor()
    expect(new URL(page.url()).search).toBe('?user=last')
    await page.reload()
    await page.getByText('1 connection of this user').waitFor()
    await page.getByRole('searchbox').fill('nobody')
    await page.getByText('This user is not connected').waitFor()
    await page.getByRole('button', { name: 'Show all connections' }).press('Enter')
    await page.getByText('Page 1: 25 of 31 connections').waitFor()
    await hasFocus(page.getByRole('searchbox'))
    await context.close()
  })

  it('says so when everybody on a later page has gone', async () => {
    const token = product.token({ sub: 'many' })
    await Promise.all(Array.from({ length: 25 }, () => connectClient(product, 'many', { token })))
    const last = await connectClient(product, 'last')
    const { context, page } = await openConnections({ clock: true })
    await page.getByRole('button', { name: 'Next page of connections' }).click()
    await row(page, 'last').waitFor()
    last.socket.close()
    await eventually(
      () => connectionCount(page),
      (count) => count === 25,
    )
    await later(page)
    await page.getByText('Nobody is left on this page').waitFor()
    await page.getByRole('button', { name: 'Back to the first page' }).click()
    await page.getByText('25 connections').waitFor()
    await context.close()
  })
})

describe('disconnecting', () => {
  it('asks first and names whom, then tells the client why and leaves the others alone', async () => {
    const ana = await connectClient(product, 'ana', { name: 'Ana Alvarez' })
    const second = await connectClient(product, 'ana', { name: 'Ana Alvarez' })
    const bob = await connectClient(product, 'bob')
    const { context, page, complaints } = await openConnections({ clock: true })
    const button = page.getByRole('button', { name: 'Disconnect Ana Alvarez (ana)' })
    await row(page, 'bob').waitFor()
    const place = await row(page, 'bob').boundingBox()
    await button.first().click()
    const dialog = page.getByRole('dialog', { name: 'Disconnect Ana Alvarez (ana)?' })
    await dialog.getByText('One WebSocket connection').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await hasFocus(button.first())
    expect(ana.story).toEqual([])

    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'Disconnect', exact: true }).press('Enter')
    await page.getByText('Ana Alvarez (ana) was disconnected: 1 session ended.').waitFor()
    await eventually(
      async () => ana.story,
      (story) => story.length === 2,
    )
    expect(ana.story).toEqual(['session:closing', 'io server disconnect'])
    expect(ana.received('session:closing')).toMatchObject([{ code: 'kicked', retry: false }])

    // The row stays under the focus and says what became of it; a second press does nothing.
    await hasFocus(button.first())
    await page.getByRole('cell', { name: 'Disconnected' }).waitFor()
    expect(await row(page, 'bob').boundingBox()).toEqual(place)
    await page.keyboard.press('Enter')
    expect(await dialog.count()).toBe(0)
    await page.getByRole('searchbox').focus()
    await later(page)
    await page.getByRole('cell', { name: 'Disconnected' }).waitFor({ state: 'detached' })
    expect(await row(page, 'ana').count()).toBe(1)
    expect([second.story, bob.story]).toEqual([[], []])
    expect(second.socket.connected && bob.socket.connected).toBe(true)
    expect(complaints).toEqual([])
    await context.close()
  })

  it('ends everything of a user whose id is made of signs', async () => {
    const id = 'a/b?c#d%2F e'
    const tabs = [await connectClient(product, id), await connectClient(product, id)]
    const bob = await connectClient(product, 'bob')
    const { context, page } = await openConnections({ clock: true })
    await page
      .getByRole('button', { name: `${id} details` })
      .first()
      .click()
    await page.getByRole('button', { name: `Show only ${id}` }).press('Enter')
    await page.getByText('2 connections of this user').waitFor()
    await hasFocus(page.getByRole('searchbox', { name: 'Id of a user' }))
    expect(await row(page, 'bob').count()).toBe(0)
    await page
      .locator('.connections-tools')
      .getByRole('button', { name: `Disconnect all of ${id}` })
      .click()
    const dialog = page.getByRole('dialog', { name: `Disconnect everything of ${id}?` })
    await dialog.getByText('2 connections of this user').waitFor()
    await dialog.getByRole('button', { name: 'Disconnect', exact: true }).click()
    await page.getByText(`${id} was disconnected: 2 sessions ended.`).waitFor()
    for (const tab of tabs) {
      await eventually(
        async () => tab.story,
        (story) => story.length === 2,
      )
      expect(tab.story).toEqual(['session:closing', 'io server disconnect'])
    }
    // The window stood where the table is.
    await page.getByRole('heading', { name: 'Connections' }).hover()
    await later(page)
    await page.getByText('This user is not connected').waitFor()
    expect(bob.story).toEqual([])
    await context.close()
  })

  it('says when somebody was gone already, and when the server refuses', async () => {
    const ana = await connectClient(product, 'ana')
    const { context, page } = await openConnections({ clock: true })
    const button = page.getByRole('button', { name: 'Disconnect ana' })
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Disconnect', exact: true })
    await button.click()
    const refusal = problem(503, 'shutting_down', 'This server is stopping.', true)
    await page.route('**/socket/disconnect/**', (route) => route.fulfill(refusal))
    await confirm.click()
    await page.getByRole('dialog').getByText('Nobody was disconnected').waitFor()
    await page.unroute('**/socket/disconnect/**')
    ana.socket.close()
    await eventually(
      () => connectionCount(page),
      (count) => count === 0,
    )
    // The row stays behind the window: the focus has to come back to it.
    await later(page)
    await confirm.click()
    await hasFocus(button)
    await page.getByText('ana was gone already.').waitFor()
    await context.close()
  })
})

it('shows old rows, and says how old, while the server does not answer', async () => {
  await connectClient(product, 'ana')
  const { context, page } = await openConnections({ clock: true })
  await row(page, 'ana').waitFor()
  await page.route(`**${listPath}?*`, (route) => route.abort())
  await later(page)
  await page.getByText('The connection to the server was lost.').waitFor()
  await page.getByText(/Last read/).waitFor()
  expect(await row(page, 'ana').count()).toBe(1)
  await page.unroute(`**${listPath}?*`)
  await page.getByRole('button', { name: 'Try now' }).click()
  await page.getByText('The connection to the server was lost.').waitFor({ state: 'detached' })
  await context.close()
})

it('asks for nothing while another tab is shown', async () => {
  await connectClient(product, 'ana')
  const { context, page } = await openConnections({ clock: true })
  await row(page, 'ana').waitFor()
  const asked = countRequests(page)
  await showTab(page, 'hidden')
  await notAsked(page, asked)
  await showTab(page, 'visible')
  await eventually(
    async () => asked.list,
    (times) => times > 0,
  )
  await context.close()
})

it('sends one to the door when the session ends', async () => {
  const { context, page } = await openConnections({ clock: true })
  await context.clearCookies()
  await later(page)
  await page.getByText('Your session ended.').waitFor()
  await context.close()
})

it('says what the server says when it asks to wait, and waits', async () => {
  const { context, page } = await openConnections({ clock: true })
  const refusal = problem(429, 'too_many_requests', 'Too many requests. Wait before you try again.', true)
  await page.route(`**${listPath}?*`, (route) =>
    route.fulfill({ ...refusal, headers: { 'retry-after': '600' } }),
  )
  const asked = countRequests(page)
  await later(page)
  await page.getByText('Too many requests. Wait before you try again.').waitFor()
  await notAsked(page, asked)
  await context.close()
})

it('names the port of the sockets to the first client where they have one of their own', async () => {
  const { context, page } = await operatorPage(browser, product)
  await page.route('**/api/v1/system/settings', (route) =>
    route.fulfill({
      json: {
        settings: [
          { name: 'SOCKET_PORT', value: '4321', source: 'environment', secret: false, description: '' },
        ],
      },
    }),
  )
  await page.goto(`${product.url}/connections`)
  await page.getByText(`io('http://${new URL(product.url).hostname}:4321/realtime'`).waitFor()
  await context.close()
})

it.each([320, 360, 800, 1280])('holds enormous and odd values at %i px', async (width) => {
  const { context, page } = await operatorPage(browser, product, { viewport: { width, height: 800 } })
  await page.route(`**${listPath}?*`, (route) => route.fulfill({ json: enormous }))
  await page.goto(`${product.url}/connections`)
  await page.getByRole('table').waitFor()
  for (const toggle of await page.getByRole('button', { name: /details$/ }).all()) {
    await toggle.click()
    await page.getByRole('region', { name: 'Details of the connection' }).waitFor()
    expect(await sideways(page)).toBe(0)
  }
  await context.close()
})

const enormous: ConnectionsView = {
  total: 1_234_567,
  nextCursor: '99999999',
  connections: [
    {
      id: 'x'.repeat(64),
      transport: 'websocket',
      address: '2001:0db8:85a3:0000:0000:8a2e:0370:7334',
      userAgent: 'y'.repeat(500),
      openedAt: '2019-02-28T23:59:59.999Z',
      roundTripMs: 4_000_000,
      queuedBytes: 2 ** 52,
      sessions: Array.from({ length: 12 }, (_, index) => ({
        id: `session-${index}`,
        namespace: `/${'long-name-'.repeat(12)}${index}`,
        userId: 'u'.repeat(128),
        name: 'n'.repeat(200),
        rooms: Array.from({ length: 20 }, (_, room) => `workspace:${'r'.repeat(110)}${room}`),
        roomCount: 100_000,
      })),
    },
    {
      id: 'nobody',
      transport: 'polling',
      address: '',
      userAgent: '',
      openedAt: new Date().toISOString(),
      roundTripMs: null,
      queuedBytes: 0,
      sessions: [],
    },
    {
      id: 'right-to-left',
      transport: 'polling',
      address: '127.0.0.1',
      userAgent: '<img src=x onerror=alert(1)>',
      openedAt: new Date().toISOString(),
      roundTripMs: 0,
      queuedBytes: 1,
      sessions: [
        { id: 's', namespace: '/a', userId: 'קובץ', name: 'ملف', rooms: ['user:קובץ'], roomCount: 1 },
        { id: 't', namespace: '/b', userId: '__proto__', name: null, rooms: [], roomCount: 0 },
      ],
    },
  ],
}

async function openConnections({ clock = false } = {}) {
  const opened = await operatorPage(browser, product)
  const { page } = opened
  if (clock) await page.clock.install()
  await page.goto(`${product.url}/connections`)
  await shown(page.locator('.connections-tools'))
  return opened
}

function row(page: Page, user: string) {
  return page
    .getByRole('row')
    .filter({ has: page.getByRole('button', { name: `${user} details`, exact: true }) })
}

interface Asked {
  list: number
}

function countRequests(page: Page): Asked {
  const asked = { list: 0 }
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === listPath) asked.list += 1
  })
  return asked
}

/** Time for two refreshes passes, in the page. */
function later(page: Page): Promise<void> {
  return page.clock.fastForward(11_000)
}

async function notAsked(page: Page, asked: Asked): Promise<void> {
  const before = asked.list
  await later(page)
  await later(page)
  expect(asked.list).toBe(before)
}

async function showTab(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate((next) => {
    Object.defineProperty(document, 'visibilityState', { value: next, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}

/** Answers of the list wait until they are let go, and then hold what was true when they were asked for. */
async function heldAnswers(page: Page): Promise<{ letGo(): void }> {
  const gate = Promise.withResolvers<void>()
  await page.route(`**${listPath}?*`, async (route) => {
    await gate.promise
    await route.continue().catch(() => undefined)
  })
  return { letGo: () => gate.resolve() }
}

function connectionCount(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const answer = await fetch('/api/v1/socket/stats')
    return (await answer.json()).connections.current
  })
}

function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}
