/**
 * Seeded random: what is valid comes out as it went in, however it is cut. What is not ends the same way as in
 * a reader that is slow and obvious, and in one violation at most.
 */
import { constants, deflateRawSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { clientClose, clientFrame, deflatedBit } from './testing/client-frames.ts'
import { SeededRandom } from './testing/random.ts'
import { type Heard, readAll } from './testing/recording.ts'
import { referenceRead } from './testing/reference-reader.ts'

const limits = { maxPayloadBytes: 3000, deflate: true }
const seeds = Array.from({ length: 20 }, (_, index) => 41_000 + index)

it.each(seeds)('valid messages come out the same, cut anywhere (seed %i)', (seed) => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 60; round++) {
    const { bytes, expected } = validConversation(random)
    const heard = readAll(cutAnywhere(random, bytes), limits)
    expect(heard, `seed ${seed}, round ${round}`).toEqual(expected)
  }
})

it.each(seeds)('mutated bytes never throw, and end as in the reference (seed %i)', (seed) => {
  const random = new SeededRandom(-seed)
  for (let round = 0; round < 60; round++) {
    const bytes = mutate(random, validConversation(random).bytes)
    const where = `seed ${seed}, round ${round}`
    const heard = readAll(cutAnywhere(random, bytes), limits)
    expect(heard.map(withoutSentence), where).toEqual(referenceRead(bytes, limits))
    const ends = heard.findIndex(([kind]) => kind === 'violation' || kind === 'close')
    expect([-1, heard.length - 1], where).toContain(ends)
  }
})

it.each(seeds)('noise never throws, and ends as in the reference (seed %i)', (seed) => {
  const random = new SeededRandom(seed * 7)
  for (let round = 0; round < 60; round++) {
    // First bytes that are right more often than by chance, or hardly a case goes beyond them.
    const bytes = Buffer.concat(
      Array.from({ length: 1 + random.below(6) }, () => {
        const first = random.oneOf([0x81, 0x82, 0xc1, 0xc2, 0x01, 0x41, 0x00, 0x80, 0x89, 0x8a, 0x88])
        const second = 0x80 | random.oneOf([0, 0, 1, 2, 5, 126, 127, random.below(128)])
        return Buffer.concat([Buffer.from([first, second]), random.bytes(random.below(12))])
      }),
    )
    const heard = readAll(cutAnywhere(random, bytes), limits)
    expect(heard.map(withoutSentence), `seed ${seed}, round ${round}`).toEqual(referenceRead(bytes, limits))
  }
})

it('the mutations reach every code, and the end without one', () => {
  const codes = new Set<unknown>()
  for (let seed = 0; seed < 200; seed++) {
    const random = new SeededRandom(seed)
    for (let round = 0; round < 5; round++) {
      const heard = readAll([mutate(random, validConversation(random).bytes)], limits)
      const last = heard.at(-1)
      codes.add(last?.[0] === 'violation' ? last[1] : 'none')
    }
  }
  expect([...codes].sort()).toEqual([1002, 1007, 1008, 1009, 'none'])
})

/** Messages, whole and in fragments, compressed and not, with control frames between them; a close at times. */
function validConversation(random: SeededRandom): { bytes: Buffer; expected: Heard[] } {
  const frames: Buffer[] = []
  const expected: Heard[] = []
  const control = () => {
    const payload = random.bytes(random.oneOf([0, 1, random.below(126)]))
    const opcode = random.oneOf([9, 10])
    frames.push(clientFrame({ opcode, payload, mask: maskOf(random) }))
    expected.push(opcode === 9 ? ['ping', payload.toString('hex')] : ['pong'])
  }
  for (let messages = random.below(6); messages >= 0; messages--) {
    while (random.chance(0.2)) control()
    const isText = random.chance(0.6)
    const payload = isText ? Buffer.from(randomText(random)) : random.bytes(sizeOf(random))
    const deflated = random.chance(0.3)
    const wire = deflated ? deflate(random, payload) : payload
    let at = 0
    let emptyLeft = random.oneOf([0, 3, 50])
    for (let isFirst = true, isLast = false; !isLast; isFirst = false) {
      const isEmpty = emptyLeft-- > 0 && random.chance(0.8)
      const left = wire.length - at
      const size = isEmpty ? 0 : random.chance(0.5) ? left : random.below(left + 1)
      isLast = at + size === wire.length && random.chance(0.7)
      frames.push(
        clientFrame({
          opcode: isFirst ? (isText ? 1 : 2) : 0,
          reserved: isFirst && deflated ? deflatedBit : 0,
          payload: wire.subarray(at, at + size),
          isLast,
          mask: maskOf(random),
          ...(random.chance(0.1) ? { form: 64 as const } : {}),
        }),
      )
      at += size
      if (!isLast && random.chance(0.3)) control()
    }
    expected.push(isText ? ['text', payload.toString()] : ['binary', payload.toString('hex')])
  }
  if (random.chance(0.3)) {
    const reason = randomText(random).slice(0, 20).toWellFormed()
    frames.push(clientClose(4000, reason), Buffer.from('whatever follows'))
    expected.push(['close', 4000, reason])
  }
  return { bytes: Buffer.concat(frames), expected }
}

function cutAnywhere(random: SeededRandom, bytes: Buffer): Buffer[] {
  const sizeMax = random.oneOf([1, 3, 20, 300, 5000])
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(sizeMax)
    chunks.push(bytes.subarray(at, at + size))
    at += size
    if (random.chance(0.05)) chunks.push(Buffer.alloc(0))
  }
  return chunks
}

/** Bits, bytes, pieces taken out, put in and doubled, and the end cut off; near the beginning more often. */
function mutate(random: SeededRandom, original: Buffer): Buffer {
  let bytes = Buffer.from(original)
  for (let count = 1 + random.below(3); count > 0 && bytes.length > 0; count--) {
    const at = random.below(random.chance(0.5) ? Math.min(20, bytes.length) : bytes.length)
    const size = 1 + random.below(8)
    const before = bytes.subarray(0, at)
    const changes: (() => Buffer)[] = [
      () =>
        Buffer.concat([
          before,
          Buffer.from([(bytes[at] ?? 0) ^ (1 << random.below(8))]),
          bytes.subarray(at + 1),
        ]),
      () => Buffer.concat([before, random.bytes(size), bytes.subarray(at + size)]),
      () => Buffer.concat([before, bytes.subarray(at + size)]),
      () => Buffer.concat([before, random.bytes(size), bytes.subarray(at)]),
      () => Buffer.concat([before, bytes.subarray(at, at + size), bytes.subarray(at)]),
      () => before,
      () => Buffer.concat([before, emptyFragments(random), bytes.subarray(at)]),
    ]
    bytes = Buffer.from(random.oneOf(changes)())
  }
  return bytes
}

function emptyFragments(random: SeededRandom): Buffer {
  const fragment = clientFrame({ opcode: 0, isLast: false })
  return Buffer.concat([
    clientFrame({ opcode: 1, isLast: false }),
    ...Array.from({ length: 60 + random.below(8) }, () => fragment),
  ])
}

function randomText(random: SeededRandom): string {
  const end = random.oneOf([0x80, 0x80, 0x100, 0x3000, 0x1_0000])
  const units = Array.from({ length: Math.floor(sizeOf(random) / 3) }, () => random.below(end))
  return String.fromCharCode(...units).toWellFormed()
}

function sizeOf(random: SeededRandom): number {
  return random.oneOf([0, 1, 125, 126, 127, random.below(40), random.below(400), random.below(3001)])
}

function deflate(random: SeededRandom, payload: Buffer): Buffer {
  return deflateRawSync(payload, {
    level: random.below(10),
    windowBits: 9 + random.below(7),
    memLevel: 1 + random.below(9),
    strategy: random.oneOf([constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY]),
    finishFlush: random.oneOf([constants.Z_SYNC_FLUSH, constants.Z_FULL_FLUSH]),
  }).subarray(0, -4)
}

function maskOf(random: SeededRandom): [number, number, number, number] {
  return [random.below(256), random.below(256), random.below(256), random.below(256)]
}

function withoutSentence(heard: Heard): Heard {
  return heard[0] === 'violation' ? ['violation', heard[1], ''] : heard
}
