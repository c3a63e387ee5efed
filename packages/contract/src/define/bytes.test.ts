/** Bytes in a payload: what passes, and what documents say. */
import { runInNewContext } from 'node:vm'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { bytes } from './bytes.ts'
import { checkEvent } from './checks.ts'
import { jsonSchema } from './json-schema.ts'
import { stream } from './namespace.ts'

const schema = z.object({
  update: bytes({ maxBytes: 4 }),
  digest: bytes({ minBytes: 2, maxBytes: 4 }).optional(),
})
const check = checkEvent(stream(schema, { summary: '', rooms: ['document'] }))

describe('bytes', () => {
  it.each<[string, Uint8Array]>([
    ['a Uint8Array', new Uint8Array([1, 2])],
    ['a Buffer', Buffer.from('ab')],
    ['none at all', new Uint8Array(0)],
    ['as many as there may be', new Uint8Array(4)],
    ['a view of more', new Uint8Array(100).subarray(50, 54)],
    ['those of another realm', runInNewContext('new Uint8Array([1, 2])')],
  ])('may be %s, and stay what they are', (_, update) => {
    const checked = check({ update })
    expect(checked.ok && checked.value.update).toBe(update)
  })

  it.each<[string, unknown]>([
    ['too many', new Uint8Array(5)],
    ['text', 'AQI='],
    ['a list of numbers', [1, 2]],
    ['numbers of another width', new Uint16Array(1)],
    ['a DataView', new DataView(new ArrayBuffer(1))],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['what looks like a Buffer in JSON', { type: 'Buffer', data: [1, 2] }],
    ['what calls itself so', { byteLength: 1, [Symbol.toStringTag]: 'Uint8Array' }],
    ['nothing', undefined],
  ])('are not %s', (_, update) => {
    expect(check({ update })).toEqual({
      ok: false,
      fields: [{ path: 'update', message: 'Send bytes: at most 4.' }],
    })
  })

  it('have a least length where one is given', () => {
    const update = new Uint8Array(1)
    expect(check({ update, digest: new Uint8Array(2) }).ok).toBe(true)
    expect(check({ update, digest: new Uint8Array(1) })).toMatchObject({
      fields: [{ path: 'digest', message: 'Send bytes: 2 to 4.' }],
    })
  })

  it('are described as binary text, in every shape', () => {
    const some = bytes({ maxBytes: 4 })
    const described = {
      type: 'string',
      format: 'binary',
      contentMediaType: 'application/octet-stream',
      maxLength: 4,
    }
    expect(
      jsonSchema(z.object({ a: some, b: some.optional(), c: some.nullable(), d: z.array(some) }), 'output'),
    ).toEqual({
      type: 'object',
      required: ['a', 'c', 'd'],
      additionalProperties: false,
      properties: {
        a: described,
        b: described,
        c: { anyOf: [described, { type: 'null' }] },
        d: { type: 'array', items: described },
      },
    })
    expect(jsonSchema(z.object({ a: bytes({ minBytes: 2, maxBytes: 4 }) }), 'input')).toMatchObject({
      properties: { a: { minLength: 2, maxLength: 4 } },
    })
  })

  it('are bytes for TypeScript', () => {
    expectTypeOf<z.output<typeof schema>>().toEqualTypeOf<{
      update: Uint8Array
      digest?: Uint8Array | undefined
    }>()
  })
})
