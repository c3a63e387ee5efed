/**
 * Frames of WebSocket as a server sends them (RFC 6455, 5.2): whole, unmasked, head and payload in one buffer,
 * so that a broadcast makes one and writes the same bytes to everybody.
 */

/** The first byte of a frame: the bits FIN and RSV1, and the opcode. */
const finalBit = 0x80
export const deflatedBit = 0x40
export const opcodes = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const

/** What a control frame may carry (RFC 6455, 5.5). */
export const controlBytesMax = 125

/** Stands for "there was no code" (RFC 6455, 7.4.1), and never travels. */
export const noCloseCode = 1005

/**
 * Texts up to this many characters, most acks among them, are written here: two calls into Node cost more than
 * that. Measured on two shared cores (Node 26.10): 10 characters 84 ns instead of 163, 31 characters 155
 * instead of 224; at 40 characters little was left of it.
 */
const shortTextMax = 32

export function textFrame(text: string): Buffer {
  if (text.length <= shortTextMax) {
    const frame = shortTextFrame(text)
    if (frame !== undefined) return frame
  }
  // As many bytes as characters: ASCII. Writing that as Latin-1 took 235 ns for 208 characters, as UTF-8 325.
  // Writing into room for the worst case, to save this count, costs more in memory than it saves in time.
  const bytes = Buffer.byteLength(text)
  const frame = startFrame(finalBit | opcodes.text, bytes)
  frame.write(text, frame.length - bytes, bytes, bytes === text.length ? 'latin1' : 'utf8')
  return frame
}

export function binaryFrame(bytes: Uint8Array): Buffer {
  return frameOf(finalBit | opcodes.binary, bytes)
}

/** A message whose payload `deflated` already is, for peers with whom that was negotiated (RFC 7692, 6). */
export function deflatedFrame(kind: 'text' | 'binary', payload: Uint8Array): Buffer {
  return frameOf(finalBit | deflatedBit | opcodes[kind], payload)
}

/** A reason that is too long for a control frame is cut after a whole character. `1005` makes an empty frame. */
export function closeFrame(code: number, reason = ''): Buffer {
  if (code === noCloseCode) return startFrame(finalBit | opcodes.close, 0)
  if (!isCloseCode(code)) throw new RangeError(`${code} is no code that a close frame may carry.`)
  const text = Buffer.from(reason)
  let end = Math.min(text.length, controlBytesMax - 2)
  while (isInsideCharacter(text[end])) end -= 1
  const frame = startFrame(finalBit | opcodes.close, 2 + end)
  frame.writeUInt16BE(code, 2)
  text.copy(frame, 4, 0, end)
  return frame
}

export function pongFrame(payload: Uint8Array): Buffer {
  if (payload.length > controlBytesMax) throw new RangeError('A pong carries 125 bytes at most.')
  return frameOf(finalBit | opcodes.pong, payload)
}

/** The codes that may travel (RFC 6455, 7.4, and the register of IANA). */
export function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006)) || (code >= 3000 && code <= 4999)
}

/** Where the payload of a frame made here begins. */
export function payloadStart(frame: Buffer): number {
  const length = frame[1] as number
  return length < 126 ? 2 : length === 126 ? 4 : 10
}

/** `undefined` if the text is not ASCII. */
function shortTextFrame(text: string): Buffer | undefined {
  const { length } = text
  const frame = Buffer.allocUnsafe(2 + length)
  frame[0] = finalBit | opcodes.text
  frame[1] = length
  let seen = 0
  for (let at = 0; at < length; at++) {
    const unit = text.charCodeAt(at)
    seen |= unit
    frame[2 + at] = unit
  }
  return seen < 0x80 ? frame : undefined
}

function frameOf(first: number, payload: Uint8Array): Buffer {
  const frame = startFrame(first, payload.length)
  frame.set(payload, frame.length - payload.length)
  return frame
}

/** A frame with its head written and its payload still to be. The shortest form of the length is a must. */
function startFrame(first: number, payloadBytes: number): Buffer {
  if (payloadBytes < 126) {
    const frame = Buffer.allocUnsafe(2 + payloadBytes)
    frame[0] = first
    frame[1] = payloadBytes
    return frame
  }
  if (payloadBytes < 65_536) {
    const frame = Buffer.allocUnsafe(4 + payloadBytes)
    frame[0] = first
    frame[1] = 126
    frame[2] = payloadBytes >>> 8
    frame[3] = payloadBytes
    return frame
  }
  const frame = Buffer.allocUnsafe(10 + payloadBytes)
  frame[0] = first
  frame[1] = 127
  frame.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), 2)
  frame.writeUInt32BE(payloadBytes % 2 ** 32, 6)
  return frame
}

function isInsideCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
