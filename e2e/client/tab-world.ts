/** Real pages of one browser, which share a server and what their browser lets tabs share. */
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { count, openWorld, type World } from '../protocol/world.ts'
import { bundled, pageServer } from './bundle.ts'
import type { Tab, TabOptions, TabWindow } from './tab-program.ts'

export interface Tabs extends AsyncDisposable {
  readonly world: World
  readonly context: BrowserContext
  open(options?: Partial<TabOptions>): Promise<Page>
}

export async function openTabs(browser: Browser): Promise<Tabs> {
  const world = await openWorld({ http: pageServer(programOfTabs()) })
  const context = await browser.newContext()
  const problems: string[] = []
  context.on('weberror', (error) => problems.push(error.error().message))
  return {
    world,
    context,
    async open(options = {}) {
      const page = await context.newPage()
      await page.goto(world.url)
      await start(page, { user: 'ana', token: world.token(), ...options })
      return page
    },
    async [Symbol.asyncDispose]() {
      await context.close()
      await world.connections(0)
      await world[Symbol.asyncDispose]()
      expect(problems).toEqual([])
    },
  }
}

const start = (page: Page, options: TabOptions) =>
  page.evaluate((given) => (window as unknown as TabWindow).openTab(given), options)

/** Runs in the page, with its tab. */
export const inTab = <Value>(page: Page, run: (tab: Tab) => Value): Promise<Value> =>
  page.evaluate(`(${run})(window.tab)`) as Promise<Value>

export const statusOf = (page: Page) => inTab(page, (tab) => tab.live.state.get().status)
export const isOpen = (page: Page) =>
  until(async () => (await statusOf(page)) === 'open', { what: 'a tab whose namespace is open' })

export async function hears(page: Page, numbers: readonly number[]): Promise<void> {
  const heard = () => inTab(page, (tab) => tab.heard)
  await until(async () => (await heard()).length >= numbers.length, { what: `${numbers}` })
  expect(await heard()).toEqual(numbers)
}

/** The only one that was asked for a token. */
export async function leaderAmong(pages: readonly Page[]): Promise<Page> {
  const asked = await Promise.all(pages.map((page) => inTab(page, (tab) => tab.asked)))
  expect(asked.filter((times) => times > 0)).toHaveLength(1)
  return pages[asked.findIndex((times) => times > 0)] as Page
}

/** Opened one after the other: the first one leads. */
export async function openInTurn(
  tabs: Tabs,
  length: number,
  options: Partial<TabOptions> = {},
): Promise<Page[]> {
  const pages: Page[] = []
  for (const _ of count(length)) {
    const page = await tabs.open(options)
    await isOpen(page)
    pages.push(page)
  }
  expect(await leaderAmong(pages)).toBe(pages[0])
  return pages
}

/** One of them leads: no event is lost any more, and none comes twice. */
export async function agree({ world }: Tabs, pages: readonly Page[], n: number): Promise<void> {
  await Promise.all(pages.map(isOpen))
  await world.connections(1)
  for (const page of pages) await inTab(page, (tab) => tab.heard.splice(0))
  for (const each of [n, n + 1]) await world.publish(posts, 'post:created', { n: each })
  for (const page of pages) await hears(page, [n, n + 1])
}

let program: string | undefined
/** Made once in a file. */
function programOfTabs(): string {
  program ??= bundled(`import '${join(import.meta.dirname, 'tab-program.ts')}'`)
  return program
}
