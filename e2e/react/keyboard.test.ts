/** The bell by the keyboard alone, and what those hear and see who use it in other ways: axe, a narrow screen, no motion. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hasFocus, launch, shown } from '../browser/browser.ts'
import { axeSource, dress, judge, looks, sideways } from '../browser/looks.ts'
import { openWorld, type World } from './world.ts'

let world: World
let browser: Browser
beforeAll(async () => {
  world = await openWorld()
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await world?.[Symbol.asyncDispose]()
})

const panel = (page: Page) => page.locator('.belfry-panel')
const article = (page: Page, title: string) => panel(page).getByRole('article').filter({ hasText: title })

async function openWith(user: string, titles: readonly string[]) {
  world.user = user
  for (const title of titles)
    await world.send({ title, category: title.startsWith('Post') ? 'posts' : 'other' })
  const opened = await world.open(browser)
  await expect
    .poll(() => opened.page.locator('[data-reading="list"]').textContent())
    .toMatch(new RegExp(`^ready ${titles.length}`))
  return opened
}

it('goes through it, does everything, and ends where it began', async () => {
  const { page } = await openWith('ana-1', ['Post one', 'Post two', 'Bill three', 'Bill four'])
  const bell = page.locator('.belfry-bell')
  await bell.focus()
  await page.keyboard.press('Enter')
  await hasFocus(article(page, 'Bill four'))
  await page.keyboard.press('ArrowDown')
  await hasFocus(article(page, 'Bill three'))
  await page.keyboard.press('End')
  await hasFocus(article(page, 'Post one'))
  await page.keyboard.press('ArrowDown')
  await hasFocus(article(page, 'Post one'))
  await page.keyboard.press('Home')
  await page.keyboard.press('PageDown')
  await hasFocus(article(page, 'Bill three'))
  // Tab goes through the tools of this one, and not through those of all others.
  const tabbable = panel(page).locator('article[tabindex="0"], article [tabindex="0"]')
  expect(
    await tabbable.evaluateAll((elements) => [
      ...new Set(elements.map((element) => element.closest('article')?.getAttribute('aria-posinset'))),
    ]),
  ).toEqual(['2'])
  await page.keyboard.press('Tab')
  await hasFocus(article(page, 'Bill three').getByRole('button', { name: 'Mark as read' }))
  await page.keyboard.press('Enter')
  await shown(article(page, 'Bill three').getByRole('button', { name: 'Mark as unread' }))
  await hasFocus(article(page, 'Bill three').getByRole('button', { name: 'Mark as unread' }))
  await page.keyboard.press('Tab')
  await hasFocus(article(page, 'Bill three').getByRole('button', { name: 'Dismiss' }))
  await page.keyboard.press('Enter')
  // It is gone, and the next one has the focus.
  await hasFocus(article(page, 'Post two'))
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  const remove = article(page, 'Post two').getByRole('button', { name: 'Delete', exact: true })
  await hasFocus(remove)
  await page.keyboard.press('Enter')
  await shown(article(page, 'Post two').getByRole('button', { name: 'Really delete' }))
  // Who goes away has not confirmed.
  await page.keyboard.press('Shift+Tab')
  await shown(remove)
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Enter')
  await hasFocus(article(page, 'Post one'))
  await page.keyboard.press('Escape')
  await expect.poll(() => panel(page).count()).toBe(0)
  await hasFocus(bell)
  await page.keyboard.press('Space')
  await shown(panel(page))
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('ArrowRight')
  await expect.poll(() => panel(page).getByRole('radio', { name: 'Other' }).isChecked()).toBe(true)
  await expect.poll(() => panel(page).getByRole('article').count()).toBe(1)
})

it('the last one that goes leaves the focus with the list', async () => {
  const { page } = await openWith('ana-2', ['Only one'])
  await page.locator('.belfry-bell').click()
  await article(page, 'Only one').getByRole('button', { name: 'Dismiss' }).press('Enter')
  await shown(panel(page).getByText('Nothing here'))
  await hasFocus(panel(page).locator('.belfry-list'))
  // From there the keys still reach what is open.
  await page.keyboard.press('Escape')
  await hasFocus(page.locator('.belfry-bell'))
})

it('what comes in takes no focus away', async () => {
  const { context, page } = await openWith('ana-3', ['Post one', 'Post two'])
  await page.locator('.belfry-bell').click()
  const button = article(page, 'Post one').getByRole('button', { name: 'Mark as read' })
  await button.focus()
  await world.send({ title: 'Newer' })
  await shown(article(page, 'Newer'))
  await hasFocus(button)
  // Removed in another tab while it has the focus: the one in its place gets it.
  const other = await world.openTab(context)
  await other.locator('.belfry-bell').click()
  await article(other, 'Post one').getByRole('button', { name: 'Dismiss' }).click()
  await hasFocus(article(page, 'Post two'))
})

it('a toast that is closed gives the focus to the next one, and then back', async () => {
  const { page } = await openWith('ana-4', [])
  for (const title of ['One', 'Two']) await world.send({ title, priority: 'critical' })
  const close = (title: string) =>
    page.locator('.belfry-toast').filter({ hasText: title }).getByRole('button', { name: 'Close' })
  await shown(close('One'))
  await shown(close('Two'))
  const last = page.getByRole('button', { name: 'Ask twice' })
  await last.focus()
  await page.keyboard.press('Tab')
  await hasFocus(close('One'))
  await page.keyboard.press('Enter')
  await hasFocus(close('Two'))
  await page.keyboard.press('Enter')
  await hasFocus(last)
})

it.each(looks)(
  'has no fault that axe finds, and nothing beside the page: $theme at $width px',
  async (look) => {
    world.user = `ana-${look.theme}-${look.width}`
    await world.send({
      title: 'The database has 4 % of its disk left',
      message: 'Writes stop when it is full.',
      priority: 'critical',
      category: 'operations',
    })
    await world.send({
      title: 'Bob mentioned you in a post with quite a long name that goes on for a while',
      message: 'Could you look at the third paragraph? '.repeat(12),
      category: 'posts',
      actions: [{ id: 'open', label: 'Open the post', url: 'https://app.example.com/posts/17' }],
    })
    const { page } = await world.open(browser, {
      viewport: { width: look.width, height: 800 },
      colorScheme: look.theme,
    })
    await page.addInitScript(axeSource)
    await page.reload()
    await shown(page.locator('.belfry-badge'))
    await world.send({ title: 'A toast', message: 'Seen for a while.', priority: 'critical' })
    await shown(page.locator('.belfry-toast'))
    await dress(page, look)
    await judge(page, `react-toast-${look.theme}-${look.width}`)
    await page.locator('.belfry-toast').getByRole('button', { name: 'Close' }).click()
    await page.locator('.belfry-bell').click()
    await shown(panel(page))
    await judge(page, `react-bell-${look.theme}-${look.width}`)
    const box = await panel(page).boundingBox()
    if (look.width === 360)
      expect([box?.x, box?.width, (box?.y ?? 0) + (box?.height ?? 0)]).toEqual([0, 360, 800])
    else expect(box?.width).toBe(416)
    expect(await sideways(page)).toEqual([])
  },
)

it('moves nothing for those who do not want that', async () => {
  const { page } = await openWith('ana-5', ['One'])
  const animations = () =>
    page.evaluate(() => document.getAnimations().filter((each) => each instanceof CSSAnimation).length)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  await page.locator('.belfry-bell').click()
  await shown(panel(page))
  expect(
    await page.evaluate(
      () => getComputedStyle(document.querySelector('.belfry-panel') as Element).animationName,
    ),
  ).toBe('belfry-appear')
  await page.emulateMedia({ reducedMotion: 'reduce' })
  expect(await animations()).toBe(0)
})
