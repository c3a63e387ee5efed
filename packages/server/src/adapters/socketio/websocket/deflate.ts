/**
 * Compression of messages (RFC 7692), always without context takeover: one compressed frame serves every
 * recipient, and a connection that is idle keeps no state of zlib.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { binaryFrame, deflatedFrame, opcodes, payloadStart, textFrame } from './frames.ts'

/** Below, a message fits into one packet of the network anyway, and the 15 µs that zlib needs to begin buy nothing. */
export const deflateThresholdBytes = 1024

/**
 * The window is 8 KiB, and a client may ask for no smaller one. For rows of JSON (1 to 64 KiB) the result is as
 * small as with 32 KiB (21.4 instead of 21.0 % at 64 KiB), with 96 KiB of memory in place of 256 for each call.
 */
export const serverWindowBits = 13

/**
 * Level 3: 16 KiB of JSON in 62 µs to 22.6 %. Level 6, the default, needs twice the time (113 µs) for 21.0 %;
 * level 1 is hardly faster (60 µs, 23.6 %).
 */
const deflateOptions = {
  level: 3,
  windowBits: serverWindowBits,
  memLevel: 7,
  finishFlush: constants.Z_SYNC_FLUSH,
}

/** A sync flush ends with an empty block, of which these bytes do not travel (RFC 7692, 7.2.1). */
const tailBytes = 4

/**
 * The bytes that did not travel, and an empty last block. With it zlib knows whether the data was whole: a
 * message that ends in the middle of a block would pass as a shorter one otherwise.
 */
const end = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff])

/** zlib takes memory in pieces of this size. Most messages of clients need one, and 16 KiB, the default, is much. */
const inflateChunkBytes = 4096

/**
 * The compressed form of what `textFrame` or `binaryFrame` made, for those who negotiated it. The same frame
 * comes back when it is short, or when it would not become shorter: both forms are valid for them.
 */
export function deflateFrame(frame: Buffer, thresholdBytes = deflateThresholdBytes): Buffer {
  const payload = frame.subarray(payloadStart(frame))
  if (payload.length < thresholdBytes) return frame
  const deflated = deflateRawSync(payload, deflateOptions)
  const length = deflated.length - tailBytes
  if (length >= payload.length) return frame
  const kind = (frame[0] as number) & opcodes.text ? 'text' : 'binary'
  return deflatedFrame(kind, deflated.subarray(0, length))
}

/** One parameter only, so that `messages.map(compressedFrame)` means what it says. */
export function compressedFrame(message: string | Uint8Array): Buffer {
  return deflateFrame(typeof message === 'string' ? textFrame(message) : binaryFrame(message))
}

export type InflateFailure = 'too-long' | 'damaged'

/** A message of more than `maxBytes` is cut off while it unfolds, so a few bytes cannot become gigabytes. */
export function inflateMessage(deflated: Uint8Array, maxBytes: number): Buffer | InflateFailure {
  try {
    return inflateRawSync(Buffer.concat([deflated, end]), {
      maxOutputLength: maxBytes,
      chunkSize: inflateChunkBytes,
    })
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
      ? 'too-long'
      : 'damaged'
  }
}
