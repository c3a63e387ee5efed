/**
 * A data directory whose database has its tables, made once for a run: a new PostgreSQL with all migrations takes more
 * than a second of a core, a copy of one a fifth. Tests of the first start make their own.
 */
import { rmSync } from 'node:fs'
import { migratedDataVariable, runProduct, temporaryDirectory } from './product.ts'

export default function setup(): () => void {
  const dataDirectory = temporaryDirectory()
  const { code, output } = runProduct(['migrate', 'up'], { dataDirectory })
  if (code !== 0) throw new Error(`There is no database for the tests: ${output}`)
  process.env[migratedDataVariable] = dataDirectory
  return () => rmSync(dataDirectory, { recursive: true, force: true })
}
