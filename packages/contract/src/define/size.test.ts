/** What a browser pays for the contract package before the first event of its application: less than 3 KiB. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

/** All that a client runs of it. Types cost nothing. */
const names = [
  ...['defineNamespace', 'stream', 'latest', 'pulse', 'command'],
  ...['formatCursor', 'parseCursor', 'roomName', 'roomRef', 'isRoomRef', 'parseId'],
  ...['errorCatalogue', 'Refusal', 'goodbyes'],
]
const gzipBytesMax = 3072
/** What zod alone would weigh is twenty times that; a piece of it is enough to find it by. */
const zodWords = ['$ZodType', '_zod', 'safeParse', 'invalid_type']

it('a client takes less than 3 KiB of this package, and nothing of zod', () => {
  const code = bundled(`export { ${names.join(', ')} } from '${entry}'`)
  expect(gzipSync(code, { level: 9 }).length).toBeLessThan(gzipBytesMax)
  for (const name of names) expect(code).toMatch(new RegExp(`as ${name}\\b`))
  // `_zod` stands once in it: the answer to zod when it asks about types without a JSON Schema.
  expect(zodWords.filter((word) => code.split(word).length > (word === '_zod' ? 2 : 1))).toEqual([])
})

it('the test finds zod where it is', () => {
  const code = bundled(`export { settingsView } from '${entry}'`)
  expect(gzipSync(code).length).toBeGreaterThan(gzipBytesMax)
  for (const word of zodWords) expect(code).toContain(word)
})

it('nothing that an application imports to define its contract loads zod, with or without a bundler', () => {
  const seen = new Set<string>()
  const outside = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const specifier of importsAtRunTime(readFileSync(path, 'utf8'))) {
      if (specifier.startsWith('.')) visit(join(dirname(path), specifier))
      else outside.add(specifier)
    }
  }
  visit(join(import.meta.dirname, 'index.ts'))
  expect(seen.size).toBeGreaterThan(10)
  expect([...outside]).toEqual([])
})

/** `import type` and `export type` are gone when the code runs; a single `type` in braces leaves the import. */
function importsAtRunTime(text: string): string[] {
  const found = text.matchAll(/^(?:import|export)(?! type\b)\b[^'"=(]*?['"]([^'"]+)['"]/gm)
  return [...found].map((match) => match[1] ?? '')
}

const entry = join(import.meta.dirname, '..', 'index.ts')

/** By the bundler that Vite brings, as a command: it is no package of ours. */
function bundled(text: string): string {
  const rolldown = join(
    dirname(createRequire(import.meta.url).resolve('rolldown/package.json')),
    'bin',
    'cli.mjs',
  )
  const folder = mkdtempSync(join(tmpdir(), 'belfry-size-'))
  try {
    writeFileSync(join(folder, 'entry.mjs'), text)
    const [input, output] = [join(folder, 'entry.mjs'), join(folder, 'bundle.mjs')]
    execFileSync(process.execPath, [rolldown, input, '-o', output, '--minify', '-p', 'browser'], {
      stdio: 'pipe',
    })
    return readFileSync(output, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
