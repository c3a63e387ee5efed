/** A mistake in a definition is found when it is made, and the sentence says where. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bytes } from './bytes.ts'
import { everyNamespace } from './every-namespace.ts'
import { command, defineNamespace, latest, stream } from './namespace.ts'
import { reservedNames } from './naming.ts'
import type { StandardSchema } from './standard-schema.ts'

const about = { summary: '', rooms: ['user'] }
const withEvent = (data: StandardSchema, name = 'post:created') =>
  defineNamespace({ name: '/posts', summary: '', events: { [name]: stream(data, about) }, commands: {} })
const withCommand = (input: StandardSchema | undefined, output?: StandardSchema, name = 'post:rename') =>
  defineNamespace({
    name: '/posts',
    summary: '',
    events: {},
    commands: {
      [name]: command({ summary: '', ...(input && { input }), ...(output && { output }) }),
    },
  })

const id = z.object({ id: z.string() })
interface Tree {
  readonly children: readonly Tree[]
}
const tree: z.ZodType<Tree> = z.object({ children: z.array(z.lazy(() => tree)) })

describe('a payload', () => {
  it.each<[string, StandardSchema]>([
    ['an object', id],
    ['an empty object', z.object({})],
    ['a loose object', z.looseObject({})],
    ['a record', z.record(z.string(), z.int())],
    [
      'one of several objects',
      z.discriminatedUnion('k', [id.extend({ k: z.literal(1) }), z.object({ k: z.literal(2) })]),
    ],
    ['objects within a choice within a choice', id.or(z.object({ a: z.int() }).or(z.object({ b: z.int() })))],
    ['an object and more', id.and(z.object({ a: z.int() }))],
    ['an object with a rule', id.refine(() => true)],
    ['an object that holds itself', tree],
    ['an object with a name of its own', z.object({ a: z.string() }).meta({ id: 'definition test' })],
    ['an object with bytes in it', z.object({ update: bytes({ maxBytes: 8 }) })],
  ])('may be %s', (_, schema) => {
    expect(() => withEvent(schema)).not.toThrow()
    expect(() => withCommand(schema)).not.toThrow()
  })

  it.each<[string, StandardSchema]>([
    ['text', z.string()],
    ['a list', z.array(id)],
    ['a tuple', z.tuple([id])],
    ['anything', z.unknown()],
    ['nothing', z.null()],
    ['an object or nothing', id.nullable()],
    ['an object or text', id.or(z.string())],
    ['text or text', z.string().or(z.int())],
    ['bytes', bytes({ maxBytes: 8 })],
    ['never', z.never()],
    ['a constant', z.literal('a')],
  ])('may not be %s', (_, schema) => {
    expect(() => withEvent(schema)).toThrow(
      new TypeError(
        'The payload of post:created of /posts must be an object, whichever it is, and nothing else.',
      ),
    )
    expect(() => withCommand(schema)).toThrow(/^The input of post:rename of \/posts must be an object/)
  })

  it('is judged as it travels: an event as it leaves, an input as it comes', () => {
    const textToObject = z
      .string()
      .transform((text) => ({ id: text }))
      .pipe(id)
    expect(() => withEvent(textToObject)).not.toThrow()
    expect(() => withCommand(textToObject)).toThrow(TypeError)
    const objectToText = id.transform((value) => value.id).pipe(z.string())
    expect(() => withEvent(objectToText)).toThrow(TypeError)
    expect(() => withCommand(objectToText)).not.toThrow()
  })

  it.each<[string, StandardSchema, RegExp]>([
    [
      'a date',
      z.object({ at: z.date() }),
      /^The payload of post:created of \/posts cannot be described as JSON: Date/,
    ],
    ['a map', z.object({ map: z.map(z.string(), z.int()) }), /cannot be described as JSON: Map/],
    ['a big number', z.object({ count: z.bigint() }), /cannot be described as JSON: BigInt/],
    ['what a transform makes', z.object({ a: z.string().transform((a) => a.length) }), /as JSON: Transforms/],
  ])('with %s would arrive as something else', (_, schema, sentence) => {
    expect(() => withEvent(schema)).toThrow(sentence)
    expect(() => withCommand(undefined, schema)).toThrow(/^The answer to post:rename of \/posts cannot/)
  })

  it('keeps `_meta` for the engine, in every object that it may be', () => {
    const mine = z.object({ k: z.literal(2), _meta: z.string() })
    for (const schema of [mine, mine.or(id), id.or(mine), z.object({ a: z.int() }).and(mine)]) {
      expect(() => withEvent(schema)).toThrow('has a field "_meta", which belongs to the engine')
      expect(() => withCommand(schema)).toThrow('has a field "_meta", which belongs to the engine')
    }
    expect(() => withEvent(z.object({ inner: mine }))).not.toThrow()
  })

  it('may be text or a list only in an answer', () => {
    for (const output of [z.string(), z.array(id), z.null()])
      expect(() => withCommand(undefined, output)).not.toThrow()
  })

  it('may come from a library with another opinion of JSON Schema', () => {
    const own = (described: Record<string, unknown>): StandardSchema => ({
      '~standard': {
        version: 1,
        vendor: 'own',
        validate: (value) => ({ value }),
        jsonSchema: { input: () => described, output: () => described },
      },
    })
    const definitions = { a: { type: 'object' }, b: { $ref: '#/definitions/a' }, 'c/d': { type: 'object' } }
    for (const described of [
      { $ref: '#/definitions/b', definitions },
      { $ref: '#/definitions/c~1d', definitions },
      { allOf: [{ $ref: '#/definitions/a' }, { description: 'More.' }], definitions },
    ])
      expect(() => withEvent(own(described))).not.toThrow()
    for (const described of [
      {},
      { $ref: '#/definitions/missing', definitions },
      { $ref: 'https://example.org/a.json' },
      { $ref: '#' },
      { anyOf: [] },
      { allOf: [{ description: 'Anything.' }] },
      { type: ['object', 'null'] },
    ])
      expect(() => withEvent(own(described)), JSON.stringify(described)).toThrow(TypeError)
  })
})

describe('names of the engine', () => {
  it('are those of every namespace, and no others', () => {
    const own = [...Object.keys(everyNamespace.events), ...Object.keys(everyNamespace.commands)]
    expect([...reservedNames].sort()).toEqual(own.sort())
  })

  it.each([...reservedNames])('cannot be defined again: %s', (name) => {
    const text = `${name} of /posts: every namespace has it already. Choose another name.`
    expect(() => withEvent(id, name)).toThrow(new TypeError(text))
    expect(() => withCommand(id, undefined, name)).toThrow(new TypeError(text))
  })
})

it('every event and command is looked at, not only the first', () => {
  expect(() =>
    defineNamespace({
      name: '/posts',
      summary: '',
      events: {
        'post:created': stream(id, about),
        'post:counted': latest(z.int(), { ...about, key: String }),
      },
      commands: {},
    }),
  ).toThrow(/post:counted/)
})
