/** The overview lives: values change, stand still when asked, and survive a lost connection. */
import { expect, it } from 'vitest'
import { eventually, operatorPage, reading, signedIn } from './browser.ts'
import { cuttableLine } from './line.ts'
import { browser, product } from './world.ts'

it('shows values that change by themselves', async () => {
  const { context, page, complaints } = await signedIn(browser, product)
  await page.getByText('All is well').waitFor()
  const memory = reading(page, 'Memory')
  const delay = reading(page, 'Event-loop delay')
  const read = async () => `${await memory.textContent()} ${await delay.textContent()}`
  const before = await read()
  await eventually(read, (now) => now !== before)
  await page.locator('.time-series-drawing canvas').first().waitFor()
  expect(complaints).toEqual([])
  await context.close()
})

it('stands still while paused and catches up when resumed', async () => {
  const { context, page } = await signedIn(browser, product)
  let ticks = 0
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  session.on('Network.eventSourceMessageReceived', () => {
    ticks += 1
  })
  await page.getByRole('button', { name: 'Pause live' }).click()
  await page.getByText(/Paused at/).waitFor()
  const main = page.locator('#content')
  const before = await main.textContent()
  const seen = ticks
  await eventually(
    async () => ticks,
    (now) => now >= seen + 3,
  )
  expect(await main.textContent()).toBe(before)
  await page.getByRole('button', { name: 'Resume live' }).click()
  await eventually(
    () => main.textContent(),
    (now) => now !== before,
  )
  expect(await page.getByText(/as of/).count()).toBe(0)
  await context.close()
})

it('says that the connection is lost, how old the data is, and comes back by itself', async () => {
  const { context, page } = await operatorPage(browser, product)
  await using line = await cuttableLine(product.url)
  await page.goto(line.url)
  await reading(page, 'Memory').waitFor()
  line.cut()
  const banner = page.getByText('The connection to the server was lost.')
  await banner.waitFor()
  await page.getByText(/Last data \d\d:\d\d:\d\d/).waitFor()
  await page.getByText(/Not heard from since/).waitFor()
  line.mend()
  await banner.waitFor({ state: 'detached' })
  await page.getByText('Connected again.').waitFor()
  await page.getByText('All is well').waitFor()
  await context.close()
})

it('notices a connection that is open but dead', async () => {
  const { context, page } = await operatorPage(browser, product)
  await context.addInitScript(() => {
    // A stream that opens and never says anything, as behind a proxy that lost its server.
    class Silent extends EventTarget {
      close(): void {}
    }
    Object.defineProperty(globalThis, 'EventSource', { value: Silent })
  })
  await page.goto(product.url)
  await page.getByText('The connection to the server was lost.').waitFor()
  await context.close()
})

it('keeps the chosen window in the address', async () => {
  const { context, page } = await signedIn(browser, product)
  await page.getByRole('radio', { name: '15 min' }).check()
  expect(new URL(page.url()).search).toBe('?window=15')
  await page.reload()
  expect(await page.getByRole('radio', { name: '15 min' }).isChecked()).toBe(true)
  await page.getByRole('figure', { name: /Event-loop delay, chart of the last 15 minutes/ }).waitFor()
  await context.close()
})

it('reads a chart with the keyboard and as a table', async () => {
  const { context, page } = await signedIn(browser, product)
  const cursor = page.getByRole('slider', { name: 'Cursor of Event-loop delay' })
  await eventually(
    async () => Number(await cursor.getAttribute('max')) - Number(await cursor.getAttribute('min')),
    (span) => span >= 2,
  )
  await cursor.focus()
  const latest = await cursor.getAttribute('aria-valuetext')
  expect(latest).toMatch(/^\d\d:\d\d:\d\d: p99 .+ ms, p50 .+ ms$/)
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  await eventually(
    () => cursor.getAttribute('aria-valuetext'),
    (now) => now !== latest,
  )
  const card = page.locator('.time-series', { hasText: 'Event-loop delay' })
  await card.getByRole('button', { name: 'Show as a table' }).click()
  const rows = card.getByRole('table').getByRole('row')
  await rows.nth(1).waitFor()
  await card.getByText(/Page 1 of/).waitFor()
  await context.close()
})
