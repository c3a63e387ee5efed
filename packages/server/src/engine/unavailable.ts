import { Refusal } from '@belfry/contract'

/** The database is away, full or read-only: nothing was done, or nobody can say whether it was (DB4, DB7). */
export function isUnavailable(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'database_unavailable'
}
