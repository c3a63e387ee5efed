/** Every page in light and dark, narrow and wide: seen by axe, kept as a picture, without a word of complaint. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collectComplaints, launch, launchWith, signedIn } from './browser.ts'
import { cuttableLine } from './line.ts'
import { startProduct, type TestedProduct } from './server.ts'

const pictures = join(import.meta.dirname, 'screenshots')
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

interface Visit {
  readonly name: string
  readonly path: string
  /** Drawn when this is there. */
  readonly ready: string
}

const operatorPages: readonly Visit[] = [
  { name: 'overview', path: '/', ready: '.time-series-drawing canvas' },
  { name: 'database', path: '/database', ready: '.migrations :is(table, .empty-state)' },
  { name: 'settings', path: '/settings', ready: '.settings-table' },
]

const publicPages: readonly Visit[] = [
  { name: 'api', path: '/docs', ready: '.operation' },
  { name: 'errors', path: '/docs/errors', ready: '.error-row' },
  { name: 'not-found', path: '/no/such/page', ready: '.empty-state' },
]

let product: TestedProduct
let browser: Browser

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  product = await startProduct()
  browser = await launch()
})

afterAll(async () => {
  await browser?.close()
  await product?.stop()
})

const looks = (['light', 'dark'] as const).flatMap((theme) => [360, 1280].map((width) => ({ theme, width })))

describe.each(looks)('$theme at $width px', ({ theme, width }) => {
  const options = { colorScheme: theme, viewport: { width, height: 800 } }

  it('every page of an operator', async () => {
    const { context, page, complaints } = await signedIn(browser, product, options)
    await page.addInitScript(axeSource)
    for (const visit of [...operatorPages, ...publicPages]) await inspect(page, visit, `${theme}-${width}`)
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

  it('every page of somebody who is not signed in', async () => {
    const context = await browser.newContext(options)
    const complaints = collectComplaints(context)
    const page = await context.newPage()
    await page.addInitScript(axeSource)
    await inspect(page, { name: 'sign-in', path: '/sign-in', ready: '.threshold-steps' }, `${theme}-${width}`)
    for (const visit of publicPages)
      await inspect(page, { ...visit, name: `${visit.name}-public` }, `${theme}-${width}`)
    await page.goto(`${product.url}/sign-in#token=a-token-that-is-not-ours-at-all`)
    await page.getByText('This link does not work').waitFor()
    await judge(page, `sign-in-refused-${theme}-${width}`)
    expect(complaints).toEqual([])
    await context.close()
  })

  it('a lost connection and a table of values', async () => {
    const { context, page } = await signedIn(browser, product, options)
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

describe('text twice as large', () => {
  it.each([320, 360, 1280])('does not scroll sideways at %i px', async (width) => {
    const profile = mkdtempSync(join(tmpdir(), 'belfry-large-text-'))
    // The browser's own setting, not a zoom: widths in `em` see it, as they do for people who use it.
    mkdirSync(join(profile, 'Default'))
    const webprefs = { default_font_size: 32, default_fixed_font_size: 26 }
    writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify({ webkit: { webprefs } }))
    const context = await launchWith(profile, { viewport: { width, height: 800 } })
    const page = await context.newPage()
    await page.goto(await product.signInLink())
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    for (const visit of [...operatorPages, ...publicPages]) {
      await page.goto(`${product.url}${visit.path}`)
      await page.locator(visit.ready).first().waitFor()
      await settled(page)
      expect(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe('32px')
      expect(await sideways(page), visit.name).toEqual([])
      await picture(page, `${visit.name}-large-text-${width}`)
    }
    await context.close()
    rmSync(profile, { recursive: true, force: true })
  })
})

it('moves nothing for those who asked for less motion, and keeps its shapes with forced colours', async () => {
  const { context, page, complaints } = await signedIn(browser, product, {
    reducedMotion: 'reduce',
    forcedColors: 'active',
    viewport: { width: 1280, height: 800 },
  })
  await page.locator('.time-series-drawing canvas').first().waitFor()
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
  await picture(page, 'overview-forced-colors')
  expect(complaints).toEqual([])
  await context.close()
})

async function inspect(page: Page, visit: Visit, look: string): Promise<void> {
  await page.goto(`${product.url}${visit.path}`)
  await page.locator(visit.ready).first().waitFor()
  await judge(page, `${visit.name}-${look}`)
}

async function judge(page: Page, name: string): Promise<void> {
  await settled(page)
  await picture(page, name)
  expect(await sideways(page), name).toEqual([])
  const options: RunOptions = { runOnly: { type: 'tag', values: tags } }
  const { violations, unsure, passed } = await page.evaluate(async (run) => {
    const { axe } = globalThis as unknown as {
      axe: { run(of: Document, how: RunOptions): Promise<AxeResults> }
    }
    const results = await axe.run(document, run)
    const told = (rules: AxeResults['violations']) =>
      rules.map(({ id, nodes }) => ({ id, where: nodes.map((node) => node.html) }))
    return {
      passed: results.passes.map(({ id }) => id),
      violations: told(results.violations),
      unsure: told(results.incomplete.filter(({ id }) => id === 'color-contrast')),
    }
  }, options)
  expect(violations, name).toEqual([])
  expect(unsure, name).toEqual([])
  // Without this it looked at nothing.
  expect(passed, name).toContain('color-contrast')
}

/** Colours in the middle of a fade are nobody's colours. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document
      .getAnimations()
      .filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity)
    await Promise.allSettled(ending.map((animation) => animation.finished))
  })
}

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
}

/** Text that ends beyond the right edge, scrolled to or cut off; what scrolls by itself may. */
function sideways(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement
    const beyond = [...document.querySelectorAll('body *')].filter((element) => {
      const ownText = [...element.childNodes].some(
        (node) => node.nodeType === 3 && node.textContent?.trim() !== '',
      )
      const { right, width } = element.getBoundingClientRect()
      if (!ownText || width <= 1 || right <= clientWidth + 0.5) return false
      return element.closest('pre') === null
    })
    const names = beyond.map((element) => `${element.tagName} ${element.className} ${element.textContent}`)
    return scrollWidth > clientWidth ? ['the page scrolls', ...names] : names
  })
}
