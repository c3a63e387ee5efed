/** Signing in by a link that works once, and out again. */
import { expect, it } from 'vitest'
import { collectComplaints, problem, signedInByLink } from './browser.ts'
import { browser, product } from './world.ts'

it('opens the console by a link and leaves no token in the address or in the history', async () => {
  const link = await product.signInLink()
  const token = new URL(link).hash
  const context = await browser.newContext()
  const complaints = collectComplaints(context)
  const page = await context.newPage()
  const requested: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  await page.goto(`${product.url}/docs/errors`)
  await page.goto(link)
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  expect(page.url()).toBe(`${product.url}/`)
  await page.goBack()
  await page.getByRole('heading', { name: 'Errors', level: 1 }).waitFor()
  expect(page.url()).not.toContain(token)
  await page.goForward()
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  expect(page.url()).toBe(`${product.url}/`)
  expect(requested.filter((url) => url.includes(token.slice('#token='.length)))).toEqual([])
  expect(complaints).toEqual([])
  await context.close()
})

it('says that a used link is used, and what to do', async () => {
  const link = await product.signInLink()
  const first = await browser.newContext()
  await (await first.newPage()).goto(link)
  await first.pages()[0]?.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await first.close()
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(link)
  await page.getByText('This link does not work').waitFor()
  await page.getByRole('link', { name: 'sign_in_link_invalid' }).waitFor()
  await page.locator('.command', { hasText: 'belfry link' }).waitFor()
  expect(new URL(page.url()).hash).toBe('')
  await context.close()
})

it('takes a second link in the tab in which the first one failed', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${product.url}/sign-in#token=a-token-that-is-not-ours-at-all`)
  await page.getByText('This link does not work').waitFor()
  await page.goto(await product.signInLink())
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await context.close()
})

it('explains without a link how to get one, and brings one where one wanted to go', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${product.url}/settings?q=port`)
  await page.getByRole('heading', { name: 'Sign in with a link' }).waitFor()
  const { hash } = new URL(await product.signInLink())
  await page.evaluate((fragment) => {
    location.hash = fragment
  }, hash)
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  expect(page.url()).toBe(`${product.url}/settings?q=port`)
  await context.close()
})

it('keeps the link while the server is silent and tries it again', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  const silent = problem(503, 'shutting_down', 'This server is stopping. Try again in a moment.', true)
  await page.route('**/api/v1/access/session', (route) => route.fulfill(silent))
  await page.goto(await product.signInLink())
  await page.getByText('You are not signed in yet').waitFor()
  await page.unroute('**/api/v1/access/session')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await context.close()
})

it('signs out, here and on the server', async () => {
  const { context, page } = await signedInByLink(browser, product)
  await page.getByRole('button', { name: /menu$/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByText('You are signed out.').waitFor()
  await page.goto(`${product.url}/`)
  await page.getByRole('heading', { name: 'Sign in with a link' }).waitFor()
  await context.close()
})

it('sends one to the door with a note when the session ends while the console is open', async () => {
  const { context, page } = await signedInByLink(browser, product)
  await context.clearCookies()
  await page.getByRole('link', { name: 'Settings' }).click()
  await page.getByText('Your session ended.').waitFor()
  const { hash } = new URL(await product.signInLink())
  await page.evaluate((fragment) => {
    location.hash = fragment
  }, hash)
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  await context.close()
})
