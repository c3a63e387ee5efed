/** Begins a migration: a file with the next number, in the sources of its module. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { schemaModules } from '../server/schema.ts'
import { UsageError } from './command.ts'

/** The sources of the package, which an installed one does not have. */
const sources = fileURLToPath(new URL('../../src/modules/', import.meta.url))

/** Returns what is left to do, for whoever asked. */
export function createMigrationFile(module: string, name: string, modulesDirectory = sources): string {
  if (!existsSync(modulesDirectory))
    throw new UsageError(
      'New migrations are begun in a clone of the repository, not in an installed package.',
    )
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new UsageError(
      `"${name}" is no name for a migration: use words of small letters with _ between, such as add_device_names.`,
    )
  const directory = join(modulesDirectory, module)
  if (!/^[a-z][a-z0-9-]*$/.test(module) || !existsSync(directory)) {
    throw new UsageError(
      `There is no module "${module}"; the modules are ${readdirSync(modulesDirectory).join(', ')}.`,
    )
  }
  const id = `${String(highestNumber(modulesDirectory) + 1).padStart(4, '0')}_${name}`
  const file = join(directory, 'migrations', `${id}.ts`)
  mkdirSync(join(directory, 'migrations'), { recursive: true })
  writeFileSync(file, template(id, name), { flag: 'wx' })
  return `Made ${file}.\nWrite its SQL, then add it to the list of migrations in ${join(directory, 'module.ts')}.`
}

/** Numbers are one row over all modules: it is the order in which steps run. */
function highestNumber(modulesDirectory: string): number {
  const listed = schemaModules.flatMap(({ migrations }) => migrations.map(({ id }) => id))
  // Those that are begun and not listed yet.
  const begun = readdirSync(modulesDirectory, { recursive: true, encoding: 'utf8' }).flatMap((path) => {
    const id = /\/migrations\/(\d{4})_[^/]*\.ts$/.exec(path)?.[1]
    return id === undefined ? [] : [id]
  })
  return Math.max(0, ...[...listed, ...begun].map((id) => Number.parseInt(id, 10)))
}

/** From the folder of a module's migrations. */
const migrationType = '../../../engine/migration.ts'

function template(id: string, name: string): string {
  const variable = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  return `import type { Migration } from '${migrationType}'

export const ${variable}: Migration = {
  id: '${id}',
  up: \`
  \`,
  down: \`
  \`,
}
`
}
