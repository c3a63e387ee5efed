/** The pages of sockets with something on them, in light and dark, narrow and wide: seen by axe and kept as pictures. */
import type { Page } from 'playwright-core'
import { beforeEach, expect, it } from 'vitest'
import { hasFocus, operatorPage, shown } from './browser.ts'
import { connectClient, untilNobodyIsConnected } from './clients.ts'
import { axeSource, judge, judgeEveryLook, looks } from './looks.ts'
import { richEvents } from './rich-event.ts'
import { browser, product } from './world.ts'

beforeEach(() => untilNobodyIsConnected(product))

it('connections, the details of one, and the question before it ends', async () => {
  await connectClient(product, 'ana', { name: 'Ana Alvarez', workspaces: ['acme', 'beta'] })
  await connectClient(product, 'auth0|5f7c9a8b1e2d3c4b5a697888', { name: 'Somebody With A Rather Long Name' })
  await connectClient(product, 'bob', { transports: ['polling'] })
  const { context, page, complaints } = await open('/connections')
  await page.getByRole('button', { name: 'ana details' }).click()
  await judgeEveryLook(page, 'connections-details')
  await page.getByRole('button', { name: 'Disconnect Ana Alvarez (ana)' }).click()
  await page.getByRole('dialog').waitFor()
  await judgeEveryLook(page, 'connections-question')
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect', exact: true }).click()
  // The focus stays where it was, so the row is still there when the news of it has gone.
  await page.locator('.toast').waitFor()
  await page.locator('.toast').waitFor({ state: 'detached' })
  await judgeEveryLook(page, 'connections-ended')
  expect(complaints).toEqual([])
  await context.close()
})

it('events, running and paused', async () => {
  const { context, page, complaints } = await open('/events')
  const ana = await connectClient(product, 'ana', { workspaces: ['acme'] })
  await connectClient(product, 'eve', { token: 'nonsense' }).catch(() => undefined)
  for (const name of ['not:there', 'room:join']) ana.socket.emit(name, {})
  await page.locator('.log-table tbody tr').nth(3).waitFor()
  await page.locator('.counter-errors').first().waitFor()
  await judgeEveryLook(page, 'events-busy')
  await page.getByRole('button', { name: 'Pause live' }).click()
  ana.socket.emit('not:there', {})
  await page.getByRole('button', { name: '1 new' }).waitFor()
  await judgeEveryLook(page, 'events-paused')
  expect(complaints).toEqual([])
  await context.close()
})

it('a form with everything a schema may hold, and with what is wrong in it', async () => {
  const { context, page, complaints } = await open('/publish', (opened) =>
    opened.route('**/api/v1/socket/events', (route) => route.fulfill({ json: richEvents })),
  )
  for (const name of ['mail', 'choice', 'tree', 'next'])
    await page.getByRole('button', { name: `Add ${name}`, exact: true }).click()
  await judgeEveryLook(page, 'publish-rich')
  await page.getByRole('textbox', { name: 'price' }).fill('12,5')
  await page.getByRole('button', { name: 'Publish to a room' }).click()
  await page.getByText('Nothing was published').waitFor()
  await judgeEveryLook(page, 'publish-wrong')
  await page.getByRole('combobox', { name: 'Event' }).selectOption('order:changed')
  await page.getByText('more than one shape').waitFor()
  await judgeEveryLook(page, 'publish-json')
  expect(complaints).toEqual([])
  await context.close()
})

it('what was published, and what the server refused', async () => {
  const { context, page } = await open('/publish')
  for (const text of ['One', 'Two']) {
    await page.getByRole('textbox', { name: 'message' }).fill(text)
    await page.keyboard.press('Control+Enter')
    await page
      .locator('.answers > li')
      .nth(text === 'One' ? 0 : 1)
      .waitFor()
  }
  await page.getByRole('textbox', { name: 'message' }).fill('')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('alert').waitFor()
  await judgeEveryLook(page, 'publish-answers')
  await context.close()
})

it('the pages under "More" on a narrow screen', async () => {
  for (const { theme, width } of looks.filter((look) => look.width < 1280)) {
    const options = { colorScheme: theme, viewport: { width, height: 800 } }
    const { context, page, complaints } = await operatorPage(browser, product, options)
    await page.addInitScript(axeSource)
    await page.goto(`${product.url}/settings`)
    await page.getByRole('table').waitFor()
    const more = page.getByRole('button', { name: 'More pages, Settings is shown' })
    await more.press('Enter')
    await page.getByRole('menu').waitFor()
    expect(await page.getByRole('menuitem').allTextContents()).toEqual([
      'Database',
      'Settings',
      'Notifications',
      'API',
      'Errors',
    ])
    await judge(page, `more-${theme}-${width}`)
    await page.getByRole('menuitem', { name: 'Database' }).press('Enter')
    const heading = page.getByRole('heading', { name: 'Database', level: 1 })
    await heading.waitFor()
    await hasFocus(heading)
    expect(complaints).toEqual([])
    await context.close()
  }
})

async function open(path: string, prepare: (page: Page) => Promise<unknown> = async () => undefined) {
  const opened = await operatorPage(browser, product, { reducedMotion: 'reduce' })
  await opened.page.addInitScript(axeSource)
  await prepare(opened.page)
  await opened.page.goto(`${product.url}${path}`)
  await shown(opened.page.locator('.connections-table, .counters-table, .publish-preview').first())
  return opened
}
