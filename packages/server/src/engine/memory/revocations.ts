/** The revocations of a server that is alone and forgets them when it ends: for tests. */
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Revocation, Revocations } from '../ports/revocations.ts'
import { forgetMs, RevocationListeners, Revoked, refuseTooMany } from '../revoked.ts'

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
