/** What callers see of the driver's errors. */
import { Refusal } from '@belfry/contract'
import pg from 'pg'
import { DatabaseError } from '../../engine/ports/database.ts'

/**
 * Codes after which the connection is gone: the server was stopped or crashed, somebody ended the session,
 * or a transaction was idle for too long. 08P01 is not one: a statement with too few parameters gets it too.
 */
const connectionEnds = /^(08(?!P01)|57P0[1-5]|25P0[34])/

/** PostgreSQL is there and takes no changes, until somebody or time has made room. By code, the first that fits. */
const cannotServe: readonly (readonly [RegExp, string])[] = [
  [/^25006$/, 'The database is read-only at the moment. Nothing was changed.'],
  [/^53100$/, 'The disk of the database is full. Nothing was changed.'],
  [/^53/, 'The database has not enough resources for this at the moment. Nothing was changed.'],
]

/** A statement was sent and its answer never came (DB4). */
export function answerLost(cause: unknown): Refusal {
  return new Refusal(
    'database_unavailable',
    'The connection to the database was lost while this was under way. Whether it took effect is unknown.',
    { cause },
  )
}

/** `error` as the port promises it: a `Refusal`, a `DatabaseError`, or what went wrong on our own side. */
export function portErrorOf(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error
  const { code = 'XX000' } = error
  if (connectionEnds.test(code)) return answerLost(error)
  const [, sentence] = cannotServe.find(([codes]) => codes.test(code)) ?? []
  if (sentence !== undefined) return new Refusal('database_unavailable', sentence, { cause: error })
  return new DatabaseError(error.message, {
    code,
    constraint: error.constraint,
    cause: error,
  })
}
