/**
 * Thousands of packets by the seed: what is valid comes through as it was, what is not is refused as `MalformedPacket`
 * and in no other way, and never reaches a prototype. A failure names its seed.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { MalformedPacket } from './malformed-packet.ts'
import { msgpackCodec } from './msgpack-codec.ts'
import { defaultPacketLimits, type InboundPacket, type Message, type PacketCodec } from './packet.ts'
import { Random, type RandomPacket, randomPacket } from './testing/random-packets.ts'
import { type StockCodec, stockMsgpack, stockText } from './testing/stock-client.ts'
import { textCodec } from './text-codec.ts'

type Leaf = (random: Random) => unknown
const bytesLeaf: Leaf = (random) => random.bytes(random.pick([0, 3, 40, 300]))
const packetsOfOneTest = 400

const codecs: { name: string; codec: PacketCodec; stock: StockCodec; leaves: Leaf[] }[] = [
  { name: 'text', codec: textCodec, stock: stockText, leaves: [] },
  { name: 'text with attachments', codec: textCodec, stock: stockText, leaves: [bytesLeaf] },
  { name: 'msgpack', codec: msgpackCodec, stock: stockMsgpack, leaves: [] },
  {
    name: 'msgpack with what JSON cannot hold',
    codec: msgpackCodec,
    stock: stockMsgpack,
    leaves: [
      bytesLeaf,
      (random) => new Date(random.below(2 ** 45) - 2 ** 44),
      () => undefined,
      () => Number.NaN,
      () => Number.NEGATIVE_INFINITY,
    ],
  },
]

afterEach(() => {
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  expect(Object.keys(Object.prototype)).toEqual([])
})

describe.each(codecs)('$name', ({ codec, stock, leaves }) => {
  it.each([1, 2, 3, 4, 5])('brings packets through (seed %i)', (seed) => {
    const random = new Random(seed)
    const reader = codec.createReader({ ...defaultPacketLimits, attachmentsMax: 1_000 })
    for (let round = 0; round < packetsOfOneTest; round++) {
      const packet = randomPacket(random, leaves)
      const expected = expectedEvent(packet)
      const messages = codec.encodeEvent(packet.namespace, [packet.name, ...packet.args], packet.id)
      expect([seed, round, asBuffers(lastOf(messages.map((message) => reader.push(message))))]).toStrictEqual(
        [seed, round, expected],
      )
      expect(reader.hasPendingAttachments).toBe(false)
      const answer = codec.encodeAck(packet.namespace, packet.id ?? 0, packet.args)
      expect(asBuffers(lastOf(answer.map((message) => reader.push(message))))).toStrictEqual({
        type: 3,
        namespace: packet.namespace,
        id: packet.id ?? 0,
        args: expected.args,
        depth: expected.depth,
      })
    }
  })

  it.each([6, 7, 8])('understands the stock client, and is understood (seed %i)', (seed) => {
    const random = new Random(seed)
    const reader = codec.createReader({ ...defaultPacketLimits, attachmentsMax: 1_000 })
    for (let round = 0; round < packetsOfOneTest; round++) {
      const packet = randomPacket(random, leaves)
      packet.args.splice(2)
      const attachments = countBytes(packet.args)
      // The stock decoder takes ten.
      if (attachments > 10) continue
      const { namespace, id, name } = packet
      const args = withBuffers(packet.args) as unknown[]
      const theirs = stock.encode({
        type: 2,
        nsp: namespace,
        data: [name, ...packet.args],
        id,
        options: { compress: true },
      })
      expect([seed, round, asBuffers(lastOf(theirs.map((message) => reader.push(message))))]).toStrictEqual([
        seed,
        round,
        expectedEvent(packet),
      ])
      const ours = codec.encodeEvent(namespace, [name, ...packet.args], id)
      const [decoded] = stock.decode(
        ours.map((message) => (typeof message === 'string' ? message : Buffer.from(message))),
      )
      expect([seed, round, decoded?.nsp, decoded?.id, decoded?.data]).toEqual([
        seed,
        round,
        namespace,
        id,
        [name, ...args],
      ])
    }
  })

  it.each([11, 12, 13, 14, 15, 16, 17, 18])('refuses what is broken in one way (seed %i)', (seed) => {
    const random = new Random(seed)
    let taken = 0
    let refused = 0
    for (let round = 0; round < packetsOfOneTest; round++) {
      const reader = codec.createReader({ attachmentsMax: 10, attachmentBytesMax: 2_000, depthMax: 20 })
      const packet = randomPacket(random, leaves)
      const whole = random.chance(0.5)
        ? codec.encodeEvent(packet.namespace, [packet.name, ...packet.args], packet.id)
        : random.pick([
            codec.encodeAck(packet.namespace, 1, packet.args),
            codec.encodeConnect(packet.namespace, { sid: 'a' }),
            codec.encodeDisconnect(packet.namespace),
          ])
      for (const message of broken(random, whole)) {
        try {
          const inbound = reader.push(message)
          if (inbound !== undefined) {
            taken += 1
            expectInbound(inbound, seed, round)
          }
        } catch (error) {
          if (!(error instanceof MalformedPacket))
            throw new Error(`Seed ${seed}, round ${round}`, { cause: error })
          refused += 1
          expect(reader.hasPendingAttachments).toBe(false)
        }
      }
    }
    // Both ways are gone often enough to mean something.
    expect(taken).toBeGreaterThan(20)
    expect(refused).toBeGreaterThan(20)
  })
})

describe('broken text', () => {
  it.each([21, 22, 23, 24])('that is taken all the same is what the stock client reads (seed %i)', (seed) => {
    const random = new Random(seed)
    let compared = 0
    for (let round = 0; round < 2_000; round++) {
      const { namespace, name, args, id } = randomPacket(random, [])
      const [text] = broken(random, textCodec.encodeEvent(namespace, [name, ...args], id))
      if (typeof text !== 'string' || /proto|constructor|\\u/.test(text)) continue
      let inbound: InboundPacket | undefined
      try {
        inbound = textCodec.createReader({ ...defaultPacketLimits, depthMax: 1_000 }).push(text)
      } catch {
        continue
      }
      if (inbound?.type !== 2) continue
      compared += 1
      const [stock] = stockText.decode([text])
      expect([seed, round, stock]).toEqual([
        seed,
        round,
        { type: 2, nsp: inbound.namespace, id: inbound.id, data: [inbound.name, ...inbound.args] },
      ])
    }
    expect(compared).toBeGreaterThan(100)
  })
})

describe('noise', () => {
  it.each([31, 32, 33])('is refused, or is a packet (seed %i)', (seed) => {
    const random = new Random(seed)
    const text = textCodec.createReader(defaultPacketLimits)
    const msgpack = msgpackCodec.createReader(defaultPacketLimits)
    for (let round = 0; round < 5_000; round++) {
      const bytes = random.bytes(40)
      // Half of it begins as a packet does.
      if (random.chance(0.5))
        bytes.set(
          [0x82 + random.below(3), 0xa4, 0x74, 0x79, 0x70, 0x65, random.below(4)].slice(0, bytes.length),
        )
      const noise = Array.from({ length: random.below(30) }, () =>
        random.pick([...'0123456/,-[]{}":\\u_nabcxyz \u0000ü']),
      )
      for (const [reader, message] of [
        [text, noise.join('')],
        [text, bytes],
        [msgpack, bytes],
        [msgpack, noise.join('')],
      ] as const) {
        try {
          const inbound = reader.push(message)
          if (inbound !== undefined) expectInbound(inbound, seed, round)
        } catch (error) {
          if (!(error instanceof MalformedPacket))
            throw new Error(`Seed ${seed}, round ${round}`, { cause: error })
        }
      }
    }
  })
})

/** Pieces that mean something somewhere. */
const pieces = [
  ...[
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '51-',
    '52-',
    '/',
    ',',
    '-',
    '[',
    ']',
    '{',
    '}',
    '"',
    '\\',
    '\\u005f',
    ':',
  ],
  ...[
    '{"_placeholder":true,"num":0}',
    '{"_placeholder":true,"num":1}',
    '"_placeholder":true',
    '"num":',
    'null',
    '99',
  ],
  ...[
    '"__proto__":{"polluted":true},',
    '{"__proto__":{"polluted":true}}',
    '"constructor":{"prototype":{"polluted":1}},',
  ],
  ...['["connect"]', '9007199254740993', '1e999', '[[[[[[[[[[[[[[[[[[[[[[[[[', '\u0000', '\ud800', ' ', '\n'],
]
const piecesOfBytes = [
  ...[
    'c1',
    'd40000',
    'd4',
    'd700',
    'c70100',
    'dd01ffffff',
    'dfffffffff',
    'dbffffffff',
    '8f',
    '9f',
    '81',
    '91',
    'c4ff',
    'c0',
  ],
  ...[
    '81a95f5f70726f746f5f5f81a8706f6c6c75746564c3',
    'a95f5f70726f746f5f5f',
    'ab636f6e7374727563746f72',
    '91'.repeat(30),
  ],
].map((hex) => Buffer.from(hex, 'hex'))

function broken(random: Random, messages: readonly Message[]): Message[] {
  const result = messages.map((message) => {
    if (random.chance(0.2)) return message
    if (typeof message === 'string') return brokenText(random, message)
    return brokenBytes(random, message)
  })
  // Messages themselves get lost, come twice, or in another order.
  if (random.chance(0.1)) result.splice(random.below(result.length), 1)
  if (random.chance(0.1)) result.push(random.pick(['2["a"]', '', Buffer.from([1]), ...result]))
  if (random.chance(0.05)) result.reverse()
  return result
}

function brokenText(random: Random, text: string): string {
  const at = random.below(text.length + 1)
  const until = at + random.below(Math.min(12, text.length - at + 1))
  const put = random.pick([
    '',
    random.pick(pieces),
    text.slice(at, until).repeat(2),
    String.fromCharCode(random.below(128)),
  ])
  return text.slice(0, at) + put + text.slice(until)
}

function brokenBytes(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1)
  const until = at + random.below(Math.min(6, bytes.length - at + 1))
  const put = random.pick([new Uint8Array(), random.pick(piecesOfBytes), Uint8Array.of(random.below(256))])
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(until)])
}

/** Whatever is taken has the shape that its type promises, and nothing that the walk takes out. */
function expectInbound(inbound: InboundPacket, seed: number, round: number): void {
  const where = [seed, round]
  expect([...where, inbound.namespace]).toEqual([...where, expect.stringMatching(/^\//)])
  if (inbound.type === 2 || inbound.type === 3) {
    expect([...where, Array.isArray(inbound.args)]).toEqual([...where, true])
    const depth = depthOf(inbound.args) - 1
    if (inbound.depth <= 64)
      expect([...where, depth]).toEqual([...where, inbound.args.length === 0 ? depth : inbound.depth])
    expect([...where, unsafeKeys(inbound.args)]).toEqual([...where, []])
    if (inbound.type === 2)
      expect([...where, inbound.name]).toEqual([...where, expect.not.stringMatching(/^$/)])
    if (inbound.type === 3 || inbound.id !== undefined)
      expect([...where, Number.isSafeInteger(inbound.id)]).toEqual([...where, true])
  } else if (inbound.type === 0) expect([...where, unsafeKeys(inbound.auth)]).toEqual([...where, []])
}

function expectedEvent({ namespace, id, name, args }: RandomPacket) {
  return { type: 2, namespace, id, name, args: withBuffers(args) as unknown[], depth: depthOf(args) - 1 }
}

function asBuffers(inbound: InboundPacket | undefined): unknown {
  return inbound !== undefined && 'args' in inbound
    ? { ...inbound, args: withBuffers(inbound.args) }
    : inbound
}

/** One kind of bytes, so that they compare. */
function withBuffers(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (Array.isArray(value)) return value.map(withBuffers)
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBuffers(inner)]))
}

function depthOf(value: unknown): number {
  if (Array.isArray(value)) return 1 + Math.max(0, ...value.map(depthOf))
  return isPlain(value) ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
}

function countBytes(value: unknown): number {
  if (ArrayBuffer.isView(value)) return 1
  const inner = Array.isArray(value) ? value : isPlain(value) ? Object.values(value) : []
  return inner.reduce((sum: number, each) => sum + countBytes(each), 0)
}

function unsafeKeys(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(unsafeKeys)
  if (!isPlain(value)) return []
  return Reflect.ownKeys(value)
    .map(String)
    .filter((key) => ['__proto__', 'constructor', 'prototype'].includes(key))
    .concat(Object.values(value).flatMap(unsafeKeys))
}

function isPlain(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]'
}

function lastOf<T>(values: readonly T[]): T | undefined {
  return values.at(-1)
}
