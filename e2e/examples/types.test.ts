/** What a user's compiler sees of the packages that were built: types that fit, and nothing of what Belfry is made of. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { repository } from '../product.ts'

const example = join(repository, 'examples', 'first-live-feature')
const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc')
const compile = (...options: string[]) => {
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', example, ...options], {
    encoding: 'utf8',
  })
  return { status, stdout }
}

it('compiles with the settings of the guide, which look into libraries too', () => {
  expect(compile()).toEqual({ status: 0, stdout: '' })
})

it('asks for no types but those of zod and Node: what the server uses inside is not installed with them', () => {
  const { dependencies } = JSON.parse(
    readFileSync(join(repository, 'packages/server/package.json'), 'utf8'),
  ) as {
    dependencies: Record<string, string>
  }
  const files = compile('--listFilesOnly').stdout.split('\n')
  expect(files.filter((file) => file.includes('/packages/server/dist/')).length).toBeGreaterThan(5)
  const inside = Object.keys(dependencies).filter((name) => !['zod', '@belfry/contract'].includes(name))
  const found = inside.filter((name) =>
    files.some(
      (file) => file.includes(`/node_modules/${name}/`) || file.includes(`/node_modules/@types/${name}/`),
    ),
  )
  expect(found).toEqual([])
})
