/** Refusals on the wire: every error answer is a `Problem` (RFC 9457) with a row of the catalogue behind it. */
import { type ErrorCode, errorCatalogue, type FieldError, type Problem, Refusal } from '@belfry/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'

export const problemMediaType = 'application/problem+json; charset=utf-8'

export function problemOf(refusal: Refusal, requestId?: string): Problem {
  const row = errorCatalogue[refusal.code]
  return {
    type: problemType(refusal.code),
    title: row.sentence,
    status: row.status,
    code: refusal.code,
    detail: refusal.message,
    retry: row.retry,
    ...(requestId === undefined ? {} : { requestId }),
    ...(refusal.fields === undefined ? {} : { fields: refusal.fields }),
  }
}

/** Relative to the server's own address, where the console shows the catalogue. */
export function problemType(code: ErrorCode): string {
  return `/docs/errors#${code}`
}

/** A buffer, because a string would pass through the serializer of the route. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const problem = problemOf(refusal, request.id)
  return reply
    .code(problem.status)
    .header('content-type', problemMediaType)
    .header('cache-control', 'no-store')
    .send(Buffer.from(JSON.stringify(problem)))
}

/** Whatever was thrown while a request was served, as a refusal. What nobody planned for is `internal`. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (hasZodFastifySchemaValidationErrors(error)) return validationRefusal(error)
  const { code, statusCode } = frameworkError(error)
  const known = code === undefined ? undefined : frameworkRefusals[code]
  if (known !== undefined) return new Refusal(known.code, known.detail)
  if (fromFramework(code) && statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Refusal('bad_request', undefined, { cause: error })
  }
  return new Refusal('internal', undefined, { cause: error })
}

const frameworkRefusals: Readonly<Record<string, { code: ErrorCode; detail?: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload_too_large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported_media_type' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'bad_request',
    detail: 'The body is not as long as its Content-Length says.',
  },
  FST_ERR_BAD_URL: { code: 'bad_request', detail: 'The path is not a valid URL path.' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'not_found' },
  FST_STATIC_FORBIDDEN_PATH: { code: 'not_found' },
}

/** Fastify's own errors, and `ECONNRESET` with a status, which is a body that broke off. */
function fromFramework(code: string | undefined): boolean {
  return code !== undefined && (code.startsWith('FST_') || code === 'ECONNRESET')
}

function frameworkError(error: unknown): { code: string | undefined; statusCode: number | undefined } {
  if (typeof error !== 'object' || error === null) return { code: undefined, statusCode: undefined }
  return {
    code: 'code' in error && typeof error.code === 'string' ? error.code : undefined,
    statusCode: 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined,
  }
}

/** Fields named at most: enough to mend a form, and an answer that stays smaller than the request. */
const fieldsMax = 50

function validationRefusal(error: {
  validation: readonly { instancePath: string; message?: string }[]
  validationContext?: string | undefined
}): Refusal {
  const part = error.validationContext === 'querystring' ? 'query' : (error.validationContext ?? 'body')
  const fields = error.validation.slice(0, fieldsMax).map((issue): FieldError => {
    const steps = issue.instancePath.split('/').filter((step) => step !== '')
    return { path: [part, ...steps].join('.'), message: issue.message ?? 'Wrong.' }
  })
  return new Refusal('validation_failed', undefined, { fields })
}
