import { expect, it } from 'vitest'
import { openPayload, withBytes } from './payload.ts'

const meta = { id: 'k3f.7', at: '2026-11-21T12:25:20Z' }

it('takes the meta out of the payload', () => {
  expect(openPayload({ id: 'a', tags: ['x'], _meta: meta })).toEqual({ data: { id: 'a', tags: ['x'] }, meta })
})

it('makes a Uint8Array of bytes as browsers give them, wherever they lie', () => {
  const bytes = () => new Uint8Array([1, 2]).buffer
  const { data } = openPayload({ image: bytes(), pages: [{ scan: bytes() }, bytes()], _meta: meta })
  const found = new Uint8Array([1, 2])
  expect(data).toEqual({ image: found, pages: [{ scan: found }, found] })
})

it('leaves bytes as Node gives them, and everything else', () => {
  const image = new Uint8Array([1, 2])
  const value = { image, n: 1, text: 'a', none: null, yes: true, list: [1, null, 'b'] }
  expect(withBytes(value)).toBe(value)
  expect(value.image).toBe(image)
  for (const single of ['a', 1, null, undefined, false]) expect(withBytes(single)).toBe(single)
})
