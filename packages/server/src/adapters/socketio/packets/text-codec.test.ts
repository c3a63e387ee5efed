/** Packets as text: the examples of the protocol's document, attachments, and each refusal. */
import { describe, expect, it } from 'vitest'
import {
  defaultPacketLimits,
  type InboundEvent,
  type InboundPacket,
  type Message,
  type PacketLimits,
  PacketType,
} from './packet.ts'
import { reasonOf } from './testing/reason-of.ts'
import { eventText, textCodec } from './text-codec.ts'

const bytes = (...values: number[]) => Buffer.from(values)
const read = (messages: Message | readonly Message[], limits: Partial<PacketLimits> = {}) => {
  const reader = textCodec.createReader({ ...defaultPacketLimits, ...limits })
  const [first, ...rest] = typeof messages === 'string' ? [messages] : (messages as readonly Message[])
  let packet: InboundPacket | undefined = reader.push(first ?? '')
  for (const message of rest) {
    expect(packet).toBeUndefined()
    expect(reader.hasPendingAttachments).toBe(true)
    packet = reader.push(message)
  }
  return packet
}
const refusal = (...messages: Message[]) => reasonOf(() => read(messages))

describe('reading', () => {
  it.each<[text: string, packet: InboundPacket]>([
    ['0', { type: 0, namespace: '/', auth: undefined }],
    ['0{"token":"123"}', { type: 0, namespace: '/', auth: { token: '123' } }],
    ['0/admin,', { type: 0, namespace: '/admin', auth: undefined }],
    ['0/admin', { type: 0, namespace: '/admin', auth: undefined }],
    ['0/admin,{"token":"1,2"}', { type: 0, namespace: '/admin', auth: { token: '1,2' } }],
    ['1', { type: 1, namespace: '/' }],
    ['1/admin,', { type: 1, namespace: '/admin' }],
    ['1/admin', { type: 1, namespace: '/admin' }],
    ['2["foo"]', { type: 2, namespace: '/', id: undefined, name: 'foo', args: [], depth: 0 }],
    ['2/,["foo"]', { type: 2, namespace: '/', id: undefined, name: 'foo', args: [], depth: 0 }],
    ['2/admin,["bar"]', { type: 2, namespace: '/admin', id: undefined, name: 'bar', args: [], depth: 0 }],
    ['212["foo"]', { type: 2, namespace: '/', id: 12, name: 'foo', args: [], depth: 0 }],
    ['20["foo",7,null]', { type: 2, namespace: '/', id: 0, name: 'foo', args: [7, null], depth: 0 }],
    [
      '2/notifications,17["notification:getAll",{"limit":20}]',
      {
        type: 2,
        namespace: '/notifications',
        id: 17,
        name: 'notification:getAll',
        args: [{ limit: 20 }],
        depth: 1,
      },
    ],
    [
      '2/a,9007199254740991["x","y",[{"z":[]}],{}]',
      {
        type: 2,
        namespace: '/a',
        id: Number.MAX_SAFE_INTEGER,
        name: 'x',
        args: ['y', [{ z: [] }], {}],
        depth: 3,
      },
    ],
    ['3/admin,13["bar"]', { type: 3, namespace: '/admin', id: 13, args: ['bar'], depth: 0 }],
    ['30[]', { type: 3, namespace: '/', id: 0, args: [], depth: 0 }],
    // Without attachments a placeholder is an object like any other.
    [
      '2["a",{"_placeholder":true,"num":0}]',
      {
        type: 2,
        namespace: '/',
        id: undefined,
        name: 'a',
        args: [{ _placeholder: true, num: 0 }],
        depth: 1,
      },
    ],
  ])('%s', (text, packet) => expect(read(text)).toStrictEqual(packet))

  it('holds nothing while no attachments are awaited, and reads one packet after another', () => {
    const reader = textCodec.createReader(defaultPacketLimits)
    for (const round of [1, 2, 3]) {
      expect(reader.push(`2${round}["a"]`)).toMatchObject({ id: round })
      expect(reader.hasPendingAttachments).toBe(false)
      expect(reader.push('51-["b",{"_placeholder":true,"num":0}]')).toBeUndefined()
      expect(reader.hasPendingAttachments).toBe(true)
      expect(reader.push(bytes(round))).toMatchObject({ name: 'b', args: [bytes(round)] })
      expect(reader.hasPendingAttachments).toBe(false)
    }
  })

  it('keeps the readers of two connections apart', () => {
    const [one, other] = [1, 2].map(() => textCodec.createReader(defaultPacketLimits))
    expect(one?.push('51-["a",{"_placeholder":true,"num":0}]')).toBeUndefined()
    expect(other?.push('2["b"]')).toMatchObject({ name: 'b' })
    expect(one?.push(bytes(1))).toMatchObject({ name: 'a' })
  })
})

describe('attachments', () => {
  it('come where their placeholders stand', () => {
    expect(read(['51-["hello",{"_placeholder":true,"num":0}]', bytes(1, 2, 3)])).toStrictEqual({
      type: 2,
      namespace: '/',
      id: undefined,
      name: 'hello',
      args: [bytes(1, 2, 3)],
      depth: 0,
    })
    expect(
      read([
        '52-/admin,7["a",{"x":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":0},"end"]',
        bytes(1),
        bytes(),
      ]),
    ).toStrictEqual({
      type: 2,
      namespace: '/admin',
      id: 7,
      name: 'a',
      args: [{ x: [bytes()] }, bytes(1), 'end'],
      depth: 2,
    })
    expect(read(['61-/admin,456[{"_placeholder":true,"num":0}]', bytes(3, 2, 1)])).toStrictEqual({
      type: 3,
      namespace: '/admin',
      id: 456,
      args: [bytes(3, 2, 1)],
      depth: 0,
    })
  })

  it('may be as many as the limit, and not one more', () => {
    const placeholders = (count: number) =>
      Array.from({ length: count }, (_, num) => `{"_placeholder":true,"num":${num}}`).join()
    const ten = Array.from({ length: 10 }, (_, index) => bytes(index))
    expect(read([`510-["a",${placeholders(10)}]`, ...ten])).toMatchObject({ args: ten })
    expect(refusal(`511-["a",${placeholders(11)}]`)).toBe('attachment_count')
    expect(reasonOf(() => read(`52-["a",${placeholders(2)}]`, { attachmentsMax: 1 }))).toBe(
      'attachment_count',
    )
  })

  it('may be as large as the limit together, and not a byte larger', () => {
    const text = '52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    const limits = { attachmentBytesMax: 10 }
    expect(read([text, Buffer.alloc(4), Buffer.alloc(6)], limits)).toMatchObject({ name: 'a' })
    expect(reasonOf(() => read([text, Buffer.alloc(4), Buffer.alloc(7)], limits))).toBe('attachment_bytes')
    expect(reasonOf(() => read([text, Buffer.alloc(11)], limits))).toBe('attachment_bytes')
    const reader = textCodec.createReader({ ...defaultPacketLimits, ...limits })
    const one = '51-["a",{"_placeholder":true,"num":0}]'
    // The limit is that of one packet.
    for (let round = 0; round < 3; round++) {
      reader.push(one)
      expect(reader.push(Buffer.alloc(10))).toBeDefined()
    }
    reader.push(one)
    expect(reasonOf(() => reader.push(Buffer.alloc(11)))).toBe('attachment_bytes')
    expect(reader.hasPendingAttachments).toBe(false)
  })

  it('are awaited before any text', () => {
    const reader = textCodec.createReader(defaultPacketLimits)
    reader.push('52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    reader.push(bytes(1))
    expect(reasonOf(() => reader.push('2["b"]'))).toBe('attachment_missing')
    expect(reader.hasPendingAttachments).toBe(false)
    expect(reasonOf(() => reader.push(bytes(2)))).toBe('attachment_unexpected')
    expect(reader.push('2["b"]')).toMatchObject({ name: 'b' })
  })

  it('that nobody awaits are refused', () => {
    expect(refusal(bytes(1))).toBe('attachment_unexpected')
    expect(refusal(new Uint8Array())).toBe('attachment_unexpected')
    const reader = textCodec.createReader(defaultPacketLimits)
    reader.push('51-["a",{"_placeholder":true,"num":0}]')
    reader.push(bytes(1))
    expect(reasonOf(() => reader.push(bytes(2)))).toBe('attachment_unexpected')
  })

  it.each([
    ['51-["a"]'],
    ['51-["a",{"_placeholder":false,"num":0}]'],
    ['51-["a",{"_placeholder":1,"num":0}]'],
    ['51-["a",{"_placeholder":true}]'],
    ['51-["a",{"_placeholder":true,"num":"0"}]'],
    ['51-["a",{"_placeholder":true,"num":null}]'],
    ['51-["a",{"_placeholder":true,"num":1}]'],
    ['51-["a",{"_placeholder":true,"num":-1}]'],
    ['51-["a",{"_placeholder":true,"num":0.5}]'],
    ['51-["a",{"_placeholder":true,"num":1e999}]'],
    ['51-["a",{"_placeholder":true,"num":"length"}]'],
    ['51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]'],
    ['52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]'],
    ['52-["a",{"_placeholder":true,"num":1}]'],
    ['51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'],
    ['51-["a",{"__proto__":{"_placeholder":true,"num":0}}]'],
    ['51-["a",{"b":[{"constructor":[{"_placeholder":true,"num":0}]}]}]'],
    ['61-3["a"]'],
  ])('%s does not name each of them once', (text) => expect(refusal(text)).toBe('placeholder'))

  it.each([
    '5',
    '5-["a"]',
    '50-["a"]',
    '5["a"]',
    '51["a"]',
    '5x-["a"]',
    '5 1-["a"]',
    '51.0-["a"]',
    '5-1-["a"]',
  ])('%s has no number of them', (text) => expect(refusal(text)).toBe('attachment_count'))

  it('are not counted without end', () => {
    expect(refusal(`5${'9'.repeat(100_000)}-["a"]`)).toBe('attachment_count')
    expect(refusal('59007199254740993-["a"]')).toBe('attachment_count')
  })

  it('take part in nothing that reaches a prototype', () => {
    const text = '51-["a",{"__proto__":{"polluted":1},"b":{"_placeholder":true,"num":0,"constructor":1}}]'
    const packet = read([text, bytes(1)])
    expect(packet).toMatchObject({ args: [{ b: bytes(1) }], depth: 1 })
    expect(JSON.stringify(packet)).not.toContain('polluted')
  })
})

describe('depth', () => {
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

  it('is that of the deepest argument, up to the bound and one', () => {
    expect(read(`2["a",[],${deep(64)},{}]`)).toMatchObject({
      depth: 64,
      args: [[], {}, {}].fill(expect.anything()),
    })
    expect(read(`2["a",1,${deep(65)}]`)).toStrictEqual({
      type: 2,
      namespace: '/',
      id: undefined,
      name: 'a',
      args: [],
      depth: 65,
    })
    expect(read(`35[${deep(100)}]`)).toStrictEqual({ type: 3, namespace: '/', id: 5, args: [], depth: 65 })
    expect(read('2["a",[[[]]]]', { depthMax: 2 })).toMatchObject({ depth: 3, args: [] })
    expect(read('2["a",[[]]]', { depthMax: 2 })).toMatchObject({ depth: 2, args: [[[]]] })
  })

  it('at the bound does not keep the rest from being looked through', () => {
    expect(read(`2["a",${deep(64)},{"__proto__":1,"b":2}]`)).toMatchObject({
      depth: 64,
      args: [expect.any(Array), { b: 2 }],
    })
    expect(
      Object.keys((read(`2["a",${deep(64)},{"__proto__":1}]`) as InboundEvent).args[1] as object),
    ).toEqual([])
    expect(read(`2["a",${deep(64)},${deep(65)}]`)).toMatchObject({ depth: 65, args: [] })
    expect(read(`2["a",[${deep(63)},${deep(64)}]]`)).toMatchObject({ depth: 65, args: [] })
    expect(read(`2["a",{"b":${deep(63)},"c":${deep(64)}}]`)).toMatchObject({ depth: 65, args: [] })
    const inner = `{"b":${deep(62)},"c":{"constructor":1,"d":2}}`
    expect((read(`2["a",[${inner}]]`) as InboundEvent).args).toStrictEqual([
      [{ b: expect.any(Array), c: { d: 2 } }],
    ])
    expect(read(`2["a",[${inner}]]`)).toMatchObject({ depth: 64 })
  })

  it('may be a million in a command, and is told like any other', () => {
    expect(read(`27["a",${deep(1_000_000)}]`)).toMatchObject({ id: 7, args: [], depth: 65 })
    const objects = `${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}`
    expect(read(`27["a",${objects}]`)).toMatchObject({ id: 7, args: [], depth: 65 })
  })

  it('of attachments counts as nothing; a packet that is too deep still waits for them', () => {
    const placeholder = '{"_placeholder":true,"num":0}'
    const at = (levels: number) => '['.repeat(levels) + placeholder + ']'.repeat(levels)
    expect(read([`51-["a",${at(64)}]`, bytes(1)])).toMatchObject({ depth: 64 })
    expect(read([`51-9["a",${at(65)}]`, bytes(1)])).toMatchObject({ depth: 65, args: [], id: 9 })
    expect(read([`51-9["a",${placeholder},${deep(70)}]`, bytes(1)])).toMatchObject({ depth: 65, args: [] })
  })

  it('of what a client connects with is bounded', () => {
    const auth = (levels: number) => `0{"a":${deep(levels - 1)}}`
    expect(read(auth(64))).toMatchObject({ type: PacketType.CONNECT })
    expect(refusal(auth(65))).toBe('auth')
  })
})

describe('refuses', () => {
  it.each([
    [
      'type',
      ['', '4', '4{"message":"x"}', '7', '9["a"]', 'x', '[', '-1', ' 2["a"]', '/', '\u0000', ':', '٢["a"]'],
    ],
    ['namespace', [`2/${'x'.repeat(128)},["a"]`, `0/${'x'.repeat(100_000)}`, `1/${'x'.repeat(128)}`]],
    [
      'id',
      [
        '29007199254740992["a"]',
        '29007199254740993["a"]',
        '200000000000000001["a"]',
        `2${'1'.repeat(100_000)}["a"]`,
        '3["a"]',
        '3/a,["a"]',
        '012',
        '0/a,12{}',
        '112',
        '1/a,0',
      ],
    ],
    [
      'payload',
      [
        '2',
        '2/a',
        '2/a,',
        '27',
        '37',
        '3/a,7',
        '2admin,["a"]',
        '2{"0":"a"}',
        '2"a"',
        '2null',
        '31{}',
        '31null',
        '31"a"',
        '31true',
        '2["a"',
        '2["a",]',
        '2["a"]]',
        "2['a']",
        '2["a",undefined]',
        '2["a",NaN]',
        '2[a]',
        '2["a"]x',
        '2["a"]\u0000',
        '21.5["a"]',
        '2-1["a"]',
        '2+1["a"]',
        '21e3["a"]',
        '2 1["a"]',
        '2 ["a"]',
        '21\n["a"]',
        '2/a, ["a"]',
        '0 {}',
        '2["\u0000"]',
        '0[',
        '0/a,{',
        '1{}',
        '1[]',
        '1null',
        '1/a,"reason"',
      ],
    ],
    [
      'name',
      [
        '2[]',
        '2[""]',
        '2[1]',
        '2[null]',
        '2[{}]',
        '2[["a"]]',
        '2["connect"]',
        '2["connect_error"]',
        '2["disconnect",{}]',
        '2["disconnecting"]',
        '21["newListener"]',
        '2["removeListener"]',
        '51-[{"_placeholder":true,"num":0}]',
        '2["\\u0063onnect"]',
      ],
    ],
    ['auth', ['0[]', '0"token"', '0null', '0true', '0/a,[{}]']],
  ])('by reason of its %s', (reason, texts) => {
    for (const text of texts) expect([text.slice(0, 50), refusal(text)]).toEqual([text.slice(0, 50), reason])
  })

  it('no namespace within the bound', () => {
    const longest = `/${'x'.repeat(127)}`
    expect(read(`2${longest},["a"]`)).toMatchObject({ namespace: longest })
  })
})

describe('writing', () => {
  it.each<[text: string, messages: readonly Message[]]>([
    ['0{"sid":"abc"}', textCodec.encodeConnect('/', { sid: 'abc' })],
    ['0/admin,{"sid":"abc","pid":"def"}', textCodec.encodeConnect('/admin', { sid: 'abc', pid: 'def' })],
    ['4{"message":"Not authorized"}', textCodec.encodeConnectError('/', { message: 'Not authorized' })],
    [
      '4/admin,{"message":"No","data":{"code":"forbidden"}}',
      textCodec.encodeConnectError('/admin', { message: 'No', data: { code: 'forbidden' } }),
    ],
    ['1', textCodec.encodeDisconnect('/')],
    ['1/admin,', textCodec.encodeDisconnect('/admin')],
    ['2["foo"]', textCodec.encodeEvent('/', ['foo'])],
    ['2/admin,["bar",{"a":1},"c"]', textCodec.encodeEvent('/admin', ['bar', { a: 1 }, 'c'])],
    ['20["foo"]', textCodec.encodeEvent('/', ['foo'], 0)],
    ['2/admin,12["foo",null]', textCodec.encodeEvent('/admin', ['foo', undefined], 12)],
    ['3/admin,13["bar"]', textCodec.encodeAck('/admin', 13, ['bar'])],
    ['30[]', textCodec.encodeAck('/', 0, [])],
  ])('%s', (text, messages) => expect(messages).toStrictEqual([text]))

  it('puts bytes behind the text', () => {
    const list = new Uint8Array([9, 1, 2, 9])
    const args = ['a', { b: [list.subarray(1, 3)], c: list.buffer }, new DataView(list.buffer, 3)]
    expect(textCodec.encodeEvent('/x', args, 4)).toEqual([
      '53-/x,4["a",{"b":[{"_placeholder":true,"num":0}],"c":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":2}]',
      new Uint8Array([1, 2]),
      new Uint8Array([9, 1, 2, 9]),
      new Uint8Array([9]),
    ])
    expect(args[1]).toEqual({ b: [new Uint8Array([1, 2])], c: list.buffer })
    expect(textCodec.encodeAck('/', 7, [bytes(1)])).toEqual(['61-7[{"_placeholder":true,"num":0}]', bytes(1)])
  })

  it('throws what cannot be written', () => {
    const cycle: Record<string, unknown> = { a: [] }
    cycle['self'] = [cycle]
    expect(() => textCodec.encodeEvent('/', ['a', cycle])).toThrow(RangeError)
    expect(() => textCodec.encodeEvent('/', ['a', bytes(1), cycle])).toThrow(RangeError)
    expect(() => textCodec.encodeAck('/', 1, [1n])).toThrow(TypeError)
  })
})

describe('an event whose payload is JSON already', () => {
  it.each<[text: string, made: string]>([
    ['2/a,["x:y",{"b":1},"k.7"]', eventText('/a', 'x:y', '{"b":1}', 'k.7')],
    ['2["x:y",{"b":1}]', eventText('/', 'x:y', '{"b":1}', undefined)],
    ['2/a,0["x",{}]', eventText('/a', 'x', '{}', undefined, 0)],
    ['25["\\"","\\\\",""]', eventText('/', '"', '"\\\\"', '', 5)],
    [
      '51-/a,3["x",{"_placeholder":true,"num":0},"k.7"]',
      eventText('/a', 'x', '{"_placeholder":true,"num":0}', 'k.7', 3, 1),
    ],
  ])('%s', (text, made) => expect(made).toBe(text))

  it('is the text that the codec makes of the parsed payload', () => {
    const payload = { id: 'ü"', list: [1, { a: null }] }
    for (const [namespace, id] of [
      ['/', undefined],
      ['/a', 0],
      ['/a', 12],
    ] as const) {
      expect([eventText(namespace, 'n', JSON.stringify(payload), 'c.1', id)]).toEqual(
        textCodec.encodeEvent(namespace, ['n', payload, 'c.1'], id),
      )
    }
  })
})
