/** What is written down about every request, once, when its answer is finished or its caller is gone. */
import { performance } from 'node:perf_hooks'
import type { ErrorCode } from '@belfry/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../../engine/ports/logger.ts'
import type { HttpMetrics } from './metrics.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** How the request was refused. */
    refusalCode: ErrorCode | undefined
    /** The failure stands in the log already, with its stack. */
    failureLogged: boolean
  }
}

export interface RequestRecordOptions {
  readonly logger: Logger
  readonly metrics: HttpMetrics
  /** Requests answered since the start, for whoever wants to show them. */
  readonly requestCounter: { answered: number }
}

/** Called when a request begins; what happens to it is written down when its answer has ended. */
export type FollowRequest = (request: FastifyRequest, reply: FastifyReply) => void

export function createRequestRecord(options: RequestRecordOptions): FollowRequest {
  return (request, reply) => {
    const startedMs = performance.now()
    reply.header('x-request-id', request.id)
    reply.raw.once('close', () => record(request, reply, performance.now() - startedMs, options))
  }
}

export function followRequests(app: FastifyInstance, follow: FollowRequest): void {
  app.decorateRequest('refusalCode', undefined)
  app.decorateRequest('failureLogged', false)
  app.addHook('onRequest', (request, reply, done) => {
    follow(request, reply)
    done()
  })
}

/** The pattern, never the path: paths hold ids, are without number, and a caller makes them up. */
export function routeLabel(request: FastifyRequest): string {
  if (request.is404) return 'unknown'
  const { url, config } = request.routeOptions
  // A path the router could not read has no route at all.
  return config !== undefined && 'rootPath' in config ? 'console' : (url ?? 'unknown')
}

/** What a log line says when the caller left before the answer; a convention of proxies, not a status of HTTP. */
const callerGone = 499

function record(
  request: FastifyRequest,
  reply: FastifyReply,
  ms: number,
  options: RequestRecordOptions,
): void {
  const isStream = request.routeOptions.config?.isStream === true
  const finished = reply.raw.writableFinished || isStream
  const status = finished ? reply.raw.statusCode : callerGone
  const { method } = request
  const route = routeLabel(request)
  options.requestCounter.answered += 1
  if (!isStream || status >= 400) options.metrics.observe({ method, route, status, seconds: ms / 1000 })
  const line = {
    method,
    route,
    status,
    ms: Math.round(ms * 10) / 10,
    requestId: request.id,
    ...(request.refusalCode === undefined ? {} : { code: request.refusalCode }),
  }
  options.logger[levelOf(request, route, status)](line, 'request answered')
}

/** Probes ask every few seconds; what they find is logged where it was found. */
const probeRoutes = new Set(['/healthz', '/readyz', '/metrics'])

function levelOf(request: FastifyRequest, route: string, status: number): 'debug' | 'warn' | 'error' {
  if (request.failureLogged || probeRoutes.has(route)) return 'debug'
  if (status >= 500) return 'error'
  return status === 429 || status === 403 ? 'warn' : 'debug'
}
