/**
 * The HTTP server: the only place that knows Fastify. Modules describe routes, this serves them, with everything
 * around them: sessions, limits, health, metrics, the API description and the console.
 */
import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { isIPv6 } from 'node:net'
import { Refusal } from '@belfry/contract'
import cookie from '@fastify/cookie'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { MetricFamily } from '../../engine/metric.ts'
import { type Clock, systemClock } from '../../engine/ports/clock.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { AnyRoute } from '../../engine/route.ts'
import { trackConnections } from './connections.ts'
import { decodedPath, serveConsole } from './console.ts'
import { createEventStreams, type EventStreams } from './event-streams.ts'
import { guardRoutes, type ResolveIdentity, type ResolvePrincipal } from './guard.ts'
import { type ReadinessCheck, serveHealth } from './health.ts'
import { acceptJsonBodies, parseQuery, refuseNulInUrl } from './input.ts'
import { type Listening, listen } from './listening.ts'
import { answerMalformed } from './malformed.ts'
import { createHttpMetrics, type HttpMetrics } from './metrics.ts'
import { serveRoutes } from './module-routes.ts'
import { describeApi, type OpenApiDocument } from './openapi.ts'
import { createOriginPolicy, type OriginPolicy } from './origin.ts'
import { refusalOf, sendProblem } from './problem.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import { createRequestRecord, type FollowRequest, followRequests, routeLabel } from './request-record.ts'
import { sendSecurityHeaders } from './security-headers.ts'

export interface HttpServerOptions {
  readonly routes: readonly AnyRoute[]
  readonly logger: Logger
  readonly version: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly rateLimit: RateLimit
  readiness(): Promise<readonly ReadinessCheck[]>
  readonly resolveIdentity: ResolveIdentity
  readonly resolvePrincipal: ResolvePrincipal
  /** True from the moment the process was asked to stop. */
  isStopping?(): boolean
  /** 1 MiB if absent. */
  readonly bodyLimitBytes?: number | undefined
  /** Whose `X-Forwarded-*` headers are believed: nobody's if absent, everybody's if true, else these addresses or hops. */
  readonly trustProxy?: boolean | string | string[] | ((address: string, hop: number) => boolean) | undefined
  /** Other origins whose pages may call the API with credentials. */
  readonly allowedOrigins?: readonly string[] | undefined
  /** The built console; absent: none is served. */
  readonly consoleDirectory?: string | undefined
  readonly metricsToken?: string | undefined
  /** Beside those of HTTP and of the process. */
  readonly metrics?: (() => readonly MetricFamily[]) | undefined
  /** Counted up for every request that was answered. */
  readonly requestCounter?: { answered: number } | undefined
  readonly clock?: Clock | undefined
  readonly bounds?: Partial<HttpServerBounds> | undefined
}

export interface HttpServerBounds {
  /** A whole request must have arrived by then: a megabyte over a line of 280 kbit/s. */
  readonly requestTimeoutMs: number
  /** The head of a request must have arrived by then, however slowly somebody types. */
  readonly headersTimeoutMs: number
  /** Running requests get this long when the server closes. */
  readonly closeGraceMs: number
  /** Event streams open at once; each holds a socket and some 20 KB. */
  readonly streamsMax: number
}

export interface HttpServer {
  /** Node's own server, for whoever serves sockets on the same port. */
  readonly server: Server
  /** Rejects with Node's error (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` in `code`) when it cannot listen. */
  listen(): Promise<HttpAddress>
  /** Stops accepting, ends streams and idle connections, waits for running requests: so long, or as its bounds say. */
  close(graceMs?: number): Promise<void>
  describe(): Promise<OpenApiDocument>
}

export interface HttpAddress {
  readonly host: string
  readonly port: number
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string
}

const defaultBounds: HttpServerBounds = {
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  closeGraceMs: 2_000,
  streamsMax: 1_000,
}

const defaultBodyLimitBytes = 1024 * 1024

/** Longer than the idle minute of load balancers, so that they hang up first and never write into a closed connection. */
const keepAliveMs = 72_000

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const bounds = { ...defaultBounds, ...options.bounds }
  const clock = options.clock ?? systemClock
  let closing = false
  const isStopping = () => closing || options.isStopping?.() === true

  const { logger, resolveIdentity } = options
  const streams = createEventStreams({ clock, logger, resolveIdentity, streamsMax: bounds.streamsMax })
  const metrics = createHttpMetrics({
    version: options.version,
    token: options.metricsToken,
    openStreams: () => streams.size,
    families: options.metrics ?? (() => []),
  })
  const requestCounter = options.requestCounter ?? { answered: 0 }
  const follow = createRequestRecord({ logger, metrics, requestCounter })
  const app = createApp(options, bounds, follow)
  const connections = trackConnections(app.server)
  const describe = once(() =>
    describeApi({
      routes: options.routes,
      version: options.version,
      metricsNeedToken: options.metricsToken !== undefined,
    }),
  )

  followRequests(app, follow)
  app.addHook('onRequest', async (request) => {
    if (closing && routeLabel(request) !== '/healthz') throw new Refusal('shutting_down')
    refuseNulInUrl(request.url)
  })
  await serve(app, { options, isStopping, streams, metrics, describe })
  await app.ready()

  let listening: Listening | undefined
  return {
    server: app.server,
    describe,
    async listen() {
      listening = await listen(app.server, options)
      const { host, port } = listening
      return { host, port, url: `http://${isIPv6(host) ? `[${host}]` : host}:${port}` }
    },
    async close(graceMs = bounds.closeGraceMs) {
      closing = true
      streams.close()
      const closed = Promise.all([listening?.close(), app.close()])
      connections.drain(graceMs)
      await closed
    },
  }
}

/**
 * Given as factories and not by Fastify's setters, so that it never loads compilers of its own: 3 MB less. Its
 * types know only those compilers.
 */
const zodCompilers = {
  buildValidator: (() => checkCompiler) as never,
  buildSerializer: (() => serializerCompiler) as never,
}

/** Fastify says `null` where there is no body, and a schema with a default for that case expects nothing at all. */
function checkCompiler(route: Parameters<typeof validatorCompiler>[0]): ReturnType<typeof validatorCompiler> {
  const check = validatorCompiler(route)
  return (data) => check(data ?? undefined)
}

function createApp(
  options: HttpServerOptions,
  bounds: HttpServerBounds,
  follow: FollowRequest,
): FastifyInstance {
  const app = fastify({
    loggerInstance: frameworkLogger(options.logger),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimitBytes ?? defaultBodyLimitBytes,
    trustProxy: options.trustProxy ?? false,
    genReqId: requestIds(),
    requestTimeout: bounds.requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    http: {
      headersTimeout: bounds.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(5_000, bounds.headersTimeoutMs),
    },
    // Requests that arrive while closing get a problem document from us instead.
    return503OnClosing: false,
    routerOptions: { querystringParser: parseQuery },
    schemaController: { compilersFactory: zodCompilers },
    clientErrorHandler: answerMalformed,
    // Paths the router cannot read; they pass no hook.
    frameworkErrors: (error, request, reply) => {
      follow(request, reply)
      sendProblem(request, reply, refusalOf(error))
    },
  })
  acceptJsonBodies(app)
  return app
}

interface Parts {
  readonly options: HttpServerOptions
  readonly streams: EventStreams
  readonly metrics: HttpMetrics
  isStopping(): boolean
  describe(): Promise<OpenApiDocument>
}

async function serve(app: FastifyInstance, parts: Parts): Promise<void> {
  const { options } = parts
  const origins: OriginPolicy = createOriginPolicy(options.allowedOrigins ?? [])
  app.decorateRequest('identity', undefined)
  app.decorateRequest('sessionToken', undefined)
  app.addHook('onRequest', async (request, reply) => origins.allowReading(request, reply))
  await sendSecurityHeaders(app)
  await app.register(cookie)
  const countRequest = await createRateLimit(app, options.rateLimit)
  answerErrors(app, options.logger)

  await app.register(async (scope) => {
    guardRoutes(scope, {
      origins,
      countRequest,
      resolveIdentity: options.resolveIdentity,
      resolvePrincipal: options.resolvePrincipal,
    })
    serveRoutes(scope, options.routes, parts.streams)
  })
  app.options('/api/*', async (request, reply) => origins.preflight(request, reply))
  serveHealth(app, { readiness: options.readiness, isStopping: parts.isStopping })
  parts.metrics.serve(app)
  app.get('/openapi.json', async () => parts.describe())
  const answerUnknown = await serveConsole(app, options.consoleDirectory)
  app.setNotFoundHandler(async (request, reply) => {
    if (decodedPath(request).startsWith('/api/')) await countRequest(request, reply)
    return answerUnknown(request, reply)
  })
}

function answerErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error)
    request.refusalCode = refusal.code
    if (refusal.code === 'internal') {
      request.failureLogged = true
      const fields = { error: refusal.cause ?? error, method: request.method, route: routeLabel(request) }
      logger.error({ ...fields, requestId: request.id }, 'request failed')
    }
    return sendProblem(request, reply, refusal)
  })
}

/** Unique among servers and restarts without asking for randomness at every request. */
function requestIds(): () => string {
  const prefix = randomBytes(6).toString('base64url')
  let count = 0
  return () => {
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}

/** What Fastify has to say by itself: only what went wrong, and never a request with its headers. */
function frameworkLogger(logger: Logger): FastifyBaseLogger {
  const silent = () => undefined
  const speak = (level: 'warn' | 'error') => (fields: unknown, message?: unknown) => {
    const error = typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : undefined
    const sentence = typeof fields === 'string' ? fields : message
    logger[level](
      error === undefined ? {} : { error },
      typeof sentence === 'string' ? sentence : 'HTTP server',
    )
  }
  const own: FastifyBaseLogger = {
    level: 'warn',
    child: () => own,
    fatal: speak('error'),
    error: speak('error'),
    warn: speak('warn'),
    info: silent,
    debug: silent,
    trace: silent,
    silent,
  }
  return own
}

function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let made: Promise<Result> | undefined
  return () => {
    made ??= make()
    return made
  }
}
