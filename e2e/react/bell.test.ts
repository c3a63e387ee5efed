/** The bell in Chromium over the built product: what comes in, what is done with it, and both again in another tab. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { hasFocus, launch, shown } from '../browser/browser.ts'
import { type OpenedApp, openWorld, type World } from './world.ts'

let world: World
let browser: Browser
let app: OpenedApp
let page: Page

beforeAll(async () => {
  world = await openWorld()
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await world?.[Symbol.asyncDispose]()
})

let tests = 0
beforeEach(async () => {
  tests += 1
  world.user = `ana-${tests}`
  app = await world.open(browser)
  page = app.page
  await expect.poll(() => reading('list')).toMatch(/^ready/)
  return () => app.context.close()
})

const reading = (name: string, of = page) => of.locator(`[data-reading="${name}"]`).textContent()
const bell = (of = page) => of.locator('.belfry-bell')
const badge = (of = page) => of.locator('.belfry-badge')
const panel = (of = page) => of.locator('.belfry-panel')
const article = (title: string, of = page) =>
  panel(of)
    .getByRole('article')
    .filter({ has: of.getByText(title, { exact: true }) })
const toast = (title: string, of = page) =>
  of.getByRole('region', { name: 'New notifications' }).getByRole('article', { name: title })
const badgeIs = (text: string, of = page) => expect.poll(() => badge(of).allTextContents()).toEqual([text])

it('shows what was sent by REST: in the badge, in a toast, said to those who listen, and in the list', async () => {
  await world.send({
    title: 'Bob mentioned you',
    message: 'Could you look at the third paragraph?',
    category: 'posts',
  })
  await badgeIs('1')
  await shown(toast('Bob mentioned you'))
  await expect
    .poll(() => page.locator('[aria-live="polite"]').textContent())
    .toBe('New notification: Bob mentioned you')
  expect(await page.getByRole('button', { name: 'Notifications, 1 unread', exact: true }).count()).toBe(1)
  await bell().click()
  await shown(article('Bob mentioned you'))
  expect(await article('Bob mentioned you').textContent()).toMatch(/third paragraph\?Postsjust now/)
  // What is in the list needs no toast.
  expect(await toast('Bob mentioned you').count()).toBe(0)
  await world.send({ title: 'While it is open' })
  await shown(article('While it is open'))
  expect(await page.locator('.belfry-toast').count()).toBe(0)
  expect(app.complaints).toEqual([])
})

it('counts to 99, and says the number', async () => {
  for (let n = 0; n < 10; n += 1)
    await Promise.all(Array.from({ length: 10 }, (_, index) => world.send({ title: `n ${n} ${index}` })))
  await badgeIs('99+')
  expect(await page.getByRole('button', { name: 'Notifications, 100 unread', exact: true }).count()).toBe(1)
  expect(await page.locator('.belfry-toast').count()).toBe(3)
})

it('a critical one is said at once and stays until it is closed, others go by themselves', async () => {
  await page.clock.install()
  await page.reload()
  await expect.poll(() => reading('list')).toMatch(/^ready/)
  await world.send({ title: 'The disk is full', priority: 'critical' })
  await shown(toast('The disk is full'))
  expect(await page.locator('[aria-live="assertive"]').textContent()).toBe(
    'New notification: The disk is full',
  )
  expect(await toast('The disk is full').textContent()).toContain('Critical')
  await world.send({ title: 'Hello', priority: 'low' })
  await shown(toast('Hello'))
  await toast('Hello').hover()
  await page.clock.runFor(60_000)
  expect(await toast('Hello').count()).toBe(1)
  await page.mouse.move(0, 0)
  await page.clock.runFor(7_000)
  expect(await toast('Hello').count()).toBe(1)
  await page.clock.runFor(2_000)
  expect(await toast('Hello').count()).toBe(0)
  await toast('The disk is full').getByRole('button', { name: 'Close' }).click()
  expect(await page.locator('.belfry-toast').count()).toBe(0)
  // It was closed, and not read.
  await badgeIs('2')
})

it('several that come at once are said in one sentence', async () => {
  await Promise.all(['a', 'b', 'c'].map((title) => world.send({ title })))
  await expect
    .poll(() => page.locator('[aria-live="polite"]').textContent())
    .toMatch(/^3 new notifications. The latest: [abc]$/)
})

it('two tabs agree: what is read, removed and unread again in one is so in the other', async () => {
  const other = await world.openTab(app.context)
  await world.send({ title: 'One' })
  await world.send({ title: 'Two', category: 'posts' })
  for (const each of [page, other]) {
    await badgeIs('2', each)
    await bell(each).click()
    await shown(article('Two', each))
  }
  await article('One').getByRole('button', { name: 'Mark as read' }).click()
  for (const each of [page, other]) {
    await badgeIs('1', each)
    await shown(article('One', each).getByRole('button', { name: 'Mark as unread' }))
  }
  await article('One', other).getByRole('button', { name: 'Mark as unread' }).click()
  for (const each of [page, other]) await badgeIs('2', each)
  // Two steps, and only the second deletes.
  await article('Two', other).getByRole('button', { name: 'Delete' }).click()
  await article('Two', other).getByRole('button', { name: 'Really delete' }).click()
  await article('One').getByRole('button', { name: 'Dismiss' }).click()
  for (const each of [page, other]) {
    await shown(panel(each).getByText('Nothing here'))
    expect(await badge(each).count()).toBe(0)
  }
  expect(await world.stored()).toEqual([])
  expect(app.complaints).toEqual([])
})

it('marks all as read, or those of the category that is shown', async () => {
  await world.send({ title: 'A post', category: 'posts' })
  await world.send({ title: 'A bill', category: 'bills' })
  await bell().click()
  await panel().getByText('Posts', { exact: true }).first().click()
  await expect.poll(() => panel().getByRole('article').count()).toBe(1)
  await panel().getByRole('button', { name: 'Mark all of Posts as read' }).click()
  await badgeIs('1')
  await panel().getByText('All', { exact: true }).click()
  await shown(article('A post').getByRole('button', { name: 'Mark as unread' }))
  await panel().getByRole('button', { name: 'Mark all as read' }).click()
  await expect.poll(() => badge().count()).toBe(0)
  await expect.poll(async () => (await world.stored()).filter(({ readAt }) => readAt === null).length).toBe(0)
})

it('brings older ones, page by page', async () => {
  for (let n = 1; n <= 23; n += 1) await world.send({ title: `Number ${n}`, category: n < 3 ? 'old' : 'new' })
  await page.reload()
  await badgeIs('23')
  await bell().click()
  await expect.poll(() => panel().getByRole('article').count()).toBe(20)
  expect(await article('Number 23').getAttribute('aria-setsize')).toBe('-1')
  await panel().getByRole('button', { name: 'Show older ones' }).press('Enter')
  await expect.poll(() => panel().getByRole('article').count()).toBe(23)
  // The button is gone, and the focus is where it led to.
  await hasFocus(article('Number 3'))
  expect(await article('Number 1').getAttribute('aria-posinset')).toBe('23')
  expect(await article('Number 1').getAttribute('aria-setsize')).toBe('23')
})

it('looks on for what is older of a category, over pages that hold none of it', async () => {
  await world.send({ title: 'An old post', category: 'posts' })
  for (let n = 0; n < 45; n += 1) await world.send({ title: `Other ${n}` })
  await page.reload()
  await badgeIs('46')
  await page.getByRole('button', { name: 'Toggle second list' }).click()
  const list = page.locator('main .belfry-list')
  await list.getByRole('button', { name: 'Show older ones' }).click()
  await shown(list.getByRole('article').filter({ hasText: 'An old post' }))
  expect(await list.getByRole('article').count()).toBe(1)
})

it('links lead to pages only, and are followed without the application', async () => {
  const actions = [
    { id: 'open', label: 'Open', url: 'https://app.example.com/posts/17' },
    { id: 'run', label: 'Run', url: 'javascript:alert(1)' },
    { id: 'data', label: 'Data', url: 'data:text/html,<b>hello</b>' },
    { id: 'here', label: 'Here', url: `${world.url}/test/?user=${world.user}&here` },
    { id: 'approve', label: 'Approve' },
  ]
  await world.send({ title: '<img src=x onerror=alert(1)>', message: '<b>bold</b>', actions })
  await bell().click()
  const one = article('<img src=x onerror=alert(1)>')
  expect(await one.locator('img, b').count()).toBe(0)
  expect(await one.getByRole('link').allTextContents()).toEqual(['Open', 'Here'])
  const open = one.getByRole('link', { name: 'Open' })
  expect([await open.getAttribute('target'), await open.getAttribute('rel')]).toEqual([
    '_blank',
    'noreferrer',
  ])
  await one.getByRole('button', { name: 'Approve' }).click()
  expect(await page.title()).toBe('approve of <img src=x onerror=alert(1)>')
  await one.getByRole('link', { name: 'Here' }).click()
  await page.waitForURL(/here$/)
  // Who followed it has read it.
  await expect.poll(async () => (await world.stored())[0]?.readAt).toBeTypeOf('string')
})

it('a refusal takes back what was shown, and says so', async () => {
  await world.send({ title: 'Gone meanwhile' })
  await bell().click()
  await shown(article('Gone meanwhile'))
  // Twenty commands of a user in a second are taken, and the others refused.
  await page.evaluate(async () => {
    const ask = [...document.querySelectorAll('button')].find((each) => each.textContent === 'Ask for one')
    for (let n = 0; n < 40; n += 1) ask?.click()
  })
  await article('Gone meanwhile').getByRole('button', { name: 'Dismiss' }).click()
  const problem = panel().getByRole('alert').filter({ hasText: 'was not done' })
  await shown(problem)
  expect(await problem.textContent()).toContain('“Dismiss” was not done.')
  await shown(article('Gone meanwhile'))
  await badgeIs('1')
  await problem.getByRole('button', { name: 'Close' }).click()
  await expect.poll(() => panel().getByText('was not done').count()).toBe(0)
})

it('tells how long ago something was, and keeps that up to date', async () => {
  await page.clock.install()
  await page.reload()
  await world.send({ title: 'Some time ago' })
  await bell().click()
  const time = article('Some time ago').locator('time')
  await expect.poll(() => time.textContent()).toBe('just now')
  await page.clock.runFor('03:10')
  expect(await time.textContent()).toBe('3 min. ago')
  expect(await time.getAttribute('title')).toMatch(/20\d\d at /)
})
