/** The pages of the console, and what can be asked of how they look. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const pictures = join(import.meta.dirname, 'screenshots')
mkdirSync(pictures, { recursive: true })

/** To be added to a page before it loads: the policy of the server forbids adding it later. */
export const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// Of what passed one element is told, and not all of them: that took a fifth of the time, and nobody reads it.
const resultTypes: RunOptions['resultTypes'] = ['violations', 'incomplete']
const everyRule: RunOptions = {
  runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
  resultTypes,
}
/** What another theme can change. */
const colourRules: RunOptions = {
  runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] },
  resultTypes,
}

export interface Look {
  readonly theme: 'light' | 'dark'
  readonly width: number
}

export const looks: readonly Look[] = (['light', 'dark'] as const).flatMap((theme) =>
  [360, 1280].map((width) => ({ theme, width })),
)

export async function dress(page: Page, { theme, width }: Look): Promise<void> {
  await page.emulateMedia({ colorScheme: theme })
  await page.setViewportSize({ width, height: 800 })
  // What the change starts to move is known two frames later.
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  )
}

export interface Visit {
  readonly name: string
  readonly path: string
  /** Drawn when this is there. */
  readonly ready: string
}

export const operatorPages: readonly Visit[] = [
  { name: 'overview', path: '/', ready: '.time-series-drawing canvas' },
  { name: 'connections', path: '/connections', ready: '.first-client' },
  { name: 'events', path: '/events', ready: '.counters-table' },
  { name: 'publish', path: '/publish', ready: '.publish-preview' },
  { name: 'notifications', path: '/notifications', ready: '.preview' },
  { name: 'notifications-inbox', path: '/notifications?view=inbox', ready: '.empty-state' },
  { name: 'database', path: '/database', ready: '.migrations :is(table, .empty-state)' },
  { name: 'settings', path: '/settings', ready: '.settings-table' },
]

export const publicPages: readonly Visit[] = [
  { name: 'api', path: '/docs', ready: '.operation' },
  { name: 'errors', path: '/docs/errors', ready: '.error-row' },
  { name: 'not-found', path: '/no/such/page', ready: '.empty-state' },
]

/** No violation, no doubt, nothing cut off; and a picture of it. */
export async function judge(page: Page, name: string, rules: RunOptions = everyRule): Promise<void> {
  await settled(page)
  await picture(page, name)
  expect(await sideways(page), name).toEqual([])
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
  }, rules)
  expect(violations, name).toEqual([])
  expect(unsure, name).toEqual([])
  // Without this it looked at nothing.
  expect(passed, name).toContain('color-contrast')
}

/** Colours in the middle of a fade are nobody's colours. Each fade is brought to its end, in none of its time. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const fading = () =>
      document
        .getAnimations()
        .filter(
          ({ playState, effect }) =>
            playState === 'running' && effect?.getComputedTiming().iterations !== Infinity,
        )
    // The end of one may be the beginning of another: of an element that inherits the colour.
    for (let some = fading(); some.length > 0; some = fading()) {
      for (const animation of some) animation.finish()
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    }
  })
}

/** The page in each look, one after the other. */
export async function judgeEveryLook(page: Page, name: string): Promise<void> {
  for (const look of looks) {
    await dress(page, look)
    await judge(page, `${name}-${look.theme}-${look.width}`, look.theme === 'light' ? everyRule : colourRules)
  }
}

/** For people to look at: the first screens of a long page. All 70,000 px of one took a second and a half. */
export async function picture(page: Page, name: string): Promise<void> {
  const { width, height } = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement
    return { width: scrollWidth, height: scrollHeight }
  })
  const clip = { x: 0, y: 0, width, height: Math.min(height, pictureHeightMax) }
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, clip })
}

const pictureHeightMax = 4_000

/** Text that ends beyond the right edge, scrolled to or cut off; what scrolls by itself may. */
export function sideways(page: Page): Promise<readonly string[]> {
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
