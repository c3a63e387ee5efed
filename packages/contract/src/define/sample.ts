/**
 * A value that a JSON Schema describes, as far as JSON Schema says it: rules beyond it are not known here, so whoever
 * needs a valid value checks it (mocks.ts).
 */
import { isJsonObject, type Json, resolve } from './json-schema.ts'
import { integerBetween, oneOf, type Random } from './sample-random.ts'
import { sampleText } from './sample-text.ts'

/** Thrown where no value was found; says where. */
export class NoSample extends Error {
  override readonly name = 'NoSample'
}

/** From this level on a schema that contains itself ends: optional fields are left out, lists are empty. */
const levelsMax = 5
/** Where it cannot end it would go on for ever. */
const levelsEver = 40
/** More items or keys than an example needs; a list that must have more gets what it must. */
const itemsMax = 3
/** A list that must be longer is no example for anybody. */
const leastItemsMax = 1000

interface Place {
  readonly root: Json
  readonly random: Random
  /** Whether examples of the schema are taken. Otherwise, or where there are none, values are made. */
  readonly fromExamples: boolean
  /** Name of the field, of the list for its items. */
  readonly name: string
  readonly level: number
}

export function sample(schema: Json, random: Random, { fromExamples = true } = {}): unknown {
  return sampleOf(schema, { root: schema, random, fromExamples, name: '', level: 0 })
}

function sampleOf(schema: unknown, place: Place): unknown {
  if (schema === true || schema === undefined) return sampleText({}, place.name, place.random)
  if (!isJsonObject(schema)) throw noSample(place, 'nothing is allowed there')
  if (place.level > levelsEver) throw noSample(place, 'it contains itself without an end')
  const { examples, $ref, enum: values } = schema
  if (place.fromExamples && Array.isArray(examples) && examples.length > 0)
    return oneOf(place.random, examples)
  if ('const' in schema) return schema['const']
  if (Array.isArray(values)) return oneOf(place.random, values)
  if (typeof $ref === 'string')
    return sampleOf(resolve($ref, place.root) ?? false, { ...place, level: place.level + 1 })
  const choices = schema['oneOf'] ?? schema['anyOf']
  if (Array.isArray(choices)) return choiceOf(schema, choices, place)
  if (Array.isArray(schema['allOf']) && schema['type'] !== 'string')
    return sampleOf(merged(schema, place.root), place)
  return ofType(schema, place)
}

function noSample({ name }: Place, reason: string): NoSample {
  return new NoSample(name === '' ? reason : `"${name}": ${reason}`)
}

/** Keywords beside a choice belong to each. Deep down the choices are tried until one ends. */
function choiceOf(schema: Json, choices: readonly unknown[], place: Place): unknown {
  const { oneOf: _oneOf, anyOf: _anyOf, ...beside } = schema
  const choose = (choice: unknown) =>
    sampleOf(
      isJsonObject(choice) && Object.keys(beside).length > 0 ? { ...beside, ...choice } : choice,
      place,
    )
  if (place.level < levelsMax) return choose(oneOf(place.random, choices))
  let failure: unknown
  for (const choice of [...choices].sort((a, b) => weight(a) - weight(b))) {
    try {
      return choose(choice)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** What ends soonest first. */
function weight(schema: unknown): number {
  if (!isJsonObject(schema)) return 3
  return schema['type'] === 'null' ? 0 : schema['$ref'] !== undefined || schema['type'] === 'object' ? 2 : 1
}

/** All parts in one: fields and required names of all of them, and the last word on everything else. */
function merged({ allOf, ...rest }: Json, root: Json, level = 0): Json {
  const fields: Json = {}
  const required: unknown[] = []
  const whole: Json = {}
  for (const part of [rest, ...(allOf as unknown[])]) {
    const reference = isJsonObject(part) ? part['$ref'] : undefined
    const found = typeof reference === 'string' ? resolve(reference, root) : part
    if (!isJsonObject(found)) continue
    const inner = Array.isArray(found['allOf']) && level < levelsEver ? merged(found, root, level + 1) : found
    Object.assign(whole, inner)
    Object.assign(fields, inner['properties'])
    if (Array.isArray(inner['required'])) required.push(...inner['required'])
  }
  return {
    ...whole,
    ...(Object.keys(fields).length > 0 && { properties: fields }),
    ...(required.length > 0 && { required }),
  }
}

function ofType(schema: Json, place: Place): unknown {
  const type = Array.isArray(schema['type'])
    ? oneOf(place.random, schema['type'])
    : (schema['type'] ?? guessed(schema))
  switch (type) {
    case 'object':
      return objectOf(schema, place)
    case 'array':
      return listOf(schema, place)
    case 'number':
    case 'integer':
      return numberOf(schema, type, place)
    case 'boolean':
      return place.random() < 0.5
    case 'null':
      return null
    default:
      return schema['format'] === 'binary' ? bytesOf(schema, place) : textOf(schema, place)
  }
}

function guessed(schema: Json): string {
  if ('properties' in schema || 'required' in schema) return 'object'
  if ('items' in schema) return 'array'
  return 'minimum' in schema || 'maximum' in schema || 'multipleOf' in schema ? 'number' : 'string'
}

function textOf(schema: Json, place: Place): string {
  const text = sampleText(schema, place.name, place.random)
  if (text === undefined) throw noSample(place, `no text was found for ${JSON.stringify(schema)}`)
  return text
}

function bytesOf(schema: Json, { random }: Place): Uint8Array {
  const least = Number(schema['minLength'] ?? 0)
  const most = Math.min(Number(schema['maxLength'] ?? 8), Math.max(least, 8))
  return Uint8Array.from({ length: integerBetween(random, least, most) }, () =>
    integerBetween(random, 0, 255),
  )
}

function objectOf(schema: Json, place: Place): Json {
  const { random, level } = place
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {}
  const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as string[]) : [])
  const inner = (name: string) => ({ ...place, name, level: level + 1 })
  const entries: [string, unknown][] = []
  for (const [name, field] of Object.entries(properties)) {
    if (required.has(name) || (level < levelsMax && random() < 0.7))
      entries.push([name, sampleOf(field, inner(name))])
  }
  const others = schema['additionalProperties']
  for (const name of required)
    if (!Object.hasOwn(properties, name)) entries.push([name, sampleOf(others, inner(name))])
  if (isJsonObject(others) && isRecord(schema))
    entries.push(...moreEntries(schema, others, entries.length, place))
  if (isJsonObject(schema['patternProperties'])) {
    for (const [pattern, field] of Object.entries(schema['patternProperties'])) {
      const name = sampleText({ pattern }, '', random)
      if (name !== undefined && level < levelsMax) entries.push([name, sampleOf(field, inner(name))])
    }
  }
  return Object.fromEntries(entries)
}

/** A record has keys of any name; an object that only tolerates more gets no more. */
const isRecord = (schema: Json) =>
  schema['propertyNames'] !== undefined ||
  Object.keys((schema['properties'] as Json | undefined) ?? {}).length === 0

function moreEntries(schema: Json, field: Json, present: number, place: Place): [string, unknown][] {
  const least = Number(schema['minProperties'] ?? 0) - present
  const most = place.level < levelsMax ? Math.max(least, itemsMax) : least
  const names = Array.from(
    { length: integerBetween(place.random, Math.min(Math.max(least, 1), most), most) },
    () => sampleOf(schema['propertyNames'] ?? true, { ...place, name: '', level: place.level + 1 }),
  )
  return names.map((name) => [
    String(name),
    sampleOf(field, { ...place, name: place.name, level: place.level + 1 }),
  ])
}

function listOf(schema: Json, place: Place): unknown[] {
  const { random, level } = place
  const tuple = Array.isArray(schema['items']) ? schema['items'] : schema['prefixItems']
  const first = Array.isArray(tuple) ? tuple : []
  const rest = Array.isArray(schema['items']) ? schema['additionalItems'] : schema['items']
  const least = Number(schema['minItems'] ?? 0)
  if (least > leastItemsMax) throw noSample(place, `it must have ${least} items`)
  const enough = Math.max(least, first.length, itemsMax)
  const most = Math.min(Number(schema['maxItems'] ?? enough), enough)
  // A list with something in it says more, unless it must end here.
  const length = level < levelsMax ? integerBetween(random, Math.min(Math.max(least, 1), most), most) : least
  const name = place.name.replace(/s$/, '')
  return Array.from({ length }, (_, index) =>
    sampleOf(index < first.length ? first[index] : rest, { ...place, name, level: level + 1 }),
  )
}

/** Near nought, where the bounds leave room, and in round numbers. */
function numberOf(schema: Json, type: 'number' | 'integer', place: Place): number {
  const bound = (key: string, otherwise: number) =>
    typeof schema[key] === 'number' ? schema[key] : otherwise
  const step = bound('multipleOf', type === 'integer' ? 1 : 0.5)
  const over = bound('exclusiveMinimum', Number.NEGATIVE_INFINITY)
  const under = bound('exclusiveMaximum', Number.POSITIVE_INFINITY)
  const low = Math.max(bound('minimum', Number.NEGATIVE_INFINITY), over)
  const high = Math.min(bound('maximum', Number.POSITIVE_INFINITY), under)
  const from = low > -100 ? low : high >= 0 ? 0 : Math.max(low, high - 100)
  const to = Math.min(high, from + 100)
  // In steps. An excluded bound may be one of them.
  let first = Math.ceil(rounded(from / step))
  let last = Math.floor(rounded(to / step))
  if (rounded(first * step) === over) first++
  if (rounded(last * step) === under) last--
  if (first <= last) return rounded(step * integerBetween(place.random, first, last))
  const middle = (from + to) / 2
  if (type === 'integer' || 'multipleOf' in schema || !Number.isFinite(middle))
    throw noSample(place, `no number was found for ${JSON.stringify(schema)}`)
  return middle
}

/** Steps of 0.01 add up to 0.30000000000000004. */
const rounded = (value: number) => Number(value.toPrecision(12))
