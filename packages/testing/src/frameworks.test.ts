/** It needs no framework: what the other files of this folder do in Vitest works in `node:test`, in a process that ends. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('works with node:test, and leaves nothing that keeps the process alive', async () => {
  const file = join(import.meta.dirname, 'testing', 'with-node-test.ts')
  const options = ['--conditions=source', '--experimental-strip-types', '--no-warnings', '--test', file]
  // Variables of this runner would make the other one report to it.
  const environment = { PATH: process.env['PATH'] ?? '', FORCE_COLOR: '0' }
  const { stdout } = await promisify(execFile)(process.execPath, options, {
    env: environment,
    timeout: 60_000,
  })
  expect(stdout).toMatch(/pass 1\b/)
  expect(stdout).toMatch(/fail 0\b/)
}, 90_000)
