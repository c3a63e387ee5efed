/** The JSON Schema of a contract's schemas: asked for in one dialect, and read as definitions, documents and mocks need it. */
import type { StandardSchema } from './standard-schema.ts'

export type Json = Record<string, unknown>

/** Throws what the library throws where a type has no JSON, such as a `Date`: a listener would get something else. */
export function jsonSchema(schema: StandardSchema, side: 'input' | 'output'): Json {
  const options = { target: 'draft-07', libraryOptions } as const
  const { $schema: _dialect, ...rest } = schema['~standard'].jsonSchema[side](options)
  return rest
}

/**
 * zod asks back about a type that JSON has no word for. A custom one says by its metadata what it is, as `bytes`
 * does; without metadata it may be anything, as `z.unknown()`. All others are refused.
 */
const libraryOptions = {
  unrepresentable: ({ zodSchema }: { zodSchema: { _zod: { def: { type: string } } } }) =>
    zodSchema._zod.def.type === 'custom' ? 'any' : 'throw',
}

export const isJsonObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object schemas that a value may follow; `undefined` if it may also be something else than an object. */
export function objectSchemas(
  schema: unknown,
  root: Json,
  above: readonly unknown[] = [],
): Json[] | undefined {
  if (!isJsonObject(schema) || above.includes(schema)) return undefined
  const inner = [...above, schema]
  if (schema['type'] === 'object') return [schema]
  if (typeof schema['$ref'] === 'string') return objectSchemas(resolve(schema['$ref'], root), root, inner)
  const choices = schema['oneOf'] ?? schema['anyOf']
  if (Array.isArray(choices)) {
    const found = choices.map((choice) => objectSchemas(choice, root, inner))
    return found.length > 0 && found.every((each) => each !== undefined) ? found.flat() : undefined
  }
  if (!Array.isArray(schema['allOf'])) return undefined
  const parts = schema['allOf'].flatMap((part) => objectSchemas(part, root, inner) ?? [])
  return parts.length > 0 ? parts : undefined
}

/** What `#/definitions/post` means within `root`; `undefined` if it leads nowhere. */
export function resolve(reference: string, root: Json): unknown {
  if (!reference.startsWith('#')) return undefined
  const keys = reference.slice(1).split('/').slice(1)
  return keys
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (node, key) => (typeof node === 'object' && node !== null ? (node as Json)[key] : undefined),
      root,
    )
}

/** Every schema within a schema, itself included; not what only looks like one, such as a default or an example. */
export function everySchema(schema: unknown): Json[] {
  if (!isJsonObject(schema)) return []
  const inner = [
    ...maps.flatMap((key) => (isJsonObject(schema[key]) ? Object.values(schema[key]) : [])),
    ...places.flatMap((key) => schema[key] ?? []),
  ]
  return [schema, ...inner.flatMap(everySchema)]
}

const maps = ['properties', 'patternProperties', 'definitions', '$defs']
/** Each holds a schema or a list of them. */
const places = [
  ...['allOf', 'anyOf', 'oneOf', 'not', 'items', 'prefixItems', 'additionalItems'],
  ...['contains', 'propertyNames', 'additionalProperties'],
]
