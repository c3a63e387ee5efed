import { describe, expect, it } from 'vitest'
import { binaryFrame, closeFrame, deflatedFrame, isCloseCode, pongFrame, textFrame } from './frames.ts'
import { SeededRandom } from './testing/random.ts'

/** Around every change of the head, and of how a text is written. */
const sizes = [
  0, 1, 2, 31, 32, 33, 34, 41, 42, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537, 1_048_576,
]

describe('a frame', () => {
  it.each(sizes)('of %i bytes has the shortest head, no mask, and its payload in the same buffer', (size) => {
    const head = headOf(size)
    const payload = Buffer.alloc(size, 'a')
    expect(textFrame('a'.repeat(size)).equals(Buffer.concat([Buffer.from([0x81, ...head]), payload]))).toBe(
      true,
    )
    expect(binaryFrame(payload).equals(Buffer.concat([Buffer.from([0x82, ...head]), payload]))).toBe(true)
    for (const [kind, first] of [
      ['text', 0xc1],
      ['binary', 0xc2],
    ] as const) {
      const expected = Buffer.concat([Buffer.from([first, ...head]), payload])
      expect(deflatedFrame(kind, payload).equals(expected)).toBe(true)
    }
  })

  it('takes bytes that are no Buffer, and views into the middle of memory', () => {
    const view = new Uint8Array(Uint8Array.from([9, 1, 2, 3, 9]).buffer, 1, 3)
    expect([...binaryFrame(view)]).toEqual([0x82, 3, 1, 2, 3])
    expect([...pongFrame(view)]).toEqual([0x8a, 3, 1, 2, 3])
    expect([...deflatedFrame('text', view)]).toEqual([0xc1, 3, 1, 2, 3])
  })

  it.each([
    ['é', [0xc3, 0xa9]],
    ['\u0080', [0xc2, 0x80]],
    ['ÿ\u0080\u007f', [0xc3, 0xbf, 0xc2, 0x80, 0x7f]],
    ['€', [0xe2, 0x82, 0xac]],
    ['😀', [0xf0, 0x9f, 0x98, 0x80]],
    ['\ufeffa', [0xef, 0xbb, 0xbf, 0x61]],
    ['\ud800', [0xef, 0xbf, 0xbd]],
    ['\udc00\ud800', [0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd]],
    ['a\ud83d', [0x61, 0xef, 0xbf, 0xbd]],
    ['\u0000', [0]],
  ])('of the text %j is UTF-8, with a sign in place of half a character', (text, bytes) => {
    expect([...textFrame(text)]).toEqual([0x81, bytes.length, ...bytes])
    const long = textFrame('x'.repeat(100) + text)
    expect([...long.subarray(-bytes.length)]).toEqual(bytes)
    expect(long.length).toBe((100 + bytes.length < 126 ? 2 : 4) + 100 + bytes.length)
  })

  it.each([1, 2, 3])('of any text is what Buffer makes of it (seed %i)', (seed) => {
    const random = new SeededRandom(seed)
    for (let round = 0; round < 2000; round++) {
      const ranges = random.oneOf([[128], [128, 256], [128, 0x1_0000], [0xd800, 0xe000]])
      const length = random.oneOf([random.below(50), random.below(300)])
      const units = Array.from({ length }, () => random.below(random.oneOf(ranges)))
      const text = String.fromCharCode(...units)
      const frame = textFrame(text)
      const bytes = Buffer.from(text)
      expect(frame.equals(Buffer.concat([Buffer.from([0x81, ...headOf(bytes.length)]), bytes]))).toBe(true)
    }
  })

  it('made later does not change one made before', () => {
    const frames = Array.from({ length: 200 }, (_, index) => textFrame(`${index}:`.repeat(index)))
    frames.forEach((frame, index) => {
      expect(frame.toString('latin1').endsWith(`${index}:`.repeat(index))).toBe(true)
    })
  })
})

describe('a close frame', () => {
  it('carries the code and the reason', () => {
    expect([...closeFrame(1000)]).toEqual([0x88, 2, 0x03, 0xe8])
    expect([...closeFrame(4999, 'é!')]).toEqual([0x88, 5, 0x13, 0x87, 0xc3, 0xa9, 0x21])
  })

  it('is empty when there is no code to answer', () => {
    expect([...closeFrame(1005)]).toEqual([0x88, 0])
  })

  it.each([
    ['a'.repeat(123), 123],
    ['a'.repeat(124), 123],
    [`${'a'.repeat(122)}é`, 122],
    [`${'a'.repeat(121)}é`, 123],
    [`${'a'.repeat(120)}😀`, 120],
    [`${'a'.repeat(119)}😀`, 123],
    ['€'.repeat(60), 123],
  ])('cuts a long reason after a whole character: %s', (reason, bytes) => {
    const frame = closeFrame(1001, reason)
    expect(frame[1]).toBe(2 + bytes)
    expect(frame.length).toBe(4 + bytes)
    expect(reason.startsWith(new TextDecoder('utf-8', { fatal: true }).decode(frame.subarray(4)))).toBe(true)
  })

  it.each([0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65_536, -1])('refuses %i', (code) => {
    expect(isCloseCode(code)).toBe(false)
    expect(() => closeFrame(code)).toThrow(`${code} is no code`)
  })

  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'takes %i',
    (code) => {
      expect(isCloseCode(code)).toBe(true)
      expect(closeFrame(code).readUInt16BE(2)).toBe(code)
    },
  )
})

describe('a pong', () => {
  it('brings back what came, of 125 bytes at most', () => {
    expect([...pongFrame(Buffer.alloc(0))]).toEqual([0x8a, 0])
    expect([...pongFrame(Buffer.alloc(125, 7))]).toEqual([0x8a, 125, ...Buffer.alloc(125, 7)])
    expect(() => pongFrame(Buffer.alloc(126))).toThrow(RangeError)
  })
})

function headOf(size: number): number[] {
  if (size < 126) return [size]
  if (size < 65_536) return [126, size >> 8, size & 255]
  return [127, 0, 0, 0, 0, 0, (size >> 16) & 255, (size >> 8) & 255, size & 255]
}
