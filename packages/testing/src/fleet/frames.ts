/** Frames of WebSocket, as little of them as a client at the level of the wire needs. */

/** First bytes of frames that are whole. */
export const firstBytes = { text: 0x81, close: 0x88, ping: 0x89 } as const

/** As a client sends it: masked, here always with the same bytes. */
export function maskedTextFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  if (payload.length > 0xffff) throw new RangeError('Longer than a client of a fleet ever has to say.')
  const isShort = payload.length < 126
  const headBytes = isShort ? 2 : 4
  const frame = Buffer.allocUnsafe(headBytes + mask.length + payload.length)
  frame[0] = firstBytes.text
  frame[1] = 0x80 | (isShort ? payload.length : 126)
  if (!isShort) frame.writeUInt16BE(payload.length, 2)
  frame.set(mask, headBytes)
  const payloadAt = headBytes + mask.length
  for (let at = 0; at < payload.length; at += 1)
    frame[payloadAt + at] = (payload[at] as number) ^ (mask[at % mask.length] as number)
  return frame
}

const mask = [0x3a, 0xc5, 0x91, 0x6e] as const

export interface FrameReader {
  /** Calls `frame` for each one that is whole, until that says false; what is left waits for the next bytes. */
  read(bytes: Buffer, frame: (first: number, bytes: Buffer, from: number, end: number) => boolean): void
}

/** Bytes given to it are copied if they are kept. */
export function createFrameReader(): FrameReader {
  let pending: Buffer | undefined
  return {
    read(given, frame) {
      const bytes = pending === undefined ? given : Buffer.concat([pending, given])
      pending = undefined
      let at = 0
      while (at + 2 <= bytes.length) {
        const short = (bytes[at + 1] as number) & 0x7f
        const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10
        if (at + headBytes > bytes.length) break
        const length =
          short < 126
            ? short
            : short === 126
              ? bytes.readUInt16BE(at + 2)
              : Number(bytes.readBigUInt64BE(at + 2))
        const from = at + headBytes
        const end = from + length
        if (end > bytes.length) break
        if (!frame(bytes[at] as number, bytes, from, end)) return
        at = end
      }
      if (at < bytes.length) pending = Buffer.from(bytes.subarray(at))
    },
  }
}
