/** A schema as a tree one can read: name, type, whether it must be there, what it means. */
import { ChevronRight } from 'lucide-react'
import type { ApiModel, Schema } from './openapi.ts'

interface SchemaTreeProps {
  readonly schema: Schema
  readonly api: ApiModel
  readonly depth?: number
}

/** Levels that are open from the start; and where a schema that contains itself ends. */
const openLevels = 1
const deepest = 8

export function SchemaTree({ schema, api, depth = 0 }: SchemaTreeProps) {
  const shape = merged(api.resolve(schema), api)
  const { inner, optional } = unwrapped(shape, api)
  const properties = Object.entries(inner.properties ?? {})
  const variants = inner.oneOf ?? inner.anyOf ?? []
  if (depth > deepest) return <p className="muted">and so on</p>
  if (variants.length > 0 && !optional) {
    return (
      <ul className="schema">
        {variants.map((variant, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: variants have no names and never change places
          <li key={index} className="schema-variant">
            <span className="muted">{index === 0 ? 'either' : 'or'}</span>{' '}
            <TypeName schema={variant} api={api} />
            {hasInside(variant, api) && <SchemaTree schema={variant} api={api} depth={depth + 1} />}
          </li>
        ))}
      </ul>
    )
  }
  if (properties.length === 0) {
    return (
      <p className="schema-plain">
        <TypeName schema={schema} api={api} />
        {shape.description !== undefined && <span className="muted"> {shape.description}</span>}
      </p>
    )
  }
  return (
    <ul className="schema">
      {properties.map(([name, property]) => (
        <Property
          key={name}
          name={name}
          schema={property}
          api={api}
          depth={depth}
          required={inner.required?.includes(name) === true}
        />
      ))}
    </ul>
  )
}

interface PropertyProps {
  readonly name: string
  readonly schema: Schema
  readonly api: ApiModel
  readonly depth: number
  readonly required: boolean
}

function Property({ name, schema, api, depth, required }: PropertyProps) {
  const shape = merged(api.resolve(schema), api)
  const head = (
    <>
      <code className="schema-name">{name}</code> <TypeName schema={schema} api={api} />
      {!required && <span className="schema-optional"> optional</span>}
    </>
  )
  const words = shape.description !== undefined && <p className="schema-words">{shape.description}</p>
  if (!hasInside(schema, api)) {
    return (
      <li>
        {head}
        {words}
      </li>
    )
  }
  return (
    <li>
      <details open={depth < openLevels}>
        <summary>
          <ChevronRight size="0.875rem" aria-hidden="true" />
          {head}
        </summary>
        {words}
        <SchemaTree schema={schema} api={api} depth={depth + 1} />
      </details>
    </li>
  )
}

export function TypeName({ schema, api }: { schema: Schema; api: ApiModel }) {
  const shape = api.resolve(schema)
  return <span className="schema-type">{typeName(shape, api)}</span>
}

function typeName(shape: Schema, api: ApiModel): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  if (shape.enum !== undefined) return shape.enum.map((value) => JSON.stringify(value)).join(' | ')
  const variants = shape.oneOf ?? shape.anyOf
  if (variants !== undefined) {
    const names = [...new Set(variants.map((variant) => typeName(api.resolve(variant), api)))]
    return names.join(' | ')
  }
  if (shape.items !== undefined) return `list of ${typeName(api.resolve(shape.items), api)}`
  const types = typeof shape.type === 'string' ? [shape.type] : (shape.type ?? [])
  const name = types.length > 0 ? types.join(' | ') : shape.properties !== undefined ? 'object' : 'anything'
  return [name, limits(shape)].filter((part) => part !== '').join(', ')
}

function limits(shape: Schema): string {
  const length =
    shape.minLength !== undefined && shape.maxLength !== undefined
      ? `${shape.minLength} to ${shape.maxLength} characters`
      : shape.maxLength !== undefined
        ? `at most ${shape.maxLength} characters`
        : shape.minLength !== undefined && shape.minLength > 0
          ? `at least ${shape.minLength} characters`
          : ''
  return [shape.format ?? '', length].filter((part) => part !== '').join(', ')
}

function hasInside(schema: Schema, api: ApiModel): boolean {
  const { inner } = unwrapped(merged(api.resolve(schema), api), api)
  if (Object.keys(inner.properties ?? {}).length > 0) return true
  return (inner.oneOf ?? inner.anyOf ?? []).some((variant) => hasInside(variant, api))
}

/** A list is read as what it is a list of, a value that may be null as the value, a map as what it maps to. */
function unwrapped(shape: Schema, api: ApiModel): { readonly inner: Schema; readonly optional: boolean } {
  if (shape.items !== undefined) return unwrapped(merged(api.resolve(shape.items), api), api)
  const variants = (shape.oneOf ?? shape.anyOf ?? []).filter(
    (variant) => api.resolve(variant).type !== 'null',
  )
  if (variants.length === 1 && variants[0] !== undefined) {
    return { inner: unwrapped(merged(api.resolve(variants[0]), api), api).inner, optional: true }
  }
  if (typeof shape.additionalProperties === 'object' && shape.properties === undefined) {
    return unwrapped(merged(api.resolve(shape.additionalProperties), api), api)
  }
  return { inner: shape, optional: false }
}

/** The parts of `allOf` laid over each other. */
function merged(shape: Schema, api: ApiModel): Schema {
  if (shape.allOf === undefined) return shape
  const parts = shape.allOf.map((part) => merged(api.resolve(part), api))
  return {
    ...shape,
    properties: Object.assign({}, shape.properties, ...parts.map((part) => part.properties)),
    required: [...(shape.required ?? []), ...parts.flatMap((part) => part.required ?? [])],
  }
}
