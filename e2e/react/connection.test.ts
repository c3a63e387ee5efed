/** Connections of components in Chromium over the built product: how many there are, when they go, and what is said of them. */

import type { Browser, Page } from 'playwright-core'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch, shown } from '../browser/browser.ts'
import { AppPage } from './app-page.tsx'
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

const reading = (page: Page, name: string) => page.locator(`[data-reading="${name}"]`).textContent()
const reads = (page: Page, name: string, text: string | RegExp) =>
  expect.poll(() => reading(page, name)).toMatch(text)
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

it('is one for all components, in StrictMode too, and none when the last one has gone', async () => {
  world.user = 'ana-1'
  const { context, page, complaints, tokensAsked } = await world.open(browser)
  await reads(page, 'list', /^ready/)
  await world.connections(1)
  await press(page, 'Toggle list')
  await press(page, 'Toggle second list')
  await shown(page.getByText('Nothing here').nth(1))
  await world.connections(1)
  // One token, though React began everything twice.
  expect(tokensAsked()).toBe(1)
  for (const part of ['list', 'second list', 'bell', 'readings']) {
    await world.connections(1)
    await press(page, `Toggle ${part}`)
  }
  // The status is still there, and needs no connection.
  await world.connections(0)
  await press(page, 'Toggle readings')
  await reads(page, 'list', /^ready/)
  await world.connections(1)
  expect(complaints).toEqual([])
  await context.close()
  await world.connections(0)
})

it('is one for all tabs where the application wants that, whichever of them is closed', async () => {
  world.user = 'ana-tabs'
  const { context, page } = await world.open(browser)
  await page.goto('about:blank')
  const first = await world.openTab(context, '&shared')
  await reads(first, 'list', /^ready/)
  const second = await world.openTab(context, '&shared')
  await reads(second, 'list', /^ready/)
  await world.connections(1)
  await world.send({ title: 'To both' })
  for (const tab of [first, second]) await reads(tab, 'heard', 'To both × 1')
  await first.close()
  await world.connections(1)
  await reads(second, 'namespace', 'open')
  await world.send({ title: 'To who is left' })
  await reads(second, 'list', /^ready 2 To who is left,To both/)
})

it('never goes back to loading after the first data', async () => {
  world.user = 'ana-2'
  await world.send({ title: 'Kept' })
  const { page } = await world.open(browser)
  await reads(page, 'list', 'ready 1 Kept')
  await press(page, 'Toggle bell')
  await press(page, 'Toggle readings')
  await world.connections(0)
  const seen = await page.evaluate(async () => {
    const states: string[] = []
    const watcher = new MutationObserver(() => {
      const text = document.querySelector('[data-reading="list"]')?.textContent
      if (text !== undefined && text !== null && states.at(-1) !== text) states.push(text)
    })
    watcher.observe(document.body, { subtree: true, childList: true, characterData: true })
    const button = [...document.querySelectorAll('button')].find(
      (each) => each.textContent === 'Toggle readings',
    )
    button?.click()
    await new Promise<void>((resolve) => {
      const look = () =>
        document.querySelector('[data-reading="namespace"]')?.textContent === 'open'
          ? resolve()
          : requestAnimationFrame(look)
      look()
    })
    watcher.disconnect()
    return states
  })
  expect(seen).toEqual(['ready 1 Kept'])
})

it('signs out and in: nothing of the one before is shown to the next', async () => {
  world.user = 'ana-3'
  await world.send({ title: 'For Ana alone' })
  const { page } = await world.open(browser)
  await reads(page, 'list', 'ready 1 For Ana alone')
  await press(page, 'Ask for one')
  await reads(page, 'command', 'done 1 -')
  await press(page, 'Sign out')
  await world.connections(0)
  expect([await reading(page, 'connection'), await reading(page, 'list')]).toEqual(['signed-out', 'idle 0 '])
  await shown(page.getByText('Signed out'))
  expect(await reading(page, 'command')).toBe('idle - -')
  await press(page, 'Ask for one')
  await reads(page, 'command', 'failed - unauthenticated')
  await page.evaluate(() => {
    const titles: string[] = []
    Object.assign(window, { titles })
    new MutationObserver(() => titles.push(document.body.textContent ?? '')).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
    })
  })
  await press(page, 'Sign in as Bob')
  await reads(page, 'list', 'ready 0 ')
  await world.connections(1)
  const texts = await page.evaluate(() => (window as unknown as { titles: string[] }).titles)
  expect(texts.length).toBeGreaterThan(0)
  expect(texts.filter((text) => text.includes('For Ana alone'))).toEqual([])
})

it('is another one for another user, also when nobody signed out between', async () => {
  world.user = 'ana-7'
  await world.send({ title: 'For Ana alone' })
  const { page, tokensAsked } = await world.open(browser)
  await reads(page, 'list', 'ready 1 For Ana alone')
  await press(page, 'Sign in as Bob')
  await reads(page, 'list', 'ready 0 ')
  await world.connections(1)
  expect(tokensAsked()).toBe(2)
  // The same user again, with a function that was written in place: nothing begins anew.
  await press(page, 'Sign in as Bob')
  await press(page, 'Next factor')
  expect(await reading(page, 'connection')).toBe('connected')
  expect(tokensAsked()).toBe(2)
})

it('hooks: the newest listener hears, and of commands the last one is shown', async () => {
  world.user = 'ana-4'
  const { page } = await world.open(browser)
  await reads(page, 'list', /^ready/)
  await world.send({ title: 'a' })
  await reads(page, 'heard', 'a × 1')
  await press(page, 'Next factor')
  await world.send({ title: 'b' })
  await reads(page, 'heard', 'a × 1,b × 2')
  await press(page, 'Ask for one')
  await reads(page, 'command', 'done 1 -')
  await press(page, 'Ask for too many')
  // The last answer stays beside the refusal.
  await reads(page, 'command', 'failed 1 validation_failed')
  await press(page, 'Ask twice')
  await reads(page, 'command', 'failed 1 timeout')
  // What was sent before it was answered by the time that this event is there, and changed nothing.
  await world.send({ title: 'c' })
  await reads(page, 'heard', 'a × 1,b × 2,c × 2')
  expect(await reading(page, 'command')).toBe('failed 1 timeout')
})

it('what waits for the server when somebody else signs in waits no longer', async () => {
  world.user = 'ana-8'
  const { page } = await world.open(browser)
  await page.clock.install()
  await page.reload()
  await reads(page, 'list', /^ready/)
  await world.stop()
  await reads(page, 'connection', 'waiting')
  await press(page, 'Ask for one, once')
  await reads(page, 'command', 'pending - -')
  await press(page, 'Sign in as Bob')
  await world.startAgain()
  // A second at a time: time that runs ahead of the answers would end the attempt, and begin another one.
  const aSecondLater = async () => {
    await page.clock.runFor(1_000)
    return reading(page, 'list')
  }
  await expect.poll(aSecondLater, { interval: 100 }).toMatch(/^ready/)
  await page.clock.runFor(30_000)
  // Bob's, and nothing with his token for what Ana wanted.
  expect(await world.opened()).toBe(1)
})

it('says that the server is away and why, and is right again when it is back', async () => {
  world.user = 'ana-5'
  await world.send({ title: 'Before' })
  const { context, page } = await world.open(browser)
  await reads(page, 'list', 'ready 1 Before')
  const status = page.locator('.belfry-status')
  const said = status.getByRole('status')
  await shown(status.getByText('Online', { exact: true }))
  // All is well: nothing is said.
  expect(await said.textContent()).toBe('')
  await world.stop()
  await shown(status.getByText('Offline', { exact: true }))
  await expect.poll(() => said.textContent()).toMatch(/^Offline\. \w+/)
  await expect.poll(() => status.textContent()).toMatch(/Next attempt in \d+ s|Trying…/)
  await page.locator('.belfry-bell').click()
  await shown(page.locator('.belfry-panel').getByText('No connection: this may be out of date.'))
  await page.keyboard.press('Escape')
  // What was there stays there.
  expect(await reading(page, 'list')).toBe('ready 1 Before')
  // Nobody answers, so that it is there again after each attempt.
  await status.getByRole('button', { name: 'Try now' }).click({ force: true })
  await world.startAgain()
  await world.send({ title: 'Meanwhile' })
  await reads(page, 'list', 'ready 2 Meanwhile,Before')
  await expect.poll(() => said.textContent()).toMatch(/^Online again\./)
  await page.locator('.belfry-bell').click()
  await shown(page.locator('.belfry-panel').getByRole('article').filter({ hasText: 'Meanwhile' }))
  expect(await page.getByText('may be out of date').count()).toBe(0)
  await context.close()
  await world.connections(0)
})

it('shows nothing of a first connect until it has lasted for a second', async () => {
  world.user = 'ana-6'
  const { page } = await world.open(browser, {
    first: () => {
      const kinds: { kind: string; at: number }[] = []
      Object.assign(window, { kinds })
      new MutationObserver(() => {
        const kind = document.querySelector('.belfry-status')?.getAttribute('data-kind')
        if (kind !== undefined && kind !== null && kinds.at(-1)?.kind !== kind)
          kinds.push({ kind, at: performance.now() })
      }).observe(document, { subtree: true, childList: true, attributes: true })
    },
  })
  await shown(page.getByText('Online', { exact: true }))
  const kinds = await page.evaluate(
    () => (window as unknown as { kinds: { kind: string; at: number }[] }).kinds,
  )
  const [first] = kinds
  // On a machine that is busy it may last that long.
  const early = kinds.filter(({ kind, at }) => kind === 'connecting' && at - (first?.at ?? 0) < 950)
  expect([first?.kind, early, kinds.at(-1)?.kind]).toEqual(['nothing', [], 'online'])
})

it('is rendered on a server, which connects nothing, and taken over without a warning', async () => {
  world.user = 'ana'
  await world.connections(0)
  const rendered = renderToString(createElement(AppPage))
  expect(rendered).toContain('class="belfry-bell"')
  expect(rendered).toContain('Reading notifications…')
  await world.send({ title: 'Hydrated' })
  const { page, complaints } = await world.open(browser, { rendered })
  await shown(page.locator('.belfry-badge'))
  await shown(page.getByRole('article').filter({ hasText: 'Hydrated' }).first())
  await world.connections(1)
  expect(complaints).toEqual([])
})
