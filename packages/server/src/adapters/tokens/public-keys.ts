/** Keys of an identity provider: which algorithms each may check, and whether one of them signed a token. */
import { createPublicKey, type KeyObject } from 'node:crypto'

export interface PublicKey {
  readonly key: KeyObject
  /** The key says which there are, never the token. */
  readonly algorithms: readonly string[]
}

/** Reads one or several keys in PEM. A mistake never quotes the text: it may be a private key. */
export function parsePublicKeys(
  given: string,
): { readonly keys: readonly PublicKey[] } | { readonly mistake: string } {
  // Files of environment variables often hold one line each, and write the others as \n.
  const pem = given.replaceAll('\\n', '\n')
  const blocks = [...pem.matchAll(block)].map(([text, label = '']) => ({ text, label }))
  if (blocks.some(({ label }) => label.includes('PRIVATE'))) {
    return { mistake: 'holds a private key; give the public one, and keep the private one to yourself' }
  }
  const isAllKeys = pem.replaceAll(block, '').trim() === '' && blocks.every(({ label }) => labels.has(label))
  if (blocks.length === 0 || !isAllKeys) {
    return { mistake: 'must be public keys or certificates as PEM, one after the other, and nothing else' }
  }
  if (blocks.length > keysMax) return { mistake: `must hold ${keysMax} keys or fewer` }
  const keys: PublicKey[] = []
  for (const [index, { text }] of blocks.entries()) {
    const which = blocks.length === 1 ? 'a key' : `a key (the one at place ${index + 1})`
    const key = readKey(text)
    if (key === undefined) return { mistake: `holds ${which} that cannot be read` }
    const algorithms = algorithmsOf(key)
    if (algorithms === undefined) {
      return {
        mistake: `holds ${which} of a kind that Belfry cannot use; it takes RSA of 2048 bits or more, P-256, P-384, P-521 and Ed25519`,
      }
    }
    keys.push({ key, algorithms })
  }
  return { keys }
}

/** Whether one of `keys`, each of which must have this algorithm, signed the token. */
export async function isSignedByOneOf(
  keys: readonly PublicKey[],
  algorithm: string,
  token: string,
): Promise<boolean> {
  // Only here: a server that has no public keys does not pay for it.
  const { compactVerify, errors } = await import('jose')
  for (const { key } of keys) {
    try {
      await compactVerify(token, key, { algorithms: [algorithm] })
      return true
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
    }
  }
  return false
}

/** A token is tried with each key of its algorithm, 0.1 ms each; a provider publishes two or three. */
const keysMax = 8

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g
/** Of a certificate only the key counts: who put it here trusts it, whatever its dates say. */
const labels = new Set(['PUBLIC KEY', 'RSA PUBLIC KEY', 'CERTIFICATE'])

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem)
  } catch {
    return undefined
  }
}

export function algorithmsOf({
  asymmetricKeyType,
  asymmetricKeyDetails,
}: KeyObject): readonly string[] | undefined {
  switch (asymmetricKeyType) {
    case 'rsa':
      return (asymmetricKeyDetails?.modulusLength ?? 0) >= rsaBitsMin ? rsaAlgorithms : undefined
    case 'ec':
      return curveAlgorithms.get(asymmetricKeyDetails?.namedCurve ?? '')
    case 'ed25519':
      return ['EdDSA', 'Ed25519']
    default:
      return undefined
  }
}

/** Every one that some kind of key checks. */
export const asymmetricAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** RFC 7518 forbids less. */
const rsaBitsMin = 2_048
const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const curveAlgorithms = new Map([
  ['prime256v1', ['ES256']],
  ['secp384r1', ['ES384']],
  ['secp521r1', ['ES512']],
])
