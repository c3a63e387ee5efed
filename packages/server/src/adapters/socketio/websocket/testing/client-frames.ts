/** Frames as clients send them, right and wrong, made without the code under test. */

export interface ClientFrame {
  readonly opcode: number
  readonly payload?: Uint8Array | string
  readonly isLast?: boolean
  /** The three reserved bits, where they stand in the first byte. */
  readonly reserved?: number
  /** `undefined` leaves the frame unmasked. */
  readonly mask?: readonly [number, number, number, number] | undefined
  /** How the length is written: the shortest form if absent. */
  readonly form?: 7 | 16 | 64
  /** What the head says, if it is not the length of the payload. */
  readonly announced?: bigint
}

export const deflatedBit = 0x40

export function clientFrame(frame: ClientFrame): Buffer {
  const payload = typeof frame.payload === 'string' ? Buffer.from(frame.payload) : (frame.payload ?? [])
  const mask = 'mask' in frame ? frame.mask : ([0x9f, 0x01, 0xe2, 0x55] as const)
  const length = frame.announced ?? BigInt(payload.length)
  const form = frame.form ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64)
  const masked = mask === undefined ? 0 : 0x80
  const head = [((frame.isLast ?? true) ? 0x80 : 0) | (frame.reserved ?? 0) | frame.opcode]
  if (form === 7) head.push(masked | Number(length))
  else {
    head.push(masked | (form === 16 ? 126 : 127))
    for (let bits = form - 8; bits >= 0; bits -= 8) head.push(Number((length >> BigInt(bits)) & 0xffn))
  }
  if (mask === undefined) return Buffer.from([...head, ...payload])
  const bytes = Buffer.alloc(payload.length)
  for (let index = 0; index < payload.length; index++) {
    bytes[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0)
  }
  return Buffer.concat([Buffer.from([...head, ...mask]), bytes])
}

export function clientClose(code: number, reason: Uint8Array | string = ''): Buffer {
  return clientFrame({
    opcode: 8,
    payload: Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]),
  })
}

/** The message cut into pieces of `size`, the first with `opcode`. */
export function clientFragments(opcode: number, payload: Uint8Array, size: number, reserved = 0): Buffer {
  const frames: Buffer[] = []
  for (let at = 0; at === 0 || at < payload.length; at += size) {
    frames.push(
      clientFrame({
        opcode: at === 0 ? opcode : 0,
        payload: payload.subarray(at, at + size),
        isLast: at + size >= payload.length,
        reserved: at === 0 ? reserved : 0,
      }),
    )
  }
  return Buffer.concat(frames)
}
