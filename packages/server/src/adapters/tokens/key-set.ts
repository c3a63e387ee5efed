/**
 * Keys that an identity provider publishes at an address (a JSON Web Key Set), kept here and fetched anew: every few
 * minutes, and when a token names a key that nobody knows yet. No token waits for the provider but one whose key is
 * new, and none makes us ask more often than `pauseMs`.
 */
import type { Clock } from '../../engine/ports/clock.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import { fetchKeys, type KnownKey } from './fetch-keys.ts'
import type { PublicKey } from './public-keys.ts'

export interface KeySet {
  /**
   * Keys that may have signed a token with this algorithm. `unavailable`: not known here, and a later fetch may show
   * one. At once where the key is known.
   */
  keysFor(keyId: string | undefined, algorithm: string): KeysFound | Promise<KeysFound>
  close(): void
}

export type KeysFound = readonly PublicKey[] | 'unavailable'

export interface KeySetOptions {
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
  /** Of one fetch, from the question to the last byte. 5 s if absent. */
  readonly patienceMs?: number
}

/** A key that the provider took away is refused this much later, at most, while the provider can be reached. */
const refreshMs = 5 * 60_000

/** Between two fetches that tokens ask for: whoever invents names of keys makes us ask six times in a minute. */
const pauseMs = 10_000

/** Names of keys that were asked for before a fetch and not found by it; beyond, they are not remembered. */
const deniedMax = 1_000

export function createKeySet({ url, clock, logger, patienceMs = 5_000 }: KeySetOptions): KeySet {
  let keys: readonly KnownKey[] | undefined
  let fetching: Promise<void> | undefined
  let fetchedAtMs = Number.NEGATIVE_INFINITY
  let didFail = false
  let wanted = new Set<string>()
  let denied = new Set<string>()
  const closed = new AbortController()

  const fetchOnce = async (): Promise<void> => {
    fetchedAtMs = clock.now()
    try {
      keys = await fetchKeys(url, AbortSignal.any([closed.signal, AbortSignal.timeout(patienceMs)]))
      if (didFail) logger.info({ url, keys: keys.length }, 'the keys of tokens can be fetched again')
      didFail = false
      denied = wanted
    } catch (error) {
      if (!didFail && !closed.signal.aborted)
        logger.warn(
          { url, error },
          'the keys of tokens could not be fetched; those that are known go on to count',
        )
      didFail = true
    }
    wanted = new Set()
  }
  /** One at a time, for all who ask. */
  const refresh = (): Promise<void> => {
    fetching ??= fetchOnce().finally(() => {
      fetching = undefined
    })
    return fetching
  }
  const stop = clock.every(refreshMs, () => void refresh())
  void refresh()

  const known = (keyId: string | undefined, algorithm: string): readonly KnownKey[] =>
    (keys ?? []).filter(
      (key) => key.algorithms.includes(algorithm) && (keyId === undefined || key.id === keyId),
    )

  return {
    keysFor(keyId, algorithm) {
      const found = known(keyId, algorithm)
      if (found.length > 0) return found
      const name = keyId ?? ''
      if (denied.has(name) && !isDue()) return []
      if (fetching === undefined && !isDue()) return 'unavailable'
      if (wanted.size < deniedMax) wanted.add(name)
      return refresh().then(() => {
        const fetched = known(keyId, algorithm)
        // Where the fetch failed, or too many keys were asked for, the next one decides.
        return fetched.length === 0 && !denied.has(name) ? 'unavailable' : fetched
      })
    },
    close() {
      stop()
      closed.abort()
    },
  }

  function isDue(): boolean {
    return clock.now() - fetchedAtMs >= pauseMs
  }
}
