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

/** A server without room says so in the body of its answer, where the transport lets it be read. */
export function reasonOf(error: Error & { context?: { responseText?: unknown } }): WaitReason {
  try {
    return JSON.parse(String(error.context?.responseText)).error ?? 'unreachable'
  } catch {
    return 'unreachable'
  }
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
