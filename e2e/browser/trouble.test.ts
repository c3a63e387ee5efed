/** The console when things go wrong: refusals, a dead database, odd and enormous values. */
import type { SettingView, SystemOverview } from '@belfry/contract'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { hasFocus, operatorPage, problem } from './browser.ts'
import { browser, product } from './world.ts'

it('shows what was refused, why, under which request, and tries again when asked', async () => {
  const { context, page } = await operatorPage(browser, product)
  const refusal = problem(500, 'internal', 'Something went wrong on our side.', true)
  await page.route('**/api/v1/system/settings', (route) => route.fulfill(refusal))
  await page.goto(`${product.url}/settings`)
  const notice = page.getByRole('alert')
  await notice.getByText('The settings could not be read').waitFor()
  await notice.getByText('req-of-the-test').waitFor()
  await notice.getByRole('link', { name: 'internal' }).waitFor()
  await page.unroute('**/api/v1/system/settings')
  await notice.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('table').waitFor()
  expect(await notice.count()).toBe(0)
  await context.close()
})

it('understands answers that are not ours', async () => {
  const { context, page } = await operatorPage(browser, product)
  await page.route('**/api/v1/system/migrations', (route) =>
    route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }),
  )
  await page.goto(`${product.url}/database`)
  await page.getByText('The answer (HTTP 502) did not come from Belfry.').waitFor()
  // The other half of the page works.
  await page.locator('.stat', { hasText: 'Round trip' }).waitFor()
  await context.close()
})

it('waits as long as the server asks when it asks too often', async () => {
  const { context, page } = await operatorPage(browser, product)
  const refusal = problem(429, 'too_many_requests', 'Too many requests. Wait before you try again.', true)
  await page.route('**/api/v1/system/overview', (route) =>
    route.fulfill({ ...refusal, headers: { 'retry-after': '600' } }),
  )
  await page.goto(product.url)
  await page.getByText('The server asks to wait 600 s.').waitFor()
  await page.getByText(/tries again by itself in (59\d|600) s/).waitFor()
  await context.close()
})

it('says that the database is down, everywhere it matters', async () => {
  const { context, page } = await operatorPage(browser, product)
  await showOverview(page, (overview) => ({
    ...overview,
    database: { state: 'down', kind: 'external', connectionsOpen: 0, connectionsMax: 10 },
  }))
  await page.goto(product.url)
  await page.getByRole('heading', { name: 'The database cannot be reached' }).waitFor()
  await page.goto(`${product.url}/database`)
  await page.getByRole('alert').getByText('The database cannot be reached.').waitFor()
  await context.close()
})

it('says that it waits for the first sample', async () => {
  const { context, page } = await operatorPage(browser, product)
  await showOverview(page, (overview) => ({ ...overview, samples: [] }))
  await page.goto(product.url)
  await page.getByText('No samples yet').first().waitFor()
  await context.close()
})

it.each([320, 360, 1280])('holds enormous and odd values at %i px', async (width) => {
  const { context, page } = await operatorPage(browser, product, { viewport: { width, height: 800 } })
  await showOverview(page, (overview) => ({
    ...overview,
    version: '10.20.30-beta.12345+build.abcdef0123456789',
    hostname: `${'very-long-name-of-a-machine-'.repeat(6)}.example.org`,
    memoryBytes: 2 ** 60,
    database: { ...overview.database, sizeBytes: 2 ** 62, connectionsOpen: 100_000, connectionsMax: 100_000 },
    samples: overview.samples.map((sample) => ({
      ...sample,
      requests: 123_456_789,
      loopDelayP99Ms: 4_000_000,
      memoryBytes: 2 ** 60,
      cpuShare: 640,
    })),
  }))
  const settings: readonly SettingView[] = [
    setting('X'.repeat(120), 'y'.repeat(2000)),
    setting('RIGHT_TO_LEFT', 'קובץ /var/lib/belfry ملف'),
    setting('EMPTY', ''),
    setting('MARKUP', '<img src=x onerror=alert(1)>'),
  ]
  await page.route('**/api/v1/system/settings', (route) => route.fulfill({ json: { settings } }))
  await page.goto(product.url)
  await page.getByRole('heading', { name: /need attention/ }).waitFor()
  await page.locator('.time-series-drawing canvas').first().waitFor()
  expect(await sideways(page)).toBe(0)
  for (const path of ['/database', '/settings']) {
    await page.goto(`${product.url}${path}`)
    await page.getByRole('table').waitFor()
    expect(await sideways(page)).toBe(0)
  }
  await context.close()
})

it('says that nothing has an address that nothing has', async () => {
  const { context, page } = await operatorPage(browser, product)
  await page.goto(`${product.url}/no/such/page`)
  await page.getByRole('heading', { name: 'Nothing here', level: 1 }).waitFor()
  await context.close()
})

it('goes to the part of a reference that a link names', async () => {
  const { context, page } = await operatorPage(browser, product)
  await page.goto(`${product.url}/docs/errors#shutting_down`)
  const row = page.locator('#shutting_down')
  await row.waitFor()
  await hasFocus(row)
  await page.goto(`${product.url}/docs`)
  const last = page.getByRole('navigation', { name: 'Endpoints' }).getByRole('link').last()
  await last.click()
  const name = new URL(page.url()).hash.slice(1)
  await expect.poll(() => page.evaluate((id) => document.activeElement?.id === id, name)).toBe(true)
  await page.reload()
  await expect.poll(() => page.evaluate((id) => document.activeElement?.id === id, name)).toBe(true)
  await context.close()
})

it('answers an outage at the start with a page that comes back by itself', async () => {
  const { context, page } = await operatorPage(browser, product)
  await page.route('**/api/v1/access/session', (route) => route.abort())
  await page.goto(product.url)
  await page.getByRole('heading', { name: 'Belfry does not answer' }).waitFor()
  await page.unroute('**/api/v1/access/session')
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await context.close()
})

function setting(name: string, value: string): SettingView {
  return { name, value, source: 'environment', secret: false, description: 'Of the test. '.repeat(10) }
}

/** A server that is well, changed; its stream says the same every second. */
async function showOverview(page: Page, change: (well: SystemOverview) => SystemOverview): Promise<void> {
  const overview = change(wellOverview())
  await page.route('**/api/v1/system/overview', (route) => route.fulfill({ json: overview }))
  await page.addInitScript(
    ({ database, sample }) => {
      class Repeating extends EventTarget {
        readonly #timer = setInterval(() => {
          if (sample === undefined) return
          const data = JSON.stringify({ database, sample: { ...sample, at: new Date().toISOString() } })
          this.dispatchEvent(new MessageEvent('message', { data }))
        }, 1000)
        close(): void {
          clearInterval(this.#timer)
        }
      }
      Object.defineProperty(globalThis, 'EventSource', { value: Repeating })
    },
    { database: overview.database, sample: overview.samples.at(-1) },
  )
}

function wellOverview(): SystemOverview {
  const newest = Date.now()
  return {
    version: '0.1.0',
    nodeVersion: 'v26.0.0',
    hostname: 'tower',
    pid: 1,
    startedAt: new Date(newest - 60_000).toISOString(),
    memoryBytes: 150_000_000,
    database: {
      state: 'up',
      kind: 'embedded',
      version: '18.4',
      connectionsOpen: 1,
      connectionsMax: 10,
      pingMs: 1,
    },
    samples: Array.from({ length: 60 }, (_, index) => ({
      at: new Date(newest - (60 - index) * 1000).toISOString(),
      memoryBytes: 150_000_000,
      cpuShare: 0.1,
      loopDelayP50Ms: 1,
      loopDelayP99Ms: 3,
      requests: 40,
    })),
  }
}

function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}
