/**
 * Tokens end while their sockets live: the client is told some time before, and what has not been renewed when the
 * grace is over is ended. Whoever opened `/auth` and did not say who it is, is ended as well.
 *
 *   valid → told that it ends → over, in its grace → ended
 */
import { authNamespace, type GoodbyeCode } from '@belfry/contract'
import type { Clock } from '../ports/clock.ts'
import type { Principal } from '../ports/token-verifier.ts'
import type { ConnectionState } from './connection-state.ts'
import { DueTimes } from './due-times.ts'
import { isNobody } from './nobody.ts'
import type { Session } from './session.ts'

export interface ExpiryParts {
  readonly clock: Clock
  /** Beyond the end of a token, for a client that renews it late. */
  readonly graceMs: number
  tell(session: Session, name: 'auth:expiring' | 'session:warning', data: object): void
  disconnect(session: Session, code: GoodbyeCode): void
}

/** Signing in takes one message; whoever has not sent it by then has nothing to send. */
export const deadlineMs = 5_000

/** Before a token ends, or a fifth of its life before, if that is less. */
export const noticeMsMax = 60_000

export class Expiry {
  readonly #parts: ExpiryParts
  readonly #due: DueTimes<ConnectionState>

  constructor(parts: ExpiryParts) {
    this.#parts = parts
    this.#due = new DueTimes(parts.clock, (state) => this.#onDue(state))
  }

  /** To be called whenever a session came or went, or is somebody else’s or has another token. */
  follow(state: ConnectionState): void {
    this.#due.set(state, state.isOpen ? this.#nextMs(state) : Number.POSITIVE_INFINITY)
  }

  close(): void {
    this.#due.close()
  }

  #nextMs(state: ConnectionState): number {
    const first = firstToEnd(state)
    let nextMs = Number.POSITIVE_INFINITY
    for (const { principal, openedAtMs } of state.sessions)
      if (isNobody(principal)) nextMs = Math.min(nextMs, openedAtMs + deadlineMs)
    if (first?.expiresAtMs === undefined) return nextMs
    const isTold = state.toldOfEndMs === first.expiresAtMs
    const tokenMs = isTold ? first.expiresAtMs + this.#parts.graceMs : first.expiresAtMs - noticeMs(first)
    return Math.min(nextMs, tokenMs)
  }

  #onDue(state: ConnectionState): void {
    const { clock, graceMs, disconnect } = this.#parts
    const nowMs = clock.now()
    for (const session of state.sessions) {
      const { expiresAtMs = Number.POSITIVE_INFINITY } = session.principal
      if (isNobody(session.principal)) {
        if (session.openedAtMs + deadlineMs <= nowMs) disconnect(session, 'unauthenticated')
      } else if (expiresAtMs + graceMs <= nowMs) disconnect(session, 'token_expired')
    }
    const first = firstToEnd(state)
    const isDue = first?.expiresAtMs !== undefined && first.expiresAtMs - noticeMs(first) <= nowMs
    if (isDue && state.toldOfEndMs !== first.expiresAtMs) this.#tellOfEnd(state, first.expiresAtMs)
    this.follow(state)
  }

  #tellOfEnd(state: ConnectionState, expiresAtMs: number): void {
    state.toldOfEndMs = expiresAtMs
    const known = state.sessions.filter(({ principal }) => !isNobody(principal))
    const onAuth = known.find(({ namespace }) => namespace.name === authNamespace.name)
    if (onAuth !== undefined) {
      this.#parts.tell(onAuth, 'auth:expiring', { expiresAt: new Date(expiresAtMs).toISOString() })
      return
    }
    const concerned = known.find(({ principal }) => principal.expiresAtMs === expiresAtMs)
    if (concerned === undefined) return
    const seconds = Math.max(0, Math.ceil((expiresAtMs - this.#parts.clock.now()) / 1_000))
    this.#parts.tell(concerned, 'session:warning', {
      code: 'token_expiring',
      message: `The token ends in ${seconds} seconds. Open ${authNamespace.name} with a new one.`,
    })
  }
}

/** Of a connection, whose token ends first. */
function firstToEnd({ sessions }: ConnectionState): Principal | undefined {
  let first: Principal | undefined
  for (const { principal } of sessions) {
    const { expiresAtMs = Number.POSITIVE_INFINITY } = principal
    if (expiresAtMs < (first?.expiresAtMs ?? Number.POSITIVE_INFINITY)) first = principal
  }
  return first
}

function noticeMs({ issuedAtMs, expiresAtMs = 0 }: Principal): number {
  return issuedAtMs === undefined ? noticeMsMax : Math.min(noticeMsMax, (expiresAtMs - issuedAtMs) / 5)
}
