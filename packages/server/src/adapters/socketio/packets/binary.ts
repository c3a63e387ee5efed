/**
 * Bytes in arguments. JSON cannot hold them, so the text has `{"_placeholder":true,"num":0}` where they belong and
 * the bytes follow as messages of their own.
 */
import { MalformedPacket } from './malformed-packet.ts'
import { isUnsafeKey } from './sanitize.ts'

/** Levels of what the server sends. Who is deeper has a cycle, and is told so instead of being walked for ever. */
const outboundDepthMax = 100

/** Whether `value` holds an ArrayBuffer or a view of one (a Buffer is one too), where JSON would write it. */
export function hasBinary(value: unknown): boolean {
  return holdsBytes(value, 0, true)
}

/** A copy of `value` with placeholders, and the bytes that they stand for. `value` stays as it is. */
export function takeOutBytes(value: unknown): { value: unknown; attachments: Uint8Array[] } {
  const attachments: Uint8Array[] = []
  return { value: withoutBytes(value, attachments, 0, true), attachments }
}

/** A place of a placeholder. */
export interface Slot {
  readonly holder: Record<PropertyKey, unknown>
  readonly key: string | number
}

/**
 * The places of attachments 0 to `count - 1`, by number; `undefined` if `args` are nested deeper than `depthMax`.
 * Exactly one for each: the stock decoder takes less, but no stock encoder writes less.
 */
export function findSlots(args: unknown[], count: number, depthMax: number): Slot[] | undefined {
  const slots = new Array<Slot | undefined>(count).fill(undefined)
  // The list of arguments is a level here, but not in `depthMax`.
  if (!collectSlots(args, slots, depthMax + 1)) return undefined
  return slots.map((slot) => {
    if (slot === undefined) throw new MalformedPacket('placeholder')
    return slot
  })
}

export function fillSlots(slots: readonly Slot[], attachments: readonly Uint8Array[]): void {
  for (const [num, { holder, key }] of slots.entries()) holder[key] = attachments[num]
}

/** `false`: too deep. */
function collectSlots(value: object, slots: (Slot | undefined)[], room: number): boolean {
  if (room === 0) return false
  const holder = value as Record<PropertyKey, unknown>
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    // What stands under such a key is taken out later, and assigning to `__proto__` is never what we want.
    if (typeof key === 'string' && isUnsafeKey(key)) continue
    const inner = holder[key]
    if (typeof inner !== 'object' || inner === null) continue
    if ('_placeholder' in inner && inner._placeholder === true) {
      const num = 'num' in inner ? inner.num : undefined
      if (!isFreeSlot(num, slots)) throw new MalformedPacket('placeholder')
      slots[num] = { holder, key }
    } else if (!collectSlots(inner, slots, room - 1)) return false
  }
  return true
}

function isFreeSlot(num: unknown, slots: readonly (Slot | undefined)[]): num is number {
  return Number.isInteger(num) && slots[num as number] === undefined && (num as number) in slots
}

function holdsBytes(value: unknown, depth: number, callToJson: boolean): boolean {
  if (typeof value !== 'object' || value === null) return false
  checkDepth(depth)
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (holdsBytes(value[index], depth + 1, true)) return true
    }
    return false
  }
  if (isBytes(value)) return true
  // As the stock encoder: once, and not for what came out of it.
  if (callToJson && hasToJson(value)) return holdsBytes(value.toJSON(), depth + 1, false)
  for (const key in value) {
    if (Object.hasOwn(value, key) && holdsBytes((value as Record<string, unknown>)[key], depth + 1, true))
      return true
  }
  return false
}

function withoutBytes(
  value: unknown,
  attachments: Uint8Array[],
  depth: number,
  callToJson: boolean,
): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  checkDepth(depth)
  if (isBytes(value)) {
    attachments.push(toBytes(value))
    return { _placeholder: true, num: attachments.length - 1 }
  }
  if (Array.isArray(value)) return value.map((inner) => withoutBytes(inner, attachments, depth + 1, true))
  if (callToJson && hasToJson(value)) return withoutBytes(value.toJSON(), attachments, depth + 1, false)
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withoutBytes(inner, attachments, depth + 1, true)]),
  )
}

export function isBytes(value: object): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

/** The same memory, not a copy. */
export function toBytes(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

export function hasToJson(value: object): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function'
}

export function checkDepth(depth: number): void {
  if (depth > outboundDepthMax) {
    throw new RangeError(`What is sent has a cycle, or is nested deeper than ${outboundDepthMax} levels.`)
  }
}
