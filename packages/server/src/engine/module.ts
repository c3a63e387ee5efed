import type { Migration } from './migration.ts'
import type { AnyRoute } from './route.ts'

/** A feature. Each could be removed; none imports another. */
export interface Module {
  readonly name: string
  readonly migrations: readonly Migration[]
  readonly routes: readonly AnyRoute[]
  start?(): Promise<void>
  /** After `stop` nothing of the module runs any more. */
  stop?(): Promise<void>
}
