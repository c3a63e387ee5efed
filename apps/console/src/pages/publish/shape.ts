/**
 * The JSON Schema of a payload, read into what a form can show. What a form cannot express, such as a choice between
 * several objects or an object with any keys, is a field of JSON.
 */

type Schema = Readonly<Record<string, unknown>>

interface Described {
  /** What to write: "1 to 200 characters". Empty where anything goes. */
  readonly words: string
  /** What the server puts in if it is left out. */
  readonly preset?: unknown
}

export type Shape = Described &
  (
    | { readonly kind: 'text'; readonly isLong: boolean }
    | { readonly kind: 'number' }
    | { readonly kind: 'boolean' }
    | { readonly kind: 'choice'; readonly values: readonly unknown[] }
    | { readonly kind: 'nullable'; readonly inner: Shape }
    | { readonly kind: 'list'; readonly item: Shape; readonly min: number; readonly max: number }
    | { readonly kind: 'object'; readonly properties: readonly Property[] }
    | { readonly kind: 'json' }
  )

export type ShapeOf<Kind extends Shape['kind']> = Extract<Shape, { kind: Kind }>

export interface Property {
  readonly name: string
  readonly isOptional: boolean
  readonly shape: Shape
}

/** Levels of objects and lists that are drawn as fields; what lies deeper, or contains itself, is written as JSON. */
const levelsMax = 5

/** A text that may be longer than this has lines. */
const lineLengthMax = 300

export function readShape(schema: Schema): Shape {
  return shapeOf(schema, schema, levelsMax)
}

function shapeOf(given: unknown, root: Schema, levels: number): Shape {
  const schema = resolved(given, root)
  const shape = kindOf(schema, root, levels)
  const description = text(schema['description'])
  return {
    ...shape,
    words: [description.replace(/\.$/, ''), shape.words].filter((part) => part !== '').join('; '),
    ...('default' in schema ? { preset: schema['default'] } : {}),
  }
}

function kindOf(schema: Schema, root: Schema, levels: number): Shape {
  const nullable = innerOfNullable(schema)
  if (nullable !== undefined) {
    const inner = shapeOf(nullable, root, levels)
    return inner.kind === 'json' ? json : { kind: 'nullable', inner, words: '' }
  }
  if ('const' in schema) return { kind: 'choice', values: [schema['const']], words: '' }
  if (Array.isArray(schema['enum'])) return { kind: 'choice', values: schema['enum'], words: '' }
  if (schema['oneOf'] !== undefined || schema['anyOf'] !== undefined || schema['allOf'] !== undefined)
    return json
  switch (schema['type']) {
    case 'string':
      return textShape(schema)
    case 'number':
    case 'integer':
      return { kind: 'number', words: numberWords(schema) }
    case 'boolean':
      return { kind: 'boolean', words: '' }
    case 'array':
      return levels > 0 ? listShape(schema, root, levels - 1) : json
    case 'object':
      return levels > 0 ? objectShape(schema, root, levels - 1) : json
    default:
      return json
  }
}

const json: Shape = { kind: 'json', words: 'JSON' }

function textShape(schema: Schema): Shape {
  const [min, max] = [whole(schema['minLength']) ?? 0, whole(schema['maxLength'])]
  const format = text(schema['format'])
  const words = formats.get(format) ?? rangeText(min, max, 'character')
  return { kind: 'text', isLong: format === '' && max !== undefined && max > lineLengthMax, words }
}

const formats: ReadonlyMap<string, string> = new Map([
  ['date-time', 'date and time, such as 2026-11-20T14:02:11Z'],
  ['date', 'date, such as 2026-11-20'],
  ['time', 'time, such as 14:02:11'],
  ['email', 'e-mail address'],
  ['uri', 'address, such as https://example.org/a'],
  ['uuid', 'UUID'],
])

function numberWords(schema: Schema): string {
  const isWhole = schema['type'] === 'integer'
  const min = bound(schema['minimum'])
  const max = bound(schema['maximum'])
  const range = [
    min === undefined ? '' : `from ${min}`,
    max === undefined ? '' : `to ${max}`,
    typeof schema['exclusiveMinimum'] === 'number' ? `above ${schema['exclusiveMinimum']}` : '',
    typeof schema['exclusiveMaximum'] === 'number' ? `below ${schema['exclusiveMaximum']}` : '',
  ].filter((part) => part !== '')
  return [isWhole ? 'whole number' : 'number', ...range].join(' ')
}

/** The bounds of what JavaScript can count are nobody's rule. */
function bound(value: unknown): number | undefined {
  return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined
}

function listShape(schema: Schema, root: Schema, levels: number): Shape {
  const { items } = schema
  if (!isObject(items)) return json
  const min = whole(schema['minItems']) ?? 0
  const max = whole(schema['maxItems'])
  return {
    kind: 'list',
    item: shapeOf(items, root, levels),
    min,
    max: max ?? Number.POSITIVE_INFINITY,
    words: rangeText(min, max, 'entry', 'entries'),
  }
}

function objectShape(schema: Schema, root: Schema, levels: number): Shape {
  const properties = Object.entries(isObject(schema['properties']) ? schema['properties'] : {})
  if (properties.length === 0) return json
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
  return {
    kind: 'object',
    properties: properties.map(([name, property]) => ({
      name,
      isOptional: !required.includes(name),
      shape: shapeOf(property, root, levels),
    })),
    words: '',
  }
}

/** `{ anyOf: [X, null] }` and `{ type: [X, 'null'] }`. */
function innerOfNullable(schema: Schema): unknown {
  const { type } = schema
  if (Array.isArray(type) && type.length === 2 && type.includes('null'))
    return { ...schema, type: type.find((name) => name !== 'null') }
  const choices = schema['anyOf'] ?? schema['oneOf']
  if (!Array.isArray(choices) || choices.length !== 2) return undefined
  const isNull = (choice: unknown): boolean => isObject(choice) && choice['type'] === 'null'
  return choices.some(isNull) ? choices.find((choice) => !isNull(choice)) : undefined
}

/** Follows `#/definitions/post`, also where one leads to another. */
function resolved(given: unknown, root: Schema): Schema {
  let schema: unknown = given
  for (
    let steps = 0;
    steps < levelsMax && isObject(schema) && typeof schema['$ref'] === 'string';
    steps += 1
  ) {
    const keys = schema['$ref'].replace(/^#/, '').split('/').slice(1)
    schema = keys
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>(
        (node, key) => (isObject(node) || Array.isArray(node) ? (node as Schema)[key] : undefined),
        root,
      )
  }
  return isObject(schema) ? schema : {}
}

function rangeText(min: number, max: number | undefined, one: string, many = `${one}s`): string {
  const named = (count: number): string => `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`
  if (max === undefined) return min > 0 ? `at least ${named(min)}` : ''
  if (min === max) return `exactly ${named(max)}`
  return min > 0 ? `${min} to ${named(max)}` : `at most ${named(max)}`
}

function whole(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
