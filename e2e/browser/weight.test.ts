/** What a browser has to load before the first page can be drawn. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { repository } from '../product.ts'

const folder = join(repository, 'packages', 'server', 'console')

/** A second and a half over a slow mobile line. What one page alone needs comes when that page is opened. */
const firstBytesMax = 130_000

it('is at most 130 KB, compressed', () => {
  const page = readFileSync(join(folder, 'index.html'))
  const files = [...page.toString().matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, file = '']) =>
    readFileSync(join(folder, file)),
  )
  expect(files.length).toBeGreaterThan(3)
  const bytes = [page, ...files].reduce((sum, content) => sum + gzipSync(content, { level: 9 }).byteLength, 0)
  expect(bytes).toBeLessThanOrEqual(firstBytesMax)
  // Less than half of that would mean that this looked at something else.
  expect(bytes).toBeGreaterThan(firstBytesMax / 2)
})

it('holds no validator: the server checks', () => {
  const assets = join(folder, 'assets')
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'))
  const withZod = scripts.filter((name) => /ZodError|_zod\b/.test(readFileSync(join(assets, name), 'utf8')))
  expect(withZod).toEqual([])
})
