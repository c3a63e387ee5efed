/**
 * Operators sign in by a link that works once; what they get is a session that ends by itself.
 *
 * A link: made -> used (a session exists) | expired. A session: open -> signed out | expired.
 */
import { createHash } from 'node:crypto'
import { Refusal } from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Identity } from '../../engine/route.ts'
import { deleteExpired, deleteSession, exchangeLink, findSession, insertLink } from './store.ts'

export interface AccessOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  /** Cryptographically secure, such as Node's. */
  randomBytes(count: number): Buffer
}

export interface NewSignInLink {
  readonly name: string
  readonly roles: readonly string[]
  /** 30 minutes if absent. */
  readonly validForMs?: number
}

export interface OpenSession extends Identity {
  readonly expiresAt: Date
}

export interface AccessService {
  /** The token is shown once, as part of a link, and stored nowhere. */
  createSignInLink(link: NewSignInLink): Promise<string>
  /** Uses the link up. Refuses with `sign_in_link_invalid` when it is not, or no longer, good. */
  signIn(linkToken: string): Promise<{ readonly token: string; readonly session: OpenSession }>
  /** Who holds this session token; `undefined` when it is not, or no longer, good. */
  identify(sessionToken: string): Promise<OpenSession | undefined>
  /** The token is worthless at once, wherever it is held. */
  signOut(sessionToken: string): Promise<void>
  removeExpired(): Promise<void>
}

/** Long enough to copy a link to another machine, short enough to be forgotten in a terminal. */
export const linkValidForMs = 30 * 60 * 1000

/**
 * A working day, counted from signing in, not from the last request: the end is known, and a stolen cookie
 * cannot be kept alive.
 */
export const sessionValidForMs = 12 * 60 * 60 * 1000

export function createAccessService(options: AccessOptions): AccessService {
  const { database, clock, logger } = options
  const now = () => new Date(clock.now())
  const newToken = () => options.randomBytes(tokenBytes).toString('base64url')

  return {
    async createSignInLink({ name, roles, validForMs = linkValidForMs }) {
      const token = newToken()
      const createdAt = now()
      const expiresAt = later(createdAt, validForMs)
      await insertLink(database, { tokenHash: hashOf(token), name, roles, createdAt, expiresAt })
      return token
    },

    async signIn(linkToken) {
      const token = newToken()
      const createdAt = now()
      const expiresAt = later(createdAt, sessionValidForMs)
      const session = isToken(linkToken)
        ? await exchangeLink(database, hashOf(linkToken), { tokenHash: hashOf(token), createdAt, expiresAt })
        : undefined
      if (session === undefined) throw new Refusal('sign_in_link_invalid')
      logger.info({ name: session.name, roles: session.roles }, 'signed in')
      return { token, session }
    },

    async identify(sessionToken) {
      // Asked at every request and never remembered: a session that was ended must be dead at once.
      return isToken(sessionToken) ? findSession(database, hashOf(sessionToken), now()) : undefined
    },

    async signOut(sessionToken) {
      if (isToken(sessionToken)) await deleteSession(database, hashOf(sessionToken))
    },

    removeExpired: () => deleteExpired(database, now()),
  }
}

/** 256 bits: nobody guesses one, so a plain SHA-256 without salt is enough to store it by. */
const tokenBytes = 32

/** 32 bytes as base64url. Anything else is told apart without asking the database. */
const tokenShape = /^[\w-]{43}$/

function isToken(text: string): boolean {
  return tokenShape.test(text)
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function later(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms)
}
