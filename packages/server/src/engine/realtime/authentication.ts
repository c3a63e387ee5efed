/**
 * The namespace `/auth`, which the engine serves itself, and the end of what was taken back: where a connection says who
 * it is, renews its token, and logs out.
 */
import { authNamespace, type GoodbyeCode, Refusal } from '@belfry/contract'
import type { ServedNamespace, SessionView } from '../namespace-handlers.ts'
import { serveNamespace } from '../namespace-handlers.ts'
import type { Clock } from '../ports/clock.ts'
import type { Revocation, Revocations } from '../ports/revocations.ts'
import type { Principal } from '../ports/token-verifier.ts'
import { revocationOfLogout } from '../revocable-tokens.ts'
import type { CommandRate } from './command-rate.ts'
import type { ConnectionState } from './connection-state.ts'
import type { Credentials } from './credentials.ts'
import { refuseCoolingDown } from './entrance.ts'
import type { Expiry } from './expiry.ts'
import { isNobody } from './nobody.ts'
import type { Renewal } from './renewal.ts'
import type { Session } from './session.ts'
import type { Suspicions } from './suspicions.ts'
import type { Users } from './users.ts'

export interface AuthenticationParts {
  readonly credentials: Credentials
  readonly renewal: Renewal
  readonly expiry: Expiry
  readonly revocations: Revocations
  readonly users: Users
  readonly rate: CommandRate
  readonly clock: Clock
  readonly suspicions: Suspicions
  readonly connections: () => Iterable<ConnectionState>
  /** Takes the login of a token back, or the token; in force when it resolves. */
  readonly logOut: ((principal: Principal) => Promise<void>) | undefined
  disconnect(session: Session, code: GoodbyeCode): void
  soon(action: () => void): void
  later(delayMs: number, action: () => void): void
}

/** Looking at 20,000 connections takes some milliseconds: however much is taken back, it happens ten times a second. */
const sweepPauseMs = 100

/** Of a token that does not say when it ends. */
const unknownLifeMs = 366 * 86_400_000

export class Authentication {
  readonly #parts: AuthenticationParts
  readonly #unsubscribe: () => void
  /** `idle` → `due` (in this turn) → `resting` → `idle`, or `due again`. */
  #sweeping: 'idle' | 'due' | 'resting' | 'due again' = 'idle'

  constructor(parts: AuthenticationParts) {
    this.#parts = parts
    this.#unsubscribe = parts.revocations.subscribe((revocations) => this.#onRevoked(revocations))
  }

  /** What `/auth` is served by. Its sessions are the engine's own, and more than what modules see of them. */
  get served(): ServedNamespace {
    const own = (session: SessionView) => session as Session
    return serveNamespace(authNamespace, {
      connect: (session) => this.#connected(own(session)),
      commands: {
        authenticate: ({ token }, { session }) => this.#authenticate(own(session), token),
        logout: (_input, { session }) => this.#logOut(own(session)),
      },
    })
  }

  stop(): void {
    this.#unsubscribe()
  }

  /** A client that opens `/auth` with a token says what `authenticate` would. */
  async #connected(session: Session): Promise<void> {
    const { principal, connection } = session
    if (isNobody(principal)) return
    connection.credential = principal
    const isNew = connection.sessions.some((other) => other.principal !== principal)
    if (!isNew) return
    try {
      await this.#renew(connection, principal)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      // There is no answer to say it in: the client comes back, and everything of it with the new token.
      connection.connection.close('closed_by_server')
    }
  }

  async #authenticate(session: Session, token: string) {
    const state = session.connection
    const { credentials, users, rate, clock } = this.#parts
    const principal = await this.#checked(session, () => credentials.verify(token))
    refuseCoolingDown(rate, principal, clock.now())
    users.refuseTooMany(principal, state.sessions)
    await this.#renew(state, principal)
    if (state.isOpen) state.credential = principal
    const { userId, expiresAtMs } = principal
    return {
      userId,
      ...(expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() }),
    }
  }

  async #renew(state: ConnectionState, principal: Principal): Promise<void> {
    await this.#parts.renewal.renew(state, principal)
    this.#parts.expiry.follow(state)
  }

  async #checked(session: Session, verify: () => Principal | Promise<Principal>): Promise<Principal> {
    try {
      return await verify()
    } catch (error) {
      if (error instanceof Refusal)
        this.#parts.suspicions.report({
          reason: `refused: ${error.code}`,
          address: session.connection.connection.remoteAddress,
          namespace: session.namespace.name,
        })
      throw error
    }
  }

  async #logOut({ principal, connection }: Session): Promise<void> {
    await (this.#parts.logOut ?? ((given) => this.#takeBack(given)))(principal)
    connection.forgetCredentials()
    // After the answer. Other connections of the login or token end by what was taken back.
    this.#parts.soon(() => {
      for (const session of connection.sessions)
        if (session.principal.userId === principal.userId) this.#parts.disconnect(session, 'token_revoked')
    })
  }

  async #takeBack(principal: Principal): Promise<void> {
    const { revocations, clock } = this.#parts
    const revocation = revocationOfLogout(principal, clock.now(), unknownLifeMs)
    if (revocation !== undefined) await revocations.revoke(revocation)
  }

  /** Nobody comes in with it from now on; those who are in end within this turn, or a tenth of a second later. */
  #onRevoked(revocations: readonly Revocation[]): void {
    const { users, soon } = this.#parts
    if (revocations.length === 1 && revocations[0]?.kind === 'user') {
      const [{ id }] = revocations
      soon(() => {
        for (const session of [...users.sessionsOf(id as Principal['userId'])]) this.#endIfRevoked(session)
      })
      return
    }
    if (this.#sweeping === 'resting') this.#sweeping = 'due again'
    if (this.#sweeping !== 'idle') return
    this.#sweeping = 'due'
    soon(() => this.#sweep())
  }

  #sweep(): void {
    for (const { sessions } of this.#parts.connections())
      for (const session of sessions) this.#endIfRevoked(session)
    this.#sweeping = 'resting'
    this.#parts.later(sweepPauseMs, () => {
      const isDue = this.#sweeping === 'due again'
      this.#sweeping = 'idle'
      if (isDue) this.#sweep()
    })
  }

  #endIfRevoked(session: Session): void {
    const { principal } = session
    // Of nobody there is nothing to take back.
    if (!isNobody(principal) && this.#parts.revocations.isRevoked(principal))
      this.#parts.disconnect(session, 'token_revoked')
  }
}
