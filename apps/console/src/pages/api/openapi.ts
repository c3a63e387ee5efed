/**
 * Reads an OpenAPI 3.1 document into what the page shows: operations by tag, with every reference followed. The document
 * comes from our own server, but it is read with care: a part that is missing or odd is left out, not tripped over.
 */

export interface Schema {
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly example?: unknown
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly $ref?: string
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly description: string
  readonly schema: Schema
}

export interface Answer {
  readonly status: string
  readonly description: string
  readonly mediaType: string | undefined
  readonly schema: Schema | undefined
}

export interface Access {
  readonly kind: 'cookie' | 'bearer'
  /** Of the cookie. */
  readonly name: string
  readonly description: string
}

export interface Operation {
  /** The fragment it is found under. */
  readonly id: string
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly description: string
  /** What one must show; absent: anybody may ask. */
  readonly access: Access | undefined
  readonly parameters: readonly Parameter[]
  readonly body: { readonly mediaType: string; readonly schema: Schema } | undefined
  readonly answers: readonly Answer[]
}

export interface Group {
  readonly tag: string
  readonly description: string
  readonly operations: readonly Operation[]
}

export interface ApiModel {
  readonly title: string
  readonly version: string
  readonly description: string
  readonly groups: readonly Group[]
  resolve(schema: Schema): Schema
}

type Fields = Readonly<Record<string, unknown>>

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options']

export function readApi(document: unknown): ApiModel {
  const root = fields(document)
  const info = fields(root['info'])
  const follow = (value: unknown): unknown => followReference(root, value)
  const operations = Object.entries(fields(root['paths'])).flatMap(([path, item]) =>
    methods
      .filter((method) => method in fields(item))
      .map((method) => readOperation(root, path, method, fields(item), follow)),
  )
  const told = list(root['tags']).map((tag) => fields(tag))
  const names = [...new Set([...told.map((tag) => text(tag['name'])), ...operations.map(({ tag }) => tag)])]
  return {
    title: text(info['title']),
    version: text(info['version']),
    description: text(info['description']),
    groups: names
      .map((tag) => ({
        tag,
        description: text(told.find((entry) => entry['name'] === tag)?.['description']),
        operations: operations.filter((entry) => entry.tag === tag).map((entry) => entry.operation),
      }))
      .filter((group) => group.operations.length > 0),
    resolve: (schema) => fields(follow(schema)) as Schema,
  }
}

function readOperation(
  root: Fields,
  path: string,
  method: string,
  item: Fields,
  follow: (value: unknown) => unknown,
): { readonly tag: string; readonly operation: Operation } {
  const source = fields(item[method])
  const security = source['security'] ?? root['security']
  const body = firstContent(fields(follow(source['requestBody'])))
  return {
    tag: text(list(source['tags'])[0]) || 'Other',
    operation: {
      id: text(source['operationId']) || slug(`${method} ${path}`),
      method: method.toUpperCase(),
      path,
      summary: text(source['summary']),
      description: text(source['description']),
      access: readAccess(root, security),
      parameters: [...list(item['parameters']), ...list(source['parameters'])].map((entry) => {
        const parameter = fields(follow(entry))
        return {
          name: text(parameter['name']),
          in: text(parameter['in']),
          required: parameter['required'] === true,
          description: text(parameter['description']),
          schema: fields(parameter['schema']) as Schema,
        }
      }),
      body: body?.schema === undefined ? undefined : { mediaType: body.mediaType, schema: body.schema },
      answers: Object.entries(fields(source['responses'])).map(([status, entry]) => {
        const answer = fields(follow(entry))
        const content = firstContent(answer)
        return {
          status,
          description: text(answer['description']),
          mediaType: content?.mediaType,
          schema: content?.schema,
        }
      }),
    },
  }
}

/** Only what we use: one scheme, a cookie or a token in a header. */
function readAccess(root: Fields, security: unknown): Access | undefined {
  const scheme = Object.keys(fields(list(security)[0]))[0]
  if (scheme === undefined) return undefined
  const source = fields(fields(fields(root['components'])['securitySchemes'])[scheme])
  return {
    kind: source['type'] === 'http' ? 'bearer' : 'cookie',
    name: text(source['name']) || scheme,
    description: text(source['description']),
  }
}

function firstContent(
  holder: Fields,
): { readonly mediaType: string; readonly schema: Schema | undefined } | undefined {
  const [mediaType, content] = Object.entries(fields(holder['content']))[0] ?? []
  if (mediaType === undefined) return undefined
  const schema = fields(content)['schema']
  return { mediaType, schema: schema === undefined ? undefined : (fields(schema) as Schema) }
}

/** Only references into the document itself; a chain of them is followed, a circle of them is given up. */
function followReference(root: Fields, value: unknown): unknown {
  let current = value
  for (let steps = 0; steps < 10; steps += 1) {
    const reference = fields(current)['$ref']
    if (typeof reference !== 'string' || !reference.startsWith('#/')) return current
    current = reference
      .slice(2)
      .split('/')
      .map((part) => decodeURIComponent(part.replaceAll('~1', '/').replaceAll('~0', '~')))
      .reduce<unknown>((at, part) => fields(at)[part], root)
  }
  return {}
}

function slug(from: string): string {
  return from
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
