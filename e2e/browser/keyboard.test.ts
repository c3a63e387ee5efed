/** The whole console without a mouse, and what it remembers of one's taste. */
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { operatorPage, signedIn } from './browser.ts'
import { browser, product } from './world.ts'

const pages = [
  'Overview',
  'Database',
  'Settings',
  'Connections',
  'Events',
  'Publish',
  'Notifications',
  'API',
  'Errors',
]

it('goes through all pages with Tab and Enter, and the focus follows', async () => {
  const { context, page } = await signedIn(browser, product)
  for (const title of [...pages.slice(1), 'Overview']) {
    await tabTo(page, page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: title }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    await focused(page, (name) => name === title)
    expect(await page.title()).toBe(`${title} · Belfry`)
  }
  await context.close()
})

it('skips to the content', async () => {
  const { context, page } = await operatorPage(browser, product)
  await page.goto(`${product.url}/settings`)
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  await page.keyboard.press('Tab')
  await focused(page, (name) => name === 'Skip to the content')
  await page.keyboard.press('Enter')
  const isInContent = () => document.activeElement?.closest('main') !== null
  await page.waitForFunction(isInContent)
  await page.keyboard.press('Tab')
  await page.waitForFunction(isInContent)
  await context.close()
})

it('jumps with two keys, opens the sheet with "?", and lets one switch that off', async () => {
  const { context, page } = await signedIn(browser, product)
  for (const [key, title] of [
    ['s', 'Settings'],
    ['d', 'Database'],
    ['c', 'Connections'],
    ['v', 'Events'],
    ['p', 'Publish'],
    ['n', 'Notifications'],
    ['a', 'API'],
    ['e', 'Errors'],
    ['o', 'Overview'],
  ] as const) {
    await page.keyboard.press('g')
    await page.keyboard.press(key)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
  }
  await page.keyboard.press('?')
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
  await sheet.waitFor()
  await sheet.getByRole('checkbox').uncheck()
  await page.keyboard.press('Escape')
  await sheet.waitFor({ state: 'detached' })
  await page.keyboard.press('?')
  await page.keyboard.press('g')
  await page.keyboard.press('s')
  await page.keyboard.press('Tab')
  expect(await sheet.count()).toBe(0)
  expect(new URL(page.url()).pathname).toBe('/')
  await context.close()
})

it('does not take keys away from a field', async () => {
  const { context, page } = await operatorPage(browser, product)
  await page.goto(`${product.url}/settings`)
  await page.getByRole('table').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('g o ? p')
  expect(await page.getByRole('searchbox').inputValue()).toBe('g o ? p')
  await page.getByText('No setting matches').waitFor()
  await page.getByRole('button', { name: 'Show all settings' }).click()
  await page.getByRole('table').waitFor()
  await context.close()
})

it('remembers the theme over a reload, before the first paint', async () => {
  const { context, page } = await signedIn(browser, product, { colorScheme: 'light' })
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  const light = await background()
  await page.getByRole('button', { name: /menu$/ }).press('Enter')
  await page.getByRole('menuitemradio', { name: 'Dark' }).press('Enter')
  const dark = await background()
  expect(dark).not.toBe(light)
  await page.goto(product.url, { waitUntil: 'commit' })
  await page.waitForFunction(() => document.body !== null)
  expect(await background()).toBe(dark)
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await page.getByRole('button', { name: /menu$/ }).press('Enter')
  await page.getByRole('menuitemradio', { name: 'As the system' }).press('Enter')
  expect(await background()).toBe(light)
  await context.close()
})

/** Backwards: the pages stand before the content, where the focus is after navigation. */
async function tabTo(page: Page, target: ReturnType<Page['getByRole']>): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press('Shift+Tab')
  }
  throw new Error('Sixty presses of Shift and Tab did not reach it.')
}

async function focused(page: Page, accept: (name: string) => boolean): Promise<void> {
  await expect
    .poll(async () => accept(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')))
    .toBe(true)
}
