/** Examples made from schemas: what an answer may look like, and the request as a command for a terminal. */
import type { Access, ApiModel, Operation, Schema } from './openapi.ts'

/** Deep enough for what we answer with; a schema that contains itself ends here. */
const deepest = 4

export function exampleOf(schema: Schema, api: ApiModel, depth = 0): unknown {
  const shape = api.resolve(schema)
  if (shape.example !== undefined) return shape.example
  if (shape.examples?.[0] !== undefined) return shape.examples[0]
  if (shape.const !== undefined) return shape.const
  if (shape.default !== undefined) return shape.default
  if (shape.enum?.[0] !== undefined) return shape.enum[0]
  const one = shape.oneOf?.[0] ?? shape.anyOf?.[0]
  if (one !== undefined) return exampleOf(one, api, depth + 1)
  if (shape.allOf !== undefined) {
    return Object.assign({}, ...shape.allOf.map((part) => exampleOf(part, api, depth + 1)))
  }
  if (depth > deepest) return null
  const type = typeof shape.type === 'string' ? shape.type : shape.type?.find((name) => name !== 'null')
  if (type === 'object' || shape.properties !== undefined) {
    return Object.fromEntries(
      Object.entries(shape.properties ?? {}).map(([name, value]) => [name, exampleOf(value, api, depth + 1)]),
    )
  }
  if (type === 'array') return shape.items === undefined ? [] : [exampleOf(shape.items, api, depth + 1)]
  if (type === 'integer' || type === 'number')
    return shape.minimum !== undefined && shape.minimum > 0 ? shape.minimum : 0
  if (type === 'boolean') return true
  if (type === 'string') return exampleText(shape)
  return null
}

export function curlOf(operation: Operation, api: ApiModel, origin: string): string {
  const query = operation.parameters
    .filter((parameter) => parameter.in === 'query' && parameter.required)
    .map((parameter) => `${parameter.name}=<${parameter.name}>`)
    .join('&')
  const path = operation.path.replaceAll(
    /\{([^}]+)\}|:([A-Za-z_]+)/g,
    (_match, braced, named) => `<${braced ?? named}>`,
  )
  const streams = operation.answers.some((answer) => answer.mediaType === 'text/event-stream')
  const lines = [
    `curl ${streams ? '-N ' : ''}${operation.method === 'GET' ? '' : `-X ${operation.method} `}${quote(`${origin}${path}${query === '' ? '' : `?${query}`}`)}`,
    ...credentials(operation.access),
    ...(operation.body === undefined
      ? []
      : [
          `-H ${quote(`content-type: ${operation.body.mediaType}`)}`,
          `-d ${quote(JSON.stringify(exampleOf(operation.body.schema, api)))}`,
        ]),
  ]
  return lines.join(' \\\n  ')
}

function credentials(access: Access | undefined): readonly string[] {
  if (access === undefined) return []
  return access.kind === 'bearer'
    ? [`-H ${quote('authorization: Bearer <token>')}`]
    : [`-b ${quote(`${access.name}=<session>`)}`]
}

function exampleText(shape: Schema): string {
  if (shape.format === 'date-time') return '2026-01-31T09:30:00.000Z'
  if (shape.format === 'date') return '2026-01-31'
  if (shape.format === 'uuid') return '01948f3e-7a4c-7d2b-9c1e-5f6a7b8c9d0e'
  if (shape.format === 'email') return 'somebody@example.org'
  if (shape.format === 'uri') return 'https://example.org'
  return '…'
}

/** For a POSIX shell: everything is literal between single quotes but the quote itself. */
function quote(part: string): string {
  return `'${part.replaceAll("'", "'\\''")}'`
}
