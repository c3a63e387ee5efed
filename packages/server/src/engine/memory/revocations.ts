/** The revocations of a server that is alone and forgets them when it ends: for tests. */
import { Refusal } from '@belfry/contract'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { type Revocation, type Revocations, revocationsMax } from '../ports/revocations.ts'
import { Revoked } from './revoked.ts'

export interface MemoryRevocations extends Revocations {
  close(): void
}

export function createMemoryRevocations({
  clock,
  logger,
}: {
  readonly clock: Clock
  readonly logger: Logger
}): MemoryRevocations {
  const revoked = new Revoked()
  const listeners = new RevocationListeners(logger)
  const stop = clock.every(forgetMs, () => revoked.forget(clock.now()))
  const enforce = (revocation: Revocation) => {
    if (revoked.add(revocation)) listeners.tell([revocation])
  }
  return {
    isRevoked: (credential) => revoked.has(credential),
    async revoke(revocation, transaction) {
      refuseTooMany(revocation, revoked.size)
      if (transaction === undefined) enforce(revocation)
      else transaction.afterCommit(() => enforce(revocation))
    },
    subscribe: (listener) => listeners.add(listener),
    get size() {
      return revoked.size
    },
    close: stop,
  }
}

/** What is forgotten concerns tokens that have expired: it may stay for a while. */
export const forgetMs = 60_000

/** One for everybody is always possible: it is a single one, and the way out. */
export function refuseTooMany({ kind }: Revocation, size: number): void {
  if (size >= revocationsMax && kind !== 'everyone')
    throw new Refusal(
      'too_many_requests',
      `There are ${revocationsMax} revocations already: revoke what was issued before now instead, to everybody.`,
    )
}

/** Whoever hears of revocations; one that fails keeps nothing from the others. */
export class RevocationListeners {
  readonly #logger: Logger
  readonly #listeners = new Set<(revocations: readonly Revocation[]) => void>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(listener: (revocations: readonly Revocation[]) => void): () => void {
    // Its own, so that one that was given twice is told twice and can go once.
    const own = (revocations: readonly Revocation[]) => listener(revocations)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  tell(revocations: readonly Revocation[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(revocations)
      } catch (error) {
        this.#logger.error({ error }, 'what was revoked could not be ended')
      }
    }
  }
}
