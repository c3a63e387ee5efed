/** Session cookies of the program that hosts Belfry: it says who they belong to, and what it says is read as strictly as a token. */
import { Refusal } from '@belfry/contract'
import { principalOf } from '../adapters/tokens/claims.ts'
import type { TokenClaims } from '../adapters/tokens/issue-token.ts'
import type { Clock } from '../engine/ports/clock.ts'
import type { Handshake } from '../engine/ports/transport.ts'
import type { AskHandshake } from '../engine/realtime/credentials.ts'

/** The first request of a client that brings no token. A page of yours sent it. */
export interface HandshakeRequest {
  /** By their names, decoded. */
  readonly cookies: Readonly<Record<string, string>>
  /** In small letters. */
  readonly headers: Handshake['headers']
  /** Absent: a page of the same server, in a browser that leaves it out. */
  readonly origin: string | undefined
}

export interface HandshakeClaims extends TokenClaims {
  /** When the session ends, in seconds since 1970, as tokens have it. */
  readonly exp?: number | undefined
}

/** `undefined`: the cookies belong to nobody, and a token is needed. */
export type AuthenticateHandshake = (
  request: HandshakeRequest,
) => HandshakeClaims | undefined | Promise<HandshakeClaims | undefined>

export function askHandshakeOf(authenticate: AuthenticateHandshake, clock: Clock): AskHandshake {
  return async ({ headers }) => {
    const { origin, cookie } = headers
    const claims = await authenticate({
      cookies: readCookies(typeof cookie === 'string' ? cookie : ''),
      headers,
      origin: typeof origin === 'string' ? origin : undefined,
    })
    if (claims === undefined) return undefined
    try {
      const nowMs = clock.now()
      // What is good at this moment was not taken back before it.
      return { ...principalOf(claims, { clockToleranceMs: 0 }, nowMs), issuedAtMs: nowMs }
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'token_invalid') throw error
      // Not the client's mistake.
      throw new TypeError(`What "authenticate" answered is no principal. ${error.message}`, { cause: error })
    }
  }
}

/** Of two with one name the first counts, as everywhere (RFC 6265: the one of the longer path). */
function readCookies(header: string): Readonly<Record<string, string>> {
  const cookies: Record<string, string> = Object.create(null)
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals).trim()
    if (equals < 1 || name === '' || name in cookies) continue
    cookies[name] = decoded(
      pair
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    )
  }
  return cookies
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
