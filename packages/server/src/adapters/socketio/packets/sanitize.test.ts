/** Keys that reach prototypes go; depth is counted to its bound and no further. */
import { describe, expect, it } from 'vitest'
import { sanitize } from './sanitize.ts'

const bound = { depthMax: 5 }
const nested = (levels: number, open = '[', inner = '', close = ']'): unknown =>
  JSON.parse(open.repeat(levels) + inner + close.repeat(levels))

describe('depth', () => {
  it.each<[depth: number, json: string]>([
    [0, '7'],
    [0, '"{[[["'],
    [0, 'null'],
    [1, '{}'],
    [1, '[]'],
    [1, '{"a":1,"b":"x","c":null}'],
    [2, '[1,[],2]'],
    [2, '{"a":{},"b":[],"c":1}'],
    [3, '[[1],[[2]],[3]]'],
    [3, '{"a":{"b":{}},"c":{"d":1}}'],
    [4, '[{"a":[{}]}]'],
    [5, '[[[[[1]]]]]'],
    [6, '[[[[[[]]]]]]'],
    [6, '{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}'],
    [6, '[1,[[[[[[[[[2]]]]]]]]],[[3]]]'],
  ])('is %i for %s', (depth, json) => expect(sanitize(JSON.parse(json), bound)).toBe(depth))

  it('does not go into bytes', () => {
    expect(sanitize(Buffer.from('a'), bound)).toBe(0)
    expect(sanitize({ a: [new Uint8Array(9)] }, { depthMax: 2 })).toBe(2)
  })

  it.each([
    ['lists', nested(1_000_000)],
    ['objects', nested(1_000_000, '{"a":', '1', '}')],
    ['both', nested(500_000, '[{"a":', '1', '}]')],
  ])('of a million levels of %s is the bound and one', (_, value) => {
    expect(sanitize(value, { depthMax: 64 })).toBe(65)
    expect(sanitize([value], { depthMax: 64 })).toBe(65)
  })

  it('ends the walk at the first value that is too deep', () => {
    let looked = 0
    const late = {
      get a() {
        looked++
        return 1
      },
    }
    expect(sanitize([nested(9), late], bound)).toBe(6)
    expect(sanitize({ first: nested(9), late }, bound)).toBe(6)
    expect(sanitize([[{ a: nested(9) }, late], late], bound)).toBe(6)
    expect(looked).toBe(0)
  })
})

describe('keys that reach prototypes', () => {
  it.each([
    ['{"__proto__":{"polluted":1},"a":1}', '{"a":1}'],
    ['{"constructor":1,"prototype":2,"__proto__":3}', '{}'],
    [
      '[{"a":[{"b":{"__proto__":{"polluted":1},"constructor":{"prototype":{}},"c":1}}]}]',
      '[{"a":[{"b":{"c":1}}]}]',
    ],
    ['{"\\u005f_proto__":{"polluted":1},"\\u0063onstructor":1,"b":2}', '{"b":2}'],
    [
      '{"__proto":1,"Constructor":2,"prototypes":3,"_proto_":4}',
      '{"__proto":1,"Constructor":2,"prototypes":3,"_proto_":4}',
    ],
    ['["__proto__","constructor",{"a":"prototype"}]', '["__proto__","constructor",{"a":"prototype"}]'],
    ['{"a":1,"__proto__":[[[[[[[[]]]]]]]]}', '{"a":1}'],
  ])('%s becomes %s', (json, clean) => {
    const value: unknown = JSON.parse(json)
    expect(sanitize(value, bound)).toBe(sanitize(JSON.parse(clean), bound))
    expect(JSON.stringify(value)).toBe(clean)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it('leave an object whose prototype is as usual', () => {
    const value = JSON.parse('{"__proto__":{"polluted":1}}')
    sanitize(value, bound)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.keys(value)).toEqual([])
  })
})
