/** The gallery: a public page that forgets no component, with nothing in it that axe finds or the policy refuses. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { repository } from '../product.ts'
import { collectComplaints, shown } from './browser.ts'
import { axeSource, judge, looks } from './looks.ts'
import { browser, product } from './world.ts'

async function openGallery(options: Parameters<typeof browser.newContext>[0] = {}) {
  const context = await browser.newContext(options)
  await context.addInitScript(axeSource)
  const complaints = collectComplaints(context)
  const page = await context.newPage()
  await page.goto(`${product.url}/gallery`)
  await shown(page.locator('#page-header'))
  return { context, page, complaints }
}

/** Names with a capital letter that these sources export as values. */
function componentsOf(sources: readonly string[]): string[] {
  return sources.flatMap((text) => [
    ...[...text.matchAll(/^export (?:function|const) ([A-Z]\w*)/gm)].map(([, name = '']) => name),
    ...[...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names = '']) =>
      names.split(',').flatMap((part) => /^\s*([A-Z]\w*)\s*$/.exec(part)?.[1] ?? []),
    ),
  ])
}

function read(...path: string[]): string {
  return readFileSync(join(repository, ...path), 'utf8')
}

it('finds the components of sources', () => {
  expect(
    componentsOf([
      'export function One() {}\nexport function useTwo() {}\nexport const Three = 3\nexport interface Four {}',
      "export { type Five, Six, useSeven } from './x.ts'\nexport type { Eight } from './y.ts'\nfunction Nine() {}",
    ]),
  ).toEqual(['One', 'Three', 'Six'])
})

it('shows every component that there is, each at an address of its own', async () => {
  const folder = 'apps/console/src/components'
  const own = readdirSync(join(repository, folder)).filter((name) => name.endsWith('.tsx'))
  const components = componentsOf([
    read('packages/react/src/index.ts'),
    ...own.map((name) => read(folder, name)),
  ])
  expect(components.length).toBeGreaterThan(30)
  const { context, page } = await openGallery()
  const specimens = await page
    .locator('[data-shows]')
    .evaluateAll((sections) =>
      sections.map((section) => ({ id: section.id, shows: section.getAttribute('data-shows') ?? '' })),
    )
  expect(specimens.flatMap(({ shows }) => shows.split(' ')).toSorted()).toEqual(components.toSorted())
  expect(new Set(specimens.map(({ id }) => id)).size).toBe(specimens.length)
  await page.goto(`${product.url}/gallery#connection-status`)
  await expect
    .poll(() => page.locator('#connection-status').evaluate((place) => place === document.activeElement))
    .toBe(true)
  await context.close()
})

it('is found from the reference of the API', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${product.url}/docs`)
  await page.getByRole('link', { name: 'gallery' }).click()
  await shown(page.getByRole('heading', { name: 'Gallery', level: 1 }))
  await context.close()
})

describe.each(looks)('$theme at $width px', ({ theme, width }) => {
  it('has no fault that axe finds, and nothing beside the page', async () => {
    const { context, page, complaints } = await openGallery({
      colorScheme: theme,
      viewport: { width, height: 800 },
    })
    // The last states to come: what was refused, what is said only after a second, and a chart.
    await shown(page.getByText('was not done'))
    await shown(page.getByText('No connection: this may be out of date.'))
    await shown(page.locator('.time-series-drawing canvas').first())
    expect(await page.locator('.belfry-toast').count()).toBe(3)
    await judge(page, `gallery-${theme}-${width}`)
    expect(complaints).toEqual([])
    await context.close()
  })
})
