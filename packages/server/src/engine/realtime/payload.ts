/**
 * The payload of an event on its way out: JSON text made once, with what is binary taken out of it, and `_meta`
 * put in when the position is known, without making the text again.
 */

import { Refusal } from '@belfry/contract'

export interface EncodedPayload {
  /** JSON text of an object without `_meta`. */
  readonly json: string
  readonly attachments: readonly Uint8Array[]
}

const none: readonly Uint8Array[] = []

export function encodePayload(data: object): EncodedPayload {
  const attachments: Uint8Array[] = []
  const json = JSON.stringify(holdsBytes(data, 0) ? withoutBytes(data, attachments) : data)
  return { json, attachments: attachments.length === 0 ? none : attachments }
}

/** `id` is a cursor and `at` an ISO time: neither needs escaping. */
export function withMeta(json: string, id: string, at: string): string {
  const separator = json.length === 2 ? '' : ','
  return `${json.slice(0, -1)}${separator}"_meta":{"id":"${id}","at":"${at}"}}`
}

/** Pieces of bytes in one payload: with more, a stock client takes the packet for broken and closes its connection. */
export const attachmentsMax = 10

/** Levels, as the check of payloads has them: what is deeper goes round in a circle. */
const depthMax = 64

function holdsBytes(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth > depthMax)
    throw new Refusal('validation_failed', `A payload may have ${depthMax} levels of objects and lists.`)
  if (ArrayBuffer.isView(value)) return true
  if (Array.isArray(value)) return value.some((entry) => holdsBytes(entry, depth + 1))
  for (const key in value) {
    if (holdsBytes((value as Record<string, unknown>)[key], depth + 1)) return true
  }
  return false
}

function withoutBytes(value: unknown, attachments: Uint8Array[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) {
    attachments.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    return { _placeholder: true, num: attachments.length - 1 }
  }
  if (Array.isArray(value)) return value.map((entry) => withoutBytes(entry, attachments))
  if ('toJSON' in value && typeof value.toJSON === 'function') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, withoutBytes(entry, attachments)]),
  )
}
