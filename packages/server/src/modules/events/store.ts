/** The SQL of events that come from outside: which keys came before. */
import type { Queryable } from '../../engine/ports/database.ts'
import { sql } from '../../engine/sql.ts'

export interface PublicationKey {
  readonly publisher: string
  readonly key: string
  readonly fingerprint: Buffer
  readonly at: Date
}

/** False when the key came before. One that is being published right now is waited for. */
export async function insertKey(database: Queryable, { publisher, key, fingerprint, at }: PublicationKey) {
  const inserted = await database.query(sql`
    insert into publication_keys (publisher, key, fingerprint, published_at)
    values (${publisher}, ${key}, ${fingerprint}, ${at})
    on conflict do nothing
    returning true`)
  return inserted.length > 0
}

export async function findFingerprint(
  database: Queryable,
  { publisher, key }: Pick<PublicationKey, 'publisher' | 'key'>,
): Promise<Buffer | undefined> {
  const [row] = await database.query(sql<{ fingerprint: Buffer }>`
    select fingerprint from publication_keys where publisher = ${publisher} and key = ${key}`)
  return row?.fingerprint
}

export async function deleteKeysBefore(database: Queryable, before: Date): Promise<void> {
  await database.query(sql`delete from publication_keys where published_at < ${before}`)
}
