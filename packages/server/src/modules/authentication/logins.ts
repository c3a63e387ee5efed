/**
 * Logins: what a user begins with a password and keeps alive with refresh tokens, each of which is good for one turn.
 *
 *   login: open → logged out | expired | revoked | ended as stolen
 *
 * A refresh token is a secret of the login and the current turn. One of an earlier turn is in two hands: its login ends.
 * Only the turn just before, and only for a few seconds, is taken again, and gets the same answer: an answer may be lost
 * on its way, and two tabs may ask at once. What comes next is derived from the turn that was shown and a random number
 * kept here, so that neither of the two alone is enough.
 */
import { createHash, createHmac } from 'node:crypto'
import { type LoginReply, type LoginRequest, Refusal } from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database, Transaction } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Revocations } from '../../engine/ports/revocations.ts'
import type { Attempts } from './attempts.ts'
import type { Passwords } from './passwords.ts'
import type { Revoking } from './revoking.ts'
import {
  deleteLogin,
  findLogin,
  findOldestLogins,
  findUser,
  type Grants,
  insertLogin,
  type LoginRow,
  replaceHash,
  turnLogin,
  type UserRow,
} from './store.ts'

export interface LoginsOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly passwords: Passwords
  readonly attempts: Attempts
  readonly revocations: Revocations
  readonly revoking: Revoking
  /** From logging in, however often it is refreshed. */
  readonly loginLifeMs: number
  issue(
    user: { readonly id: string } & Grants,
    login: { readonly loginId: string; readonly tokenId: string },
  ): IssuedToken
  randomBytes(count: number): Buffer
}

export interface IssuedToken {
  readonly token: string
  readonly expiresAtMs: number
}

export interface Logins {
  /** Refuses with `login_refused`, whatever was wrong, or with `too_many_requests`. */
  logIn(request: LoginRequest, address: string): Promise<LoginReply>
  /** Refuses with `login_ended`. */
  refresh(refreshToken: string): Promise<LoginReply>
  /** Whose refresh token this is, is logged out; nothing happens where it is nobody's. */
  logOut(refreshToken: string): Promise<void>
}

/** Devices and browsers of one user; of more, the login that began first ends. */
export const loginsPerUserMax = 100

/** An answer that was lost on its way is asked for again within that time. */
export const repeatMs = 10_000

export function createLogins(options: LoginsOptions): Logins {
  const { database, clock, logger, passwords, attempts, revocations, revoking, randomBytes } = options
  const newPart = () => randomBytes(partBytes).toString('base64url')

  const replyOf = (
    user: UserRow,
    login: { id: string; expiresAt: Date },
    refreshToken: string,
  ): LoginReply => {
    const tokenId = randomBytes(16).toString('base64url')
    const { token, expiresAtMs } = options.issue(user, { loginId: login.id, tokenId })
    return {
      accessToken: token,
      expiresAt: new Date(expiresAtMs).toISOString(),
      refreshToken,
      loginExpiresAt: login.expiresAt.toISOString(),
      user: { id: user.id, name: user.name },
    }
  }

  /** Of a refresh token that was shown: the one that follows, or nothing where it is not good. */
  const turn = async (
    transaction: Transaction,
    login: LoginRow,
    { turn: shown }: Parts,
  ): Promise<string | undefined> => {
    const shownHash = hashOf(shown)
    const now = new Date(clock.now())
    if (shownHash.equals(login.turnHash)) {
      const nonce = randomBytes(partBytes)
      const next = nextTurn(shown, nonce)
      await turnLogin(transaction, login.id, { previousHash: shownHash, nonce, hash: hashOf(next), at: now })
      return next
    }
    const isRepeated =
      login.previousTurnHash?.equals(shownHash) === true &&
      now.getTime() - login.turnedAt.getTime() < repeatMs
    return isRepeated && login.turnNonce !== null ? nextTurn(shown, login.turnNonce) : undefined
  }

  return {
    async logIn({ user: id, password }, address) {
      const succeeded = attempts.begin(id, address)
      const user = await findUser(database, storable(id))
      const outcome = await passwords.compare(password, user?.passwordHash)
      if (user === undefined || outcome === 'wrong') {
        // Not what was given as a user: people type passwords there.
        logger.info({ userId: user?.id, address }, 'a login was refused')
        throw new Refusal('login_refused')
      }
      succeeded()
      const hashes = [user.passwordHash]
      if (outcome === 'outdated') {
        const to = await passwords.hash(password)
        await replaceHash(database, user.id, { from: user.passwordHash, to })
        hashes.push(to)
      }
      const [secret, first] = [newPart(), newPart()]
      const createdAt = new Date(clock.now())
      const login = {
        id: randomBytes(16).toString('base64url'),
        userId: user.id,
        secretHash: hashOf(secret),
        turnHash: hashOf(first),
        createdAt,
        expiresAt: new Date(createdAt.getTime() + options.loginLifeMs),
      }
      await database.transaction(async (transaction) => {
        // The password may have been changed while this one was looked at.
        if (!(await insertLogin(transaction, login, hashes))) throw new Refusal('login_refused')
        for (const oldest of await findOldestLogins(transaction, user.id, loginsPerUserMax))
          await revoking.endLogin(transaction, oldest)
      })
      logger.info({ userId: user.id, loginId: login.id, address }, 'logged in')
      return replyOf(user, login, `${secret}.${first}`)
    },

    async refresh(refreshToken) {
      const parts = partsOf(refreshToken)
      if (parts === undefined) throw new Refusal('login_ended')
      const reply = await database.transaction(async (transaction) => {
        const login = await findLogin(transaction, hashOf(parts.secret))
        if (login === undefined || login.expiresAt.getTime() <= clock.now()) return undefined
        const { id, userId } = login
        const issuedAtMs = login.createdAt.getTime()
        const credential = { userId: userId as never, loginId: id, tokenId: undefined, issuedAtMs }
        const user = await findUser(transaction, userId)
        if (user === undefined || revocations.isRevoked(credential)) {
          await deleteLogin(transaction, id)
          return undefined
        }
        const next = await turn(transaction, login, parts)
        if (next !== undefined) return replyOf(user, login, `${parts.secret}.${next}`)
        logger.warn({ userId, loginId: id }, 'an old refresh token was used again; its login was ended')
        await revoking.endLogin(transaction, id)
        return undefined
      })
      // Not within: what was ended is to stay so.
      if (reply === undefined) throw new Refusal('login_ended')
      return reply
    },

    async logOut(refreshToken) {
      const parts = partsOf(refreshToken)
      if (parts === undefined) return
      await database.transaction(async (transaction) => {
        const login = await findLogin(transaction, hashOf(parts.secret))
        if (login === undefined) return
        await revoking.endLogin(transaction, login.id)
        logger.info({ userId: login.userId, loginId: login.id }, 'logged out')
      })
    },
  }
}

/** 192 bits: nobody guesses one, so a plain SHA-256 without salt is enough to store it by. */
const partBytes = 24

interface Parts {
  readonly secret: string
  readonly turn: string
}

function partsOf(refreshToken: string): Parts | undefined {
  const [, secret, turn] = /^([\w-]{32})\.([\w-]{32})$/.exec(refreshToken) ?? []
  return secret === undefined || turn === undefined ? undefined : { secret, turn }
}

function nextTurn(shown: string, nonce: Buffer): string {
  return createHmac('sha256', shown).update(nonce).digest().subarray(0, partBytes).toString('base64url')
}

function hashOf(part: string): Buffer {
  return createHash('sha256').update(part).digest()
}

/** PostgreSQL stores no NUL: a name with one is nobody's, and takes as long as any other. */
function storable(id: string): string {
  return id.replaceAll('\u0000', '\ufffd')
}
