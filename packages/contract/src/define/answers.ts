/** How every command is answered (B-16): it was done, or it was refused, changed nothing, and says why. */
import type { ErrorCode, FieldError } from '../errors.ts'

export type Answer<Data = undefined> =
  | ([Data] extends [undefined] ? { readonly ok: true } : { readonly ok: true; readonly data: Data })
  | { readonly ok: false; readonly error: AnswerError }

export interface AnswerError {
  readonly code: ErrorCode
  readonly message: string
  /** Whether the same command may succeed later without anybody changing it. */
  readonly retry: boolean
  readonly fields?: readonly FieldError[]
}

/** What a client may add to the input of a command, under `_meta`. */
export interface CommandMeta {
  /** Idempotency key: a command that comes again with the same key runs once, and gets the same answer (R19). */
  readonly key?: string
}
