/**
 * How often somebody may try to log in: counted by user and by address, before the password is looked at. An attempt
 * that was right is taken off again.
 */
import { Refusal } from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'

/** Guesses at one user's password, from wherever they come: 80 in an hour find no password of ten characters. */
export const attemptsPerUserMax = 20
/** From one address, with whatever names; an office may share one. */
export const attemptsPerAddressMax = 60
export const attemptWindowMs = 15 * 60_000

/** Users, and addresses, that are remembered, some 150 bytes each; beyond, the one not seen longest is forgotten. */
const remembered = 10_000

export interface Attempts {
  /** Throws when there were too many. Call what it returns when the attempt was right. */
  begin(user: string, address: string): () => void
}

export function createAttempts(clock: Clock): Attempts {
  const users = new Counter(attemptsPerUserMax)
  const addresses = new Counter(attemptsPerAddressMax)
  return {
    begin(user, address) {
      const nowMs = clock.now()
      const waitMs = Math.max(users.waitMs(user, nowMs), addresses.waitMs(address, nowMs))
      if (waitMs > 0)
        throw new Refusal(
          'too_many_requests',
          `Too many attempts to sign in. Try again in ${Math.ceil(waitMs / 60_000)} minutes.`,
        )
      users.add(user, nowMs)
      addresses.add(address, nowMs)
      return () => {
        users.forget(user)
        addresses.takeOff(address)
      }
    },
  }
}

interface Count {
  attempts: number
  readonly endsAtMs: number
}

class Counter {
  readonly #max: number
  /** In the order in which they were last seen. */
  readonly #counts = new Map<string, Count>()

  constructor(max: number) {
    this.#max = max
  }

  waitMs(key: string, nowMs: number): number {
    const count = this.#counts.get(key)
    if (count === undefined || count.attempts < this.#max) return 0
    return Math.max(0, count.endsAtMs - nowMs)
  }

  add(key: string, nowMs: number): void {
    const known = this.#counts.get(key)
    const count =
      known !== undefined && known.endsAtMs > nowMs
        ? known
        : { attempts: 0, endsAtMs: nowMs + attemptWindowMs }
    count.attempts += 1
    this.#counts.delete(key)
    this.#counts.set(key, count)
    if (this.#counts.size <= remembered) return
    for (const oldest of this.#counts.keys()) {
      this.#counts.delete(oldest)
      return
    }
  }

  takeOff(key: string): void {
    const count = this.#counts.get(key)
    if (count !== undefined && count.attempts > 0) count.attempts -= 1
  }

  forget(key: string): void {
    this.#counts.delete(key)
  }
}
