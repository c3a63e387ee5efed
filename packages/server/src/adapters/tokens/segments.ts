/** The compact form of a token: three segments of base64url with dots between (RFC 7515, RFC 7519). */
import { isUtf8 } from 'node:buffer'
import { Refusal } from '@belfry/contract'

/**
 * Characters of a token, which are bytes. Room for 200 ids beside the rest; in a header of HTTP more would
 * hardly arrive. A longer one is refused before anything looks into it.
 */
export const tokenLengthMax = 8_192

export interface Segments {
  readonly header: string
  readonly payload: string
  readonly signature: string
  /** Header and payload as they were signed. */
  readonly signed: string
}

export function splitToken(token: unknown): Segments {
  if (token === undefined || token === null || token === '') throw new Refusal('token_missing')
  if (typeof token !== 'string') throw new Refusal('token_invalid', 'The token must be text.')
  if (token.length > tokenLengthMax) {
    throw new Refusal('token_invalid', `The token is longer than ${tokenLengthMax} characters.`)
  }
  const headerEnd = token.indexOf('.')
  const payloadEnd = token.indexOf('.', headerEnd + 1)
  const isWhole =
    headerEnd > 0 &&
    payloadEnd > headerEnd + 1 &&
    payloadEnd < token.length - 1 &&
    token.indexOf('.', payloadEnd + 1) === -1
  if (!isWhole) {
    throw new Refusal(
      'token_invalid',
      'A signed token (JWT) has three parts with dots between; this has not.',
    )
  }
  return {
    header: token.slice(0, headerEnd),
    payload: token.slice(headerEnd + 1, payloadEnd),
    signature: token.slice(payloadEnd + 1),
    signed: token.slice(0, payloadEnd),
  }
}

/** Whether it is spelt as RFC 7515 wants it: no padding, no blanks, no bits left over. */
export function isBase64url(segment: string): boolean {
  return decode(segment) !== undefined
}

/** The JSON object in a segment; `undefined` if it holds anything else. Read it with `ownValue`. */
export function objectIn(segment: string): object | undefined {
  const bytes = decode(segment)
  if (bytes === undefined || !isUtf8(bytes)) return undefined
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** What the text itself says: never what objects inherit. */
export function ownValue(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
}

/** Node takes whatever it can read; only one spelling of the bytes comes out again as it went in. */
function decode(segment: string): Buffer | undefined {
  const bytes = Buffer.from(segment, 'base64url')
  return bytes.toString('base64url') === segment ? bytes : undefined
}
