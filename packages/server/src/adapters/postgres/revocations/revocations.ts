/** Revocations in a table, and in the memory of every process that looks at it twice a second. */
import { createPeriods } from '../../../engine/periods.ts'
import type { Clock } from '../../../engine/ports/clock.ts'
import type { Database, Queryable } from '../../../engine/ports/database.ts'
import type { Logger } from '../../../engine/ports/logger.ts'
import type { Revocation, Revocations } from '../../../engine/ports/revocations.ts'
import { forgetMs, RevocationListeners, Revoked, refuseTooMany } from '../../../engine/revoked.ts'
import { sql } from '../../../engine/sql.ts'

export interface PostgresRevocations extends Revocations {
  /** Knows what was revoked before, and goes on looking. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Half of what RV1 allows; an index that has nothing new is asked in a fraction of a millisecond. */
const lookMs = 500

/** Rows of one look; what is beyond comes with the next one, at once. */
const rowsMax = 5_000

const sweepMs = 60 * 60 * 1_000

export function createPostgresRevocations(options: {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
}): PostgresRevocations {
  const { database, clock, logger } = options
  const revoked = new Revoked()
  const listeners = new RevocationListeners(logger)
  const periods = createPeriods(options)
  let lastNumber = 0

  const enforce = (revocations: readonly Revocation[]): void => {
    const nowMs = clock.now()
    const fresh = revocations.filter((each) => each.keptUntilMs > nowMs && revoked.add(each))
    if (fresh.length > 0) listeners.tell(fresh)
  }
  const look = async (): Promise<void> => {
    for (;;) {
      const rows = await readAfter(database, lastNumber)
      enforce(rows.map(revocationOf))
      lastNumber = rows.at(-1)?.number ?? lastNumber
      if (rows.length < rowsMax) return
    }
  }
  return {
    isRevoked: (credential) => revoked.has(credential),
    async revoke(revocation, transaction) {
      refuseTooMany(revocation, revoked.size)
      // Others may have written one that takes more back: what is in force is what the table says then.
      const stored = revocationOf(await write(transaction ?? database, revocation))
      if (transaction === undefined) enforce([stored])
      else transaction.afterCommit(() => enforce([stored]))
    },
    subscribe: (listener) => listeners.add(listener),
    get size() {
      return revoked.size
    },
    async start() {
      await look()
      periods.every(lookMs, 'revocations could not be read', look)
      periods.every(forgetMs, 'old revocations could not be forgotten', async () =>
        revoked.forget(clock.now()),
      )
      periods.every(sweepMs, 'old revocations could not be deleted', () =>
        deleteBefore(database, new Date(clock.now())),
      )
    },
    close: periods.stop,
  }
}

interface RevocationRow {
  readonly kind: Revocation['kind']
  readonly subject: string
  readonly issuedBefore: Date | null
  readonly keptUntil: Date
  readonly number: number
}

async function write(database: Queryable, revocation: Revocation): Promise<RevocationRow> {
  const subject = revocation.kind === 'everyone' ? 'all' : revocation.id
  const issuedBefore = 'issuedBeforeMs' in revocation ? new Date(revocation.issuedBeforeMs) : null
  const [row] = await database.query(sql<RevocationRow>`
    with next as (
      update revocation_numbers set last = last + 1 returning last
    )
    insert into revocations as known (kind, subject, issued_before, kept_until, number)
    select ${revocation.kind}, ${subject}, ${issuedBefore}::timestamptz, ${new Date(revocation.keptUntilMs)}::timestamptz, last
    from next
    on conflict (kind, subject) do update set
      issued_before = greatest(known.issued_before, excluded.issued_before),
      kept_until = greatest(known.kept_until, excluded.kept_until),
      number = excluded.number
    returning kind, subject, issued_before as "issuedBefore", kept_until as "keptUntil", number`)
  if (row === undefined) throw new Error('The numbers of revocations have lost their row.')
  return row
}

async function readAfter(database: Queryable, number: number): Promise<readonly RevocationRow[]> {
  return database.query(sql<RevocationRow>`
    select kind, subject, issued_before as "issuedBefore", kept_until as "keptUntil", number
    from revocations where number > ${number} order by number limit ${rowsMax}`)
}

async function deleteBefore(database: Queryable, now: Date): Promise<void> {
  await database.query(sql`delete from revocations where kept_until <= ${now}`)
}

function revocationOf({ kind, subject, issuedBefore, keptUntil }: RevocationRow): Revocation {
  const keptUntilMs = keptUntil.getTime()
  const issuedBeforeMs = issuedBefore?.getTime() ?? 0
  switch (kind) {
    case 'token':
    case 'login':
      return { kind, id: subject, keptUntilMs }
    case 'user':
      return { kind, id: subject, issuedBeforeMs, keptUntilMs }
    case 'everyone':
      return { kind, issuedBeforeMs, keptUntilMs }
  }
}
