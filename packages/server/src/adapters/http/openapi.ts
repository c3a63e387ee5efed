/**
 * The OpenAPI 3.1 document, made from the same routes that are served. Made on first use in an instance of its
 * own that never listens: most servers are never asked for it, and need not hold its machinery in memory.
 */
import { type ErrorCode, errorCatalogue } from '@belfry/contract'
import fastify, { type FastifySchema } from 'fastify'
import { z } from 'zod'
import type { AnyRoute } from '../../engine/route.ts'
import { sessionCookieName } from './session-cookie.ts'

export interface ApiDescription {
  readonly routes: readonly AnyRoute[]
  readonly version: string
  readonly metricsNeedToken: boolean
}

export type OpenApiDocument = Readonly<Record<string, unknown>>

export async function describeApi(api: ApiDescription): Promise<OpenApiDocument> {
  const [{ default: swagger }, zodProvider] = await Promise.all([
    import('@fastify/swagger'),
    import('fastify-type-provider-zod'),
  ])
  const app = fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Belfry', version: api.version, description: aboutTheApi },
      servers: [{ url: '/' }],
      tags: tagsOf(api.routes),
      components: { securitySchemes: securitySchemes(api) },
    },
    transform: zodProvider.jsonSchemaTransform,
    transformObject: zodProvider.jsonSchemaTransformObject,
  })
  for (const { method, path, schema } of [...api.routes.map(describeRoute), ...describeOwnRoutes(api)]) {
    app.route({ method, url: path, schema, handler: async () => undefined })
  }
  await app.ready()
  const document = withoutUnused({ ...app.swagger() })
  await app.close()
  return document
}

/** Named schemas come once as they are sent and once as they are received; mostly one of the two is used. */
function withoutUnused(document: OpenApiDocument): OpenApiDocument {
  const components = (document['components'] ?? {}) as { readonly schemas?: object }
  const text = JSON.stringify(document)
  const used = Object.entries(components.schemas ?? {}).filter(([name]) =>
    text.includes(`"#/components/schemas/${name}"`),
  )
  return { ...document, components: { ...components, schemas: Object.fromEntries(used) } }
}

const aboutTheApi =
  'The REST interface of Belfry. Every error answer is an application/problem+json document with a `code` of the error catalogue; `retry` says whether the same request may succeed later without anybody changing it.'

interface DescribedRoute {
  readonly method: AnyRoute['method']
  readonly path: string
  readonly schema: FastifySchema
}

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]]),
    detail: z.string(),
    retry: z.boolean(),
    requestId: z.string().optional(),
    fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'Why a request was refused (RFC 9457). It changed nothing.' })

function securitySchemes(api: ApiDescription) {
  const session = {
    type: 'apiKey',
    in: 'cookie',
    name: sessionCookieName,
    description: 'An operator who signed in by a link.',
  } as const
  const token = {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token of the application, as sockets bring it.',
  } as const
  const metricsToken = {
    type: 'http',
    scheme: 'bearer',
    description: 'The token set for scraping metrics.',
  } as const
  return api.metricsNeedToken ? { session, token, metricsToken } : { session, token }
}

function tagsOf(routes: readonly AnyRoute[]) {
  return [...new Set([...routes.map((route) => route.tag), ownTag])].map((name) => ({ name }))
}

function describeRoute(route: AnyRoute): DescribedRoute {
  return {
    method: route.method,
    path: route.path,
    schema: {
      ...describing(route.method, route.path, route.tag, route.summary, route.description),
      ...securityOf(route.access),
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.body === undefined ? {} : { body: route.body }),
      response: { ...answerOf(route), ...problemAnswers(refusalsOf(route)) },
    },
  }
}

function securityOf(access: AnyRoute['access']): FastifySchema {
  if (access === 'public') return {}
  return { security: access === 'user' ? [{ token: [] }] : [{ session: [] }, { token: [] }] }
}

function describing(method: string, path: string, tag: string, summary: string, description?: string) {
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
  }
}

/** `GET /api/v1/things/:id` becomes `getThingsById`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/api\/v\d+/, '')
    .split('/')
    .filter((step) => step !== '')
    .flatMap((step) => (step.startsWith(':') ? ['by', step.slice(1)] : step.split(/[^a-zA-Z0-9]+/)))
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

function answerOf(route: AnyRoute): Record<number, unknown> {
  if (route.kind === 'stream') {
    const description = 'Server-sent events; the data of each is one JSON document.'
    return { 200: { description, content: { 'text/event-stream': { schema: route.event } } } }
  }
  if (route.reply === undefined) return { 204: z.undefined().describe('Done; there is nothing to say.') }
  return { 200: { description: 'The answer.', content: { 'application/json': { schema: route.reply } } } }
}

/** What the shape of a route lets happen, and what it says itself. */
function refusalsOf(route: AnyRoute): ErrorCode[] {
  const takesInput = route.params !== undefined || route.query !== undefined || route.body !== undefined
  return [
    ...(takesInput ? (['bad_request', 'validation_failed'] as const) : []),
    ...(route.access === 'public' ? [] : accessRefusals),
    ...(route.method === 'GET' ? [] : (['origin_refused'] as const)),
    ...(route.params === undefined ? [] : (['not_found'] as const)),
    ...(route.body === undefined ? [] : (['payload_too_large', 'unsupported_media_type'] as const)),
    'too_many_requests',
    'internal',
    'database_unavailable',
    ...(route.refusals ?? []),
  ]
}

const accessRefusals = ['unauthenticated', 'token_invalid', 'token_expired', 'forbidden'] as const

function problemAnswers(codes: readonly ErrorCode[]): Record<number, unknown> {
  const codesByStatus = Map.groupBy(new Set(codes), (code) => errorCatalogue[code].status)
  const answers: Record<number, unknown> = {}
  for (const [status, group] of [...codesByStatus].sort(([a], [b]) => a - b)) {
    const description = group.map((code) => `\`${code}\`: ${errorCatalogue[code].sentence}`).join('\n\n')
    answers[status] = { description, content: { 'application/problem+json': { schema: problemSchema } } }
  }
  return answers
}

const ownTag = 'Operation'

const readiness = z.object({
  status: z.enum(['ready', 'not ready']),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
})

/** What the HTTP adapter serves by itself. */
function describeOwnRoutes(api: ApiDescription): DescribedRoute[] {
  const own = (
    path: string,
    summary: string,
    response: Record<number, unknown>,
    more: FastifySchema = {},
  ) => ({
    method: 'GET' as const,
    path,
    schema: { ...describing('GET', path, ownTag, summary), ...more, response },
  })
  const json = (description: string, schema: z.ZodType) => ({
    description,
    content: { 'application/json': { schema } },
  })
  const text = {
    description: 'The text format of Prometheus.',
    content: { 'text/plain': { schema: z.string() } },
  }
  return [
    own('/healthz', 'Whether the process lives', {
      200: json('It lives.', z.object({ status: z.literal('alive') })),
      503: json('It is stopping.', z.object({ status: z.literal('stopping') })),
    }),
    own('/readyz', 'Whether the server can do its work', {
      200: json('It can.', readiness),
      503: json('It cannot; the failing check says why.', readiness),
    }),
    own(
      '/metrics',
      'Metrics for Prometheus',
      { 200: text, ...(api.metricsNeedToken ? problemAnswers(['unauthenticated']) : {}) },
      api.metricsNeedToken ? { security: [{ metricsToken: [] }] } : {},
    ),
    own('/openapi.json', 'This document', { 200: json('OpenAPI 3.1.', z.record(z.string(), z.unknown())) }),
  ]
}
