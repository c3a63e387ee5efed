/** For those who set larger text, less motion or colours of their own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { launchWith, shown, signedIn } from './browser.ts'
import { operatorPages, picture, publicPages, settled, sideways } from './looks.ts'
import { browser, product } from './world.ts'

describe('text twice as large', () => {
  it.each([320, 360, 1280])('does not scroll sideways at %i px', async (width) => {
    const profile = mkdtempSync(join(tmpdir(), 'belfry-large-text-'))
    // The browser's own setting, not a zoom: widths in `em` see it, as they do for people who use it.
    mkdirSync(join(profile, 'Default'))
    const webprefs = { default_font_size: 32, default_fixed_font_size: 26 }
    writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify({ webkit: { webprefs } }))
    const context = await launchWith(profile, { viewport: { width, height: 800 } })
    await context.addCookies(await product.session())
    const page = await context.newPage()
    for (const visit of [...operatorPages, ...publicPages]) {
      await page.goto(`${product.url}${visit.path}`)
      await shown(page.locator(visit.ready).first())
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
