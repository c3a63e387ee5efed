/** Bundles a page from our sources, by the bundler that Vite brings, as a command: it is no package of ours. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** `development` has React's StrictMode, and its warnings. */
export function bundled(entry: string, mode: 'development' | 'production'): string {
  const cli = join(dirname(createRequire(import.meta.url).resolve('rolldown/package.json')), 'bin', 'cli.mjs')
  const folder = mkdtempSync(join(tmpdir(), 'belfry-react-'))
  try {
    const [config, file] = [join(folder, 'config.mjs'), join(folder, 'bundle.mjs')]
    const options = {
      input: entry,
      platform: 'browser',
      resolve: { conditionNames: ['source', 'module', 'browser', 'import', 'default'] },
      transform: { define: { 'process.env.NODE_ENV': JSON.stringify(mode) } },
      output: { file, minify: mode === 'production' },
    }
    writeFileSync(config, `export default ${JSON.stringify(options)}`)
    execFileSync(process.execPath, [cli, '-c', config], { stdio: 'pipe' })
    return readFileSync(file, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
