/** One look at the keys that an identity provider publishes. What it answers is from outside, and bounded. */
import { createPublicKey, type JsonWebKeyInput } from 'node:crypto'
import { algorithmsOf, type PublicKey } from './public-keys.ts'
import { ownValue } from './segments.ts'

export interface KnownKey extends PublicKey {
  readonly id: string | undefined
}

/** Throws what says why nothing can be had from there. */
export async function fetchKeys(url: string, signal: AbortSignal): Promise<readonly KnownKey[]> {
  const response = await fetch(url, {
    // A redirect could lead to somebody else, and to an address without TLS.
    redirect: 'error',
    headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' },
    signal,
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`The address of the keys answered with the status ${response.status}.`)
  }
  return readKeySet(await readText(response, signal))
}

/** Bytes of an answer. Sixteen keys with their certificates need less than a quarter of it. */
const answerBytesMax = 256 * 1_024

/** Keys that count, of a set; providers publish two or three. Those beyond are not looked at. */
const keysMax = 32

async function readText(response: Response, signal: AbortSignal): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    signal.throwIfAborted()
    bytes += piece.byteLength
    if (bytes > answerBytesMax) throw new Error(`The answer has more than ${answerBytesMax} bytes.`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

/** Keys for other uses, of kinds that we do not know, or secret ones are left out: a set may hold them as well. */
function readKeySet(text: string): readonly KnownKey[] {
  const set: unknown = JSON.parse(text)
  const listed = typeof set === 'object' && set !== null ? ownValue(set, 'keys') : undefined
  if (!Array.isArray(listed)) throw new Error('The answer is no key set: an object with a list named keys.')
  return listed.slice(0, keysMax).flatMap((entry: unknown) => readKey(entry) ?? [])
}

function readKey(entry: unknown): KnownKey | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const use = ownValue(entry, 'use')
  const operations = ownValue(entry, 'key_ops')
  const id = ownValue(entry, 'kid')
  const only = ownValue(entry, 'alg')
  const isForSignatures =
    (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
  // Who publishes the private part of a key lets everybody sign with it.
  const isPublic = ownValue(entry, 'd') === undefined && ownValue(entry, 'kty') !== 'oct'
  if (!isForSignatures || !isPublic || (id !== undefined && typeof id !== 'string')) return undefined
  const key = importKey(entry)
  const algorithms = key === undefined ? undefined : algorithmsOf(key)
  if (key === undefined || algorithms === undefined) return undefined
  return { id, key, algorithms: only === undefined ? algorithms : algorithms.filter((name) => name === only) }
}

function importKey(entry: object) {
  try {
    return createPublicKey({ key: entry, format: 'jwk' } as JsonWebKeyInput)
  } catch {
    return undefined
  }
}
