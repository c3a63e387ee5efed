/** Names, references and cursors: what goes in comes out, and what is not ours stays outside. */
import { describe, expect, it } from 'vitest'
import { parseId } from './ids.ts'
import { cursorLengthMax, formatCursor, parseCursor } from './meta.ts'
import { defineNamespace, type NamespaceContract } from './namespace.ts'
import { namingExceptions, namingMistakes } from './naming.ts'
import { isRoomRef, roomIdLengthMax, roomName, roomRef } from './rooms.ts'

describe('rooms', () => {
  it.each([
    ['user', 'ana'],
    ['episode', '7f3c:with:colons'],
    ['doc', '東京 / ü'],
    ['workspace', 'x'.repeat(roomIdLengthMax)],
  ])('%s %s has one name, which leads back to it', (kind, id) => {
    expect(roomName({ kind, id })).toBe(`${kind}:${id}`)
    expect(roomRef(roomName({ kind, id }))).toEqual({ kind, id })
  })

  it('never share a name when they differ', () => {
    const refs = ['a', 'b', 'ab'].flatMap((kind) =>
      ['c', ':c', 'b:c', ''].filter(Boolean).map((id) => ({ kind, id })),
    )
    expect(new Set(refs.map(roomName)).size).toBe(refs.length)
  })

  it.each([
    [{ kind: 'User', id: 'a' }],
    [{ kind: '', id: 'a' }],
    [{ kind: 'a:b', id: 'a' }],
    [{ kind: '__proto__', id: 'a' }],
    [{ kind: 'user', id: '' }],
    [{ kind: 'user', id: 'a\u0000b' }],
    [{ kind: 'user', id: 'x'.repeat(roomIdLengthMax + 1) }],
  ])('refuse %j', (ref) => {
    expect(() => roomName(ref)).toThrow(TypeError)
    expect(isRoomRef(ref)).toBe(false)
  })

  it.each([
    [null],
    ['user:ana'],
    [['user', 'ana']],
    [{ kind: 'user' }],
    [{ kind: 'user', id: 7 }],
    [undefined],
  ])('take no %j from a client', (value) => expect(isRoomRef(value)).toBe(false))
})

describe('cursors', () => {
  it.each([
    [{ epoch: 'a', offset: 0 }],
    [{ epoch: 'zzzzzzz', offset: Number.MAX_SAFE_INTEGER }],
    [{ epoch: '0', offset: 1 }],
  ])('%j survives the wire, within the bound', (position) => {
    const cursor = formatCursor(position)
    expect(cursor.length).toBeLessThanOrEqual(cursorLengthMax)
    expect(parseCursor(cursor)).toEqual(position)
  })

  it.each([
    [''],
    ['a'],
    ['a.'],
    ['.1'],
    ['a.-1'],
    ['a.1.2'],
    ['a.01'],
    ['a.1e3'],
    ['A.1'],
    ['a b.1'],
    ['a.9007199254740993'],
    ['aaaaaaaa.1'],
    [7],
    [null],
    [{ epoch: 'a', offset: 1 }],
  ])('%j is none', (value) => expect(parseCursor(value)).toBeUndefined())
})

describe('ids', () => {
  it('are text of bounded length without control characters', () => {
    expect(parseId<'user'>('ana')).toBe('ana')
    for (const value of ['', 'x'.repeat(129), 'a\nb', 7, null, undefined, ['a']])
      expect(parseId(value)).toBeUndefined()
  })
})

describe('the naming lint', () => {
  const namespace = (name: `/${string}`, ...commands: string[]): NamespaceContract =>
    defineNamespace({
      name,
      summary: '',
      events: {},
      commands: Object.fromEntries(commands.map((own) => [own, {} as never])),
    })

  it('is content with resource:action and the names that were there before', () => {
    expect(
      namingMistakes([namespace('/posts', 'post:created', 'client:friendsUpdate', ...namingExceptions)]),
    ).toEqual([])
    expect(namingExceptions.size).toBe(8)
  })

  it.each([
    'created',
    'post.created',
    'Post:created',
    'post:created:twice',
    'post:',
    ':created',
    'post created',
    'post:Created',
  ])('finds %s', (name) =>
    expect(namingMistakes([namespace('/posts', name)])).toEqual([
      expect.stringContaining(`${name} of /posts`),
    ]),
  )

  it('finds namespaces that are misnamed or there twice', () => {
    expect(namingMistakes([namespace('/Posts')])).toHaveLength(1)
    expect(namingMistakes([namespace('/posts'), namespace('/posts')])).toEqual(['/posts is defined twice.'])
  })
})
