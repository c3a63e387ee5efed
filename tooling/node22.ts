/** Installs the Node 22 that tests run the packages under, beside the repository's own. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'node22')

export function ensureNode22(): string {
  const node = join(folder, 'node_modules', '.bin', 'node')
  if (!existsSync(node)) {
    const installed = spawnSync(
      'npm',
      ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    )
    if (installed.status !== 0) throw new Error(`Node 22 could not be installed: ${installed.stderr}`)
  }
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (!stdout.startsWith('v22.'))
    throw new Error(`${node} is ${stdout.trim() || 'not runnable'}, not Node 22`)
  return node
}
