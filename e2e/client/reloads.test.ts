/** Pages that are reloaded, and tabs that are duplicated, in a browser and against the server. */
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launch } from '../browser/browser.ts'
import { posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { bob, count, openWorld } from '../protocol/world.ts'
import { bundled, pageServer } from './bundle.ts'
import { sessionsOf } from './client-world.ts'
import type { ReloadedPage, ReloadedWindow } from './reload-program.ts'

let browser: Browser
let program: string
beforeAll(async () => {
  program = bundled(`import '${join(import.meta.dirname, 'reload-program.ts')}'`)
  browser = await launch()
})
afterAll(() => browser.close())

const inPage = <Value>(page: Page, run: (page: ReloadedPage) => Value): Promise<Value> =>
  page.evaluate(`(${run})(window.page)`) as Promise<Value>

async function openPages() {
  const published: number[] = []
  let head = 'none.0'
  const world = await openWorld({ http: serverOfNumbers(() => ({ data: published, position: head })) })
  const context = await browser.newContext()
  const problems: string[] = []
  context.on('weberror', (error) => problems.push(error.error().message))
  return {
    world,
    context,
    published,
    async publish() {
      const n = published.length
      published.push(n)
      const { cursor } = await world.publish(posts, 'post:created', { n })
      head = cursor
    },
    async open() {
      const page = await context.newPage()
      await page.goto(world.url)
      await page.evaluate((token) => {
        sessionStorage.setItem('token', token)
        ;(window as unknown as ReloadedWindow).start()
      }, world.token())
      return page
    },
    async shows(page: Page) {
      await until(async () => (await inPage(page, ({ numbers }) => numbers().length)) >= published.length, {
        what: `${published.length} numbers`,
      })
      expect(await inPage(page, ({ numbers }) => numbers())).toEqual(published)
    },
    async [Symbol.asyncDispose]() {
      await context.close()
      await world.connections(0)
      await world[Symbol.asyncDispose]()
      expect(problems).toEqual([])
    },
  }
}

/** Pages, and the data that they load. */
function serverOfNumbers(numbers: () => object): Server {
  const pages = pageServer(program)
  return createServer((request, response) => {
    if (request.url === '/numbers') response.end(JSON.stringify(numbers()))
    else pages.emit('request', request, response)
  })
}

const isOpen = (page: Page) =>
  until(() => inPage(page, ({ live }) => live.state.get().status === 'open'), { what: 'an open namespace' })

it('goes on where the page before was, reload after reload, and loads nothing again', async () => {
  await using pages = await openPages()
  const { world } = pages
  await pages.publish()
  const page = await pages.open()
  await pages.shows(page)
  expect(await inPage(page, ({ loads }) => loads)).toBe(1)
  const [first] = sessionsOf(world)
  for (const _ of count(5)) {
    await pages.publish()
    // Some come before the page is gone, some while there is none, some to the next one.
    const reloaded = page.reload()
    for (const __ of count(5)) await pages.publish()
    await reloaded
    await isOpen(page)
    await pages.publish()
    await pages.shows(page)
    expect(await inPage(page, ({ loads, resets }) => [loads, resets])).toEqual([0, []])
    expect(sessionsOf(world).map(({ pid }) => pid)).toEqual([first?.pid])
  }
  // Who signs out leaves nothing to go on from.
  await inPage(page, ({ client }) => client.close())
  await page.reload()
  await isOpen(page)
  expect(sessionsOf(world)[0]?.pid).not.toBe(first?.pid)
})

it('a tab that was duplicated has a session of its own, and neither ends the other', async () => {
  await using pages = await openPages()
  const { world, context } = pages
  await pages.publish()
  const page = await pages.open()
  await pages.shows(page)
  const opening = context.waitForEvent('page')
  await page.evaluate(() => void window.open(location.href))
  const copy = await opening
  await copy.waitForFunction(() => (window as unknown as ReloadedWindow).page !== undefined)
  // What was copied is shown, and loaded again: events in between may be missing from it.
  await isOpen(copy)
  await pages.publish()
  for (const each of [page, copy]) await pages.shows(each)
  expect(new Set(sessionsOf(world).map(({ pid }) => pid)).size).toBe(2)
  expect(await inPage(copy, ({ loads }) => loads)).toBe(1)
  expect(await inPage(page, ({ loads, live }) => [loads, live.state.get().status])).toEqual([1, 'open'])
  // Each of them comes back as who it was.
  const pids = sessionsOf(world).map(({ pid }) => pid)
  for (const each of [copy, page]) {
    await each.reload()
    await isOpen(each)
  }
  await pages.publish()
  for (const each of [page, copy]) await pages.shows(each)
  await world.connections(2)
  expect(
    sessionsOf(world)
      .map(({ pid }) => pid)
      .toSorted(),
  ).toEqual(pids.toSorted())
})

it('another user in the same tab gets nothing of the first', async () => {
  await using pages = await openPages()
  const { world } = pages
  const page = await pages.open()
  await isOpen(page)
  const [first] = sessionsOf(world)
  await page.evaluate((token) => {
    sessionStorage.setItem('token', token)
    sessionStorage.removeItem('saved')
  }, world.token(bob))
  await page.reload()
  await isOpen(page)
  await world.connections(1)
  const [second] = sessionsOf(world, 'bob')
  expect(second).toBeDefined()
  expect(second?.pid).not.toBe(first?.pid)
  const kept = await page.evaluate(() => JSON.stringify(sessionStorage))
  expect(kept).not.toContain(first?.pid)
  expect(await inPage(page, ({ resets }) => resets)).toEqual([])
})
