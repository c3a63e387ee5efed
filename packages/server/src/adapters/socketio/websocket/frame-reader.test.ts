import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { FrameReader } from './frame-reader.ts'
import { PartialMessage } from './partial-message.ts'
import { clientClose, clientFragments, clientFrame } from './testing/client-frames.ts'
import { SeededRandom } from './testing/random.ts'
import { type Heard, pieces, Recording, readAll, testLimits } from './testing/recording.ts'

const sizes = [
  0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 4095, 4096, 4097, 65_530, 65_535, 65_536, 65_537, 1_048_576,
]

describe('a frame', () => {
  it.each(sizes)('of %i bytes is read, whole, in two pieces and in small ones', (size) => {
    const payload = Buffer.alloc(size, 'abcdefghijklm€')
    const latin = Buffer.alloc(size, 'abcdefghijklm')
    const bytes = Buffer.concat([
      clientFrame({ opcode: 1, payload: latin }),
      clientFrame({ opcode: 2, payload, mask: [255, 128, 1, 0] }),
    ])
    const expected: Heard[] = [
      ['text', latin.toString('latin1')],
      ['binary', payload.toString('hex')],
    ]
    expect(same(readAll([bytes]), expected)).toBe(true)
    for (const size of [1, 7, 1460, 16_384, 65_536, bytes.length - 1]) {
      if (bytes.length / size < 20_000) expect(same(readAll(pieces(bytes, size)), expected)).toBe(true)
    }
  })

  it('cut into two at every byte is the same', () => {
    const bytes = everything()
    const expected = readAll([bytes])
    expect(expected).toHaveLength(9)
    for (let at = 0; at <= bytes.length; at++) {
      expect(readAll([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected)
    }
  })

  it('cut into three at any bytes is the same', () => {
    const bytes = Buffer.concat([
      clientFrame({ opcode: 1, payload: 'é€😀', form: 64, isLast: false }),
      clientFrame({ opcode: 9, payload: 'p' }),
      clientFrame({ opcode: 0, payload: 'end', form: 16 }),
    ])
    const expected = [
      ['ping', '70'],
      ['text', 'é€😀end'],
    ]
    for (let a = 0; a <= bytes.length; a++) {
      for (let b = a; b <= bytes.length; b++) {
        expect(readAll([bytes.subarray(0, a), bytes.subarray(a, b), bytes.subarray(b)])).toEqual(expected)
      }
    }
  })

  it('is unmasked with every mask, from every address', () => {
    const random = new SeededRandom(1)
    for (let round = 0; round < 500; round++) {
      const [a, b, c, d] = random.bytes(4)
      const payload = random.bytes(random.below(40))
      const frame = clientFrame({ opcode: 2, payload, mask: [a ?? 0, b ?? 0, c ?? 0, d ?? 0] })
      const memory = Buffer.concat([Buffer.alloc(round % 9), frame])
      const recording = new Recording()
      new FrameReader(recording, testLimits).push(memory.subarray(round % 9))
      expect(recording.heard).toEqual([['binary', payload.toString('hex')]])
    }
  })

  it('may have a longer form of its length than it needs', () => {
    const frames = ([7, 16, 64] as const).map((form) => clientFrame({ opcode: 1, payload: 'abc', form }))
    expect(readAll(frames)).toEqual([
      ['text', 'abc'],
      ['text', 'abc'],
      ['text', 'abc'],
    ])
  })

  it('does not change the chunk it came in', () => {
    const bytes = everything()
    const copy = Buffer.from(bytes)
    new FrameReader(new Recording(), testLimits).push(bytes)
    expect(bytes.equals(copy)).toBe(true)
  })
})

describe('bytes', () => {
  it('that a handler keeps stay as they are', () => {
    const kept: Buffer[] = []
    const recording = new Recording()
    recording.onBinary = (bytes) => kept.push(bytes)
    recording.onPing = (bytes) => kept.push(bytes)
    const reader = new FrameReader(recording, testLimits)
    const payload = (index: number) => Buffer.alloc(index, `${index};`)
    for (let index = 1; index < 120; index++) {
      const frames = [
        clientFrame({ opcode: 2, payload: payload(index) }),
        clientFrame({ opcode: 9, payload: payload(index) }),
        clientFragments(2, payload(index), 7),
      ]
      const chunk = Buffer.concat(frames)
      reader.push(chunk)
      chunk.fill(0)
    }
    expect(kept).toHaveLength(119 * 3)
    kept.forEach((bytes, index) => {
      expect(bytes.equals(payload(Math.floor(index / 3) + 1))).toBe(true)
    })
  })
})

describe('a text', () => {
  it.each([
    'ASCII',
    'Ünïcödé',
    '\u0000\u007f\u0080\u07ff\u0800\uffff',
    '😀'.repeat(30),
    '\ufeffbegins with a mark',
    'has a \ufffd of its own',
    '\ufffd'.repeat(50),
  ])('comes as it was sent: %j', (text) => {
    expect(readAll([clientFrame({ opcode: 1, payload: text })])).toEqual([['text', text]])
    expect(readAll([clientFragments(1, Buffer.from(text), 1)])).toEqual([['text', text]])
    const many = [text, 'a', text, 'é', 'b'].map((payload) => clientFrame({ opcode: 1, payload }))
    expect(readAll([Buffer.concat(many)])).toEqual([
      ['text', text],
      ['text', 'a'],
      ['text', text],
      ['text', 'é'],
      ['text', 'b'],
    ])
  })

  it.each([
    ['a lone continuation', 'a080'],
    ['a character without its end', '61c3'],
    ['a long form', 'c0af'],
    ['a long form of three', 'e080af'],
    ['half a surrogate pair', 'eda080'],
    ['a surrogate pair, each half on its own', 'eda081edb080'],
    ['beyond the last character', 'f4908080'],
    ['a byte that never occurs', 'ff'],
    ['U+FFFD and then something wrong', 'efbfbd80'],
  ])('is refused when it is not UTF-8: %s', (_, hex) => {
    const wrong = [['violation', 1007, 'A text is not UTF-8.']]
    const bytes = Buffer.from(hex, 'hex')
    expect(readAll([clientFrame({ opcode: 1, payload: bytes })])).toEqual(wrong)
    expect(readAll([clientFragments(1, bytes, 1)])).toEqual(wrong)
    for (const length of [1, 2, 3, 100, 70_000]) {
      const long = Buffer.concat([Buffer.alloc(length, 'a'), bytes])
      expect(readAll([clientFrame({ opcode: 1, payload: long })])).toEqual(wrong)
    }
    expect(readAll([clientFrame({ opcode: 2, payload: bytes })])).toEqual([['binary', hex]])
  })
})

describe('the limit', () => {
  const limits = { maxPayloadBytes: 1000 }
  const tooLong = ['violation', 1009, 'A message is longer than the limit.']

  it.each([1, 2])('allows exactly so many bytes (opcode %i)', (opcode) => {
    const exact = Buffer.alloc(1000, 'a')
    const [whole] = readAll([clientFrame({ opcode, payload: exact })], limits)
    expect(whole?.[1]).toHaveLength(opcode === 1 ? 1000 : 2000)
    expect(readAll([clientFragments(opcode, exact, 333)], limits)).toEqual([whole])
    const more = Buffer.alloc(1001, 'a')
    expect(readAll([clientFrame({ opcode, payload: more })], limits)).toEqual([tooLong])
    for (const size of [1, 333, 500, 1000]) {
      expect(readAll([clientFragments(opcode, more, size)], limits)).toEqual([tooLong])
    }
  })

  it.each([1001n, 65_535n, 65_536n, 2n ** 31n, 2n ** 32n, 2n ** 32n + 5n, 2n ** 53n, 2n ** 63n - 1n])(
    'refuses a length of %i as soon as it is there',
    (announced) => {
      const frame = clientFrame({ opcode: 2, announced })
      const headBytes = announced < 65_536n ? 4 : 10
      expect(readAll(pieces(frame.subarray(0, headBytes - 1), 1), limits)).toEqual([])
      expect(readAll(pieces(frame.subarray(0, headBytes), 1), limits)).toEqual([tooLong])
    },
  )

  it('counts each message for itself, and control frames for none', () => {
    const payload = Buffer.alloc(900, 'a')
    const heard = readAll(
      Array.from({ length: 10 }, () =>
        Buffer.concat([
          clientFrame({ opcode: 2, payload, isLast: false }),
          clientFrame({ opcode: 9, payload: Buffer.alloc(125) }),
          clientFrame({ opcode: 0, payload: Buffer.alloc(100) }),
        ]),
      ),
      limits,
    )
    expect(heard).toHaveLength(20)
    expect(heard.filter(([kind]) => kind === 'binary')).toHaveLength(10)
  })

  it('holds for empty fragments by their number, which begins anew with each message', () => {
    const fragment = clientFrame({ opcode: 0, isLast: false })
    const begin = clientFrame({ opcode: 1, payload: 'a', isLast: false })
    const end = clientFrame({ opcode: 0, payload: 'b' })
    const message = (count: number) => [begin, ...Array.from({ length: count }, () => fragment), end]
    const heard: Heard[] = [['text', 'ab']]
    const wrong: Heard[] = [['violation', 1008, 'A message has too many empty fragments.']]
    expect(readAll([...message(64), ...message(64)])).toEqual([...heard, ...heard])
    const emptyEnd = clientFrame({ opcode: 0 })
    expect(readAll([...message(64).slice(0, -1), emptyEnd])).toEqual([['text', 'a']])
    expect(readAll(message(65))).toEqual(wrong)
    expect(readAll([...message(1), ...pieces(Buffer.concat(message(65)), 1)])).toEqual([...heard, ...wrong])
    const emptyBegin = clientFrame({ opcode: 1, isLast: false })
    expect(readAll([emptyBegin, ...Array.from({ length: 64 }, () => fragment)])).toEqual(wrong)
  })

  it('allows as many fragments with something in them as fit', () => {
    const payload = Buffer.alloc(200_000, 'abc')
    const heard = readAll(pieces(clientFragments(1, payload, 1), 65_536))
    expect(same(heard, [['text', payload.toString()]])).toBe(true)
  })

  it('holds for what is inflated, and leaves room for noise that grew by being deflated', () => {
    const deflating = { ...limits, deflate: true }
    const message = (payload: Buffer, level: number) =>
      clientFrame({
        opcode: 2,
        payload: deflateRawSync(payload, { level, memLevel: 1, windowBits: 9, finishFlush: 2 }).subarray(
          0,
          -4,
        ),
        reserved: 0x40,
      })
    const noise = new SeededRandom(2).bytes(1000)
    expect(message(noise, 0).length).toBeGreaterThan(1010)
    for (const level of [0, 1, 9]) {
      expect(readAll([message(noise, level)], deflating)).toEqual([['binary', noise.toString('hex')]])
    }
    expect(readAll([message(Buffer.alloc(1001), 9)], deflating)).toEqual([tooLong])
    expect(readAll([message(Buffer.alloc(1_000_000), 9)], deflating)).toEqual([tooLong])
    // Noise that would only be too long when it is inflated is too long already.
    const frame = clientFrame({ opcode: 2, reserved: 0x40, announced: 2000n })
    expect(readAll([frame.subarray(0, 4)], deflating)).toEqual([tooLong])
  })
})

describe('a reader', () => {
  it('says nothing more after a violation or a close, whatever comes', () => {
    const text = clientFrame({ opcode: 1, payload: 'late' })
    const ends = [clientFrame({ opcode: 3 }), clientClose(1000, 'bye'), clientFrame({ opcode: 8 })]
    for (const end of ends) {
      const heard = readAll([Buffer.concat([end, text, end]), text, end])
      expect(heard).toHaveLength(1)
      expect(heard[0]?.[0]).toMatch(/^(violation|close)$/)
      expect(readAll([...pieces(end, 1), ...pieces(text, 1)])).toEqual(heard)
    }
  })

  it('that is stopped in the middle of a chunk delivers nothing of the rest, and of later chunks', () => {
    const chunk = everything()
    const all = readAll([chunk])
    for (let count = 1; count <= all.length; count++) {
      const recording = new Recording()
      const reader = new FrameReader(recording, testLimits)
      recording.after = () => {
        if (recording.heard.length === count) reader.stop()
      }
      reader.push(chunk)
      reader.push(chunk)
      expect(recording.heard).toEqual(all.slice(0, count))
    }
  })

  it('may be stopped by its handler while it tells of the end, and more than once', () => {
    for (const end of [clientFrame({ opcode: 3 }), clientClose(1000)]) {
      const recording = new Recording()
      const reader = new FrameReader(recording, testLimits)
      recording.after = () => reader.stop()
      reader.push(end)
      reader.stop()
      reader.push(end)
      expect(recording.heard).toHaveLength(1)
    }
  })

  it('stops when its handler throws: what follows in the chunk would be lost', () => {
    const recording = new Recording()
    recording.after = () => {
      throw new Error('from the handler')
    }
    for (const bytes of [clientFrame({ opcode: 1, payload: 'a' }), clientFragments(2, Buffer.alloc(9), 4)]) {
      const reader = new FrameReader(recording, testLimits)
      recording.heard.length = 0
      expect(() => reader.push(bytes)).toThrow('from the handler')
      reader.push(bytes)
      expect(recording.heard).toHaveLength(1)
    }
  })

  it('shares memory with others and never their bytes', () => {
    const recordings = Array.from({ length: 50 }, () => new Recording())
    const readers = recordings.map((recording) => new FrameReader(recording, testLimits))
    const messages = recordings.map((_, index) =>
      Buffer.concat([
        clientFrame({ opcode: 1, payload: `é${index}`.repeat(60 - index) }),
        clientFragments(1, Buffer.from(`${index}`.repeat(index)), 3),
      ]),
    )
    for (let at = 0; at < 400; at += 5) {
      readers.forEach((reader, index) => {
        reader.push(messages[index]?.subarray(at, at + 5) ?? Buffer.alloc(0))
      })
    }
    recordings.forEach(({ heard }, index) => {
      expect(heard).toEqual([
        ['text', `é${index}`.repeat(60 - index)],
        ['text', `${index}`.repeat(index)],
      ])
    })
  })

  it('holds no bytes while it is idle, and few while it waits', () => {
    const count = 2000
    // The pool of Node comes and goes in pieces of 64 KiB, 33 bytes for each reader.
    const frame = clientFrame({ opcode: 1, payload: 'a'.repeat(1000) })
    const ping = clientFrame({ opcode: 9, payload: Buffer.alloc(125) })
    const readers = Array.from({ length: count }, () => new FrameReader(new Recording(), testLimits))
    const idle = bytesInUse()
    const bytesAfter = (chunk: Buffer) => {
      for (const reader of readers) {
        reader.push(chunk)
        // Others take from the pool, too: a byte kept in each of its pieces would keep all of them.
        Buffer.allocUnsafe(8192)
      }
      return (bytesInUse() - idle) / count
    }
    expect(bytesAfter(frame.subarray(0, 600))).toBeGreaterThan(500)
    expect(bytesAfter(frame.subarray(600))).toBeLessThan(100)
    const waiting = bytesAfter(ping.subarray(0, 130))
    // Less what the pool gave back meanwhile.
    expect(waiting).toBeGreaterThan(60)
    expect(waiting).toBeLessThan(200)
    expect(bytesAfter(ping.subarray(130))).toBeLessThan(100)
    // A message that is not over, and a ping within it.
    const begun = bytesAfter(clientFrame({ opcode: 1, payload: 'a'.repeat(600), isLast: false }))
    expect(begun).toBeGreaterThan(500)
    expect(bytesAfter(ping.subarray(0, 130))).toBeGreaterThan(begun + 60)
    for (const reader of readers) reader.stop()
    expect(bytesAfter(frame)).toBeLessThan(100)
  })

  it('takes memory for what came, not for what was announced', () => {
    const head = clientFrame({ opcode: 2, announced: 1_000_000n }).subarray(0, 14)
    const readers = Array.from({ length: 200 }, () => new FrameReader(new Recording(), testLimits))
    const before = process.memoryUsage().arrayBuffers
    for (const reader of readers) {
      reader.push(head)
      reader.push(Buffer.alloc(10))
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 5000)
  })

  it('copies a long message in small pieces a few times at most', () => {
    const message = new PartialMessage(false, false)
    const bytes = clientFrame({ opcode: 2, payload: Buffer.alloc(1_000_000) })
    message.startFrame(bytes, 10, 1_000_000, true)
    const memories = new Set<ArrayBufferLike>()
    for (let at = 14; at < bytes.length; at += 64) {
      message.take(bytes.subarray(0, at + 64), at)
      memories.add(message.bytes.buffer)
    }
    expect(message.isComplete).toBe(true)
    // As long as it was announced in the end. Before: 4 KiB, doubled seven times.
    expect(message.bytes.buffer.byteLength).toBe(1_000_000)
    expect(memories.size).toBe(9)
    const fragmented = new PartialMessage(false, false)
    memories.clear()
    fragmented.startFrame(bytes, 10, 60, false)
    fragmented.take(bytes, 14)
    expect(fragmented.bytes.buffer.byteLength).toBe(60)
    for (let at = 0; at < 1_048_576; at += 64) {
      fragmented.startFrame(bytes, 10, 64, at + 64 === 1_048_576)
      fragmented.take(bytes, 14)
      memories.add(fragmented.bytes.buffer)
    }
    expect(fragmented.length).toBe(1_048_576 + 60)
    expect(memories.size).toBeLessThan(17)
  })
})

/** One of everything that is allowed. */
function everything(): Buffer {
  return Buffer.concat([
    clientFrame({ opcode: 1, payload: 'hello' }),
    clientFrame({ opcode: 2, payload: Buffer.alloc(126, 3) }),
    clientFrame({ opcode: 9, payload: 'ping' }),
    clientFrame({ opcode: 1, payload: 'frag€'.repeat(3), isLast: false }),
    clientFrame({ opcode: 10, payload: 'pong' }),
    clientFrame({ opcode: 0, payload: '', isLast: false }),
    clientFrame({ opcode: 0, payload: 'ments', form: 64 }),
    clientFrame({ opcode: 1 }),
    clientFrame({ opcode: 9 }),
    clientFrame({ opcode: 2, payload: Buffer.alloc(300, 5), form: 16 }),
    clientClose(3000, 'bye €'),
  ])
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Of buffers, which is where bytes of clients could stay. What earlier tests left goes with the second time. */
function bytesInUse(): number {
  for (let time = 0; time < 3; time++) collectGarbage()
  return process.memoryUsage().arrayBuffers
}

/** A comparison that prints a megabyte is no help. */
function same(heard: readonly Heard[], expected: readonly Heard[]): boolean {
  return (
    heard.length === expected.length &&
    heard.every((one, index) => one.every((part, at) => part === expected[index]?.[at]))
  )
}
