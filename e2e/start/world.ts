/** A data directory for each test of a start, and what was started on it: stopped, recovered and removed afterwards. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type Product, type ProductOptions, startProduct, temporaryDirectory } from '../product.ts'

export let directory: string
let starts: { readonly settings: ProductOptions & { dataDirectory: string }; product?: Product }[]

beforeEach(() => {
  directory = temporaryDirectory()
  starts = []
})

afterEach(async () => {
  for (const { settings, product } of starts) {
    // Whoever is stopped in order needs no start after it. A program in front of it may not pass the signal on.
    product?.process.kill(settings.wrapper === undefined ? 'SIGTERM' : 'SIGKILL')
    await product?.ended
  }
  await recover()
  rmSync(directory, { recursive: true, force: true })
})

export async function start(options: ProductOptions = {}): Promise<Product> {
  const begun: (typeof starts)[number] = { settings: { dataDirectory: directory, ...options } }
  starts.push(begun)
  begun.product = await startProduct(begun.settings)
  return begun.product
}

/** Whatever a test killed is started once more and stopped in order, so that nothing runs on. */
async function recover(): Promise<void> {
  for (const { settings } of starts) {
    const { dataDirectory, spawnAs } = settings
    if (!existsSync(join(dataDirectory, 'postgres', 'cluster', 'postmaster.pid'))) continue
    const product = await startProduct(spawnAs === undefined ? { dataDirectory } : { dataDirectory, spawnAs })
    await product.stop()
  }
}
