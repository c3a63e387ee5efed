/**
 * Takes the mask off what clients send (RFC 6455, 5.3), four bytes at a time. A view of bytes as words begins at
 * a multiple of four, so payloads are copied to where they are unmasked. Measured for 200 bytes: copy and words
 * 62 to 73 ns, in place byte by byte 99 to 219; for 4,000 bytes 715 instead of 1,870 ns.
 */

/** Bytes, and the same memory as words. The end that fills no word has bytes only. */
export class MaskedMemory {
  readonly bytes: Buffer
  readonly #words: Int32Array

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.#words = new Int32Array(this.bytes.buffer, 0, size >>> 2)
  }

  /**
   * Unmasks from `from` to `to`. `mask` belongs to an address divisible by four. Returns all words, and bytes at
   * the ends, put together by "or": without a bit of `notAscii` in it, every byte was ASCII.
   */
  unmask(from: number, to: number, mask: number): number {
    const { bytes } = this
    const words = this.#words
    let seen = 0
    let at = from
    maskWord[0] = mask
    for (; at < to && (at & 3) !== 0; at++) seen |= bytes[at] = (bytes[at] as number) ^ maskByte(at)
    const wordsEnd = to >>> 2
    let word = at >>> 2
    for (; word < wordsEnd; word++) seen |= words[word] = (words[word] as number) ^ mask
    for (at = Math.max(at, word << 2); at < to; at++) {
      seen |= bytes[at] = (bytes[at] as number) ^ maskByte(at)
    }
    return seen
  }
}

/** The highest bit of each byte. */
export const notAscii = 0x80808080

/** The mask that stands at `maskAt` of a frame whose payload will begin at `start`: as `unmask` wants it. */
export function maskFor(frame: Buffer, maskAt: number, start: number): number {
  for (let index = 0; index < 4; index++) maskBytes[(start + index) & 3] = frame[maskAt + index] as number
  return maskWord[0] as number
}

/** One word, to see the same mask as bytes in the order of this machine. */
const maskWord = new Int32Array(1)
const maskBytes = new Uint8Array(maskWord.buffer)

function maskByte(at: number): number {
  return maskBytes[at & 3] as number
}
