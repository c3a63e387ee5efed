import { constants, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compressedFrame, deflateFrame, deflateThresholdBytes, inflateMessage } from './deflate.ts'
import { binaryFrame, payloadStart, textFrame } from './frames.ts'
import { SeededRandom } from './testing/random.ts'

const words = 'a message that says the same over and over; '

describe('deflateFrame', () => {
  it('compresses from the threshold on, and leaves alone what is below', () => {
    expect(deflateThresholdBytes).toBe(1024)
    const below = textFrame('a'.repeat(deflateThresholdBytes - 1))
    expect(deflateFrame(below)).toBe(below)
    const at = deflateFrame(textFrame('a'.repeat(deflateThresholdBytes)))
    expect(at.length).toBeLessThan(30)
    expect(at[0]).toBe(0xc1)
    const small = textFrame('a'.repeat(50))
    expect(deflateFrame(small, 51)).toBe(small)
    expect(deflateFrame(small, 50)[0]).toBe(0xc1)
  })

  it('leaves alone what does not become shorter', () => {
    for (const size of [0, 1, 2, 5]) {
      const frame = binaryFrame(Buffer.alloc(size))
      expect(deflateFrame(frame, 0)).toBe(frame)
    }
    const noise = binaryFrame(new SeededRandom(4).bytes(20_000))
    expect(deflateFrame(noise)).toBe(noise)
  })

  it.each([1024, 5000, 65_535, 65_536, 300_000])('of %i bytes can be read by others', (size) => {
    const text = words.repeat(size / words.length + 1).slice(0, size)
    for (const [frame, first] of [
      [textFrame(text), 0xc1],
      [binaryFrame(Buffer.from(text)), 0xc2],
    ] as const) {
      const compressed = deflateFrame(frame)
      expect(compressed[0]).toBe(first)
      const payload = compressed.subarray(payloadStart(compressed))
      expect(compressed.length).toBeLessThan(frame.length / 5)
      // The end of the flush does not travel (RFC 7692, 7.2.1).
      expect(payload.subarray(-4).toString('hex')).not.toBe('0000ffff')
      const whole = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])])
      const read = inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH })
      expect(read.toString('latin1')).toBe(text)
    }
  })

  it('needs no larger window than it says', async () => {
    const random = new SeededRandom(5)
    // The same 4 KiB of noise come again after 12 KiB: within reach of 32 KiB, out of reach of 8.
    const noise = random.bytes(4096)
    const text = Buffer.concat([noise, Buffer.alloc(8192, words), noise, noise]).toString('latin1')
    const compressed = deflateFrame(textFrame(text))
    const inflate = createInflateRaw({ windowBits: 13, finishFlush: constants.Z_SYNC_FLUSH })
    inflate.end(compressed.subarray(payloadStart(compressed)))
    expect(Buffer.concat(await inflate.toArray()).toString()).toBe(text)
  })
})

it('compressedFrame compresses what is worth it, also when it is mapped over messages', () => {
  const [short, text, bytes] = ['short', words.repeat(50), Buffer.from(words.repeat(50))].map(compressedFrame)
  expect(short?.equals(textFrame('short'))).toBe(true)
  expect(text?.[0]).toBe(0xc1)
  expect(bytes?.[0]).toBe(0xc2)
})

describe('inflateMessage', () => {
  const maxBytes = 100_000

  it('reads what any level and window made, with and without a last block', () => {
    const text = Buffer.from(words.repeat(1000))
    for (const level of [0, 1, 6, 9]) {
      for (const windowBits of [9, 12, 15]) {
        for (const memLevel of [1, 8]) {
          const deflated = deflateRawSync(text, {
            level,
            windowBits,
            memLevel,
            finishFlush: constants.Z_SYNC_FLUSH,
          })
          expect(inflated(deflated.subarray(0, -4))).toBe(text.toString())
        }
      }
    }
    // RFC 7692, 7.2.3.4: a last block, and the header of an empty one behind it.
    expect(inflated(Buffer.concat([deflateRawSync(text), Buffer.from([0])]))).toBe(text.toString())
  })

  it.each([
    ['7.2.3.1', 'f248cdc9c90700', 'Hello'],
    ['7.2.3.3, no compression', '000500faff48656c6c6f00', 'Hello'],
    ['7.2.3.4, a last block', 'f348cdc9c9070000', 'Hello'],
    ['7.2.3.5, two blocks', 'f248050000 00ffff cac9c90700'.replaceAll(' ', ''), 'Hello'],
    ['7.2.3.6, an empty message', '00', ''],
  ])('reads the example of RFC 7692, %s', (_, hex, text) => {
    expect(inflated(Buffer.from(hex, 'hex'))).toBe(text)
  })

  it('takes a message of exactly the limit, and not one byte more', () => {
    for (const [size, expected] of [
      [99_999, 99_999],
      [100_000, 100_000],
      [100_001, 'too-long'],
    ] as const) {
      const result = inflateMessage(deflated(Buffer.alloc(size)), maxBytes)
      expect(typeof result === 'string' ? result : result.length).toBe(expected)
    }
    expect(inflateMessage(deflated(Buffer.alloc(10)), 9)).toBe('too-long')
    expect(inflateMessage(deflated(Buffer.alloc(4097)), 4096)).toBe('too-long')
    expect(inflateMessage(deflated(Buffer.alloc(4096)), 4096)).toHaveLength(4096)
  })

  it('stops a bomb long before it has unfolded', () => {
    // 256 MiB in 260 KiB. Four pieces of memory are enough to see that it is too long.
    const mebibyte = deflated(Buffer.alloc(1_048_576))
    const bomb = Buffer.concat(
      Array.from({ length: 256 }, () => Buffer.concat([mebibyte, Buffer.from([0, 0, 0xff, 0xff])])),
    )
    const before = process.memoryUsage().arrayBuffers
    expect(inflateMessage(bomb, 10_000)).toBe('too-long')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000)
  })

  it('refuses what is damaged, and what ends in the middle', () => {
    const whole = deflated(Buffer.from(words.repeat(20)))
    for (let length = 0; length < whole.length; length++) {
      expect(inflateMessage(whole.subarray(0, length), maxBytes)).toBe('damaged')
    }
    expect(inflateMessage(Buffer.alloc(0), maxBytes)).toBe('damaged')
    expect(inflateMessage(Buffer.from([0x07]), maxBytes)).toBe('damaged')
    expect(inflateMessage(Buffer.from('not deflated'), maxBytes)).toBe('damaged')
  })

  function inflated(bytes: Buffer): string {
    return inflateMessage(bytes, maxBytes).toString()
  }

  function deflated(bytes: Buffer): Buffer {
    return deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  }
})
