/**
 * The states of a client, and of a namespace on it. Every state that is not what an application hopes for says why.
 *
 *   connection
 *     idle        → connecting                  a namespace is used
 *     connecting  → connected                   a namespace was let in
 *                 → waiting                     no token in time, no server, no answer
 *                 → refused                     the token was refused, and a fresh one too
 *     connected   → waiting                     the line broke, or the server closed it for now
 *     waiting     → connecting                  it is time, or `connect()`
 *     refused     → connecting                  `connect()` and nothing else
 *     any         → idle                        no namespace needs the connection
 *     any         → closed → idle, connecting   `close()`, then `connect()`
 *
 *   namespace
 *     idle        → opening                     first use
 *     opening     → open                        let in
 *                 → waiting                     like the connection, or refused for the moment
 *                 → refused                     refused for good
 *     open        → waiting                     like the connection
 *                 → opening                     its token has expired, and there can be a fresh one
 *                 → ended                       the server ended this session for good
 *     waiting     → opening                     like the connection
 *     refused, ended → opening                  `client.connect()`
 *     any         → idle                        the last user closed it
 *     any         → closed → opening            like the connection
 */
import type { ErrorCode, GoodbyeCode } from '@belfry/contract'

/**
 * Why a token is asked for: `expired` means that the one before was refused, and must not be given again; `expiring` that
 * it ends soon, while the connection goes on.
 */
export type TokenReason = 'first' | 'expired' | 'expiring' | 'reconnect'

/** Besides codes of the server: what only the client sees. */
export type WaitReason =
  | 'token_failed'
  | 'token_timeout'
  | 'unreachable'
  | 'line_lost'
  | ErrorCode
  | GoodbyeCode

export interface Waiting {
  readonly status: 'waiting'
  /** How many have failed in a row. */
  readonly attempt: number
  /** When the next one begins, in milliseconds since 1970. */
  readonly retryAt: number
  readonly reason: WaitReason
  /** For people. */
  readonly message: string
}

export interface Refused {
  readonly status: 'refused'
  readonly code: ErrorCode
  readonly message: string
}

export interface Connecting {
  readonly status: 'connecting'
  /** 1 for the first. */
  readonly attempt: number
  readonly reason: TokenReason
}

export interface Connected {
  readonly status: 'connected'
  /** Once all namespaces have everything that was missed: how many events that were, of all of them. */
  readonly recoveredEvents?: number
}

/**
 * `recovered`: everything that was missed since the last time comes now, or has come; then `recoveredEvents` says how many
 * events that were. It ends where the server finds on the way that some are gone; `sync:reset` says so then.
 */
export interface Open {
  readonly status: 'open'
  readonly recovered: boolean
  readonly recoveredEvents?: number
}

export type ConnectionState =
  | { readonly status: 'idle' }
  | Connecting
  | Connected
  | Waiting
  | Refused
  | { readonly status: 'closed' }

export type NamespaceState =
  | { readonly status: 'idle' }
  | { readonly status: 'opening' }
  | Open
  | Waiting
  | Refused
  | { readonly status: 'ended'; readonly code: GoodbyeCode | 'disconnected'; readonly message: string }
  | { readonly status: 'closed' }

export const idle = { status: 'idle' } as const
export const opening = { status: 'opening' } as const
export const connected = { status: 'connected' } as const
export const closed = { status: 'closed' } as const
