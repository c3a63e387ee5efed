/** Whatever comes in, a check answers at once: with a clean value or with what is wrong. */
import { runInNewContext } from 'node:vm'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { bytes } from './bytes.ts'
import { type Checked, checkCommand, checkEvent } from './checks.ts'
import { command, latest, type NoInput, stream } from './namespace.ts'
import { integerBetween, oneOf, type Random, seededRandom } from './sample-random.ts'
import type { StandardSchema } from './standard-schema.ts'

const event = <Data extends StandardSchema>(data: Data) => stream(data, { summary: '', rooms: ['user'] })
const commandOf = <Input extends StandardSchema>(input: Input, depthMax?: number) =>
  command({ summary: '', input, ...(depthMax !== undefined && { depthMax }) })

const post = z.object({
  title: z.string().min(1).max(20),
  pinned: z.boolean().default(false),
  items: z
    .array(z.object({ id: z.string() }))
    .max(50)
    .default([]),
})

function accepted<Value>(checked: Checked<Value>): Value {
  if (!checked.ok) throw new Error(`Refused: ${JSON.stringify(checked.fields)}`)
  return checked.value
}

function fieldsOf(checked: Checked<unknown>) {
  return checked.ok ? [] : checked.fields
}

describe('a check', () => {
  it('gives the value as its schema makes it: defaults filled in, unknown keys dropped', () => {
    const check = checkEvent(event(post))
    expect(check({ title: 'a', extra: 1, items: [{ id: 'x', more: 2 }] })).toStrictEqual({
      ok: true,
      value: { title: 'a', pinned: false, items: [{ id: 'x' }] },
    })
    expectTypeOf(accepted(check({ title: 'a' }))).toEqualTypeOf<z.output<typeof post>>()
  })

  it('says which fields are wrong, and where', () => {
    const check = checkCommand(commandOf(post))
    const fields = fieldsOf(check({ title: '', items: [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 4 }] }))
    expect(fields.map(({ path }) => path)).toEqual(['title', 'items.3.id'])
    expect(fields[0]?.message).toMatch(/small|least|1/i)
  })

  it('changes nothing of what it was given', () => {
    const given = JSON.parse(
      '{"title":"a","_meta":{"key":"k"},"__proto__":{"x":1},"items":[{"id":"a","constructor":1}]}',
    )
    const inner = JSON.parse('{"a":{"b":[{"constructor":1}]},"c":[[{"__proto__":1}]]}')
    for (const each of [given, inner]) {
      const before = JSON.stringify(each)
      checkEvent(event(post))(each)
      checkEvent(event(z.looseObject({})))(each)
      checkCommand(commandOf(z.looseObject({})))(each)
      expect(JSON.stringify(each)).toBe(before)
    }
  })

  it('keeps fields that the schema leaves open', () => {
    const given = { a: 1, inner: { list: [{ deep: true }] } }
    expect(accepted(checkEvent(event(z.looseObject({})))(given))).toEqual(given)
  })

  it('names at most 20 fields, in messages and paths of at most 200 characters', () => {
    const check = checkCommand(commandOf(z.object({ items: z.array(z.string()) })))
    const fields = fieldsOf(check({ items: Array.from({ length: 1000 }, () => 1) }))
    expect(fields).toHaveLength(20)
    expect(fields[19]?.path).toBe('items.19')

    const long = checkCommand(commandOf(z.strictObject({ in: z.record(z.string(), z.string()).optional() })))
    const [unknown] = fieldsOf(long({ ['🚪'.repeat(5000)]: 1 }))
    expect(unknown?.message.length).toBeLessThanOrEqual(200)
    expect(unknown?.message.endsWith('…')).toBe(true)
    expect(unknown?.message.isWellFormed()).toBe(true)
    const [deep] = fieldsOf(long({ in: { [`x${'🚪'.repeat(5000)}`]: 1 } }))
    expect(deep?.path.length).toBe(200)
    expect(deep?.path.startsWith('in.x🚪')).toBe(true)
    expect(deep?.path.isWellFormed()).toBe(true)
  })

  it('keeps a message of exactly 200 characters whole', () => {
    const message = 'm'.repeat(200)
    const check = checkEvent(event(z.object({ a: z.string(message) })))
    expect(fieldsOf(check({ a: 1 }))).toEqual([{ path: 'a', message }])
  })

  it.each([
    [undefined],
    [null],
    ['text'],
    [7],
    [Number.NaN],
    [10n],
    [true],
    [Symbol('s')],
    [() => ({})],
    [[]],
    [[{ title: 'a' }]],
    [new Uint8Array(3)],
    [new DataView(new ArrayBuffer(3))],
  ])('takes no %s for an event', (value) => {
    expect(checkEvent(event(z.looseObject({})))(value)).toEqual({
      ok: false,
      fields: [{ path: '', message: 'Send one object.' }],
    })
  })

  it('is for one object even where the schema would take a list', () => {
    const check = checkEvent(event(z.looseObject({}).or(z.array(z.string()))))
    expect(check(['a']).ok).toBe(false)
    expect(check({}).ok).toBe(true)
  })

  it('leaves bytes, dates and objects of a class as they are', () => {
    class Money {
      readonly amount = 3
      /** An object of a class may lead back to itself. */
      readonly itself = this
      get text() {
        return `${this.amount} EUR`
      }
    }
    const update = new Uint8Array([1, 2, 3])
    const money = new Money()
    const check = checkEvent(
      event(z.object({ update: bytes({ maxBytes: 3 }), price: z.instanceof(Money), at: z.unknown() })),
    )
    const at = new Date(0)
    const value = accepted(check({ update, price: money, at }))
    expect(value.update).toBe(update)
    expect(value.price).toBe(money)
    expect(value.at).toBe(at)
    // A publisher may give an object whose fields are getters.
    expect(accepted(checkEvent(event(z.object({ text: z.string() })))(money))).toEqual({ text: '3 EUR' })
  })
})

it('a check is made once for each contract', () => {
  const contract = commandOf(post)
  expect(checkCommand(contract)).toBe(checkCommand(contract))
  expect(checkCommand(commandOf(post, 1))({ title: 'a', items: [] }).ok).toBe(false)
  expect(checkCommand(contract)({ title: 'a', items: [] }).ok).toBe(true)
})

describe('the input of a command', () => {
  it('may be absent, which Socket.IO sends as null', () => {
    const check = checkCommand(commandOf(z.object({ limit: z.int().default(20) })))
    for (const absent of [undefined, null, {}])
      expect(check(absent)).toEqual({ ok: true, value: { limit: 20 } })
    expect(check('').ok).toBe(false)
    expect(check(0).ok).toBe(false)
    expect(check(false).ok).toBe(false)
  })

  it('that is required is missed when absent', () => {
    expect(fieldsOf(checkCommand(commandOf(post))(undefined)).map(({ path }) => path)).toEqual(['title'])
  })

  it('of a command without input is an empty object, whatever was sent with it', () => {
    const check = checkCommand(command({ summary: '' }))
    for (const input of [undefined, null, {}, { a: 1 }, JSON.parse('{"__proto__":1}')])
      expect(check(input)).toStrictEqual({ ok: true, value: {} })
    for (const input of ['a', [], 7]) expect(check(input).ok).toBe(false)
    expectTypeOf(accepted(check({}))).toEqualTypeOf<NoInput>()
    expect(accepted(check({}))).not.toBe(accepted(check({})))
  })

  it('may carry `_meta`, of which the schema knows nothing', () => {
    const strict = checkCommand(commandOf(z.strictObject({ id: z.string() })))
    expect(strict({ id: 'a', _meta: { key: 'k' } })).toEqual({ ok: true, value: { id: 'a' } })
    const loose = checkCommand(commandOf(z.looseObject({})))
    expect(loose({ id: 'a', _meta: { key: 'k' } })).toEqual({ ok: true, value: { id: 'a' } })
    // Only there: elsewhere the name is free.
    expect(loose({ inner: { _meta: 1 } })).toEqual({ ok: true, value: { inner: { _meta: 1 } } })
  })

  const nested = (levels: number, list: boolean): unknown =>
    levels === 0
      ? 'x'
      : list && levels > 1
        ? { a: [nested(levels - 2, list)] }
        : { a: nested(levels - 1, list) }

  it.each([
    [1, 8, 8],
    [1, 9, 8],
    [undefined, 8, 8],
    [undefined, 9, 8],
    [3, 3, 3],
    [3, 4, 3],
  ])('with depthMax %s and %i levels: levels beyond %i are refused', (given, levels, _) => {
    const check = checkCommand(commandOf(z.looseObject({}), given))
    const allowed = given ?? 8
    for (const list of [false, true]) {
      const checked = check(nested(levels, list))
      expect(checked.ok).toBe(levels <= allowed)
      if (!checked.ok)
        expect(checked.fields).toEqual([
          { path: '', message: `Send at most ${allowed} levels of objects and lists.` },
        ])
    }
  })

  it('counts levels also where the schema looks at nothing', () => {
    const check = checkCommand(commandOf(z.object({ id: z.string() }), 2))
    expect(check({ id: 'a', unknown: { a: 1 } }).ok).toBe(true)
    expect(check({ id: 'a', unknown: { a: [] } }).ok).toBe(false)
  })

  it('may grow deeper by the schema itself', () => {
    const deeper = z.object({ id: z.string() }).transform(({ id }) => ({ a: { b: { c: { id } } } }))
    expect(checkCommand(commandOf(deeper, 1))({ id: 'a' })).toEqual({
      ok: true,
      value: { a: { b: { c: { id: 'a' } } } },
    })
  })
})

describe('keys that reach prototypes', () => {
  const text =
    '{"a":1,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"prototype":2,' +
    '"list":[1,{"__proto__":{"polluted":true},"b":2}],"inner":{"deep":{"constructor":1,"c":3}}}'
  const clean = { a: 1, list: [1, { b: 2 }], inner: { deep: { c: 3 } } }

  const open: [string, StandardSchema][] = [
    ['a loose object', z.looseObject({ a: z.number() })],
    ['a record', z.record(z.string(), z.unknown())],
    ['an object of unknowns', z.object({ a: z.unknown(), list: z.unknown(), inner: z.unknown() })],
    ['a catch-all', z.object({ a: z.number() }).catchall(z.unknown())],
    ['another library, which copies what it gets', copying()],
  ]

  it.each(open)('do not pass %s', (_, schema) => {
    for (const check of [checkEvent(event(schema)), checkCommand(commandOf(schema))]) {
      const value = accepted(check(JSON.parse(text)))
      expect(value).toStrictEqual(clean)
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect((value as { polluted?: boolean }).polluted).toBeUndefined()
    }
  })

  it.each(['__proto__', 'constructor', 'prototype'])(
    'cannot be fields of a schema, on any level: %s',
    (key) => {
      const id = z.object({ id: z.string() })
      const mine = z.object({ [key]: z.string() })
      const sentence = `The event "A post was made." has a field "${key}", which never arrives. Choose another name.`
      for (const schema of [
        mine,
        z.object({ list: z.array(id.or(mine)) }),
        z.object({ a: z.tuple([id], mine), b: z.int() }),
        z.object({ a: z.tuple([mine, id]) }),
        z.object({ a: z.record(z.string(), mine) }),
        z.object({ a: z.looseRecord(z.string().regex(/^k/), mine) }),
        z.object({ a: id.and(mine) }),
        z.object({ a: z.object({ b: mine }).meta({ id: `checks ${key}` }) }),
      ]) {
        const contract = stream(schema, { summary: 'A post was made.', rooms: [] })
        expect(() => checkEvent(contract)).toThrow(new TypeError(sentence))
        expect(() => checkCommand(commandOf(schema))).toThrow(/^The command "" has a field/)
      }
    },
  )

  it('do not come from the schema either', () => {
    const small = z.record(z.string().toLowerCase(), z.unknown())
    const value = accepted(checkEvent(event(small))({ CONSTRUCTOR: 1, PROTOTYPE: 2, a: { CONSTRUCTOR: 1 } }))
    expect(value).toEqual({ a: { CONSTRUCTOR: 1 } })
    expect(Object.keys(value)).toEqual(['a'])
  })

  it('are found in objects without a prototype and in those of another realm', () => {
    const bare = Object.assign(Object.create(null), { a: 1, constructor: 2 })
    const foreign = runInNewContext('JSON.parse(text)', { text: '{"a":1,"constructor":2}' })
    const check = checkEvent(event(z.looseObject({})))
    for (const value of [bare, foreign]) {
      expect(Object.keys(accepted(check({ value })).value as object)).toEqual(['a'])
      expect(Object.keys(accepted(check(value)))).toEqual(['a'])
    }
  })

  it('never arrive, whatever is sent', () => {
    const seed = 20261121
    const random = seededRandom(seed)
    const checks = open.flatMap(([, schema]) => [6, 8].map((depth) => checkCommand(commandOf(schema, depth))))
    let passed = 0
    for (let round = 0; round < 1000; round++) {
      const sent = anyValue(random, 7)
      for (const check of checks) {
        const checked = check(sent)
        if (!checked.ok) continue
        passed++
        expect(dangerIn(checked.value), `seed ${seed}, round ${round}: ${show(sent)}`).toBeUndefined()
      }
    }
    expect(passed).toBeGreaterThan(500)
  })
})

describe('a check never throws', () => {
  const circle: Record<string, unknown> = { title: 'a' }
  circle['self'] = circle
  const around: unknown[] = []
  around.push(around)
  const trap = () => {
    throw new Error('trapped')
  }
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()

  it.each<[string, unknown]>([
    ['that goes round in a circle', circle],
    ['whose list holds itself', { title: 'a', around }],
    ['whose getter throws', Object.defineProperty({}, 'title', { get: trap, enumerable: true })],
    [
      'that is a proxy which refuses everything',
      new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap }),
    ],
    ['that is a revoked proxy', revoked.proxy],
    ['that is nested ten thousand times', JSON.parse(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`)],
    ['that cannot be told as text', { title: { toString: trap, [Symbol.toPrimitive]: trap } }],
  ])('for an object %s', (_, value) => {
    for (const schema of [post, z.looseObject({}), z.record(z.string(), z.unknown())]) {
      for (const check of [checkEvent(event(schema)), checkCommand(commandOf(schema))])
        expect(check(value)).toMatchObject({ ok: expect.any(Boolean) })
    }
  })

  it('refuses what goes round in a circle where the schema lets it through', () => {
    expect(checkEvent(event(z.looseObject({})))(circle)).toMatchObject({ ok: false })
    expect(checkCommand(commandOf(z.looseObject({})))(circle)).toMatchObject({ ok: false })
  })

  it('also when a rule of the schema does, and nobody hears of a promise that failed', async () => {
    const failures: unknown[] = []
    const listen = (reason: unknown) => failures.push(reason)
    process.on('unhandledRejection', listen)
    const throwing = z.object({
      title: z.string().refine((title) => {
        if (title === 'boom') throw new Error('boom')
        return true
      }),
    })
    const check = checkEvent(event(throwing))
    expect(check({ title: 'fine' })).toEqual({ ok: true, value: { title: 'fine' } })
    expect(check({ title: 'boom' })).toEqual({
      ok: false,
      fields: [{ path: '', message: 'This could not be checked.' }],
    })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listen)
    expect(failures).toEqual([])
  })

  it.each<[string, unknown]>([
    ['throws', new Error('not today')],
    ['finds nothing and refuses', { issues: [] }],
    ['answers nothing', undefined],
    ['answers with an issue that has no form', { issues: [undefined] }],
    ['answers with a path of symbols', { issues: [{ message: 'no', path: [Symbol('s'), { key: 'a' }, 3] }] }],
  ])('with a library that %s', (_, answer) => {
    const check = checkEvent(
      event(
        answering((value) => {
          if (Object.keys(value as object).length === 0) return { value }
          if (answer instanceof Error) throw answer
          return answer
        }),
      ),
    )
    const checked = check({ a: 1 })
    expect(checked.ok).toBe(false)
    expect(fieldsOf(checked).length).toBe(1)
    expect(fieldsOf(checked)[0]?.path).toBe(_.includes('symbols') ? 'Symbol(s).a.3' : '')
  })
})

describe('a schema that waits is refused when its check is made', () => {
  const waits = async () => true
  it.each<[string, StandardSchema]>([
    ['the whole', z.object({ a: z.string() }).refine(waits)],
    ['one field', z.object({ a: z.email().refine(waits) })],
    ['an item of a list', z.object({ items: z.array(z.object({ id: z.uuid().refine(waits) })).min(1) })],
    [
      'a transform',
      z.object({
        a: z
          .string()
          .transform(async (text) => text)
          .pipe(z.string()),
      }),
    ],
    ['another library, always', answering(async (value) => ({ value }))],
    // biome-ignore lint/suspicious/noThenProperty: a promise that is no Promise
    ['a promise of its own kind', answering(() => ({ then: (_: unknown, no: () => void) => no() }))],
    [
      'a rule that throws',
      z.object({
        a: z.string().refine(() => {
          throw new Error('x')
        }),
      }),
    ],
  ])('%s', (_, schema) => {
    expect(() => checkEvent(event(schema))).toThrow(TypeError)
    expect(() => checkCommand(commandOf(schema))).toThrow(
      /^The schema of the command "" answered with a promise for \{.*\}: one of its rules is asynchronous, or throws/,
    )
  })

  it('and one that waits only for some is refused as soon as it does', () => {
    const schema = z.object({ a: z.string(), b: z.string().optional() }).refine((value) => {
      return value.a === 'rare' ? Promise.resolve(true) : true
    })
    const check = checkCommand(commandOf(schema))
    expect(check({ a: 'often' }).ok).toBe(true)
    expect(check({ a: 'rare' })).toEqual({
      ok: false,
      fields: [{ path: '', message: 'This could not be checked.' }],
    })
  })

  it.each([[{ type: 'object', required: ['a'], properties: { a: false } }], [undefined]])(
    'even if no payload can be made for %j',
    (described) => {
      const opaque = answering(
        async (value) => ({ value }),
        () => {
          if (described === undefined) throw new Error('no JSON Schema')
          return described
        },
      )
      expect(() => checkEvent(event(opaque))).toThrow(TypeError)
    },
  )

  it('while one that answers at once is not', () => {
    const pair = z.object({ from: z.int(), to: z.int() }).refine(({ from, to }) => from < to)
    expect(checkEvent(latest(pair, { summary: '', rooms: [], key: () => 'a' }))({ from: 1, to: 2 }).ok).toBe(
      true,
    )
  })
})

/** Of another library: `validate` is all that a check asks for. */
function answering(
  validate: (value: unknown) => unknown,
  jsonSchema: () => Record<string, unknown> = () => ({ type: 'object' }),
): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'other',
      validate: validate as StandardSchema['~standard']['validate'],
      jsonSchema: { input: jsonSchema, output: jsonSchema },
    },
  }
}

/** Copies by assignment, and so sets the prototype of the copy if it is let. */
function copying(): StandardSchema {
  const copy = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(copy)
    const target: Record<string, unknown> = {}
    for (const [key, inner] of Object.entries(value)) target[key] = copy(inner)
    return target
  }
  return answering((value) => ({ value: copy(value) }))
}

const names = ['a', 'list', 'inner', '__proto__', 'constructor', 'prototype', '_meta', '', 'CONSTRUCTOR']

/** As JSON would make it, with more of what is dangerous. */
function anyValue(random: Random, levels: number): unknown {
  const kind = integerBetween(random, 0, levels === 0 ? 3 : 8)
  if (kind < 4) return oneOf(random, ['text', 7, null, true])
  const inner = Array.from({ length: integerBetween(random, 0, 4) }, () => anyValue(random, levels - 1))
  if (kind === 4) return inner
  const text = inner.map((value) => `${JSON.stringify(oneOf(random, names))}:${JSON.stringify(value)}`)
  return JSON.parse(`{${text.join(',')}}`)
}

function dangerIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return 'another prototype'
  for (const key of Object.keys(value)) {
    if (['__proto__', 'constructor', 'prototype'].includes(key)) return key
    const inner = dangerIn((value as Record<string, unknown>)[key])
    if (inner !== undefined) return inner
  }
  return undefined
}

const show = (value: unknown) => JSON.stringify(value)
