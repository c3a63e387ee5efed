/** HS256: signatures that are made and checked with one secret. */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

/** Bytes. RFC 7518 wants as many as the hash has; with fewer, whoever holds a token could guess the rest. */
export const secretBytesMin = 32

/** Made once: from a text, Node would make it again for every signature. */
export function secretKey(secret: string): KeyObject {
  const bytes = Buffer.from(secret)
  if (bytes.length < secretBytesMin) {
    throw new TypeError(`A secret that signs tokens has ${secretBytesMin} bytes or more.`)
  }
  // What everybody may know would pass for a signature of ours.
  if (isPem(secret)) throw new TypeError('A key in PEM is no secret: give it as a public key.')
  return createSecretKey(bytes)
}

export function isPem(secret: string): boolean {
  return /-----BEGIN [A-Z0-9 ]+-----/.test(secret)
}

/** 2.5 µs; a signature as bytes takes 3.7. */
export function signature(key: KeyObject, signed: string): string {
  return createHmac('sha256', key).update(signed).digest('base64url')
}

/** Characters of 32 bytes in base64url. */
export const signatureLength = 43

/** Compared as text, so that bytes have one spelling, and without telling by the time where it differs. */
export function isSignature(given: string, key: KeyObject, signed: string): boolean {
  // As UTF-8: what is not ASCII gets longer than what it is compared with, and is not cut to what equals it.
  const bytes = Buffer.from(given)
  return bytes.length === signatureLength && timingSafeEqual(bytes, Buffer.from(signature(key, signed)))
}
