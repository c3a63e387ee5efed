/** Every page in light and dark, narrow and wide: seen by axe, kept as a picture, without a word of complaint. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { collectComplaints, operatorPage, shown } from './browser.ts'
import { cuttableLine } from './line.ts'
import { axeSource, judge, judgeEveryLook, looks, operatorPages, publicPages, type Visit } from './looks.ts'
import { browser, product } from './world.ts'

it('every page of an operator', async () => {
  const { context, page, complaints } = await operatorPage(browser, product)
  await page.addInitScript(axeSource)
  for (const visit of [...operatorPages, ...publicPages]) await inspect(page, visit)
  expect(complaints).toEqual([])
  await context.close()
})

it('every page of somebody who is not signed in', async () => {
  const context = await browser.newContext()
  const complaints = collectComplaints(context)
  const page = await context.newPage()
  await page.addInitScript(axeSource)
  await inspect(page, { name: 'sign-in', path: '/sign-in', ready: '.threshold-steps' })
  for (const visit of publicPages) await inspect(page, { ...visit, name: `${visit.name}-public` })
  await page.goto(`${product.url}/sign-in#token=a-token-that-is-not-ours-at-all`)
  await page.getByText('This link does not work').waitFor()
  await judgeEveryLook(page, 'sign-in-refused')
  expect(complaints).toEqual([])
  await context.close()
})

describe.each(looks)('$theme at $width px', ({ theme, width }) => {
  const options = { colorScheme: theme, viewport: { width, height: 800 } }

  it('the menu and the shortcuts', async () => {
    const { context, page, complaints } = await operatorPage(browser, product, options)
    await page.addInitScript(axeSource)
    await page.goto(product.url)
    await page.getByRole('button', { name: /menu$/ }).click()
    await page.getByRole('menu').waitFor()
    await judge(page, `menu-${theme}-${width}`)
    await page.getByRole('menuitem', { name: 'Keyboard shortcuts' }).click()
    await page.getByRole('dialog').waitFor()
    await judge(page, `shortcuts-${theme}-${width}`)
    expect(complaints).toEqual([])
    await context.close()
  })

  it('a lost connection and a table of values', async () => {
    const { context, page } = await operatorPage(browser, product, options)
    await page.addInitScript(axeSource)
    await using line = await cuttableLine(product.url)
    await page.goto(line.url)
    await page.getByRole('button', { name: 'Show as a table' }).first().click()
    await page.getByText(/Page 1 of/).waitFor()
    line.cut()
    await page.getByText('The connection to the server was lost.').waitFor()
    await judge(page, `lost-${theme}-${width}`)
    await context.close()
  })
})

async function inspect(page: Page, visit: Visit): Promise<void> {
  await page.goto(`${product.url}${visit.path}`)
  await shown(page.locator(visit.ready).first())
  await judgeEveryLook(page, visit.name)
}
