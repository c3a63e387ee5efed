/** What a page pays for the client and the bell, besides socket.io-client, Radix and React. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

/** 9 KB of it are the client, with what snapshots and notifications need of it. */
const gzipBytesMax = 16_000
const styleBytesMax = 4_000
const others = ['react', 'react/jsx-runtime', 'radix-ui', 'socket.io-client']
const zodWords = ['$ZodType', '_zod', 'safeParse']

it('is less than 16 KB with the client, and imports nothing but what is named here', () => {
  const code = bundled(`export * from ${JSON.stringify(entry)}`)
  for (const name of ['NotificationBell', 'useNotifications', 'BelfryProvider'])
    expect(code).toMatch(new RegExp(`as ${name}\\b`))
  const imported = [...code.matchAll(/from\s*["']([^"']+)["']/g)].map(([, name]) => name)
  expect(imported.toSorted()).toEqual(others.toSorted())
  expect(zodWords.filter((word) => code.includes(word))).toEqual([])
  expect(gzip(code)).toBeLessThan(gzipBytesMax)
  // Less than a third of that would mean that this looked at something else.
  expect(gzip(code)).toBeGreaterThan(gzipBytesMax / 3)
})

it('weighs next to nothing where only a hook of it is used', () => {
  const code = bundled(`export { useConnection } from ${JSON.stringify(entry)}`)
  expect(gzip(code)).toBeLessThan(1_000)
})

it('has less than 4 KB of styles', () => {
  const styles = readFileSync(join(import.meta.dirname, '../styles.css'), 'utf8')
  expect(gzip(styles)).toBeLessThan(styleBytesMax)
})

const entry = join(import.meta.dirname, 'index.ts')
const gzip = (text: string) => gzipSync(text, { level: 9 }).length

/** By the bundler that Vite brings, as a command: it is no package of ours. */
function bundled(text: string): string {
  const cli = join(dirname(createRequire(import.meta.url).resolve('rolldown/package.json')), 'bin', 'cli.mjs')
  const folder = mkdtempSync(join(tmpdir(), 'belfry-size-'))
  try {
    const [input, config, file] = ['entry.mjs', 'config.mjs', 'bundle.mjs'].map((name) => join(folder, name))
    const options = {
      input,
      platform: 'browser',
      external: others,
      resolve: { conditionNames: 'source import default'.split(' ') },
      transform: { define: { 'process.env.NODE_ENV': '"production"' } },
      output: { file, minify: true },
    }
    writeFileSync(input ?? '', text)
    writeFileSync(config ?? '', `export default ${JSON.stringify(options)}`)
    execFileSync(process.execPath, [cli, '-c', config ?? ''], { stdio: 'pipe' })
    return readFileSync(file ?? '', 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
