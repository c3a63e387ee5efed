/**
 * Who it is that wants to open a namespace: its token says so, else what the connection said on `/auth`, else the cookies
 * of its handshake. Whoever says nothing is let in on `/auth` alone.
 */
import { authNamespace, Refusal } from '@belfry/contract'
import { type Awaitable, andThen } from '../awaitable.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Revocations } from '../ports/revocations.ts'
import { clockToleranceMs, type Principal, type TokenVerifier } from '../ports/token-verifier.ts'
import type { Handshake } from '../ports/transport.ts'
import type { ConnectionState } from './connection-state.ts'
import { isNobody, nobody } from './nobody.ts'

/** Who a handshake belongs to, by its cookies; `undefined`: it says nothing. */
export type AskHandshake = (handshake: Handshake) => Promise<Principal | undefined>

export interface CredentialParts {
  readonly verifier: TokenVerifier
  readonly revocations: Revocations
  readonly clock: Clock
  readonly logger: Logger
  readonly askHandshake: AskHandshake | undefined
  later(delayMs: number, action: () => void): void
}

/** A program that looks a session up takes milliseconds; one that hangs keeps nobody waiting for longer. */
const askMsMax = 5_000

export class Credentials {
  readonly #parts: CredentialParts

  constructor(parts: CredentialParts) {
    this.#parts = parts
  }

  /** At once where the token can be checked at once (TK7). */
  identify(
    state: ConnectionState,
    namespace: string,
    auth: Readonly<Record<string, unknown>>,
  ): Awaitable<Principal> {
    const { token } = auth
    const isAuth = namespace === authNamespace.name
    const found = isMissing(token) ? this.#withoutToken(state, isAuth) : this.#byToken(state, token)
    if (!isAuth) return found
    return andThen(found, (principal) => {
      refuseAnother(state, principal)
      return principal
    })
  }

  /** A token that was sent, for this connection. */
  verify(token: unknown): Awaitable<Principal> {
    return andThen(this.#parts.verifier.verify(token), (principal) => this.#inForce(principal))
  }

  #byToken(state: ConnectionState, token: unknown): Awaitable<Principal> {
    const found = state.principalOf(token, this.#parts.verifier, this.#parts.clock.now())
    return andThen(found, (principal) => this.#inForce(principal))
  }

  #withoutToken(state: ConnectionState, isAuth: boolean): Awaitable<Principal> {
    if (state.credential !== undefined) return this.#inForce(state.credential)
    return andThen(this.#byHandshake(state), (principal) => {
      if (principal !== undefined) return this.#inForce(principal)
      if (isAuth) return nobody(state.connection.id)
      throw new Refusal('token_missing')
    })
  }

  /** It may have ended since it was found. */
  #inForce(principal: Principal): Principal {
    const { revocations, clock } = this.#parts
    if (revocations.isRevoked(principal)) throw new Refusal('token_revoked')
    // The seconds by which clocks may differ are a matter of who checked it.
    if (principal.expiresAtMs !== undefined && principal.expiresAtMs + clockToleranceMs <= clock.now())
      throw new Refusal('token_expired')
    return principal
  }

  /** Asked once for a connection. What passes by itself closes it, and the client comes back. */
  #byHandshake(state: ConnectionState): Awaitable<Principal | undefined> {
    const { askHandshake } = this.#parts
    if (askHandshake === undefined) return undefined
    const handshake = state.connection.takeHandshake()
    // A page of somebody else must not speak with the cookies of a browser that happens to show it.
    if (handshake?.isOwnPage) state.asked = this.#ask(askHandshake, handshake)
    return state.asked
  }

  async #ask(askHandshake: AskHandshake, handshake: Handshake): Promise<Principal | undefined> {
    const { promise: tooLate, reject } = Promise.withResolvers<never>()
    this.#parts.later(askMsMax, () =>
      reject(new Refusal('internal', `Nobody could say within ${askMsMax / 1_000} s whose session this is.`)),
    )
    tooLate.catch(() => undefined)
    return await Promise.race([askHandshake(handshake), tooLate])
  }
}

function isMissing(token: unknown): boolean {
  return token === undefined || token === null || token === ''
}

/** On `/auth` a connection is one user's: whoever renews a token of one renews it for all its sessions. */
export function refuseAnother(state: ConnectionState, { userId }: Principal): void {
  const isTaken = state.sessions.some(
    ({ principal, isOpen }) => isOpen && !isNobody(principal) && principal.userId !== userId,
  )
  if (isTaken && !isNobody({ userId }))
    throw new Refusal('forbidden', 'This connection is another user’s. Connect anew, or log out first.')
}
