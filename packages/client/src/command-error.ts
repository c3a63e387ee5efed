import type { AnswerError, ErrorCode, FieldError } from '@belfry/contract'

/**
 * Why a command got no answer, or a refusal for one. Codes and sentences are those of the server. Three codes may also
 * come from the client itself: `timeout`, `disconnected` and `too_many_requests`.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: ErrorCode
  /** Whether the same command may succeed later without anybody changing it. */
  readonly retry: boolean
  /** What is wrong with the input, a field each. */
  readonly fields: readonly FieldError[]

  constructor({ code, message, retry, fields = [] }: AnswerError) {
    super(message)
    this.code = code
    this.retry = retry
    this.fields = fields
  }
}
