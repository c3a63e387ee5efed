/** What goes on: the log as it happens, what is missing from it, and the counters below. */
import type { ActivityBatch, EventCounts } from '@belfry/contract'
import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { eventually, operatorPage, shown, signedInByLink } from './browser.ts'
import { connectClient, untilNobodyIsConnected } from './clients.ts'
import { cuttableLine } from './line.ts'
import { browser, product } from './world.ts'

type Entry = ActivityBatch['entries'][number]

beforeEach(() => untilNobodyIsConnected(product))

describe('the log', () => {
  it('lists clients that come and go, events, commands and refusals as they happen', async () => {
    const { context, page, complaints } = await openEvents()
    await page.getByText('Nothing has happened yet').waitFor()
    const ana = await connectClient(product, 'ana', { workspaces: ['acme'] })
    await connectClient(product, 'bob', { token: 'nonsense' }).catch(() => undefined)
    await publish(page, 'notify-room/workspace%3Aacme', { message: 'Hello' })
    ana.socket.emit('post:create', {})
    ana.socket.emit('room:leave', { room: { kind: 'workspace', id: 'acme' } })
    await line(page, 'room:leave').waitFor()
    ana.socket.close()
    await line(page, 'client_left').waitFor()
    expect(await texts(page)).toEqual([
      'Disconnect client_left /realtime ana ',
      expect.stringMatching(/^Command room:leave \/realtime ana done, \d+ B$/),
      'Command (unknown) /realtime ana refused, unknown_command',
      expect.stringMatching(/^Event system:message \/realtime workspace:acme 1 recipient, \d+ B$/),
      'Refused token_invalid /realtime – ',
      'Connect connected /realtime ana ',
    ])
    await page.getByText('6 lines').waitFor()
    await line(page, 'token_invalid').getByRole('link', { name: 'token_invalid' }).click()
    await page.getByRole('heading', { name: 'Errors', level: 1 }).waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  it('stands still while paused, counts what is new, and shows it when resumed', async () => {
    const { context, page } = await openEvents()
    await connectClient(product, 'before')
    await line(page, 'before').waitFor()
    await page.getByRole('button', { name: 'Pause live' }).click()
    const still = await texts(page)
    await connectClient(product, 'during')
    await page.getByRole('button', { name: '1 new' }).waitFor()
    await publish(page, 'broadcast', { message: 'one' })
    await publish(page, 'broadcast', { message: 'two' })
    await page.getByRole('button', { name: '3 new' }).waitFor()
    expect(await texts(page)).toEqual(still)
    // Only what would be shown is counted.
    await page.getByRole('radio', { name: 'Connects', exact: true }).check()
    await page.getByRole('button', { name: '1 new' }).click()
    await line(page, 'during').waitFor()
    await page.getByRole('button', { name: 'Pause live' }).waitFor()
    await page.getByRole('radio', { name: 'All' }).check()
    expect(await line(page, 'system:message').count()).toBe(2)
    expect(await page.getByRole('button', { name: /new$/ }).count()).toBe(0)
    await context.close()
  })

  it('is filtered by kind, namespace and text, and keeps the filter in the address', async () => {
    const { context, page } = await openEvents({ fed: true })
    await feed(page, [
      entry({ kind: 'event', namespace: '/posts', name: 'post:created', rooms: ['workspace:acme'] }),
      entry({ kind: 'event', namespace: '/posts', name: 'post:removed', rooms: ['workspace:beta'] }),
      entry({ kind: 'command', namespace: '/posts', name: 'post:create', userId: 'ana', code: 'forbidden' }),
      entry({ kind: 'connect', namespace: '/inbox', name: 'connected', userId: 'ana' }),
    ])
    const shown = () => page.locator('.log-table tbody th').allTextContents()
    await eventually(shown, (names) => names.length === 4)
    await page.getByRole('radio', { name: 'Events' }).check()
    expect(await shown()).toEqual(['post:removed', 'post:created'])
    await page.getByRole('radio', { name: 'All' }).check()
    await page.getByRole('combobox', { name: 'Namespace' }).selectOption('/inbox')
    expect(await shown()).toEqual(['connected'])
    await page.getByText('1 of 4 lines').waitFor()
    await page.getByRole('combobox', { name: 'Namespace' }).selectOption('/posts')
    const search = page.getByRole('searchbox', { name: 'Search the log' })
    for (const [text, names] of [
      ['ANA', ['post:create']],
      ['beta', ['post:removed']],
      ['forbid', ['post:create']],
      ['created', ['post:created']],
    ] as const) {
      await search.fill(text)
      await eventually(shown, (found) => found.join() === names.join())
    }
    const { search: address } = new URL(page.url())
    expect(new URLSearchParams(address).get('namespace')).toBe('/posts')
    expect(new URLSearchParams(address).get('q')).toBe('created')
    await search.fill('nothing like this')
    await page.getByText('No entry matches').waitFor()
    await page.getByRole('button', { name: 'Show all entries' }).click()
    await eventually(shown, (names) => names.length === 4)
    expect(new URL(page.url()).search).toBe('')
    await context.close()
  })

  it('keeps the newest 500 lines, and says at its place what was left out', async () => {
    const { context, page, complaints } = await openEvents({ fed: true })
    const burst = Array.from({ length: 50 }, (_, index) => entry({ name: `post:n${index}` }))
    await feed(page, burst, 7)
    await line(page, '7 entries were left out here').waitFor()
    expect((await texts(page))[0]).toBe('7 entries were left out here: more went on than anybody could read.')
    await page.getByText('51 lines, 7 entries left out').waitFor()
    for (let times = 0; times < 12; times += 1) await feed(page, burst)
    await page.getByText('The newest 500 lines, 7 entries left out').waitFor()
    expect(await page.locator('.log-table tbody tr').count()).toBe(500)
    // What is left out is told under every filter.
    await feed(page, [entry({ name: 'post:last' })], 1)
    await page.getByRole('searchbox').fill('post:last')
    await eventually(
      () => texts(page),
      (rows) => rows.length === 2,
    )
    await page.getByRole('button', { name: 'Clear the log' }).click()
    await page.getByText('0 lines').waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  it('counts no further than it keeps while paused', async () => {
    const { context, page } = await openEvents({ fed: true })
    await page.getByRole('button', { name: 'Pause live' }).click()
    await page.getByText('Nothing has happened yet').waitFor()
    const burst = Array.from({ length: 50 }, () => entry({}))
    for (let times = 0; times < 11; times += 1) await feed(page, burst)
    await page.getByRole('button', { name: '500 or more new' }).waitFor()
    await page.getByText('The log is paused').waitFor()
    await context.close()
  })

  it('says that the connection is lost, comes back by itself, and marks the gap', async () => {
    const { context, page } = await operatorPage(browser, product)
    await using cut = await cuttableLine(product.url)
    await page.goto(`${cut.url}/events`)
    await page.locator('.counters-table').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    await connectClient(product, 'before')
    await line(page, 'before').waitFor()
    cut.cut()
    await page.getByText('The connection to the server was lost.').waitFor()
    await connectClient(product, 'unseen')
    cut.mend()
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('The connection to the server was lost.').waitFor({ state: 'detached' })
    await line(page, /Nobody listened from .* to .*: what happened then is not listed/).waitFor()
    await connectClient(product, 'after')
    await line(page, 'after').waitFor()
    expect(await line(page, 'unseen').count()).toBe(0)
    await context.close()
  })

  it('doubts a silent stream when the server answers nothing else', async () => {
    const { context, page } = await openEvents({ fed: true })
    await page.route('**/api/v1/events/analytics', (route) => route.abort())
    await page.getByText('The connection to the server was lost.').waitFor()
    await page.getByText('Disconnected', { exact: true }).waitFor()
    await page.unroute('**/api/v1/events/analytics')
    await page.getByText('The connection to the server was lost.').waitFor({ state: 'detached' })
    await context.close()
  })

  it('goes on while one looks at another page, and ends with the session', async () => {
    const { context, page } = await openEvents({ clock: true, ownSession: true })
    await connectClient(product, 'before')
    await line(page, 'before').waitFor()
    await page.getByRole('link', { name: 'Publish' }).click()
    await page.getByRole('heading', { name: 'Publish', level: 1 }).waitFor()
    await page.clock.fastForward(20_000)
    await connectClient(product, 'meanwhile')
    await page.getByRole('link', { name: 'Events' }).click()
    await line(page, 'meanwhile').waitFor()
    await line(page, 'before').waitFor()
    expect(await line(page, 'Nobody listened').count()).toBe(0)
    // Pages that have nothing to do with it let it go after a while.
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
    await page.clock.fastForward(20_000)
    await connectClient(product, 'unseen')
    await page.getByRole('link', { name: 'Events' }).click()
    await line(page, 'Nobody listened').waitFor()
    expect(await line(page, 'unseen').count()).toBe(0)
    await page.getByRole('button', { name: /menu$/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    const { hash } = new URL(await product.signInLink())
    await page.evaluate((fragment) => {
      location.hash = fragment
    }, hash)
    await page.getByRole('heading', { level: 1, name: /Overview|Events/ }).waitFor()
    await page.getByRole('link', { name: 'Events' }).click()
    await page.getByText('Nothing has happened yet').waitFor()
    await context.close()
  })
})

describe('the counters', () => {
  it('count what the server counts', async () => {
    const { context, page } = await openEvents()
    const ana = await connectClient(product, 'ana')
    await connectClient(product, 'bob')
    const before = await figures(page, 'system:message')
    await publish(page, 'broadcast', { message: 'Hello' })
    ana.socket.emit('not:there', {})
    const after = await eventually(
      () => figures(page, 'system:message'),
      ([count]) => count === Number(before[0]) + 1,
    )
    expect(after[1]).toBe(Number(before[1]) + 2)
    await counter(page, '(unknown)').getByRole('link', { name: 'unknown_command' }).waitFor()
    await context.close()
  })

  it('are sorted by any column, with the mouse and the keyboard, and stay sorted in the address', async () => {
    const { context, page } = await openEvents({ counts: several })
    const order = async () => (await page.locator('.counters-table tbody th > code').allTextContents()).join()
    const sorting = (title: string) =>
      page.getByRole('columnheader', { name: title }).getAttribute('aria-sort')
    expect(await order()).toBe('b:two,a:one,c:three')
    expect(await sorting('Count')).toBe('descending')
    await page.getByRole('button', { name: 'Name' }).click()
    expect(await order()).toBe('a:one,b:two,c:three')
    expect([await sorting('Name'), await sorting('Count')]).toEqual(['ascending', 'none'])
    await page.getByRole('button', { name: 'Name' }).press('Enter')
    expect(await order()).toBe('c:three,b:two,a:one')
    await page.getByRole('button', { name: 'Errors' }).press('Space')
    expect(await order()).toBe('c:three,a:one,b:two')
    for (const [title, expected] of [
      ['Deliveries', 'a:one,b:two,c:three'],
      ['Bytes', 'c:three,b:two,a:one'],
      ['Handler', 'c:three,a:one,b:two'],
      ['Last hour', 'a:one,c:three,b:two'],
    ] as const) {
      await page.getByRole('button', { name: title }).click()
      expect(await order(), title).toBe(expected)
    }
    expect(new URL(page.url()).search).toBe('?sort=-hour')
    await page.reload()
    await page.locator('.counters-table').waitFor()
    expect(await sorting('Last hour')).toBe('descending')
    await page.setViewportSize({ width: 360, height: 800 })
    await page.getByRole('combobox', { name: 'Sort by' }).selectOption('Name, A to Z')
    expect(await order()).toBe('a:one,b:two,c:three')
    await context.close()
  })

  it('do not change places under the pointer', async () => {
    const { context, page } = await operatorPage(browser, product)
    await page.clock.install()
    let answer: EventCounts = several
    let asked = 0
    await page.route('**/api/v1/events/analytics', (route) => {
      asked += 1
      return route.fulfill({ json: answer })
    })
    await page.goto(`${product.url}/events`)
    const first = page.locator('.counters-table tbody th').first()
    await first.getByText('b:two').hover()
    await page.locator('.counters').getByText('Paused while you read').waitFor()
    answer = { events: several.events.map((one) => ({ ...one, count: one.name === 'c:three' ? 9_999 : 1 })) }
    const before = asked
    await page.clock.fastForward(30_000)
    expect(asked).toBe(before)
    await first.getByText('b:two').waitFor()
    await page.getByRole('heading', { name: 'Events', level: 1 }).hover()
    await first.getByText('c:three').waitFor()
    await context.close()
  })

  it.each([320, 360, 800, 1280])('and the log hold enormous and odd values at %i px', async (width) => {
    const { context, page } = await openEvents({ fed: true, counts: enormous })
    await page.setViewportSize({ width, height: 800 })
    await feed(page, [
      entry({
        name: 'n'.repeat(128),
        namespace: `/${'s'.repeat(127)}`,
        rooms: ['r'.repeat(160)],
        bytes: 2 ** 50,
      }),
      entry({
        kind: 'command',
        name: '<img src=x onerror=alert(1)>',
        userId: 'u'.repeat(128),
        code: 'internal',
      }),
      entry({ name: 'ملف:קובץ', rooms: Array.from({ length: 40 }, (_, index) => `workspace:${index}`) }),
    ])
    await page.getByText('and 37 more').waitFor()
    const beyond = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    expect(beyond).toBe(0)
    await context.close()
  })
})

function counts(name: string, more: Partial<EventCounts['events'][number]>): EventCounts['events'][number] {
  return {
    kind: 'event',
    namespace: '/test',
    name,
    count: 0,
    deliveries: 0,
    bytes: 0,
    handlerMsMean: 0,
    handlerMsMax: 0,
    errors: {},
    minutes: new Array<number>(60).fill(0),
    ...more,
  }
}

const several: EventCounts = {
  events: [
    counts('a:one', { count: 5, deliveries: 900, bytes: 10, errors: { internal: 1 }, minutes: [9, 9] }),
    counts('b:two', { count: 70, deliveries: 80, bytes: 20 }),
    counts('c:three', {
      kind: 'command',
      count: 5,
      bytes: 3_000,
      handlerMsMean: 2.5,
      handlerMsMax: 30,
      errors: { forbidden: 2, timeout: 3 },
      minutes: [1, 0],
    }),
  ],
}

const enormous: EventCounts = {
  events: [
    counts('x'.repeat(128), {
      namespace: `/${'y'.repeat(127)}`,
      count: 2 ** 52,
      deliveries: 2 ** 52,
      bytes: 2 ** 52,
      handlerMsMean: 1e9,
      handlerMsMax: 1e12,
      errors: { validation_failed: 2 ** 40, unsupported_media_type: 12, ['e'.repeat(64)]: 1 },
      minutes: new Array<number>(60).fill(2 ** 40),
    }),
    counts('ملف:קובץ', {}),
  ],
}

interface OpenOptions {
  /** The stream is the test's own: `feed` sends over it. */
  readonly fed?: boolean
  /** Time in the page is the test's own, too. */
  readonly clock?: boolean
  /** The test ends the session. */
  readonly ownSession?: boolean
  readonly counts?: EventCounts
}

async function openEvents({ fed, clock, ownSession, counts: answer }: OpenOptions = {}) {
  const opened = await (ownSession ? signedInByLink : operatorPage)(browser, product)
  const { page } = opened
  if (fed) await page.addInitScript(ownStream)
  if (clock) await page.clock.install()
  if (answer !== undefined)
    await page.route('**/api/v1/events/analytics', (route) => route.fulfill({ json: answer }))
  await page.goto(`${product.url}/events`)
  await shown(page.locator('.counters-table'))
  await shown(page.getByText('Live', { exact: true }))
  return opened
}

/** In the page: an event source that says what the test gives it. */
function ownStream(): void {
  const open = new Set<EventTarget>()
  class Fed extends EventTarget {
    constructor() {
      super()
      open.add(this)
      queueMicrotask(() => this.dispatchEvent(new Event('open')))
    }
    close(): void {
      open.delete(this)
    }
  }
  Object.defineProperty(globalThis, 'EventSource', { value: Fed })
  Object.defineProperty(globalThis, 'feed', {
    value: (data: string) => {
      for (const source of open) source.dispatchEvent(new MessageEvent('message', { data }))
    },
  })
}

async function feed(page: Page, entries: readonly Entry[], left = 0): Promise<void> {
  const batch = JSON.stringify({ entries: [...entries], left } satisfies ActivityBatch)
  await page.evaluate((data) => (globalThis as unknown as { feed(data: string): void }).feed(data), batch)
}

function entry(more: Partial<Entry>): Entry {
  return {
    at: new Date().toISOString(),
    kind: 'event',
    namespace: '/posts',
    name: 'post:created',
    recipients: 2,
    bytes: 100,
    ...more,
  }
}

function line(page: Page, text: string | RegExp) {
  return page.locator('.log-table tbody tr').filter({ hasText: text })
}

/** Each line without its time. */
async function texts(page: Page): Promise<readonly string[]> {
  const rows = await page.locator('.log-table tbody tr').all()
  return Promise.all(
    rows.map(async (row) => {
      const cells = await row.locator('td, th').allTextContents()
      return cells.length === 1 ? (cells[0] ?? '') : cells.slice(1).join(' ')
    }),
  )
}

function counter(page: Page, name: string) {
  return page.locator('.counters-table tbody tr').filter({ hasText: name })
}

/** Count and deliveries. */
async function figures(page: Page, name: string): Promise<readonly number[]> {
  const cells = await counter(page, name).getByRole('cell').allTextContents()
  return cells.slice(0, 2).map((text) => Number(text.replaceAll(',', '')))
}

async function publish(page: Page, path: string, data: object): Promise<void> {
  const status = await page.evaluate(
    async ([to, body]) =>
      (
        await fetch(`/api/v1/socket/${to}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).status,
    [path, { data }] as const,
  )
  expect(status).toBe(200)
}
