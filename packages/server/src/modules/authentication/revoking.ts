/** Taking tokens back: what an operator asks for, and what whoever logs out does. Logins of ours end with them. */
import { Refusal, type RevocationRequest } from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database, Transaction } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Revocation, Revocations } from '../../engine/ports/revocations.ts'
import type { Principal } from '../../engine/ports/token-verifier.ts'
import { revocationMarginMs, revocationOfLogout } from '../../engine/revocable-tokens.ts'
import { deleteLogin, deleteLoginsBefore } from './store.ts'

export interface RevokingOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly revocations: Revocations
  /** For how long it is remembered where nobody knows when the tokens expire. */
  readonly keptMs: number
  /** Life of the tokens that we issue. */
  readonly tokenLifeMs: number
}

export interface Revoking {
  /** `by`: who wants it, for the log. */
  revoke(request: RevocationRequest, by: string): Promise<Revocation>
  /** The login of this token, or the token where it has none. */
  logOut(principal: Principal): Promise<void>
  /** In a transaction: a login of ours, and what it got. False where there is no such login any more. */
  endLogin(transaction: Transaction, loginId: string): Promise<boolean>
  /** In a transaction: everything that a user got until now. */
  endUser(transaction: Transaction, userId: string): Promise<void>
}

export function createRevoking(options: RevokingOptions): Revoking {
  const { database, clock, logger, revocations, keptMs, tokenLifeMs } = options

  const endLogin = async (transaction: Transaction, id: string): Promise<boolean> => {
    if (!(await deleteLogin(transaction, id))) return false
    const keptUntilMs = clock.now() + tokenLifeMs + revocationMarginMs
    await revocations.revoke({ kind: 'login', id, keptUntilMs }, transaction)
    return true
  }
  const perform = (revocation: Revocation): Promise<void> =>
    database.transaction(async (transaction) => {
      if (revocation.kind === 'login') await deleteLogin(transaction, revocation.id)
      if (revocation.kind === 'user')
        await deleteLoginsBefore(transaction, revocation.id, new Date(revocation.issuedBeforeMs))
      if (revocation.kind === 'everyone')
        await deleteLoginsBefore(transaction, undefined, new Date(revocation.issuedBeforeMs))
      await revocations.revoke(revocation, transaction)
    })

  return {
    async revoke(request, by) {
      const revocation = revocationOf(request, clock.now(), clock.now() + keptMs)
      await perform(revocation)
      logger.info({ ...revocation, by }, 'revoked')
      return revocation
    },
    async logOut(principal) {
      const { userId, loginId } = principal
      const isOurs =
        loginId !== undefined && (await database.transaction((transaction) => endLogin(transaction, loginId)))
      if (!isOurs) {
        const revocation = revocationOfLogout(principal, clock.now(), keptMs)
        if (revocation !== undefined) await revocations.revoke(revocation)
      }
      logger.info({ userId, loginId }, 'logged out')
    },
    endLogin,
    async endUser(transaction, userId) {
      // What was issued in this very millisecond is not to outlast it.
      const issuedBeforeMs = clock.now() + 1
      await deleteLoginsBefore(transaction, userId, new Date(issuedBeforeMs))
      const keptUntilMs = clock.now() + keptMs
      await revocations.revoke({ kind: 'user', id: userId, issuedBeforeMs, keptUntilMs }, transaction)
    },
  }
}

function revocationOf(request: RevocationRequest, nowMs: number, keptUntilMs: number): Revocation {
  const { userId, loginId, tokenId, issuedBefore } = request
  if (loginId !== undefined) return { kind: 'login', id: loginId, keptUntilMs }
  if (tokenId !== undefined) return { kind: 'token', id: tokenId, keptUntilMs }
  const issuedBeforeMs = issuedBefore === undefined ? nowMs : Date.parse(issuedBefore)
  // Nobody could sign in until then, and no later revocation takes it back.
  if (issuedBeforeMs > nowMs)
    throw new Refusal('validation_failed', undefined, {
      fields: [{ path: 'issuedBefore', message: 'It lies in the future.' }],
    })
  if (userId !== undefined) return { kind: 'user', id: userId, issuedBeforeMs, keptUntilMs }
  return { kind: 'everyone', issuedBeforeMs, keptUntilMs }
}
