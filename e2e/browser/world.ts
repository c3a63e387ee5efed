/** What each file of these tests has for itself: a server and a browser, from before its first test to after its last. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { launch } from './browser.ts'
import { startProduct, type TestedProduct } from './server.ts'

export let product: TestedProduct
export let browser: Browser

beforeAll(async () => {
  product = await startProduct()
  browser = await launch()
})

afterAll(async () => {
  await browser?.close()
  await product?.stop()
})
