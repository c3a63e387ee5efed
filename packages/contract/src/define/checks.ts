/**
 * Checks at the edge: what comes from outside is `unknown` until its contract has seen it. A check is made once for
 * each contract, and never throws and never waits, whatever it is given:
 *
 *   const check = checkCommand(posts.commands['post:rename'])
 *   const checked = check(input)
 *   if (!checked.ok) return refuse('validation_failed', checked.fields)
 *
 * Bytes are not counted here: who parsed the text knows them (`maxBytes`).
 */
import type { FieldError } from '../errors.ts'
import { everySchema, isJsonObject, type Json, jsonSchema } from './json-schema.ts'
import type { CommandContract, DataOrNone, EventContract } from './namespace.ts'
import { sample } from './sample.ts'
import { seededRandom } from './sample-random.ts'
import type { OutputOf, StandardIssue, StandardSchema } from './standard-schema.ts'

export type Checked<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fields: readonly FieldError[] }

export type Check<Value> = (value: unknown) => Checked<Value>

/** Nobody corrects more at once, and the answer stays small. */
export const fieldsMax = 20
/** In characters. A message of a schema may quote what was sent, and a path is made of its keys. */
const messageLengthMax = 200
const pathLengthMax = 200
/** Levels of an event's payload. Far beyond any real one: what is deeper goes round in a circle. */
const eventDepthMax = 64

/** For payloads, before they are published. Throws a TypeError for a schema that does not answer at once. */
export function checkEvent<Data extends StandardSchema>(
  contract: Pick<EventContract<Data>, 'data' | 'summary'>,
): Check<OutputOf<Data>> {
  const { data, summary } = contract
  return once(contract, () => checkOf(`event "${summary}"`, data, eventDepthMax)) as Check<OutputOf<Data>>
}

/** For inputs of commands. An absent one is an object without fields. */
export function checkCommand<Input extends StandardSchema | undefined>(
  contract: Pick<CommandContract<Input>, 'input' | 'summary' | 'depthMax'>,
): Check<DataOrNone<Input>> {
  return once(contract, () => {
    const { input = nothing, summary, depthMax } = contract
    const check = checkOf(`command "${summary}"`, input, depthMax)
    // Socket.IO sends an argument that is undefined as null.
    return (value) => check(value ?? {})
  }) as Check<DataOrNone<Input>>
}

/** To make one costs as much as a thousand checks. */
const made = new WeakMap<object, Check<unknown>>()

function once(contract: object, make: () => Check<unknown>): Check<unknown> {
  const known = made.get(contract)
  if (known !== undefined) return known
  const check = make()
  made.set(contract, check)
  return check
}

/** Of a command that takes no input: whatever the fields are, none is known, and unknown ones are dropped. */
const nothing: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'belfry',
    validate: () => ({ value: {} }),
    jsonSchema: { input: () => ({ type: 'object' }), output: () => ({ type: 'object' }) },
  },
}

function checkOf(what: string, schema: StandardSchema, depthMax: number): Check<unknown> {
  refuseDangerous(what, schema)
  refuseAsynchronous(what, schema)
  return (value) => {
    try {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
        return refused('Send one object.')
      const result = schema['~standard'].validate(cleaned(withoutMeta(value), depthMax))
      if (isPromise(result)) return refused(unclear)
      if (result.issues !== undefined) return { ok: false, fields: fieldErrors(result.issues) }
      // Once more, for keys that the schema itself made, such as those of a record in small letters.
      return { ok: true, value: cleaned(result.value, Number.POSITIVE_INFINITY) }
    } catch (error) {
      return refused(error === tooDeep ? `Send at most ${depthMax} levels of objects and lists.` : unclear)
    }
  }
}

const refused = (message: string): Checked<never> => ({ ok: false, fields: [{ path: '', message }] })

/** A getter or a rule of the schema threw, or the schema answered with a promise after all. */
const unclear = 'This could not be checked.'

/** `_meta` belongs to the engine on both ways: it reads the one of a command and writes the one of an event. */
function withoutMeta(value: object): object {
  if (!Object.hasOwn(value, '_meta')) return value
  const { _meta, ...rest } = value as { _meta: unknown }
  return rest
}

const tooDeep = new RangeError('Deeper than allowed.')

/**
 * The same value if nothing is wrong with it, else a copy without dangerous keys. Throws `tooDeep`. Costs 0.2 µs for a
 * payload of 300 characters, of which zod's part is 0.9 µs; with `Object.keys` instead of `in` it was 0.6 µs.
 */
function cleaned(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    if (levels === 0) throw tooDeep
    return cleanedList(value, levels - 1)
  }
  if (!isPlain(value)) return value
  if (levels === 0) throw tooDeep
  return cleanedObject(value as Record<string, unknown>, levels - 1)
}

function cleanedList(list: readonly unknown[], levels: number): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let index = 0; index < list.length; index++) {
    const given = list[index]
    if (typeof given !== 'object') continue
    const inner = cleaned(given, levels)
    if (inner === given) continue
    copy ??= [...list]
    copy[index] = inner
  }
  return copy ?? list
}

function cleanedObject(value: Record<string, unknown>, levels: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined
  for (const key in value) {
    if (isDangerous(key)) {
      copy ??= { ...value }
      delete copy[key]
      continue
    }
    const given = value[key]
    if (typeof given !== 'object') continue
    const inner = cleaned(given, levels)
    if (inner === given) continue
    copy ??= { ...value }
    copy[key] = inner
  }
  return copy ?? value
}

/** What JSON and MessagePack make. Bytes, dates and objects of a class are the application's own, and stay as they are. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

/** B-06: what an object of these names could reach are the prototypes of others. */
const isDangerous = (key: string) => key === '__proto__' || key === 'constructor' || key === 'prototype'

function fieldErrors(issues: readonly StandardIssue[]): FieldError[] {
  if (issues.length === 0) return [{ path: '', message: unclear }]
  return issues.slice(0, fieldsMax).map(({ message, path = [] }) => ({
    path: bounded(
      path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
      pathLengthMax,
    ),
    message: bounded(String(message), messageLengthMax),
  }))
}

function bounded(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1).toWellFormed()}…`
}

/** Also silences it: a rule that throws makes zod answer with a promise that fails, and nobody would be listening. */
function isPromise(result: object): result is Promise<unknown> {
  if (!('then' in result) || typeof result.then !== 'function') return false
  result.then(undefined, () => {})
  return true
}

/** A field of such a name would be missed in every payload, since it never arrives. */
function refuseDangerous(what: string, schema: StandardSchema): void {
  for (const { properties } of everySchema(described(schema))) {
    const dangerous = isJsonObject(properties) && Object.keys(properties).find(isDangerous)
    if (typeof dangerous !== 'string') continue
    throw new TypeError(`The ${what} has a field "${dangerous}", which never arrives. Choose another name.`)
  }
}

/** Shows a schema a few payloads, since only a payload that passes its first rules reaches one that waits. */
function refuseAsynchronous(what: string, schema: StandardSchema): void {
  for (const probe of [{}, ...samplesOf(schema)]) {
    let result: object
    try {
      result = schema['~standard'].validate(probe)
    } catch {
      // It would throw for a caller as well, who is answered that it could not be checked.
      continue
    }
    if (!isPromise(result)) continue
    throw new TypeError(
      `The schema of the ${what} answered with a promise for ${JSON.stringify(probe).slice(0, messageLengthMax)}: one of its rules is ` +
        'asynchronous, or throws. Use rules that answer at once, and return false for what is wrong.',
    )
  }
}

function samplesOf(schema: StandardSchema): unknown[] {
  try {
    const whole = described(schema)
    return [1, 2, 3, 4].map((seed) => sample(whole, seededRandom(seed), { fromExamples: seed % 2 === 0 }))
  } catch {
    return []
  }
}

function described(schema: StandardSchema): Json {
  try {
    return jsonSchema(schema, 'input')
  } catch {
    // What a publisher gives need not be JSON: a date that the schema turns into text.
    return {}
  }
}
