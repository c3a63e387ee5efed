/**
 * What is shown of a connection: fewer states than it has, and none of them for longer than it is of use.
 *
 *   nothing → online, connecting, offline, refused, signed out
 *   online ⇄ offline      while attempts are made it stays offline, and says that it tries
 */
import type { Connection } from './connection.ts'

export interface StatusView {
  readonly kind: 'nothing' | 'online' | 'connecting' | 'offline' | 'refused' | 'signed-out'
  readonly why?: { readonly code: string; readonly message: string }
  /** In milliseconds since 1970; absent while it tries. */
  readonly retryAt?: number
  /** It was not well before: those who listen are told that it is again. */
  readonly hasRecovered?: boolean
  /** Then, once everything that was missed has come: how many events that were. */
  readonly recoveredEvents?: number
}

export const nothing: StatusView = { kind: 'nothing' }

export function nextView(before: StatusView, connection: Connection): StatusView {
  switch (connection.status) {
    case 'connected': {
      const hasRecovered = before.hasRecovered === true || isTrouble(before)
      const { recoveredEvents } = connection
      return hasRecovered && recoveredEvents !== undefined
        ? { kind: 'online', hasRecovered, recoveredEvents }
        : { kind: 'online', hasRecovered }
    }
    case 'waiting': {
      const { reason: code, message, retryAt } = connection
      return { kind: 'offline', why: { code, message }, retryAt }
    }
    case 'connecting': {
      if (before.kind === 'online' || before.kind === 'offline')
        return before.why === undefined ? { kind: 'offline' } : { kind: 'offline', why: before.why }
      return { kind: 'connecting' }
    }
    case 'refused':
      return { kind: 'refused', why: { code: connection.code, message: connection.message } }
    case 'closed':
    case 'signed-out':
      return { kind: 'signed-out' }
    case 'idle':
      return nothing
  }
}

/** It may be over before anybody has read it. */
export function mayPass({ kind }: StatusView): boolean {
  return kind === 'connecting' || kind === 'offline'
}

function isTrouble({ kind }: StatusView): boolean {
  return kind === 'offline' || kind === 'refused'
}
