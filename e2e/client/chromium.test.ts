/** The client in a browser, on a page of the server's own origin: what it hears, sends and leaves. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Client, Live } from '@belfry/client'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch } from '../browser/browser.ts'
import { repository } from '../product.ts'
import { posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { openWorld } from '../protocol/world.ts'

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
  const http = createServer((request, response) => {
    if (request.url === '/client.js')
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(bundle)
    else if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<!doctype html><title>Page</title><script type="module" src="/client.js"></script>')
    } else response.writeHead(404).end()
  })
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

/** By the bundler that Vite brings, as a command: it is no package of ours. */
function bundled(text: string): string {
  const rolldown = join(
    dirname(createRequire(import.meta.url).resolve('rolldown/package.json')),
    'bin',
    'cli.mjs',
  )
  const folder = mkdtempSync(join(tmpdir(), 'belfry-client-'))
  try {
    const [input, output] = [join(folder, 'entry.mjs'), join(folder, 'bundle.mjs')]
    writeFileSync(input, text)
    execFileSync(process.execPath, [rolldown, input, '-o', output, '-p', 'browser'], { stdio: 'pipe' })
    return readFileSync(output, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
