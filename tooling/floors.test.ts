import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findViolations, importsOf, readSources } from './floors.ts'

const root = join(import.meta.dirname, '..')

describe('the floors of the house', () => {
  const sources = readSources(root)

  it('finds the sources it is to guard', () => {
    const paths = sources.map((source) => source.path)
    expect(paths).toContain('packages/contract/src/errors.ts')
    expect(paths).toContain('packages/server/src/engine/sql.ts')
    expect(paths.some((path) => path.startsWith('apps/console/src/'))).toBe(true)
    expect(paths).toContain('examples/node/server.ts')
  })

  it('hold: every import goes down', () => {
    expect(findViolations(sources).map((violation) => violation.sentence)).toEqual([])
  })

  const planted: [name: string, path: string, text: string][] = [
    ['the contract imports a package', 'packages/contract/src/a.ts', `import pg from 'pg'`],
    ['the contract imports the server', 'packages/contract/src/a.ts', `import { a } from 'belfry'`],
    [
      'the engine imports Node I/O',
      'packages/server/src/engine/a.ts',
      `import { readFileSync } from 'node:fs'`,
    ],
    [
      'the engine imports an adapter',
      'packages/server/src/engine/a.ts',
      `export * from '../adapters/http/a.ts'`,
    ],
    ['a module imports another', 'packages/server/src/modules/a/b.ts', `import type { C } from '../c/d.ts'`],
    [
      'a module imports an adapter',
      'packages/server/src/modules/a/b.ts',
      `const x = await import('../../adapters/postgres/a.ts')`,
    ],
    ['a module imports pg', 'packages/server/src/modules/a/b.ts', `import pg from 'pg'`],
    [
      'an adapter imports another',
      'packages/server/src/adapters/http/a.ts',
      `import { a } from '../postgres/database.ts'`,
    ],
    [
      'an adapter imports a module',
      'packages/server/src/adapters/http/a.ts',
      `import { a } from '../../modules/a/module.ts'`,
    ],
    ['the http adapter imports pg', 'packages/server/src/adapters/http/a.ts', `import 'pg'`],
    [
      'the postgres adapter imports fastify',
      'packages/server/src/adapters/postgres/a.ts',
      `import fastify from 'fastify'`,
    ],
    [
      'the composition imports the command line',
      'packages/server/src/server/a.ts',
      `import { a } from '../cli/main.ts'`,
    ],
    ['the console imports the server', 'apps/console/src/a.tsx', `import { startBelfry } from 'belfry'`],
    [
      'the console reaches into a package',
      'apps/console/src/a.tsx',
      `import { a } from '../../../packages/contract/src/errors.ts'`,
    ],
    [
      'the client is made of what is for tests',
      'packages/client/src/a.ts',
      `import { startTestServer } from '@belfry/testing'`,
    ],
    [
      'the command line is made of what is for tests',
      'packages/server/src/cli/a.ts',
      `import { startInMemory } from '../testing.ts'`,
    ],
    ['the package for tests imports a framework of tests', 'packages/testing/src/a.ts', `import 'vitest'`],
    [
      'the package for tests reaches into the server',
      'packages/testing/src/a.ts',
      `import { a } from '../../server/src/engine/memory/log.ts'`,
    ],
    [
      'an example reaches into the server',
      'examples/a/server.ts',
      `import { createDatabase } from '../../packages/server/src/adapters/postgres/database.ts'`,
    ],
    ['an example imports another', 'examples/a/server.ts', `import { orders } from '../b/contract.ts'`],
    ['an example imports what it does not show', 'examples/a/server.ts', `import pg from 'pg'`],
    ['a file stands on no floor', 'packages/server/src/utilities/a.ts', ''],
    ['a new adapter has no floor yet', 'packages/server/src/adapters/carrier-pigeon/a.ts', ''],
    ['a module sends by itself', 'packages/server/src/modules/a/b.ts', `session.link.send(packet)`],
    ['a module reads the environment', 'packages/server/src/modules/a/b.ts', `const port = process.env.PORT`],
  ]
  it.each(planted)('are violated when %s', (_, path, text) => {
    const violations = findViolations([{ path, text }])
    expect(violations).toHaveLength(1)
    expect(violations[0]?.sentence).toMatch(/^packages|^apps|^examples/)
  })

  it('see every form of import', () => {
    const text = `import a from 'a'\nimport b,\n c from "b"\nexport * from 'c'\nimport 'd'\nawait import('e')\nimport type F from 'f'\n// import 'g'\n/* import 'h' */`
    expect(importsOf(text).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })
})
