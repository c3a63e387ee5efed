/** Notifications in tabs that share a connection, over the built product: the same list and count in each. */
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch } from '../browser/browser.ts'
import { startProduct, type TestedProduct } from '../browser/server.ts'
import { bundled } from '../client/bundle.ts'
import type { TabWindow } from '../client/tab-program.ts'
import { inTab } from '../client/tab-world.ts'
import { until } from '../protocol/until.ts'

let browser: Browser
let product: TestedProduct
let context: BrowserContext
let program: string
beforeAll(async () => {
  ;[browser, product] = await Promise.all([launch(), startProduct()])
  // The product's own pages run no programs of others.
  context = await browser.newContext({ bypassCSP: true })
  program = bundled(`import '${join(import.meta.dirname, '../client/tab-program.ts')}'`)
})
afterAll(async () => {
  await browser.close()
  await product.stop()
})

async function openTab(): Promise<Page> {
  const page = await context.newPage()
  await page.goto(product.url)
  await page.addScriptTag({ content: program, type: 'module' })
  await page.waitForFunction(() => 'openTab' in window)
  await page.evaluate(
    (token) => {
      const here = window as unknown as TabWindow
      here.openTab({ user: 'ana', token, isIdle: true })
      here.tab.notifications.state.subscribe(() => {})
    },
    product.token({ sub: 'ana' }),
  )
  return page
}

async function send(title: string): Promise<void> {
  const response = await fetch(`${product.url}/api/v1/notifications`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${product.token({ sub: 'billing', permissions: ['notifications:send'] })}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ userId: 'ana', type: 'n', title, key: title }),
  })
  expect(response.status).toBe(200)
}

/** Those that are read stand in brackets. */
async function show(pages: readonly Page[], titles: readonly string[], unread: number): Promise<void> {
  for (const page of pages) {
    const shown = () =>
      inTab(page, ({ notifications }) => {
        const { items, unread: count } = notifications.state.get()
        return {
          titles: items.map(({ title, readAt }) => (readAt === null ? title : `(${title})`)),
          unread: count,
        }
      })
    const expected = JSON.stringify({ titles, unread })
    let last = ''
    await until(
      async () => {
        last = JSON.stringify(await shown())
        return last === expected
      },
      {
        get what() {
          return `${expected}; it shows ${last}`
        },
      },
    )
  }
}

/** As the console's page of connections sees it. */
async function connections(): Promise<number> {
  const [cookie] = await product.session()
  const answer = await fetch(`${product.url}/api/v1/socket/connections`, {
    headers: { cookie: `${cookie?.name}=${cookie?.value}` },
  })
  const { total } = (await answer.json()) as { total: number }
  return total
}

const first = (page: Page, action: 'markRead' | 'markUnread' | 'dismiss') =>
  page.evaluate((name) => {
    const { notifications } = (window as unknown as TabWindow).tab
    return notifications[name](notifications.state.get().items[0]?.id ?? '')
  }, action)

it('agree, whatever is done in one of them, and whichever of them is closed', async () => {
  await send('one')
  const pages = [await openTab(), await openTab(), await openTab()]
  const [leader, second, third] = pages as [Page, Page, Page]
  await show(pages, ['one'], 1)
  expect(await connections()).toBe(1)
  await send('two')
  await show(pages, ['two', 'one'], 2)
  await first(second, 'markRead')
  await show(pages, ['(two)', 'one'], 1)
  await first(leader, 'markUnread')
  await show(pages, ['two', 'one'], 2)
  await leader.close({ runBeforeUnload: false })
  // While nobody leads, or somebody just begins to.
  await Promise.all([first(third, 'dismiss'), send('three')])
  await show([second, third], ['three', 'one'], 2)
  await inTab(second, ({ notifications }) => notifications.markAllRead())
  await show([second, third, await openTab()], ['(three)', '(one)'], 0)
  expect(await connections()).toBe(1)
})
