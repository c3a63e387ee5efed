/** Revocations that are in force on this node, as every adapter keeps them: what it takes to answer at once, and who hears of it. */
import { Refusal } from '@belfry/contract'
import type { Logger } from './ports/logger.ts'
import { type Credential, type Revocation, revocationsMax } from './ports/revocations.ts'

interface Moment {
  readonly issuedBeforeMs: number
  readonly keptUntilMs: number
}

export class Revoked {
  readonly #tokens = new Map<string, number>()
  readonly #logins = new Map<string, number>()
  readonly #users = new Map<string, Moment>()
  #everyone: Moment | undefined

  get size(): number {
    const everyone = this.#everyone === undefined ? 0 : 1
    return this.#tokens.size + this.#logins.size + this.#users.size + everyone
  }

  /** Asked at every connect and every request: a few look-ups, and nothing is made for them. */
  has({ userId, tokenId, loginId, issuedAtMs = undated }: Credential): boolean {
    return (
      (tokenId !== undefined && this.#tokens.has(tokenId)) ||
      (loginId !== undefined && this.#logins.has(loginId)) ||
      issuedAtMs < (this.#users.get(userId)?.issuedBeforeMs ?? undated) ||
      issuedAtMs < (this.#everyone?.issuedBeforeMs ?? undated)
    )
  }

  /** False when it says nothing that was not known. */
  add(revocation: Revocation): boolean {
    switch (revocation.kind) {
      case 'token':
        return addId(this.#tokens, revocation)
      case 'login':
        return addId(this.#logins, revocation)
      case 'user': {
        const known = this.#users.get(revocation.id)
        this.#users.set(revocation.id, later(known, revocation))
        return known === undefined || known.issuedBeforeMs < revocation.issuedBeforeMs
      }
      case 'everyone': {
        const known = this.#everyone
        this.#everyone = later(known, revocation)
        return known === undefined || known.issuedBeforeMs < revocation.issuedBeforeMs
      }
    }
  }

  forget(nowMs: number): void {
    for (const ids of [this.#tokens, this.#logins])
      for (const [id, keptUntilMs] of ids) if (keptUntilMs <= nowMs) ids.delete(id)
    for (const [id, { keptUntilMs }] of this.#users) if (keptUntilMs <= nowMs) this.#users.delete(id)
    if ((this.#everyone?.keptUntilMs ?? Infinity) <= nowMs) this.#everyone = undefined
  }
}

/** Issued before everything, and nothing was issued before it. */
const undated = Number.NEGATIVE_INFINITY

function addId(ids: Map<string, number>, { id, keptUntilMs }: { id: string; keptUntilMs: number }): boolean {
  const known = ids.get(id)
  ids.set(id, Math.max(known ?? 0, keptUntilMs))
  return known === undefined
}

function later(known: Moment | undefined, { issuedBeforeMs, keptUntilMs }: Moment): Moment {
  return {
    issuedBeforeMs: Math.max(known?.issuedBeforeMs ?? 0, issuedBeforeMs),
    keptUntilMs: Math.max(known?.keptUntilMs ?? 0, keptUntilMs),
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
