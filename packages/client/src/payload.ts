/** What arrives, as the contract types it. */
import type { EventMeta } from '@belfry/contract'

export interface Payload {
  readonly data: unknown
  readonly meta: EventMeta
}

/** Takes the payload of an event apart: its own fields, and what the engine added. */
export function openPayload(payload: unknown): Payload {
  const { _meta, ...data } = withBytes(payload) as { _meta: EventMeta }
  return { data, meta: _meta }
}

/** Bytes are a Uint8Array in contracts. Node's Buffer is one already; in a browser they come as an ArrayBuffer. */
export function withBytes(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    const fields = value as Record<string, unknown>
    for (const key of Object.keys(fields)) {
      const field = fields[key]
      if (typeof field === 'object') fields[key] = withBytes(field)
    }
  }
  return value
}
