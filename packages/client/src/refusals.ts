/** Why somebody is not let in, and whether there is a point in trying again. */
import type { ErrorCode } from '@belfry/contract'
import type { WaitReason } from './states.ts'

/** What a server says when it does not let a namespace in; one of another make may say less. */
export interface EntryRefusal extends Error {
  readonly data?: { readonly code?: ErrorCode; readonly retry?: boolean }
}

/** Of refusals that pass by themselves, for servers that do not say so in the refusal. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cooling_down',
  'too_many_connections',
  'too_many_requests',
  'server_full',
  'overloaded',
  'shutting_down',
  'database_unavailable',
  'internal',
])

export function passes({ code, retry }: { readonly code: ErrorCode; readonly retry?: boolean }): boolean {
  return retry ?? passing.has(code)
}

/** Whether a fresh token may mend it. */
export function isRenewable(code: ErrorCode): boolean {
  return code === 'token_expired' || code === 'token_invalid'
}

/** Of a transport that did not get in. Only polling shows the answer to it. */
export interface TransportFailure extends Error {
  readonly context?: {
    readonly status?: number
    readonly responseText?: unknown
    getResponseHeader?(name: string): string | null
  }
}

/** A server without room says so in the body of its answer, where the transport lets it be read. */
export function reasonOf({ context }: TransportFailure): WaitReason {
  try {
    return JSON.parse(String(context?.responseText)).error ?? 'unreachable'
  } catch {
    return 'unreachable'
  }
}

/** What such an answer says of when to come again. Only of these: a browser complains where a header is not for us. */
export function retryAfterOf({ context }: TransportFailure): string | undefined {
  const isPassing = context?.status === 503 || context?.status === 429
  return (isPassing && context.getResponseHeader?.('retry-after')) || undefined
}

/** In milliseconds from now. It is told in seconds, or as a date; 0 where it is neither. */
export function retryAfterMs(text: string | undefined, nowMs: number): number {
  const seconds = Number(text ?? 0)
  const waitMs = Number.isNaN(seconds) ? Date.parse(text ?? '') - nowMs : seconds * 1_000
  return Math.max(0, waitMs || 0)
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
