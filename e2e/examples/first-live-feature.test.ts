/** `examples/first-live-feature`: what one page does, the other sees, and a killed server loses nothing of the list. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { launch } from '../browser/browser.ts'
import { repository } from '../product.ts'
import { exampleWorld } from './example.ts'

const vite = join(repository, 'node_modules', 'vite', 'bin', 'vite.js')
const names = (page: Page) => page.getByRole('listitem').allTextContents()
const shows = (page: Page, expected: readonly string[]) => expect.poll(() => names(page)).toEqual(expected)
const bought = (page: Page, name: string) => page.getByRole('checkbox', { name }).isChecked()

async function add(page: Page, name: string): Promise<void> {
  await page.getByLabel('What to buy').fill(name)
  await page.getByRole('button', { name: 'Add' }).click()
}

it('shows in one page what is done in the other, also over a kill of the server', async () => {
  await using world = exampleWorld()
  const build = world.run('first-live-feature', [vite, 'build'], {})
  expect(await build.ended, build.output()).toBe(0)
  const host = await world.host('first-live-feature')
  const browser = await launch()
  try {
    const [ana, bob] = [await browser.newPage(), await browser.newPage()]
    const failures: string[] = []
    for (const page of [ana, bob]) {
      page.on('pageerror', (error) => failures.push(error.message))
      await page.goto(host.url)
    }
    await add(ana, 'milk')
    for (const page of [ana, bob]) await shows(page, ['milk'])
    await add(bob, 'bread')
    for (const page of [ana, bob]) await shows(page, ['bread', 'milk'])
    await bob.getByRole('checkbox', { name: 'milk' }).click()
    await expect.poll(() => bought(ana, 'milk')).toBe(true)
    await add(ana, '  ')
    await expect.poll(() => ana.getByRole('alert').textContent()).not.toBe('')
    expect(await names(bob)).toEqual(['bread', 'milk'])

    host.process.kill('SIGKILL')
    await host.ended
    await expect.poll(() => ana.getByRole('status').textContent()).not.toBe('')
    // Asked for while the server is away, done when it is back.
    await bob.getByRole('checkbox', { name: 'bread' }).click()
    await add(ana, 'salt')
    const again = await world.host('first-live-feature', { APP_PORT: new URL(host.url).port })
    for (const page of [ana, bob]) {
      await shows(page, ['salt', 'bread', 'milk'])
      await expect.poll(() => bought(page, 'bread')).toBe(true)
    }
    const late = await browser.newPage()
    await late.goto(again.url)
    await shows(late, ['salt', 'bread', 'milk'])
    expect([await bought(late, 'milk'), await bought(late, 'bread')]).toEqual([true, true])
    expect(failures).toEqual([])
    await again.stop()
  } finally {
    await browser.close()
  }
})
