/**
 * Tables of the program that hosts Belfry: in a schema of their own, so that no table of a later Belfry meets them, and
 * made by files of SQL that run in the order of their numbers, once each.
 *
 *   await startBelfry({ …, tables: { schema: 'shop', migrations: new URL('./migrations/', import.meta.url) } })
 *
 *   migrations/0001_create_orders.sql
 *   migrations/0002_add_prices.sql
 */

export interface HostTables {
  /** Is made if it is missing. Name it in statements, as in `select … from shop.orders`. */
  readonly schema: string
  /** A folder of files such as `0001_create_orders.sql`, forward only. */
  readonly migrations: string | URL
}
