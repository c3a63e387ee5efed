import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { orderedMigrations } from '../adapters/postgres/migrations.ts'
import { schemaModules } from '../server/schema.ts'
import { UsageError } from './command.ts'
import { createMigrationFile } from './create-migration.ts'

let modules: string
/** One more than the highest number of this version. */
let next: string

beforeEach(() => {
  modules = mkdtempSync(join(tmpdir(), 'belfry-modules-'))
  mkdirSync(join(modules, 'things'))
  mkdirSync(join(modules, 'access', 'migrations'), { recursive: true })
  const last = orderedMigrations(schemaModules).at(-1)?.id ?? '0000'
  next = String(Number.parseInt(last, 10) + 1).padStart(4, '0')
})
afterEach(() => rmSync(modules, { recursive: true, force: true }))

describe('a new migration', () => {
  it('gets the next number over all modules, and says what is left to do', () => {
    const said = createMigrationFile('things', 'add_device_names2', modules)
    const file = join(modules, 'things', 'migrations', `${next}_add_device_names2.ts`)
    expect(said).toBe(
      `Made ${file}.\nWrite its SQL, then add it to the list of migrations in ${join(modules, 'things', 'module.ts')}.`,
    )
    expect(readdirSync(join(modules, 'things', 'migrations'))).toEqual([`${next}_add_device_names2.ts`])
    expect(readFileSync(file, 'utf8')).toBe(
      [
        `import type { Migration } from '${'../../../engine/migration.ts'}'`,
        '',
        'export const addDeviceNames2: Migration = {',
        `  id: '${next}_add_device_names2',`,
        '  up: `',
        '  `,',
        '  down: `',
        '  `,',
        '}',
        '',
      ].join('\n'),
    )
  })

  it('has an id that the migrations take', () => {
    createMigrationFile('access', 'a', modules)
    const [id = ''] = readdirSync(join(modules, 'access', 'migrations')).map((name) =>
      name.replace(/\.ts$/, ''),
    )
    const further = { name: 'further', migrations: [{ id, up: '', down: '' }] }
    expect(orderedMigrations([...schemaModules, further]).at(-1)?.id).toBe(id)
  })

  it('does not overwrite one, and counts those that are begun and not listed yet', () => {
    createMigrationFile('access', 'first', modules)
    createMigrationFile('things', 'second', modules)
    createMigrationFile('access', 'first', modules)
    const numbers = ['access', 'things']
      .flatMap((module) => readdirSync(join(modules, module, 'migrations')))
      .map((name) => name.slice(0, 4))
    expect(new Set(numbers).size).toBe(3)
  })

  it.each(['', 'Bad', 'bad name', 'bad-name', '1st', '_x', '../x', 'x.ts', 'é'])(
    'is not named "%s"',
    (name) => {
      expect(() => createMigrationFile('access', name, modules)).toThrow(UsageError)
      expect(() => createMigrationFile('access', name, modules)).toThrow('is no name for a migration')
      expect(readdirSync(join(modules, 'access', 'migrations'))).toEqual([])
    },
  )

  it.each(['', 'nothing', '../access', '.', 'access/migrations', 'ACCESS'])(
    'is not of a module "%s"',
    (module) => {
      expect(() => createMigrationFile(module, 'add_things', modules)).toThrow(UsageError)
      expect(() => createMigrationFile(module, 'add_things', modules)).toThrow(
        `There is no module "${module}"; the modules are access, things.`,
      )
      expect(existsSync(join(modules, '..', 'migrations'))).toBe(false)
    },
  )

  it('is begun in a clone, not in an installed package', () => {
    expect(() => createMigrationFile('access', 'add_things', join(modules, 'absent'))).toThrow(
      'in a clone of the repository',
    )
  })
})
