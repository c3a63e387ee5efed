/**
 * Which web pages may talk to this server: its own, and those of the allowed origins. Two questions are
 * answered here: may the page read the answer (CORS), and did a foreign page make a signed-in browser send
 * this request (forgery).
 */
import { Refusal } from '@belfry/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface OriginPolicy {
  /** Lets an allowed page read the answer. */
  allowReading(request: FastifyRequest, reply: FastifyReply): void
  /** Answers the browser's question before a request from another origin. */
  preflight(request: FastifyRequest, reply: FastifyReply): FastifyReply
  /** Throws when a request that changes something rides on a cookie and no page of ours sent it. */
  refuseForgery(request: FastifyRequest, hasCookie: boolean): void
}

/** Throws when an entry is not an origin: `*` above all, which must never meet credentials. */
export function createOriginPolicy(allowedOrigins: readonly string[]): OriginPolicy {
  for (const origin of allowedOrigins) {
    if (!isOrigin(origin)) {
      throw new Error(
        `"${origin}" is not an origin. Write scheme, host and port, such as https://app.example.com.`,
      )
    }
  }
  const allowed = new Set(allowedOrigins)

  return {
    allowReading(request, reply) {
      if (allowed.size === 0) return
      // A shared cache must not hand the answer for one origin to another.
      reply.header('vary', 'Origin')
      const { origin } = request.headers
      if (origin === undefined || !allowed.has(origin)) return
      reply
        .header('access-control-allow-origin', origin)
        .header('access-control-allow-credentials', 'true')
        .header('access-control-expose-headers', exposedHeaders)
    },

    preflight(request, reply) {
      const { origin } = request.headers
      const asked = request.headers['access-control-request-method']
      if (origin === undefined || asked === undefined) throw new Refusal('not_found')
      if (!allowed.has(origin)) throw new Refusal('origin_refused')
      return reply
        .code(204)
        .header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
        .header('access-control-allow-headers', 'authorization, content-type')
        .header('access-control-max-age', String(preflightSeconds))
        .send()
    },

    refuseForgery(request, hasCookie) {
      if (!hasCookie || harmlessMethods.has(request.method)) return
      const { origin } = request.headers
      if (origin !== undefined && allowed.has(origin)) return
      // Browsers set it themselves and let no script change it. It is also right behind a proxy that ends TLS.
      const site = request.headers['sec-fetch-site']
      if (site !== undefined) {
        if (site === 'same-origin') return
      } else if (origin !== undefined && origin === `${request.protocol}://${request.host}`) {
        return
      }
      throw new Refusal('origin_refused')
    },
  }
}

const harmlessMethods = new Set(['GET', 'HEAD', 'OPTIONS'])
const exposedHeaders =
  'retry-after, x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset'

/** Ten minutes: few questions, and a changed setting is felt soon. */
const preflightSeconds = 600

function isOrigin(text: string): boolean {
  try {
    return new URL(text).origin === text
  } catch {
    return false
  }
}
