/**
 * Requests to the server this page came from. An answer is trusted to have the contract's shape (same origin, same
 * version); a refusal becomes a `Failure` that a person can read, whatever went wrong on the way.
 */
import type { ErrorCode, FieldError, Problem } from '@belfry/contract'

/** `unreachable`: no answer came. `unreadable`: an answer came that is not ours, such as a proxy's error page. */
export type FailureCode = ErrorCode | 'unreachable' | 'unreadable'

export interface Failure {
  readonly code: FailureCode
  readonly sentence: string
  /** Whether the same request may succeed later without anybody changing it. */
  readonly retry: boolean
  readonly status?: number
  readonly requestId?: string
  /** How long the server asks to wait. */
  readonly retryAfterSeconds?: number
  readonly fields?: readonly FieldError[]
}

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.sentence)
    this.failure = failure
  }
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** Longer than any answer of ours takes; a request must not hang for ever behind a dead connection. */
const timeoutMs = 15_000

/** Resolves with the parsed body, or `undefined` for an answer without one. Throws `ApiError`, or the abort reason. */
export async function request<Answer>(path: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', body, signal } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  let response: Response
  let text: string
  try {
    response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: 'no-store',
      credentials: 'same-origin',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    text = await response.text()
  } catch {
    signal?.throwIfAborted()
    throw new ApiError({
      code: 'unreachable',
      sentence: timeout.aborted
        ? `The server did not answer within ${timeoutMs / 1000} seconds.`
        : 'The server cannot be reached.',
      retry: true,
    })
  }
  if (!response.ok) throw new ApiError(failureOf(response, text))
  if (text === '') return undefined as Answer
  const parsed = parseJson(text)
  if (parsed === undefined) throw new ApiError(unreadable(response))
  return parsed as Answer
}

/** What a person is told about anything that was thrown. */
export function failureFrom(thrown: unknown): Failure {
  if (thrown instanceof ApiError) return thrown.failure
  return { code: 'unreadable', sentence: 'The console met something it does not understand.', retry: false }
}

function failureOf(response: Response, text: string): Failure {
  const problem = parseJson(text)
  if (!isProblem(problem)) return unreadable(response)
  const retryAfterSeconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return {
    code: problem.code,
    sentence: problem.detail,
    retry: problem.retry,
    status: problem.status,
    ...(problem.requestId === undefined ? {} : { requestId: problem.requestId }),
    ...(problem.fields === undefined ? {} : { fields: problem.fields }),
    ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
  }
}

function unreadable(response: Response): Failure {
  const requestId = response.headers.get('x-request-id')
  return {
    code: 'unreadable',
    sentence: `The answer (HTTP ${response.status}) did not come from Belfry.`,
    retry: response.status >= 500,
    status: response.status,
    ...(requestId === null ? {} : { requestId }),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false
  return (
    'code' in value && typeof value.code === 'string' && 'detail' in value && typeof value.detail === 'string'
  )
}
