/**
 * The error catalogue: every refusal a caller can get, once. A test compares it with docs/errors.md.
 *
 * A refusal answers a request and changes nothing. `retry` says whether the same request may succeed later
 * without anybody changing it.
 */
export interface ErrorRow {
  /** HTTP status of the refusal. */
  readonly status: number
  readonly retry: boolean
  /** The sentence a person reads. A refusal may carry a more exact one. */
  readonly sentence: string
}

export const errorCatalogue = {
  bad_request: { status: 400, retry: false, sentence: 'The request could not be understood.' },
  validation_failed: { status: 400, retry: false, sentence: 'Some fields are missing or wrong.' },
  unauthenticated: { status: 401, retry: false, sentence: 'Sign in first.' },
  sign_in_link_invalid: {
    status: 401,
    retry: false,
    sentence:
      'This sign-in link was used already, has expired or is not ours. Run "belfry link" for a new one.',
  },
  token_missing: { status: 401, retry: false, sentence: 'Send a token that says who you are.' },
  token_invalid: { status: 401, retry: false, sentence: 'This token is not accepted here.' },
  token_expired: { status: 401, retry: false, sentence: 'The token has expired. Get a new one.' },
  token_revoked: { status: 401, retry: false, sentence: 'The token was revoked. Sign in again.' },
  login_refused: { status: 401, retry: false, sentence: 'User or password is not right.' },
  login_ended: { status: 401, retry: false, sentence: 'This login has ended. Sign in again.' },
  forbidden: { status: 403, retry: false, sentence: 'You may not do this.' },
  origin_refused: { status: 403, retry: false, sentence: 'Requests from this origin are not accepted.' },
  not_publishable: {
    status: 403,
    retry: false,
    sentence: 'This event is published by the server alone.',
  },
  cooling_down: {
    status: 403,
    retry: true,
    sentence: 'You sent far too many commands and have to stay away for a while.',
  },
  not_found: { status: 404, retry: false, sentence: 'There is nothing here.' },
  unknown_namespace: { status: 404, retry: false, sentence: 'There is no namespace of this name.' },
  unknown_command: { status: 404, retry: false, sentence: 'There is no command of this name here.' },
  unknown_event: { status: 404, retry: false, sentence: 'There is no event of this name here.' },
  unknown_room: { status: 404, retry: false, sentence: 'There are no rooms of this kind.' },
  timeout: { status: 408, retry: true, sentence: 'The client did not answer in time.' },
  disconnected: { status: 410, retry: false, sentence: 'The client is not connected any more.' },
  key_reused: { status: 409, retry: false, sentence: 'This key came before, with something else.' },
  payload_too_large: { status: 413, retry: false, sentence: 'The request body is too large.' },
  unsupported_media_type: { status: 415, retry: false, sentence: 'Send the body as application/json.' },
  too_many_requests: { status: 429, retry: true, sentence: 'Too many requests. Wait before you try again.' },
  too_many_connections: {
    status: 429,
    retry: true,
    sentence: 'Too many connections are open already. Close one first.',
  },
  too_many_rooms: { status: 429, retry: false, sentence: 'This session is in too many rooms.' },
  internal: {
    status: 500,
    retry: true,
    sentence: 'Something went wrong on our side. It was logged under this request id.',
  },
  database_unavailable: {
    status: 503,
    retry: true,
    sentence: 'The database cannot be reached at the moment.',
  },
  keys_unavailable: {
    status: 503,
    retry: true,
    sentence: 'The key that checks this token cannot be fetched at the moment.',
  },
  server_full: {
    status: 503,
    retry: true,
    sentence: 'This server has as many connections as it may have. Try again later.',
  },
  overloaded: {
    status: 503,
    retry: true,
    sentence: 'This server has more to do than it can at the moment. Try again in a few seconds.',
  },
  shutting_down: { status: 503, retry: true, sentence: 'This server is stopping. Try again in a moment.' },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorCatalogue

/** One wrong field: where it is (`body.title`) and what is wrong with it. */
export interface FieldError {
  readonly path: string
  readonly message: string
}

/** The body of every HTTP refusal (RFC 9457, application/problem+json). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly retry: boolean
  readonly requestId?: string
  readonly fields?: readonly FieldError[]
}

/** Thrown anywhere on the server to refuse a request; the edge turns it into a `Problem`. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: ErrorCode
  readonly fields: readonly FieldError[] | undefined

  constructor(
    code: ErrorCode,
    detail?: string,
    options?: { fields?: readonly FieldError[]; cause?: unknown },
  ) {
    super(
      detail ?? errorCatalogue[code].sentence,
      options?.cause === undefined ? undefined : { cause: options.cause },
    )
    this.code = code
    this.fields = options?.fields
  }
}
