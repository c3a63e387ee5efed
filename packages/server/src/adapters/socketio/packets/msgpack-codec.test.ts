/** Packets as MessagePack: what the stock parser means by its bytes, and each refusal. */
import { describe, expect, it } from 'vitest'
import { msgpackCodec } from './msgpack-codec.ts'
import { defaultPacketLimits, type InboundPacket } from './packet.ts'
import { reasonOf } from './testing/reason-of.ts'
import { stockMsgpack, stockText } from './testing/stock-client.ts'
import { textCodec } from './text-codec.ts'

const reader = msgpackCodec.createReader(defaultPacketLimits)
const read = (bytes: Uint8Array) => reader.push(bytes)
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
/** A map with the keys `type` and `nsp` (`/`), and what else is given as hex. */
const packet = (type: number, entries = 0, rest = '') =>
  hex(`8${(entries + 2).toString(16)} a474797065 0${type} a36e7370 a12f ${rest}`)
const data = 'a464617461'
const id = 'a26964'
/** An event `a` with one argument. */
const event = (argument: string) => packet(2, 1, `${data} 92 a161 ${argument}`)
const argument = (text: string) => {
  const inbound = read(event(text))
  if (inbound?.type !== 2) throw new Error('That is no event.')
  expect(inbound.args).toHaveLength(1)
  return inbound.args[0]
}
const refusal = (bytes: Uint8Array | string) => reasonOf(() => reader.push(bytes))

describe('reading', () => {
  it.each<[name: string, bytes: Buffer, packet: InboundPacket]>([
    ['a connect', packet(0), { type: 0, namespace: '/', auth: undefined }],
    [
      'a connect with undefined',
      packet(0, 1, `${data} d40000`),
      { type: 0, namespace: '/', auth: undefined },
    ],
    [
      'a connect with a token',
      packet(0, 1, `${data} 81 a161 01`),
      { type: 0, namespace: '/', auth: { a: 1 } },
    ],
    ['a disconnect', packet(1), { type: 1, namespace: '/' }],
    [
      'an event',
      packet(2, 1, `${data} 91 a161`),
      { type: 2, namespace: '/', id: undefined, name: 'a', args: [], depth: 0 },
    ],
    [
      'an event with an id before its data',
      packet(2, 2, `${id} cd0102 ${data} 93 a161 80 91 91 07`),
      { type: 2, namespace: '/', id: 258, name: 'a', args: [{}, [[7]]], depth: 2 },
    ],
    [
      'an event with an id that is undefined',
      packet(2, 2, `${id} d40000 ${data} 91 a161`),
      { type: 2, namespace: '/', id: undefined, name: 'a', args: [], depth: 0 },
    ],
    [
      'an event with fields that mean nothing to us',
      packet(
        2,
        2,
        `a76f7074696f6e73 84 01 80 c2 d60000000000 93c00001 c702000101 c0 92 d5010203 d8ff ${'00'.repeat(16)} ${data} 91 a161`,
      ),
      { type: 2, namespace: '/', id: undefined, name: 'a', args: [], depth: 0 },
    ],
    [
      'an ack',
      packet(3, 2, `${data} 91 c3 ${id} 00`),
      { type: 3, namespace: '/', id: 0, args: [true], depth: 0 },
    ],
  ])('%s', (_, bytes, inbound) => expect(read(bytes)).toStrictEqual(inbound))

  it.each<[bytes: string, value: unknown]>([
    ['00', 0],
    ['7f', 127],
    ['ff', -1],
    ['e0', -32],
    ['c0', null],
    ['c2', false],
    ['c3', true],
    ['cc ff', 255],
    ['cd ffff', 65_535],
    ['ce ffffffff', 4_294_967_295],
    ['cf 001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['cf ffffffffffffffff', 2 ** 64],
    ['d0 80', -128],
    ['d1 8000', -32_768],
    ['d2 80000000', -2_147_483_648],
    ['d3 ffe0000000000001', Number.MIN_SAFE_INTEGER],
    ['ca 3f800000', 1],
    ['cb 3ff8000000000000', 1.5],
    ['cb 7ff0000000000000', Number.POSITIVE_INFINITY],
    ['cb 7ff8000000000000', Number.NaN],
    ['a0', ''],
    ['a3 c3bc61', 'üa'],
    ['d9 01 61', 'a'],
    ['da 0001 61', 'a'],
    ['db 00000001 61', 'a'],
    ['c4 00', Buffer.from([])],
    ['c4 02 0102', Buffer.from([1, 2])],
    ['c5 0001 09', Buffer.from([9])],
    ['c6 00000001 09', Buffer.from([9])],
    ['c7 02 00 0102', Buffer.from([1, 2])],
    ['c8 0001 00 09', Buffer.from([9])],
    ['c9 00000001 00 09', Buffer.from([9])],
    ['d4 00 00', undefined],
    ['d7 00 00000199b0c45000', new Date(0x199b0c45000)],
    ['d7 00 ffffffffffffffff', new Date(-1)],
    ['90', []],
    ['80', {}],
    ['dc 0002 01 02', [1, 2]],
    ['dd 00000001 90', [[]]],
    ['de 0001 a161 01', { a: 1 }],
    ['df 00000001 a0 80', { '': {} }],
    ['82 d90161 01 da000162 02', { a: 1, b: 2 }],
    ['81 af 6120 6b6579 206173 206c6f6e67 206f 01', { 'a key as long o': 1 }],
    ['82 a161 01 a161 02', { a: 2 }],
    [`9f ${'01'.repeat(15)}`, Array.from({ length: 15 }, () => 1)],
    [
      `8f ${[...'0123456789abcde'].map((key) => `a1${Buffer.from(key).toString('hex')}00`).join('')}`,
      Object.fromEntries([...'0123456789abcde'].map((key) => [key, 0])),
    ],
    [`bf ${'61'.repeat(31)}`, 'a'.repeat(31)],
    [`ac ${'61'.repeat(12)}`, 'a'.repeat(12)],
    [`ad ${'61'.repeat(13)}`, 'a'.repeat(13)],
    ['a4 f09f9880', '😀'],
    // What is no UTF-8 is replaced, as by the stock parser.
    ['a3 618061', 'a\ufffda'],
    ['a1 7f', '\u007f'],
  ])('%s', (bytes, value) => {
    expect(argument(bytes)).toStrictEqual(value)
    // Below the bound of depth, and in a field that means nothing, it is stepped over.
    expect(read(packet(2, 2, `a178 92 ${bytes} 01 ${data} 92 a161 07`))).toMatchObject({
      name: 'a',
      args: [7],
    })
    expect(read(event(`${'91'.repeat(64)} 92 ${bytes} 01`))).toMatchObject({ name: 'a', depth: 65 })
  })

  it('counts depth as in text', () => {
    const lists = (levels: number) => event(`${'91'.repeat(levels)} 01`)
    expect(read(event('01'))).toMatchObject({ depth: 0 })
    expect(read(event('c4 01 01'))).toMatchObject({ depth: 0 })
    expect(read(event('92 80 91 80'))).toMatchObject({ depth: 3 })
    expect(read(lists(64))).toMatchObject({ depth: 64 })
    expect(read(lists(65))).toMatchObject({ depth: 65, args: [], name: 'a' })
    expect(read(event(`${'81a161'.repeat(65)} 01`))).toMatchObject({ depth: 65, args: [], name: 'a' })
    expect(read(lists(500_000))).toMatchObject({ depth: 65, args: [], name: 'a' })
    // What comes after it is read all the same.
    const deep = packet(2, 2, `${data} 94 a161 ${'91'.repeat(70)}01 82a16190a16280 c40101 ${id} 09`)
    expect(read(deep)).toMatchObject({ depth: 65, args: [], name: 'a', id: 9 })
    expect(refusal(packet(0, 1, `${data} ${'81a161'.repeat(65)} 01`))).toBe('auth')
    expect(read(packet(0, 1, `${data} ${'81a161'.repeat(64)} 01`))).toMatchObject({ type: 0 })
    // Whatever stands beside it, and wherever.
    expect(
      read(
        packet(
          2,
          1,
          `${data} 94 a161 ${'91'.repeat(70)}01 81a9${Buffer.from('__proto__').toString('hex')}01 01`,
        ),
      ),
    ).toMatchObject({ depth: 65, args: [] })
    const fewer = msgpackCodec.createReader({ ...defaultPacketLimits, depthMax: 1 })
    expect(fewer.push(event('91 01'))).toMatchObject({ depth: 1, args: [[1]] })
    expect(fewer.push(event('91 90'))).toMatchObject({ depth: 2, args: [] })
  })

  it('leaves out keys that reach prototypes, with all that is under them', () => {
    const [proto, maker, prototype] = [
      'a95f5f70726f746f5f5f',
      'ab636f6e7374727563746f72',
      'a970726f746f74797065',
    ]
    const value = argument(
      `84 ${proto} 81 a8706f6c6c75746564 01 ${maker} ${'91'.repeat(99)}80 a161 01 ${prototype} c0`,
    )
    expect(value).toStrictEqual({ a: 1 })
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    expect(read(packet(0, 1, `${data} 81 ${proto} 81 a161 01`))).toStrictEqual({
      type: 0,
      namespace: '/',
      auth: {},
    })
    // As a key of the packet itself it is a field that means nothing.
    expect(read(packet(2, 2, `${proto} 81 a161 01 ${data} 91 a161`))).toMatchObject({ name: 'a' })
  })

  it('never awaits attachments, and reads views of larger memory', () => {
    const bytes = packet(2, 1, `${data} 92 a161 c4 01 07`)
    const larger = new Uint8Array([1, 2, ...bytes, 3])
    expect(read(larger.subarray(2, -1))).toStrictEqual(read(bytes))
    expect(reader.hasPendingAttachments).toBe(false)
  })
})

describe('refuses', () => {
  it.each<[reason: string, bytes: (Uint8Array | string)[]]>([
    [
      'msgpack',
      [
        '',
        '2["a"]',
        hex(''),
        hex('c0'),
        hex('01'),
        hex('90'),
        hex('c1'),
        hex('a161'),
        hex('81'),
        hex('81 a474797065'),
        hex('8f'),
        hex('de'),
        hex('de00'),
        hex('df000000'),
        hex('dfffffffff'),
        Buffer.concat([packet(1), hex('00')]),
        packet(1).subarray(0, -1),
        // Lengths that go beyond the end.
        ...['a5 61', 'd9 05 61', 'da ffff', 'db ffffffff 61', 'c4 02 01', 'c5', 'c5 00', 'c6 ffffffff'].map(
          event,
        ),
        ...['c7 02 00 01', 'c8 ffff 00', 'c9 ffffffff 00', 'c9', 'cb 00', 'cf 00000000000000', 'd3'].map(
          event,
        ),
        ...['92 01', '82 a161 01', 'dc ffff 01', 'dd ffffffff', 'df ffffffff', 'dd 01ffffff'.repeat(50)].map(
          event,
        ),
        ...['c1', '91 c1', 'd4', 'd4 00', 'd7 00 00000000000000', 'd8 00'].map(event),
        // Extensions that mean nothing, and a date that is none.
        ...['d4 01 00', 'd5 00 0000', 'd6 ff 00000000', 'd6 00 00000000', `d8 00 ${'00'.repeat(16)}`].map(
          event,
        ),
        ...['c7 01 01 00', 'c7 0c ff 000000000000000000000000', 'd7 ff 0000000000000000'].map(event),
        ...['d7 00 7fffffffffffffff', 'd7 00 8000000000000000'].map(event),
        // The same below what is skipped.
        event(`${'91'.repeat(70)}`),
        event(`${'91'.repeat(70)} c1`),
        event(`${'91'.repeat(64)} dd ffffffff 01`),
        event(`${'91'.repeat(64)} df 7fffffff a161 01`),
        event(`${'91'.repeat(70)} c7 05 00`),
      ],
    ],
    [
      'msgpack_key',
      [
        hex('81 01 02'),
        hex('81 c0 c0'),
        event('81 01 02'),
        event('81 c4 01 61 01'),
        event('81 90 01'),
        event('81 c0 01'),
      ],
    ],
    [
      'type',
      [
        hex('81 a36e7370 a12f'),
        packet(4),
        packet(5),
        packet(6),
        packet(7),
        hex('82 a474797065 a132 a36e7370 a12f'),
        hex('82 a474797065 ff a36e7370 a12f'),
        hex('82 a474797065 9102 a36e7370 a12f'),
      ],
    ],
    [
      'namespace',
      [
        hex('80'),
        hex('81 a474797065 02'),
        hex('82 a474797065 01 a36e7370 a161'),
        hex('82 a474797065 01 a36e7370 a0'),
        hex('82 a474797065 01 a36e7370 07'),
        hex('82 a474797065 01 a36e7370 c0'),
        hex(`82 a474797065 01 a36e7370 d981 2f${'61'.repeat(128)}`),
      ],
    ],
    [
      'id',
      [
        ...[
          'ff',
          'c0',
          'a131',
          'cb 3ff8000000000000',
          'cf 0020000000000000',
          'cb 7ff8000000000000',
          '90',
          'c3',
        ].map((text) => packet(2, 2, `${data} 91 a161 ${id} ${text}`)),
        packet(3, 1, `${data} 90`),
        packet(0, 1, `${id} 01`),
        packet(1, 1, `${id} 01`),
      ],
    ],
    [
      'payload',
      [
        packet(2),
        packet(2, 1, `${data} 80`),
        packet(2, 1, `${data} a161`),
        packet(2, 1, `${data} d40000`),
        packet(3, 2, `${id} 01 ${data} c0`),
        packet(3, 1, `${id} 01`),
        packet(1, 1, `${data} 80`),
        packet(1, 1, `${data} c0`),
      ],
    ],
    [
      'name',
      [
        '90',
        '91 a0',
        '91 01',
        '91 c0',
        '91 c40161',
        '91 d40000',
        '91 a7 636f6e6e656374',
        '92 aa 646973636f6e6e656374 01',
      ].map((text) => packet(2, 1, `${data} ${text}`)),
    ],
    [
      'auth',
      ['90', 'a161', '01', 'c0', 'c40161', 'd7000000000000000000'].map((text) =>
        packet(0, 1, `${data} ${text}`),
      ),
    ],
  ])('by reason of its %s', (reason, messages) => {
    for (const message of messages) {
      const shown = typeof message === 'string' ? message : Buffer.from(message).toString('hex').slice(0, 99)
      expect([shown, refusal(message)]).toEqual([shown, reason])
    }
  })

  it('numbers that lie, without making room for them', () => {
    const before = process.memoryUsage().rss
    for (let round = 0; round < 100; round++) {
      expect(refusal(event('dd 01ffffff'.repeat(60)))).toBe('msgpack')
      expect(refusal(event('df 01ffffff a161'.repeat(60)))).toBe('msgpack')
      expect(refusal(event(`${'91'.repeat(70)} ${'dd ffffffff'.repeat(60)}`))).toBe('msgpack')
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  })
})

describe('writing', () => {
  it.each([
    [
      'a connect',
      msgpackCodec.encodeConnect('/a', { sid: 's', pid: 'p' }),
      { type: 0, nsp: '/a', data: { sid: 's', pid: 'p' } },
    ],
    [
      'a refusal',
      msgpackCodec.encodeConnectError('/', { message: 'No', data: { code: 'x' } }),
      { type: 4, nsp: '/', data: { message: 'No', data: { code: 'x' } } },
    ],
    ['a disconnect', msgpackCodec.encodeDisconnect('/a'), { type: 1, nsp: '/a' }],
    [
      'an event',
      msgpackCodec.encodeEvent('/a', ['x', { b: 1 }]),
      { type: 2, nsp: '/a', data: ['x', { b: 1 }] },
    ],
    [
      'an event with an id',
      msgpackCodec.encodeEvent('/', ['x'], 0),
      { type: 2, nsp: '/', data: ['x'], id: 0 },
    ],
    [
      'an ack',
      msgpackCodec.encodeAck('/', 12, [null, 'y']),
      { type: 3, nsp: '/', data: [null, 'y'], id: 12 },
    ],
  ])('%s is read by the stock client', (_, messages, expected) => {
    expect(messages).toHaveLength(1)
    expect(stockMsgpack.decode(messages.map(Buffer.from as (bytes: unknown) => Buffer))).toStrictEqual([
      expected,
    ])
  })

  it('means by each value what the stock encoder means', () => {
    const list = new Uint8Array([9, 1, 2, 9])
    class Point {
      x = 1
      move() {}
      own = () => {}
    }
    const values = {
      undefined,
      holes: Object.assign([undefined], { 2: null }),
      date: new Date(1_760_000_000_123),
      early: new Date(-5),
      invalid: new Date(Number.NaN),
      point: new Point(),
      json: { toJSON: () => ({ kept: new Date(7), toJSON: undefined }) },
      texts: ['', 'ü', '😀'.repeat(40)],
      numbers: [0, -0, 1.5, -32, -33, 2 ** 32, -(2 ** 31) - 1, 2 ** 53 - 1, Number.POSITIVE_INFINITY],
      buffer: Buffer.from('abc'),
      nested: { a: [{ b: [] }] },
    }
    const [ours] = msgpackCodec.encodeEvent('/', ['a', values])
    const stock = stockMsgpack.encode({ type: 2, nsp: '/', data: ['a', values] })
    expect(stockMsgpack.decode([Buffer.from(ours as Uint8Array)])).toStrictEqual(stockMsgpack.decode(stock))
    // Views and whole memory are bytes, wherever they are read: stock browsers do not know the stock server's type.
    const [views] = msgpackCodec.encodeAck('/', 1, [
      list.subarray(1, 3),
      list.buffer,
      new DataView(list.buffer, 3),
    ])
    expect(stockMsgpack.decode([Buffer.from(views as Uint8Array)])).toMatchObject([
      { data: [Buffer.from([1, 2]), Buffer.from([9, 1, 2, 9]), Buffer.from([9])] },
    ])
  })

  it('takes no key that reaches a prototype along', () => {
    const [bytes] = msgpackCodec.encodeEvent('/', ['a', JSON.parse('{"__proto__":{"polluted":1},"b":2}')])
    expect(stockMsgpack.decode([Buffer.from(bytes as Uint8Array)])).toMatchObject([{ data: ['a', { b: 2 }] }])
    expect(Buffer.from(bytes as Uint8Array).includes('polluted')).toBe(false)
  })

  it('does not share memory between messages', () => {
    const [first] = msgpackCodec.encodeAck('/', 1, ['first'])
    const copy = Buffer.from(first as Uint8Array)
    msgpackCodec.encodeAck('/', 2, ['other'])
    expect(Buffer.from(first as Uint8Array)).toEqual(copy)
  })

  it('throws what cannot be written, and goes on', () => {
    const cycle: unknown[] = []
    cycle.push({ cycle })
    expect(() => msgpackCodec.encodeAck('/', 1, cycle)).toThrow(/cycle/)
    expect(() => msgpackCodec.encodeAck('/', 1, [1n])).toThrow()
    expect(() => msgpackCodec.encodeAck('/', 1, [() => {}])).toThrow()
    expect(msgpackCodec.encodeAck('/', 1, [])).toHaveLength(1)
  })

  it.each<[name: string, levels: number, wrap: (inner: unknown) => unknown]>([
    ['lists', 100, (inner) => [inner]],
    ['objects', 100, (inner) => ({ inner })],
    ['what tells its JSON', 50, (inner) => [{ toJSON: () => inner }]],
  ])('goes as deep as the text codec in %s', (_, most, wrap) => {
    const deep = (levels: number): unknown => (levels === 0 ? 'end' : wrap(deep(levels - 1)))
    for (const codec of [textCodec, msgpackCodec]) {
      expect(() => codec.encodeAck('/', 1, [deep(most + 1)])).toThrow(/cycle, or is nested deeper than 100/)
      expect(codec.encodeAck('/', 1, [deep(most)])).toHaveLength(1)
    }
    const [bytes] = msgpackCodec.encodeAck('/', 1, [deep(most)])
    const [text] = textCodec.encodeAck('/', 1, [deep(most)])
    expect(stockMsgpack.decode([Buffer.from(bytes as Uint8Array)])).toEqual(stockText.decode([text]))
  })
})
