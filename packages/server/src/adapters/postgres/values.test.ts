import { describe, expect, it } from 'vitest'
import { encodeValues, valueTypes } from './values.ts'

const encode = (value: unknown) => encodeValues([value])[0]
const decode = (type: number, text: string) => valueTypes.getTypeParser(type)(text)

describe('encoding', () => {
  it.each([
    [null, null],
    ['', ''],
    ['text', 'text'],
    [1.5, '1.5'],
    [-0, '0'],
    [2n ** 70n, '1180591620717411303424'],
    [false, 'false'],
    [new Date('2025-01-31T12:00:00.123Z'), '2025-01-31T12:00:00.123Z'],
    [{ a: [1, 'ü'] }, '{"a":[1,"ü"]}'],
    [[], '{}'],
    [[1, null, [2]], '{"1",NULL,{"2"}}'],
    [['NULL', 'a "quoted\\" word', 'x,y', '{}'], '{"NULL","a \\"quoted\\\\\\" word","x,y","{}"}'],
    [[{ a: 1 }], '{"{\\"a\\":1}"}'],
    [[Buffer.from('ab')], '{"\\\\x6162"}'],
  ])('case %#', (value, encoded) => {
    expect(encode(value)).toEqual(encoded)
  })

  it('sends bytes as bytes, and only those of the view', () => {
    expect(encode(Buffer.from('ab'))).toEqual(Buffer.from('ab'))
    expect(encode(new Uint8Array(Buffer.from('xaby')).subarray(1, 3))).toEqual(Buffer.from('ab'))
  })

  it.each([
    [undefined, 'undefined; use null'],
    [() => 1, 'function'],
    [Symbol('s'), 'symbol'],
    [new Date(Number.NaN), 'invalid date'],
    [new Date(8.64e15), 'year'],
    [[undefined], 'undefined'],
  ])('refuses %s, and says which parameter', (value, reason) => {
    expect(() => encodeValues(['fine', value])).toThrow(/^Parameter \$2 /)
    expect(() => encodeValues(['fine', value])).toThrow(reason)
  })

  it('refuses more parameters than the protocol can count', () => {
    expect(encodeValues(new Array(65_535).fill(1))).toHaveLength(65_535)
    expect(() => encodeValues(new Array(65_536).fill(1))).toThrow(RangeError)
  })
})

describe('decoding', () => {
  it.each([
    [20, '9007199254740991', 9007199254740991],
    [20, '-9007199254740991', -9007199254740991],
    [1016, '{1,NULL,{-2}}', [1, null, [-2]]],
    [1700, '1.50', '1.50'],
    [1231, '{1.50,NULL}', ['1.50', null]],
    [1082, '2025-01-31', '2025-01-31'],
    [1114, '2025-01-31 12:00:00', '2025-01-31 12:00:00'],
    [1186, '1 day 02:00:00', '1 day 02:00:00'],
    [1184, '2025-01-31 12:00:00+00', new Date('2025-01-31T12:00:00Z')],
    [1184, '2025-01-31 12:00:00.123456+00', new Date('2025-01-31T12:00:00.123Z')],
    [1185, '{"2025-01-31 12:00:00.5+00"}', [new Date('2025-01-31T12:00:00.500Z')]],
    [3802, '{"a":[1]}', { a: [1] }],
    [16, 't', true],
    [17, '\\x6162', Buffer.from('ab')],
    [701, '1.5', 1.5],
    [999_999, 'anything', 'anything'],
  ])('type %i: %s', (type, text, value) => {
    expect(decode(type, text)).toEqual(value)
  })

  it.each([
    [20, '9007199254740992'],
    [20, '-9223372036854775808'],
    [1016, '{9007199254740992}'],
    [1184, 'infinity'],
    [1184, '0044-03-15 12:00:00+00 BC'],
    [1184, '2025-01-31 12:00:00+01'],
  ])('type %i: %s rejects rather than being bent', (type, text) => {
    expect(() => decode(type, text)).toThrow(RangeError)
  })
})
