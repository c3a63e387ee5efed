/** What a browser pays for this package, besides socket.io-client: for what it uses, and nothing of zod. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

const zodWords = ['$ZodType', '_zod', 'safeParse']
const client = ['createClient', 'CommandError']
const optional = [
  'createNotifications',
  'createSnapshot',
  'enterRoom',
  'keptOverReloads',
  'sharedBetweenTabs',
]

it.each([
  ['the client alone', client, 5_120],
  ['with rooms', [...client, 'enterRoom'], 5_800],
  ['with snapshots', [...client, 'createSnapshot'], 6_900],
  ['with reloads', [...client, 'keptOverReloads'], 6_200],
  ['with notifications', [...client, 'createNotifications'], 6_500],
  ['with tabs', [...client, 'sharedBetweenTabs'], 8_600],
  ['with everything', [...client, ...optional], 12_400],
])(
  '%s imports socket.io-client only, and is small',
  (_what, names, gzipBytesMax) => {
    const code = bundled(`export { ${names} } from '${entry}'`)
    for (const name of names) expect(code).toMatch(new RegExp(`as ${name}\\b`))
    expect(code.match(/from\s*["'][^"']+["']/g)).toEqual(['from"socket.io-client"'])
    expect(zodWords.filter((word) => code.includes(word))).toEqual([])
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(gzipBytesMax)
  },
  60_000,
)

it('has nothing else', async () => {
  expect(Object.keys(await import('./index.ts')).toSorted()).toEqual([...client, ...optional].toSorted())
})

const entry = join(import.meta.dirname, 'index.ts')

/** By the bundler that Vite brings, as a command: it is no package of ours. */
function bundled(text: string): string {
  const rolldown = join(
    dirname(createRequire(import.meta.url).resolve('rolldown/package.json')),
    'bin',
    'cli.mjs',
  )
  const folder = mkdtempSync(join(tmpdir(), 'belfry-size-'))
  try {
    const [input, output] = [join(folder, 'entry.mjs'), join(folder, 'bundle.mjs')]
    writeFileSync(input, text)
    execFileSync(
      process.execPath,
      [rolldown, input, '-o', output, '--minify', '-p', 'browser', '--external', 'socket.io-client'],
      { stdio: 'pipe' },
    )
    return readFileSync(output, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
