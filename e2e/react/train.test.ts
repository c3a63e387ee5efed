/** Components on a line that breaks: data that is carried on, changes that wait, and a word about what was missed. */
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch } from '../browser/browser.ts'
import { cuttableLine } from '../browser/line.ts'
import { posts } from '../protocol/namespaces.ts'
import { openWorld, thread } from '../protocol/world.ts'
import { bundled } from './bundle.ts'

let browser: Browser
let program: string
beforeAll(async () => {
  program = bundled(join(import.meta.dirname, 'train-page.tsx'), 'development')
  browser = await launch()
})
afterAll(() => browser.close())

it('is carried on over a cut, waits with changes, says that nothing was missed, and goes with its room', async () => {
  const loads: string[] = []
  const published: number[] = []
  const http = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://page')
    if (pathname === '/train.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(program)
    else if (pathname === '/numbers') {
      loads.push(search)
      response.end(JSON.stringify({ data: published }))
    } else if (pathname === '/')
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(
          '<!doctype html><title>Train</title><body></body><script type="module" src="/train.js"></script>',
        )
    else response.writeHead(204).end()
  })
  await using world = await openWorld({ http })
  await using line = await cuttableLine(world.url)
  const context = await browser.newContext()
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('net::')) problems.push(message.text())
  })
  const reads = (id: string, text: string) => expect.poll(() => page.locator(id).textContent()).toBe(text)
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
  const publish = async (n: number) => {
    published.push(n)
    await world.publish(posts, 'post:created', { n }, thread('a'))
  }

  await page.goto(`${line.url}/?token=${world.token()}`)
  await publish(1)
  await press('Open a')
  await reads('#thread', 'a current 1')
  await publish(2)
  await reads('#thread', 'a current 1,2')
  const loadsBefore = loads.length
  line.cut()
  await reads('#thread', 'a stale 1,2')
  for (const _ of [1, 2, 3]) await press('Change')
  await reads('#waiting', '3 changes are waiting')
  for (const n of [3, 4]) await publish(n)
  // Trouble of less than a second is not shown, and neither is its end.
  await page.locator('.belfry-status-word', { hasText: 'Offline' }).waitFor()
  line.mend()
  await reads('#thread', 'a current 1,2,3,4')
  await reads('#waiting', '0 changes are waiting')
  const recovered = 'Nothing was missed: 2 events came.'
  await page.locator('.belfry-status-recovered', { hasText: recovered }).waitFor()
  expect(await page.getByRole('status').textContent()).toBe(`Online again. ${recovered}`)
  expect([loads.length, world.handled.length]).toEqual([loadsBefore, 3])
  await page.locator('.belfry-status-recovered').waitFor({ state: 'detached' })

  await press('Open secret')
  await expect.poll(() => page.locator('#thread').textContent()).toMatch(/^secret failed \w/)
  expect(loads).not.toContain('?secret')
  await press('Open b')
  await reads('#thread', 'b current 1,2,3,4')
  await press('Close')
  const roomsOf = () =>
    [...world.realtime.connections].flatMap(({ sessions }) => sessions.flatMap(({ rooms }) => rooms))
  await expect.poll(() => roomsOf().filter(({ name }) => name.includes('thread'))).toEqual([])
  expect(problems).toEqual([])
  await context.close()
  await world.connections(0)
})
