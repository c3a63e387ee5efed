/** Example payloads: always valid, always the same, and like what somebody would send. */
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { bytes } from './bytes.ts'
import { everyNamespace } from './every-namespace.ts'
import type { Json } from './json-schema.ts'
import { mockCommandInput, mockEvent } from './mocks.ts'
import { type CommandContract, command, type EventContract, stream } from './namespace.ts'
import { NoSample, sample } from './sample.ts'
import { textOf } from './sample-pattern.ts'
import { integerBetween, oneOf, seededRandom } from './sample-random.ts'
import type { StandardSchema } from './standard-schema.ts'

const event = <Data extends StandardSchema>(data: Data, maxBytes = 16_384) =>
  stream(data, { summary: 'Something.', rooms: ['user'], maxBytes })
const seeds = Array.from({ length: 40 }, (_, seed) => seed)
const valuesOf = <Field extends z.ZodType>(field: Field): z.output<Field>[] =>
  seeds.map((seed) => (mockEvent(event(z.object({ field })), { seed }) as { field: z.output<Field> }).field)

interface Tree {
  readonly name: string
  readonly children: readonly Tree[]
}
const tree: z.ZodType<Tree> = z.object({ name: z.string(), children: z.array(z.lazy(() => tree)) })
interface Chain {
  readonly next: Chain | null
}
const chain: z.ZodType<Chain> = z.object({ next: z.lazy(() => chain).nullable() })
interface Expression {
  readonly of: { readonly left: Expression; readonly right: Expression } | number
}
const expression: z.ZodType<Expression> = z.object({
  of: z.union([z.object({ left: z.lazy(() => expression), right: z.lazy(() => expression) }), z.number()]),
})

describe('a mock', () => {
  const fields: [string, z.ZodType][] = [
    ['text', z.string()],
    ['short text', z.string().max(3)],
    ['one character', z.string().length(1)],
    ['no character', z.string().max(0)],
    ['long text', z.string().min(500).max(510)],
    ['trimmed text', z.string().trim().min(20).max(25)],
    ['date-time', z.iso.datetime()],
    ['local date-time', z.iso.datetime({ local: true })],
    ['date-time of an offset', z.iso.datetime({ offset: true })],
    ['date', z.iso.date()],
    ['time', z.iso.time()],
    ['duration', z.iso.duration()],
    ['uuid', z.uuid()],
    ['uuid of version 7', z.uuidv7()],
    ['email', z.email()],
    ['url', z.url()],
    ['hostname', z.hostname()],
    ['ipv4', z.ipv4()],
    ['ipv6', z.ipv6()],
    ['cuid2', z.cuid2()],
    ['ulid', z.ulid()],
    ['nanoid', z.nanoid()],
    ['phone', z.e164()],
    ['base64', z.base64()],
    ['base64url', z.base64url()],
    ['hex', z.hex()],
    ['pattern', z.string().regex(/^[A-Z]{2}-\d{4}(?:-[a-z]+)?$/)],
    [
      'pattern and length',
      z
        .string()
        .regex(/^[a-z]+$/)
        .min(5)
        .max(6),
    ],
    [
      'two patterns',
      z
        .string()
        .startsWith('job_')
        .regex(/^\w{8}$/),
    ],
    ['text within', z.string().includes('-')],
    ['template', z.templateLiteral([z.enum(['px', 'em']), ':', z.int()])],
    ['enum', z.enum(['draft', 'published'])],
    ['literal', z.literal(['a', 7, null])],
    ['boolean', z.boolean()],
    ['null', z.null()],
    ['number', z.number()],
    ['number in bounds', z.number().min(3.2).max(3.4)],
    ['number between', z.number().gt(0).lt(1)],
    ['negative', z.number().max(-1000)],
    ['large', z.int().min(1_000_000)],
    ['integer', z.int()],
    ['one integer', z.int().min(7).max(7)],
    ['integer between', z.int().gt(7).lt(9)],
    ['step', z.number().multipleOf(0.01).min(0.1).max(0.3)],
    ['step of seven', z.int().multipleOf(7).min(50).max(57)],
    ['list', z.array(z.string()).min(2).max(2)],
    ['long list', z.array(z.int()).min(40)],
    ['tuple', z.tuple([z.string(), z.int()])],
    ['tuple and more', z.tuple([z.string()], z.int())],
    ['record', z.record(z.string(), z.int())],
    ['record of an enum', z.record(z.enum(['a', 'b']), z.int())],
    ['part of a record', z.partialRecord(z.enum(['a', 'b']), z.int())],
    ['record of a pattern', z.record(z.string().regex(/^k\d$/), z.int())],
    ['loose record', z.looseRecord(z.string().regex(/^k\d$/), z.int())],
    ['nullable', z.string().nullable()],
    ['optional', z.object({ a: z.string().optional(), b: z.int().optional() })],
    ['default', z.string().default('a')],
    ['catch', z.int().catch(3)],
    ['readonly', z.array(z.int()).readonly()],
    ['union', z.union([z.string(), z.int(), z.object({ a: z.int() })])],
    ['exclusive union', z.xor([z.string(), z.int()])],
    ['intersection', z.object({ a: z.string() }).and(z.object({ b: z.int() }))],
    [
      'intersection with a choice',
      z.object({ a: z.string() }).and(z.object({ b: z.int() }).or(z.object({ c: z.int() }))),
    ],
    [
      'intersection of intersections',
      z
        .object({ a: z.int() })
        .and(z.object({ b: z.int() }))
        .and(z.object({ c: z.int() }).meta({ id: 'mock c' })),
    ],
    ['strict object', z.strictObject({ a: z.string() })],
    ['loose object', z.looseObject({ a: z.string() })],
    ['catch-all', z.object({ a: z.string() }).catchall(z.int())],
    ['anything', z.unknown()],
    ['named', z.object({ at: z.object({ x: z.int() }).meta({ id: 'mock/point~' }) })],
    ['bytes', bytes({ minBytes: 2, maxBytes: 3 })],
    ['many bytes', bytes({ minBytes: 300, maxBytes: 400 })],
    ['tree', tree],
    ['chain', chain],
    ['expression', expression],
    [
      'transform',
      z
        .string()
        .transform((text) => text.length)
        .pipe(z.int()),
    ],
    [
      'rule that is met now and then',
      z.object({ from: z.int(), to: z.int() }).refine(({ from, to }) => from < to),
    ],
    ['json text', z.json()],
  ]
  it.each(fields)('is valid: %s', (_, field) => {
    const schema = z.object({ field })
    const contract = event(schema)
    const asked = command({ summary: '', input: schema, depthMax: 64 })
    for (const seed of seeds) {
      expect(mockEvent(contract, { seed })).toBeTypeOf('object')
      const sent = mockCommandInput(asked, { seed })
      expect(schema.safeParse(sent), `seed ${seed}: ${JSON.stringify(sent)}`).toMatchObject({ success: true })
    }
  })

  it('is what a listener gets, or what a client sends', () => {
    const schema = z.object({ a: z.literal('x').default('x'), at: z.iso.datetime() })
    const contract = event(schema)
    for (const seed of seeds) expect(mockEvent(contract, { seed })).toMatchObject({ a: 'x' })
    const input = schema.extend({ at: z.literal('2026-01-01').transform((text) => new Date(text)) })
    const asked = command({ summary: '', input })
    const sent = seeds.map((seed) => mockCommandInput(asked, { seed }))
    for (const each of sent) expect(each.at).toBe('2026-01-01')
    expect(new Set(sent.map((each) => 'a' in each))).toEqual(new Set([true, false]))

    expectTypeOf(mockEvent(contract)).toEqualTypeOf<{ a: 'x'; at: string }>()
    expectTypeOf(mockCommandInput(asked)).toEqualTypeOf<{ a?: 'x' | undefined; at: '2026-01-01' }>()
  })

  it('of a command without input is an empty object', () => {
    expect(mockCommandInput(command({ summary: '' }))).toEqual({})
  })

  it('is the same for the same seed, and another for another', () => {
    const contract = event(z.object({ id: z.uuid(), count: z.int(), title: z.string().optional() }))
    for (const seed of seeds) expect(mockEvent(contract, { seed })).toEqual(mockEvent(contract, { seed }))
    expect(mockEvent(contract)).toEqual(mockEvent(contract, { seed: 1 }))
    expect(new Set(seeds.map((seed) => mockEvent(contract, { seed }).id)).size).toBe(seeds.length)
    // What it is today: documents would change otherwise.
    expect(mockEvent(contract, { seed: 7 })).toMatchInlineSnapshot(`
      {
        "count": 86,
        "id": "d964f220-67c0-4edb-a040-02e9bb512f8e",
        "title": "Weekly report",
      }
    `)
  })

  it('shows every choice to somebody who asks often enough', () => {
    const kinds = (values: unknown[]) =>
      new Set(values.map((value) => (value === null ? 'null' : typeof value)))
    expect(kinds(valuesOf(z.string().nullable()))).toEqual(new Set(['string', 'null']))
    expect(kinds(valuesOf(z.union([z.string(), z.int(), z.boolean()])))).toEqual(
      new Set(['string', 'number', 'boolean']),
    )
    expect(new Set(valuesOf(z.enum(['a', 'b', 'c'])))).toEqual(new Set(['a', 'b', 'c']))
    expect(new Set(valuesOf(z.boolean()))).toEqual(new Set([true, false]))
    expect(new Set(valuesOf(z.array(z.int()).max(2)).map(({ length }) => length))).toEqual(new Set([1, 2]))
    expect(new Set(valuesOf(z.int().min(1).max(3)))).toEqual(new Set([1, 2, 3]))
    expect(new Set(valuesOf(z.object({ a: z.int().optional() })).map((each) => 'a' in each))).toEqual(
      new Set([true, false]),
    )
    expect(
      new Set(valuesOf(z.record(z.string(), z.int())).map((each) => Object.keys(each).length)).size,
    ).toBeGreaterThan(1)
    const depth = (node: Tree): number => 1 + Math.max(0, ...node.children.map(depth))
    const depths = valuesOf(tree).map(depth)
    expect(Math.max(...depths)).toBeGreaterThan(1)
    expect(Math.max(...depths)).toBeLessThan(10)
  })

  it('reads like what somebody would write', () => {
    const contract = event(
      z.object({
        id: z.string(),
        postId: z.string(),
        title: z.string(),
        message: z.string(),
        authorName: z.string(),
        name: z.string(),
        email: z.string(),
        avatarUrl: z.string(),
        createdAt: z.string(),
        colour: z.string(),
        other: z.string(),
        tags: z.array(z.string()),
        userIds: z.array(z.string()),
        names: z.array(z.string()),
      }),
    )
    for (const seed of seeds) {
      const { tags, userIds, names, ...mock } = mockEvent(contract, { seed })
      expect(mock).toEqual({
        id: expect.stringMatching(/^[a-z0-9]{8}$/),
        postId: expect.stringMatching(/^post_[a-z0-9]{8}$/),
        title: expect.stringMatching(/^[A-Z][a-z]+ [a-z]+$/),
        message: expect.stringMatching(/^[A-Z].+\.$/),
        authorName: expect.stringMatching(/^[A-Z][a-z]+ [A-Z][a-z]+$/),
        name: expect.stringMatching(/^[A-Z][a-z]+ [A-Z][a-z]+$/),
        email: expect.stringMatching(/^[a-z]+@example\.org$/),
        avatarUrl: expect.stringMatching(/^https:\/\/example\.org\//),
        createdAt: expect.stringMatching(/^2026-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        colour: expect.stringMatching(/^#[0-9a-f]{6}$/),
        other: expect.stringMatching(/^[a-z]+$/),
      })
      for (const tag of tags) expect(tag).toMatch(/^[a-z]+$/)
      for (const name of names) expect(name).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/)
      for (const userId of userIds) expect(userId).toMatch(/^user_[a-z0-9]{8}$/)
    }
  })

  it('takes examples that the schema gives, unless they are wrong', () => {
    const good = z.object({ id: z.string().meta({ examples: ['a1', 'b2'] }) })
    expect(new Set(seeds.map((seed) => mockEvent(event(good), { seed }).id))).toEqual(new Set(['a1', 'b2']))
    const whole = z.object({ id: z.string() }).meta({ examples: [{ id: 'whole' }] })
    expect(mockEvent(event(whole))).toEqual({ id: 'whole' })
    const wrong = z.object({ id: z.uuid().meta({ examples: ['none'] }) })
    expect(z.uuid().safeParse(mockEvent(event(wrong)).id).success).toBe(true)
  })

  it('keeps to the size of its event, in bytes', () => {
    const schema = z.object({ text: z.enum(['a'.repeat(100), 'b', 'ä'.repeat(40)]) })
    for (const seed of seeds) expect(mockEvent(event(schema, 60), { seed })).toEqual({ text: 'b' })
    // Bytes travel beside the JSON and do not count.
    expect(mockEvent(event(z.object({ raw: bytes({ minBytes: 900, maxBytes: 900 }) }), 60)).raw).toHaveLength(
      900,
    )
  })

  it('of the engine itself can be made', () => {
    for (const contract of Object.values(everyNamespace.events) as EventContract[])
      for (const seed of seeds) expect(mockEvent(contract, { seed })).toBeTypeOf('object')
    for (const contract of Object.values(everyNamespace.commands) as CommandContract[])
      for (const seed of seeds) expect(mockCommandInput(contract, { seed })).toHaveProperty('room.kind')
  })
})

describe('where no mock can be made', () => {
  interface Endless {
    readonly next: Endless
  }
  const endless: z.ZodType<Endless> = z.object({ next: z.lazy(() => endless) })
  it.each<[string, StandardSchema, RegExp]>([
    ['nobody could pass', z.object({ a: z.string().refine(() => false, 'Say please.') }), /a: Say please\./],
    ['nothing is allowed', z.object({ a: z.never() }), /./],
    ['the schema never ends', endless, /"next": it contains itself without an end/],
    ['the pattern is not simple', z.object({ a: z.string().regex(/^(.)\1{6}$/) }), /"a": no text was found/],
    ['the bounds are crossed', z.object({ a: z.int().min(5).max(4) }), /"a": no number was found/],
    ['a list is too long', z.object({ a: z.array(z.int()).min(100_000) }), /"a": it must have 100000 items/],
    ['a text is too long', z.object({ a: z.string().min(1_000_000) }), /"a": no text was found/],
    ['it is too large', z.object({ a: z.string().min(20_000) }), /it would be larger than 16384 bytes/],
    [
      'what is sent has no JSON',
      z.object({ a: z.date().transform(String).pipe(z.string()) }),
      /Date cannot be/,
    ],
  ])('as %s, it says so', (_, schema, reason) => {
    const attempt = () => mockEvent(event(schema))
    expect(attempt).toThrow(TypeError)
    expect(attempt).toThrow(/^No example could be made for the event "Something\.": /)
    expect(attempt).toThrow(reason)
    expect(attempt).toThrow(/Give its schema an example/)
    expect(() => mockCommandInput(command({ summary: 'Do.', input: schema, maxBytes: 16_384 }))).toThrow(
      /^No example could be made for the command "Do\.": /,
    )
  })

  it('an input that would lie too deep is refused as well', () => {
    const input = z.object({ a: z.object({ b: z.object({}) }) })
    expect(() => mockCommandInput(command({ summary: '', input, depthMax: 2 }))).toThrow(/at most 2 levels/)
    expect(mockCommandInput(command({ summary: '', input, depthMax: 3 }))).toEqual({ a: { b: {} } })
  })
})

describe('a text of a pattern', () => {
  it.each([
    ['^abc$'],
    ['^a|b|cd$'],
    ['^[a-f0-9]{8}$'],
    ['^[^a-z ]{3}$'],
    ['^[\\w.-]+@[a-z]+\\.[a-z]{2,3}$'],
    ['^(?:ab|cd){2,3}x?y*z+$'],
    ['^(?<year>\\d{4})-(0[1-9]|1[0-2])$'],
    ['^\\S+\\s\\D\\W$'],
    ['^\\x41\\u0042\\u{43}\\t\\.\\/$'],
    ['^(?=.*x)[xyz]{6}$'],
    ['^(?!aaa)[a-c]{3}$'],
    ['^[a\\-z]-[\\]\\\\]$'],
    ['^[+-]?\\d{1,3}?$'],
    ['^a{0}b{2,}$'],
    ['\\bword\\b'],
    [''],
  ])('is accepted by it: %s', (source) => {
    const pattern = new RegExp(source, source.includes('u{') ? 'u' : '')
    let accepted = 0
    for (const seed of seeds) {
      const text = textOf(source, seededRandom(seed))
      expect(text, source).toBeTypeOf('string')
      if (pattern.test(text ?? '')) accepted++
    }
    // Looking ahead is left to chance; everything else is followed.
    expect(accepted).toBeGreaterThan(/\(\?[=!]/.test(source) ? 10 : 39)
  })

  it.each([
    ['(a)\\1'],
    ['\\p{L}'],
    ['(a'],
    ['a)'],
    ['[a'],
    ['*a'],
    ['a{5000}'],
    ['[^\\s\\S]'],
    ['\\'],
    ['\\k<a>'],
  ])('is not found for %s', (source) => expect(textOf(source, seededRandom(1))).toBeUndefined())
})

describe('a sample of a JSON Schema that zod does not write', () => {
  const sampleOf = (schema: Json, seed = 1) => sample(schema, seededRandom(seed))
  it.each<[Json, unknown]>([
    [{ type: ['integer'], const: 3 }, 3],
    [{ enum: ['x'] }, 'x'],
    [{ minimum: 4, maximum: 4 }, 4],
    [{ properties: { a: { const: 1 } }, required: ['a'] }, { a: 1 }],
    [{ items: { const: 1 }, minItems: 2, maxItems: 2 }, [1, 1]],
    [{ type: 'array', prefixItems: [{ const: 1 }, { const: 2 }], minItems: 2, maxItems: 2 }, [1, 2]],
    [{ type: 'object', required: ['a'] }, { a: expect.any(String) }],
    [
      {
        type: 'object',
        minProperties: 5,
        additionalProperties: { const: 1 },
        propertyNames: { pattern: '^k\\d\\d\\d$' },
      },
      expect.objectContaining({}),
    ],
    [
      {
        type: 'object',
        properties: { k: { const: 1 } },
        required: ['k', 'a'],
        anyOf: [{ properties: { k: { const: 1 }, a: { const: 2 } } }],
      },
      { k: 1, a: 2 },
    ],
    [{ type: 'integer', exclusiveMinimum: 7, exclusiveMaximum: 9 }, 8],
    [{ type: 'number', minimum: 2.1, maximum: 2.1, multipleOf: 0.3 }, 2.1],
    [
      {
        allOf: [
          { type: 'object', properties: { a: { const: 1 } }, required: ['a'] },
          { type: 'object', properties: { b: { const: 2 } }, required: ['b'] },
        ],
      },
      { a: 1, b: 2 },
    ],
    [{ type: 'integer', minimum: -9, maximum: -8, exclusiveMinimum: -9 }, -8],
    [{ type: 'integer', maximum: -1000, minimum: -9e15, multipleOf: 100 }, expect.toBeOneOf([-1000, -1100])],
    [{ type: 'integer', minimum: -9e15, maximum: 1 }, expect.toBeOneOf([0, 1])],
    [{ type: 'number', exclusiveMinimum: 0.2, exclusiveMaximum: 0.4 }, expect.closeTo(0.3)],
    [
      { type: 'number', minimum: 0.1, maximum: 0.3, multipleOf: 0.1, not: { const: 0.1 } },
      expect.toBeOneOf([0.1, 0.2, 0.3]),
    ],
    [
      { type: 'string', pattern: '^[A-Z]+$', minLength: 3, maxLength: 4 },
      expect.stringMatching(/^[A-Z]{3,4}$/),
    ],
    [
      { type: 'object', properties: { title: { type: 'string', maxLength: 7 } }, required: ['title'] },
      { title: expect.stringMatching(/^.{5,6}\w$/) },
    ],
    [
      {
        type: 'object',
        properties: { title: { type: 'string', minLength: 30, maxLength: 31 } },
        required: ['title'],
      },
      { title: expect.stringMatching(/^.{29,30}\S$/) },
    ],
  ])('%j', (schema, expected) => {
    for (const seed of seeds) expect(sampleOf(schema, seed), `seed ${seed}`).toEqual(expected)
  })

  it('takes every step between the bounds, without the crumbs of binary fractions', () => {
    const schema = { type: 'number', minimum: 0.1, maximum: 0.3, multipleOf: 0.1 }
    expect(new Set(seeds.map((seed) => sampleOf(schema, seed)))).toEqual(new Set([0.1, 0.2, 0.3]))
  })

  it('fails clearly where nothing is allowed or a reference leads nowhere', () => {
    for (const schema of [{ type: 'array', items: false, minItems: 1 }, { $ref: '#/missing' }])
      expect(() => sampleOf(schema as Json)).toThrow(NoSample)
  })
})

describe('seeded randomness', () => {
  it('is spread evenly, within its bounds', () => {
    const random = seededRandom(42)
    const counts = Array.from({ length: 10 }, () => 0)
    for (let round = 0; round < 10_000; round++) {
      const value = random()
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThan(1)
      const index = integerBetween(random, 0, 9)
      counts[index] = (counts[index] ?? 0) + 1
    }
    expect(counts).toHaveLength(10)
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
    expect(integerBetween(random, 3, 3)).toBe(3)
    expect(oneOf(random, [])).toBeUndefined()
  })
})
