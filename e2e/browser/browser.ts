/** The browser that opens the console, and what every test does with it. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type LaunchOptions,
  type Locator,
  type Page,
} from 'playwright-core'
import { expect } from 'vitest'
import type { TestedProduct } from './server.ts'

/** The whole browser, and one without windows, which takes a third less for the same pages. */
const whole = ['chromium', 'chromium-browser', 'google-chrome']
const windowless = ['chromium-headless-shell', ...whole]

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--in-process-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: find(windowless), args })
}

/** Where pages are put away and come back as they were. */
export function launchWhole(options: LaunchOptions): Promise<Browser> {
  return chromium.launch({ executablePath: find(whole), args, ...options })
}

/** With a profile of one's own: its preferences are those of somebody who changed them. */
export function launchWith(profile: string, options: BrowserContextOptions): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, { executablePath: find(whole), args, ...options })
}

function find(programs: readonly string[]): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const program of programs) {
    for (const folder of folders) {
      const path = join(folder, program)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // Not in this folder.
      }
    }
  }
  throw new Error(
    `These tests need Chromium, and none of ${programs.join(', ')} is on PATH: apt-get install chromium`,
  )
}

export interface Opened {
  readonly context: BrowserContext
  readonly page: Page
  readonly complaints: readonly string[]
}

/**
 * A page of an operator that has opened nothing yet, in a context of its own; what goes wrong in it is collected.
 * The tests of a file share one session, because a link and a page more for each test were a third of their time:
 * who ends the session on the server takes `signedInByLink`.
 */
export async function operatorPage(
  browser: Browser,
  product: TestedProduct,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext(options)
  await context.addCookies(await product.session())
  const complaints = collectComplaints(context)
  return { context, page: await context.newPage(), complaints }
}

/** The same, with the overview before it. */
export async function signedIn(
  browser: Browser,
  product: TestedProduct,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const opened = await operatorPage(browser, product, options)
  await opened.page.goto(product.url)
  await shown(overview(opened.page))
  return opened
}

/** With a session of its own, which came from a link as an operator's does. */
export async function signedInByLink(browser: Browser, product: TestedProduct): Promise<Opened> {
  const context = await browser.newContext()
  const complaints = collectComplaints(context)
  const page = await context.newPage()
  await page.goto(await product.signInLink())
  await shown(overview(page))
  return { context, page, complaints }
}

function overview(page: Page): Locator {
  return page.getByRole('heading', { name: 'Overview', level: 1 })
}

/**
 * For what a page that was just opened shows, which is there within half a second: Playwright's own `waitFor` looks
 * at 0, 20, 70, 170 and 270 ms, and then twice a second.
 */
export async function shown(locator: Locator): Promise<void> {
  for (let looks = 0; looks < 20; looks += 1) {
    if (await locator.isVisible()) return
    await setTimeout(50)
  }
  await locator.waitFor()
}

/** Errors on the console, exceptions that nobody caught, and everything the content policy refused. */
export function collectComplaints(context: BrowserContext): readonly string[] {
  const complaints: string[] = []
  context.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    // The browser reports each 401 by itself; asking who is signed in is answered with one.
    if (/Failed to load resource.*\b401\b/.test(message.text())) return
    complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`)
  })
  context.on('weberror', (error) => complaints.push(`exception: ${error.error().message}`))
  return complaints
}

/** Waits until `read` answers with something that `accept` accepts, and answers with it. */
export async function eventually<Value>(
  read: () => Promise<Value>,
  accept: (value: Value) => boolean,
): Promise<Value> {
  let last: Value | undefined
  await expect
    .poll(
      async () => {
        last = await read()
        return accept(last)
      },
      { interval: 100 },
    )
    .toBe(true)
  return last as Value
}

/** A row of "Requests per second" and its like: the figure as it stands on the page. */
export function reading(page: Page, label: string) {
  return page.locator('.stat', { hasText: label }).locator('.stat-value')
}

/** What the server answers when it refuses, as the console receives it. */
export function problem(status: number, code: string, detail: string, retry: boolean) {
  return {
    status,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      type: `/docs/errors#${code}`,
      title: detail,
      status,
      code,
      detail,
      retry,
      requestId: 'req-of-the-test',
    }),
  }
}

/** The focus moves when the answer of the server has come, or the window has closed. */
export async function hasFocus(locator: Locator): Promise<void> {
  await eventually(
    () => locator.evaluate((element) => element === document.activeElement),
    (isFocused) => isFocused,
  )
}
