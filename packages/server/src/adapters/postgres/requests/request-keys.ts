/** Keys of requests, in one table for all purposes. */
import { createHash } from 'node:crypto'
import { createPeriods } from '../../../engine/periods.ts'
import type { Clock } from '../../../engine/ports/clock.ts'
import type { Database, Queryable } from '../../../engine/ports/database.ts'
import type { Logger } from '../../../engine/ports/logger.ts'
import type { ClaimedKey, KeyClaim, RequestKeys } from '../../../engine/ports/request-keys.ts'
import { sql } from '../../../engine/sql.ts'

export interface PostgresRequestKeys extends RequestKeys {
  close(): Promise<void>
}

const keptMs = 24 * 60 * 60 * 1_000
const sweepMs = 60 * 60 * 1_000

export function createPostgresRequestKeys(options: {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
}): PostgresRequestKeys {
  const { database, clock } = options
  const periods = createPeriods(options)
  // A key that is kept for longer harms nobody.
  periods.every(sweepMs, 'old keys of requests could not be deleted', () =>
    deleteBefore(database, new Date(clock.now() - keptMs)),
  )
  return {
    keptMs,
    async claim<Answer>(transaction: Queryable, claims: readonly KeyClaim<Answer>[]) {
      // Of two with one key in the same call, the first one gets it.
      const wanted = new Map(claims.toReversed().map((claim) => [nameOf(claim), claim]))
      const stored = new Map(
        (await claimKeys(transaction, [...wanted.values()], new Date(clock.now()))).map((row) => [
          nameOf(row),
          row,
        ]),
      )
      return claims.map((claim): ClaimedKey<Answer> => {
        const name = nameOf(claim)
        const row = stored.get(name) as StoredKey
        if (row.isNew && wanted.get(name) === claim) return { outcome: 'new' }
        if (!row.fingerprint.equals(fingerprintOf(claim))) return { outcome: 'reused' }
        return { outcome: 'repeated', answer: row.answer as Answer }
      })
    },
    close: periods.stop,
  }
}

interface StoredKey {
  readonly purpose: string
  readonly sender: string
  readonly key: string
  readonly fingerprint: Buffer
  readonly answer: unknown
  readonly isNew: boolean
}

/**
 * One row for each claim, none of which are alike. A key that is there already is written as it is: that waits for
 * whoever is just claiming it, and shows the row as it is then. In the order of the keys, so that of two transactions
 * that claim the same ones none waits for the other in a circle.
 */
async function claimKeys(
  database: Queryable,
  claims: readonly KeyClaim<unknown>[],
  now: Date,
): Promise<readonly StoredKey[]> {
  if (claims.length === 0) return []
  return database.query(sql<StoredKey>`
    insert into request_keys as known (purpose, sender, key, fingerprint, answer, claimed_at)
    select purpose, sender, key, fingerprint, answer::jsonb, ${now}::timestamptz
    from unnest(
      ${claims.map(({ purpose }) => purpose)}::text[],
      ${claims.map(({ sender }) => sender)}::text[],
      ${claims.map(({ key }) => key)}::text[],
      ${claims.map(fingerprintOf)}::bytea[],
      ${claims.map(({ answer }) => JSON.stringify(answer))}::text[]
    ) as claim (purpose, sender, key, fingerprint, answer)
    order by purpose, sender, key
    on conflict (purpose, sender, key) do update set claimed_at = known.claimed_at
    -- Of a row that was inserted, nobody has locked or changed an earlier version.
    returning purpose, sender, key, fingerprint, answer, known.xmax = 0 as "isNew"`)
}

async function deleteBefore(database: Queryable, before: Date): Promise<void> {
  await database.query(sql`delete from request_keys where claimed_at < ${before}`)
}

function nameOf({ purpose, sender, key }: Pick<StoredKey, 'purpose' | 'sender' | 'key'>): string {
  return JSON.stringify([purpose, sender, key])
}

function fingerprintOf({ request }: KeyClaim<unknown>): Buffer {
  return createHash('sha256').update(JSON.stringify(request)).digest()
}
