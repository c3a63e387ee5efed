/** The tab that holds the connection of all goes, in every way in which tabs go: another one takes over. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, launchWhole } from '../browser/browser.ts'
import { until } from '../protocol/until.ts'
import { count } from '../protocol/world.ts'
import type { TabWindow } from './tab-program.ts'
import { agree, inTab, leaderAmong, openInTurn, openTabs } from './tab-world.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => Promise.all([browser.close(), comingBack?.close()]))

/** Set BELFRY_TABS_ROUNDS to see more of them. */
const rounds = Number(process.env['BELFRY_TABS_ROUNDS'] ?? 6)

describe('when the tab that holds the connection', () => {
  it.each([
    ['is closed', (page: Page) => page.close({ runBeforeUnload: false })],
    ['crashes', crash],
    ['goes to another page', (page: Page) => page.goto('about:blank')],
    ['signs out', (page: Page) => inTab(page, ({ client }) => client.close())],
  ])('%s, another one takes over and says that something was missed', async (_how, go) => {
    await using tabs = await openTabs(browser)
    const [leader, ...others] = (await openInTurn(tabs, 4)) as [Page, ...Page[]]
    await go(leader)
    await until(async () => {
      const resets = await Promise.all(others.map((page) => inTab(page, (tab) => tab.resets)))
      return resets.every((each) => each.length > 0)
    })
    await agree(tabs, others, 1)
    await leaderAmong(others)
    for (const page of others) {
      expect(await inTab(page, (tab) => tab.resets)).toEqual(['taken-over'])
      const states = await inTab(page, (tab) => tab.states)
      expect(states.filter((state) => state.startsWith('live'))).toEqual(
        ['opening', 'open', 'waiting', 'opening', 'open'].map((status) => `live ${status}`),
      )
    }
  })

  it('is put away and comes back, it is one of the others', async () => {
    await using tabs = await openTabs(await withPagesThatComeBack())
    const [leader, ...others] = (await openInTurn(tabs, 3)) as [Page, ...Page[]]
    await leader.goto(`${tabs.world.url}/elsewhere`)
    await agree(tabs, others, 1)
    await leader.goBack({ waitUntil: 'commit' })
    // As it was, and not loaded again.
    expect(await inTab(leader, ({ asked }) => asked)).toBe(1)
    await agree(tabs, [leader, ...others], 3)
    expect(await inTab(leader, ({ resets }) => resets)).toEqual(['taken-over'])
    expect(await Promise.all(others.map((page) => inTab(page, ({ asked }) => asked)))).toContain(1)
  })

  it('is frozen by the browser, another one takes over, and it comes back to them', async () => {
    await using tabs = await openTabs(browser)
    const [leader, ...others] = (await openInTurn(tabs, 3)) as [Page, ...Page[]]
    // All that a page gets to see of it; Chromium freezes none that can be seen, as here they all can.
    await leader.evaluate(() => document.dispatchEvent(new Event('freeze')))
    await agree(tabs, others, 1)
    expect(await inTab(leader, ({ heard }) => heard)).toEqual([])
    await leader.evaluate(() => document.dispatchEvent(new Event('resume')))
    await agree(tabs, [leader, ...others], 3)
    expect(await inTab(leader, ({ resets }) => resets)).toEqual(['taken-over'])
  })

  it('stands still, another one takes over, and it is one of the others when it goes on', async () => {
    await using tabs = await openTabs(browser)
    const [leader, ...others] = (await openInTurn(tabs, 3, { haste: 20 })) as [Page, ...Page[]]
    const standing = inTab(leader, (tab) => tab.block(6_000))
    for (const page of others) await until(async () => (await inTab(page, ({ resets }) => resets)).length > 0)
    await standing
    await agree(tabs, [leader, ...others], 1)
    expect(await inTab(leader, ({ resets }) => resets.length)).toBeGreaterThan(0)
  })

  it('goes again and again, while tabs are opened, they agree each time', async () => {
    await using tabs = await openTabs(browser)
    let pages = await openInTurn(tabs, 3)
    for (const round of count(rounds)) {
      const [leader, ...others] = pages as [Page, ...Page[]]
      const [opened] = await Promise.all([
        tabs.open(),
        round % 3 === 0 ? crash(leader) : leader.close({ runBeforeUnload: false }),
      ])
      await agree(tabs, [...others, opened], 10 * round)
      const asked = await Promise.all([...others, opened].map((page) => inTab(page, (tab) => tab.asked)))
      expect(asked.filter((times) => times > 0)).toHaveLength(1)
      const next = asked.findIndex((times) => times > 0)
      pages = [...others, opened]
      pages = [...pages.splice(next, 1), ...pages]
    }
  })

  it('goes while commands are under way, those with a key run once, and the others are answered or lost', async () => {
    await using tabs = await openTabs(browser)
    const { world } = tabs
    const [leader, ...others] = (await openInTurn(tabs, 3)) as [Page, ...Page[]]
    const standing = inTab(leader, (tab) => tab.block(1_500)).catch(() => {})
    const given = others.map((page, index) =>
      page.evaluate((name) => {
        const { tab } = window as unknown as TabWindow
        for (const n of [1, 2, 3]) {
          void tab.view(`${name} ${n}`)
          void tab.view(`${name} ${n} with a key`, { key: `${name} ${n}` })
        }
      }, `tab ${index}`),
    )
    await Promise.all(given)
    await Promise.all([leader.close({ runBeforeUnload: false }), standing])
    for (const page of others) {
      await until(async () => (await inTab(page, ({ outcomes }) => outcomes)).length === 6)
      for (const [id, outcome] of await inTab(page, ({ outcomes }) => outcomes)) {
        const times = world.handled.filter(({ input }) => (input as { id: string }).id === id).length
        if (id.endsWith('key')) expect([id, outcome, times]).toEqual([id, 'answered', 1])
        else
          expect([`${id} answered 1`, `${id} disconnected 0`, `${id} disconnected 1`]).toContain(
            `${id} ${outcome} ${times}`,
          )
      }
    }
  })
})

async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const crashed = page.waitForEvent('crash')
  // It does not answer any more.
  void session.send('Page.crash').catch(() => {})
  await crashed
}

/** Playwright turns off what keeps pages for the way back. */
let comingBack: Browser | undefined
async function withPagesThatComeBack(): Promise<Browser> {
  comingBack = await launchWhole({ ignoreDefaultArgs: ['--disable-back-forward-cache'] })
  return comingBack
}
