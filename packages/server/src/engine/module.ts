import type { MetricFamily } from './metric.ts'
import type { Migration } from './migration.ts'
import type { RoomAuthority, ServedNamespace } from './namespace-handlers.ts'
import type { AnyRoute } from './route.ts'

/** A feature. Each could be removed; none imports another. */
export interface Module {
  readonly name: string
  readonly migrations: readonly Migration[]
  readonly routes: readonly AnyRoute[]
  readonly namespaces?: readonly ServedNamespace[]
  /** The kinds of rooms that are its own. */
  readonly rooms?: readonly RoomAuthority[]
  /** Asked for at every scrape. */
  metrics?(): readonly MetricFamily[]
  start?(): Promise<void>
  /** After `stop` nothing of the module runs any more. */
  stop?(): Promise<void>
}
