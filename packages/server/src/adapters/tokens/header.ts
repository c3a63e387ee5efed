/** The first segment of a token, read before the signature is checked: it may name an algorithm and a key, no more. */
import { Refusal } from '@belfry/contract'
import { objectIn, ownValue } from './segments.ts'

export interface TokenHeader {
  /** What the token claims to be signed with. Whether it is one of ours, the caller decides. */
  readonly algorithm: string
  readonly keyId: string | undefined
}

export function readHeader(segment: string): TokenHeader {
  const header = objectIn(segment)
  if (header === undefined) {
    throw refused(
      /^bearer\s/i.test(segment)
        ? 'Send the token alone, without "Bearer" in front of it.'
        : 'The first part of the token is no header: a JSON object in base64url.',
    )
  }
  // What is critical must be understood, and we know no extension (RFC 7515, 4.1.11).
  if (ownValue(header, 'crit') !== undefined) {
    throw refused('The token asks for an extension (header crit) that this server does not know.')
  }
  const type = ownValue(header, 'typ')
  if (type !== undefined && !(typeof type === 'string' && types.test(type))) {
    throw refused('The token is made for another use: its type (header typ) must be JWT or at+jwt.')
  }
  const algorithm = ownValue(header, 'alg')
  if (typeof algorithm !== 'string') throw refused('The token names no algorithm (header alg).')
  const keyId = ownValue(header, 'kid')
  return { algorithm, keyId: typeof keyId === 'string' ? keyId : undefined }
}

/** An identity provider signs other things with the same key, such as `logout+jwt`: none signs anybody in. */
const types = /^(?:application\/)?(?:at\+)?jwt$/i

function refused(detail: string): Refusal {
  return new Refusal('token_invalid', detail)
}
