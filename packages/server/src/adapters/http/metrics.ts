/** `GET /metrics` for Prometheus. A registry of its own, so that two servers in one process do not meet. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Refusal } from '@belfry/contract'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { MetricFamily } from '../../engine/metric.ts'

export interface HttpMetrics {
  observe(request: { method: string; route: string; status: number; seconds: number }): void
  serve(app: FastifyInstance): void
}

export interface HttpMetricsOptions {
  readonly version: string
  /** What a scraper sends as a bearer token; absent: everybody may read. */
  readonly token: string | undefined
  openStreams(): number
  /** Of the modules. */
  families(): readonly MetricFamily[]
}

export function createHttpMetrics(options: HttpMetricsOptions): HttpMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'belfry_build_info',
    help: 'Always 1; the labels tell what is running.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: options.version, node: process.version }, 1)
  new Gauge({
    name: 'belfry_http_streams_open',
    help: 'Event streams that are open.',
    registers,
    collect() {
      this.set(options.openStreams())
    },
  })
  const durations = new Histogram({
    name: 'belfry_http_request_duration_seconds',
    help: 'Time from the first line of a request to the end of its answer; event streams are left out.',
    labelNames: ['method', 'route', 'status'],
    // From a cached file to a slow query; 10 s is longer than anything of ours should take.
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })

  return {
    observe({ method, route, status, seconds }) {
      durations.observe({ method, route, status: String(status) }, seconds)
    },

    serve(app) {
      app.get('/metrics', async (request, reply) => {
        if (options.token !== undefined && !bearerIs(request.headers.authorization, options.token)) {
          reply.header('www-authenticate', 'Bearer')
          throw new Refusal('unauthenticated', 'Send the metrics token as a bearer token.')
        }
        reply.header('content-type', registry.contentType).header('cache-control', 'no-store')
        return (await registry.metrics()) + options.families().map(familyText).join('')
      })
    },
  }
}

/** Takes the same time whatever is sent: both sides are hashed to one length before they are compared. */
function bearerIs(header: string | undefined, token: string): boolean {
  const sent = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? ''
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(sent), digest(token))
}

/** In the text format of Prometheus. */
function familyText({ name, help, kind, values }: MetricFamily): string {
  const lines = values.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
