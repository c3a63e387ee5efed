import { expect, it, vi } from 'vitest'
import { onlyOf } from './subject.ts'

const base64url = (text: string) => Buffer.from(text).toString('base64url')
const tokenOf = (claims: object) => `head.${base64url(JSON.stringify(claims))}.signature`
/** Its base64url has both of the characters that base64 has not. */
const unusual = 'zoë ÿ?>~ÿ'

it.each(['ana', unusual])('lets the tokens of %s through, and no others', async (user) => {
  const source = vi.fn(() => tokenOf({ sub: user }))
  const own = onlyOf(user, source)
  if (typeof own === 'string') throw new Error('A function becomes no text.')
  expect(await own('reconnect')).toBe(tokenOf({ sub: user }))
  expect(source).toHaveBeenCalledWith('reconnect')
  source.mockReturnValue(tokenOf({ sub: 'bob' }))
  await expect(own('first')).rejects.toThrow('another user')
  source.mockReturnValue(tokenOf({ sub: 7 }))
  await expect(own('first')).rejects.toThrow('another user')
})

it('is not deceived by how the token is written', async () => {
  for (const text of [tokenOf({ sub: unusual }), tokenOf({ sub: '???' }), tokenOf({ sub: '>>>' })]) {
    const source = onlyOf('ana', async () => text)
    await expect((source as (reason: 'first') => Promise<string>)('first')).rejects.toThrow('another user')
  }
})

it('leaves a text what it is, and asks for it in vain where it is of somebody else', async () => {
  expect(onlyOf('ana', tokenOf({ sub: 'ana' }))).toBe(tokenOf({ sub: 'ana' }))
  const other = onlyOf('ana', tokenOf({ sub: 'bob' }))
  expect(other).toBeTypeOf('function')
  expect(other).toThrow('another user')
})

it.each(['', 'no token', 'a.b.c', `a.${base64url('[]')}.c`, `a.${base64url('{}')}.c`])(
  'leaves it to the server to say what is wrong with %j',
  async (text) => {
    expect(onlyOf('ana', text)).toBe(text)
    const source = onlyOf('ana', async () => text)
    expect(await (source as (reason: 'first') => Promise<string>)('first')).toBe(text)
  },
)
