/** The client in a browser, on a page of the server's own origin: what it hears, sends and leaves. */
import { join } from 'node:path'
import type { Client, Live } from '@belfry/client'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch } from '../browser/browser.ts'
import { repository } from '../product.ts'
import { posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { openWorld } from '../protocol/world.ts'
import { bundled, pageServer } from './bundle.ts'

let browser: Browser
let bundle: string
beforeAll(async () => {
  bundle = bundled(`
    import { createClient } from '${join(repository, 'packages/client/src/index.ts')}'
    Object.assign(window, { createClient })
  `)
  browser = await launch()
})
afterAll(() => browser.close())

interface PageWindow {
  createClient: (options: object) => Client
  client: Client
  live: Live<typeof posts>
  heard: string[]
}

it('hears events, sends commands with bytes, and leaves', async () => {
  const http = pageServer(bundle)
  await using world = await openWorld({ http })
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  await page.goto(world.url)
  const answer = await page.evaluate(
    async ([token, contract]) => {
      const here = window as unknown as PageWindow
      here.heard = []
      // The page's own origin: no URL.
      here.client = here.createClient({ token: async () => token })
      here.live = here.client.namespace(contract as unknown as typeof posts)
      here.live.on('post:drawn', ({ n, image }) => {
        here.heard.push(`${n} ${Object.prototype.toString.call(image)} ${image.join()}`)
      })
      const { image } = await here.live.command('post:draw', { image: new Uint8Array([1, 2, 3]) })
      return `${Object.prototype.toString.call(image)} ${image.join()}`
    },
    [world.token(), { name: posts.name }] as const,
  )
  expect(answer).toBe('[object Uint8Array] 3,2,1')
  await world.publish(posts, 'post:drawn', { n: 7, image: Buffer.from([8, 9]) })
  const heard = () => page.evaluate(() => (window as unknown as PageWindow).heard)
  await until(async () => (await heard()).length > 0)
  expect(await heard()).toEqual(['7 [object Uint8Array] 8,9'])
  await page.evaluate(() => (window as unknown as PageWindow).live.close())
  await world.connections(0)
  expect(await page.evaluate(() => (window as unknown as PageWindow).client.state.get())).toEqual({
    status: 'idle',
  })
  expect(problems).toEqual([])
  await page.close()
})
