/**
 * A payload while somebody writes it: JSON, except for fields whose text is no value yet. Nothing leaves as long as
 * there is one of those.
 */
import type { FieldError } from '@belfry/contract'
import type { Shape } from './shape.ts'

/** Stands where a value will be: `12,5` in a field for a number, half a list in a field of JSON. */
export class Unfinished {
  readonly text: string
  readonly problem: string

  constructor(text: string, problem: string) {
    this.text = text
    this.problem = problem
  }
}

/** Any of JSON, with `Unfinished` at any place. */
export type Draft = unknown

export type Fields = Readonly<Record<string, Draft>>

/** Names of properties and numbers of entries, with dots between, as the server names them. */
export type Path = string

export function isFields(draft: Draft): draft is Fields {
  return (
    typeof draft === 'object' && draft !== null && !Array.isArray(draft) && !(draft instanceof Unfinished)
  )
}

/** What a field begins with. */
export function blank(shape: Shape): Draft {
  if (shape.preset !== undefined) return shape.preset
  switch (shape.kind) {
    case 'text':
      return ''
    case 'number':
      return new Unfinished('', 'Write a number.')
    case 'boolean':
      return false
    case 'choice':
      return shape.values[0]
    case 'nullable':
      return null
    case 'list':
      return Array.from({ length: shape.min }, () => blank(shape.item))
    case 'object':
      return Object.fromEntries(
        shape.properties
          .filter(({ isOptional }) => !isOptional)
          .map(({ name, shape: own }) => [name, blank(own)]),
      )
    case 'json':
      return new Unfinished('', 'Write JSON, such as {} or "text".')
  }
}

/** Whether the form has a field for this value: what came from an example or from JSON may be anything. */
export function fits(shape: Shape, draft: Draft): boolean {
  switch (shape.kind) {
    case 'text':
      return typeof draft === 'string'
    case 'number':
      return typeof draft === 'number' || draft instanceof Unfinished
    case 'boolean':
      return typeof draft === 'boolean'
    case 'choice':
      return shape.values.some((value) => JSON.stringify(value) === JSON.stringify(draft))
    case 'nullable':
      return draft === null || fits(shape.inner, draft)
    case 'list':
      return Array.isArray(draft)
    case 'object':
      return isFields(draft)
    case 'json':
      return true
  }
}

export function readNumber(text: string): number | Unfinished {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  return new Unfinished(text, text.trim() === '' ? 'Write a number.' : 'This is no number.')
}

export function readJson(text: string): Draft {
  try {
    return JSON.parse(text)
  } catch {
    return new Unfinished(
      text,
      text.trim() === '' ? 'Write JSON, such as {} or "text".' : 'This is no JSON yet.',
    )
  }
}

export function writeJson(draft: Draft): string {
  if (draft instanceof Unfinished) return draft.text
  return JSON.stringify(draft, (_, inner) => (inner instanceof Unfinished ? inner.text : inner), 2)
}

/** The payload as it would be sent, without what is not finished. */
export function finishedPart(draft: Draft): string {
  if (draft instanceof Unfinished) return ''
  return JSON.stringify(draft, (_, inner) => (inner instanceof Unfinished ? undefined : inner), 2)
}

/** What is in the way of sending, in the order of the fields. */
export function problemsOf(draft: Draft, path: Path = ''): readonly FieldError[] {
  if (draft instanceof Unfinished) return [{ path, message: draft.problem }]
  if (typeof draft !== 'object' || draft === null) return []
  return Object.entries(draft).flatMap(([name, inner]) => problemsOf(inner, below(path, name)))
}

export function below(path: Path, name: string | number): Path {
  return path === '' ? String(name) : `${path}.${name}`
}

/**
 * Puts each message beside a field there is: its own, or the one it lies in. `rest` is what belongs to no field. The
 * server names places from the payload on, and some of them from the request on (`body.data.title`).
 */
export function placed(
  messages: readonly FieldError[],
  fields: ReadonlySet<Path>,
): { readonly byField: ReadonlyMap<Path, string>; readonly rest: readonly FieldError[] } {
  const byField = new Map<Path, string>()
  const rest: FieldError[] = []
  for (const error of messages) {
    const field = nearest(error.path, fields) ?? nearest(error.path.replace(/^(body\.)?data\./, ''), fields)
    if (field === undefined) rest.push(error)
    else
      byField.set(field, [byField.get(field), error.message].filter((part) => part !== undefined).join(' '))
  }
  return { byField, rest }
}

function nearest(path: Path, fields: ReadonlySet<Path>): Path | undefined {
  const names = path.split('.')
  for (let length = names.length; length > 0; length -= 1) {
    const candidate = names.slice(0, length).join('.')
    if (fields.has(candidate)) return candidate
  }
  return undefined
}

/** Every place that the form shows for this draft, also those that are left out. */
export function fieldsOf(shape: Shape, draft: Draft, path: Path = ''): readonly Path[] {
  const own = path === '' ? [] : [path]
  if (!fits(shape, draft)) return own
  if (shape.kind === 'nullable' && draft !== null) return fieldsOf(shape.inner, draft, path)
  if (shape.kind === 'object' && isFields(draft)) {
    return [
      ...own,
      ...shape.properties.flatMap(({ name, shape: inner }) =>
        Object.hasOwn(draft, name) ? fieldsOf(inner, draft[name], below(path, name)) : [below(path, name)],
      ),
    ]
  }
  if (shape.kind === 'list' && Array.isArray(draft))
    return [...own, ...draft.flatMap((inner, index) => fieldsOf(shape.item, inner, below(path, index)))]
  return own
}
