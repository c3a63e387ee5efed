/** Bytes are found, taken out and put back where the stock encoder finds them. */
import { describe, expect, it } from 'vitest'
import { fillSlots, findSlots, hasBinary, takeOutBytes } from './binary.ts'
import { stockText } from './testing/stock-client.ts'
import { textCodec } from './text-codec.ts'

const bytes = Buffer.from([1, 2, 3])
class Drawing {
  readonly picture = bytes
  move() {}
}
class Inheriting extends Drawing {
  get computed() {
    return bytes
  }
}
const bare = Object.assign(Object.create({ inherited: bytes }), { own: 1 })

const samples: [name: string, value: unknown, holds: boolean][] = [
  ['null', null, false],
  ['undefined', undefined, false],
  ['text', 'bytes', false],
  ['a number', 7, false],
  ['a function', () => bytes, false],
  ['a Buffer', bytes, true],
  ['a Uint8Array', new Uint8Array(3), true],
  ['other views', [new Float64Array(2), new DataView(new ArrayBuffer(5), 1, 2)], true],
  ['an ArrayBuffer', new Uint8Array([7, 8]).buffer, true],
  ['nothing but empty bytes', new Uint8Array(), true],
  ['a date', new Date(0), false],
  ['an empty list', [], false],
  ['an empty object', {}, false],
  ['a list', [1, [2, [bytes]]], true],
  ['an object', { a: { b: [{ c: bytes }] } }, true],
  ['an object without any', { a: { b: [{ c: 'bytes' }] }, d: null }, false],
  ['an instance', new Drawing(), true],
  ['an instance with a getter', new Inheriting(), true],
  ['what is inherited only', bare, false],
  ['an object that tells its JSON', { toJSON: () => ({ a: 1 }), hidden: bytes }, false],
  ['an object whose JSON has bytes', { toJSON: () => ({ a: bytes }) }, true],
  ['an object whose JSON is bytes', [{ toJSON: () => bytes }], true],
  ['JSON that tells its JSON', { toJSON: () => ({ toJSON: () => bytes, a: 1 }) }, false],
  [
    'JSON that has bytes and tells its JSON',
    new (class {
      toJSON() {
        return Object.assign(Object.create({ toJSON: () => 'never' }), {
          a: bytes,
          b: { toJSON: () => [bytes] },
        })
      }
    })(),
    true,
  ],
  ['JSON in which something tells its JSON', { toJSON: () => ({ a: { toJSON: () => bytes } }) }, true],
  ['a map and a set', [new Map([['a', bytes]]), new Set([bytes])], false],
  ['the same bytes twice', [bytes, { a: bytes }], true],
  ['something beside a date', { date: new Date(0), bytes }, true],
]

describe.each(samples)('%s', (_, value, holds) => {
  it(holds ? 'has bytes' : 'has no bytes', () => expect(hasBinary(value)).toBe(holds))

  it('is written as by the stock client', () => {
    for (const [nsp, id] of [
      ['/', undefined],
      ['/a', 7],
    ] as const) {
      const stock = stockText.encode({ type: 2, nsp, id, data: ['name', value, 'last'] })
      const ours = textCodec.encodeEvent(nsp, ['name', value, 'last'], id)
      expect(ours[0]).toBe(stock[0])
      expect(ours.slice(1).map(memory)).toEqual(stock.slice(1).map(memory))
      expect(textCodec.encodeAck(nsp, 1, [value])[0]).toBe(
        stockText.encode({ type: 3, nsp, id: 1, data: [value] })[0],
      )
    }
  })
})

const cycle = /cycle, or is nested deeper than 100 levels/

describe('what has a cycle', () => {
  it('is told so, whichever way it turns', () => {
    const list: unknown[] = [1]
    list.push(list)
    const record: Record<string, unknown> = { a: 1 }
    record['b'] = [{ record }]
    const wide: Record<string, unknown> = {}
    for (const key of 'abcdefghij') wide[key] = wide
    const talking = { toJSON: (): unknown => [talking] }
    for (const value of [list, record, wide, talking]) {
      expect(() => hasBinary(value)).toThrow(cycle)
      expect(() => takeOutBytes([bytes, value])).toThrow(cycle)
    }
  })

  it.each<[name: string, wrap: (inner: unknown) => unknown]>([
    ['lists', (inner) => [inner]],
    ['objects', (inner) => ({ inner })],
    ['what tells its JSON', (inner) => [{ toJSON: () => inner }]],
  ])('is what is deeper than a hundred levels of %s', (name, wrap) => {
    const deep = (levels: number): unknown => (levels === 0 ? 'end' : wrap(deep(levels - 1)))
    // The list of arguments stands above the hundred; what tells its JSON is a level, as is what it tells.
    const most = name === 'what tells its JSON' ? 50 : 101
    expect(hasBinary(deep(most))).toBe(false)
    expect(() => hasBinary(deep(most + 1))).toThrow(cycle)
    expect(takeOutBytes(deep(most)).attachments).toEqual([])
    expect(() => takeOutBytes(deep(most + 1))).toThrow(cycle)
  })

  it('is not what is used twice', () => {
    const shared = { a: [1] }
    expect(hasBinary([shared, shared, { shared }])).toBe(false)
  })
})

describe('taking out', () => {
  it('asks what tells its JSON, once', () => {
    const told = { toJSON: () => ({ toJSON: () => 'never', a: bytes }) }
    const { value, attachments } = takeOutBytes(told)
    expect(attachments).toEqual([bytes])
    expect(value).toMatchObject({ a: { _placeholder: true, num: 0 } })
  })

  it('leaves the value as it is, and does not copy the bytes', () => {
    const value = { a: [bytes] }
    const { attachments } = takeOutBytes(value)
    expect(value).toEqual({ a: [bytes] })
    expect(attachments[0]).toBe(bytes)
  })
})

describe('placeholders', () => {
  const placeholder = (num: unknown) => ({ _placeholder: true, num })

  it('are filled where they were found', () => {
    const args = [placeholder(1), { a: [placeholder(0)], b: 1 }, [[placeholder(2)]]]
    const slots = findSlots(args, 3, 5)
    fillSlots(
      slots ?? [],
      [0, 1, 2].map((value) => Uint8Array.of(value)),
    )
    expect(args).toEqual([Uint8Array.of(1), { a: [Uint8Array.of(0)], b: 1 }, [[Uint8Array.of(2)]]])
  })

  it('are looked for down to a depth', () => {
    expect(findSlots([[[placeholder(0)]]], 1, 2)).toHaveLength(1)
    expect(findSlots([[[[placeholder(0)]]]], 1, 2)).toBeUndefined()
    expect(findSlots([placeholder(0)], 1, 0)).toHaveLength(1)
    expect(findSlots([[], placeholder(0)], 1, 0)).toBeUndefined()
    const deep: unknown = JSON.parse('['.repeat(1_000_000) + ']'.repeat(1_000_000))
    expect(findSlots([deep, placeholder(0)], 1, 64)).toBeUndefined()
  })
})

function memory(value: unknown): number[] {
  if (value instanceof ArrayBuffer) return [...new Uint8Array(value)]
  const view = value as ArrayBufferView
  return [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)]
}
