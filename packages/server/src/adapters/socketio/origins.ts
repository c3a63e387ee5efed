/**
 * Which web pages may open sockets. Asked for polling and for WebSocket: browsers ask nobody before they
 * open a WebSocket to another origin, so the server has to look itself.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface SocketOrigins {
  /** Origins such as `https://app.example.com`; `*` stands for every one. */
  readonly allowed: readonly string[]
  /** Whether pages of other origins may send cookies. */
  readonly credentials: boolean
}

export interface OriginCheck {
  /** Pages of this server itself and programs that are no browsers need no permission. */
  isAllowed(request: IncomingMessage): boolean
  /**
   * A page of this server, or of an origin that is allowed by name, made the browser ask. Stricter than `isAllowed`: who
   * does not say where it comes from may be any page, and `*` may be anybody's.
   */
  isOwnPage(request: IncomingMessage): boolean
  /** Lets an allowed page read the answer. */
  allowReading(request: IncomingMessage, response: ServerResponse): void
}

export function createOriginCheck({ allowed, credentials }: SocketOrigins): OriginCheck {
  const isAny = allowed.includes('*')
  const origins = new Set(allowed)
  const isForeign = ({ headers }: IncomingMessage) =>
    headers.origin !== undefined && hostOf(headers.origin) !== headers.host

  return {
    isAllowed(request) {
      if (!isForeign(request)) return true
      return isAny || origins.has(request.headers.origin ?? '')
    },
    isOwnPage(request) {
      const { origin } = request.headers
      // Browsers leave the origin out of a GET to the page's own server, and say this, which no script can change.
      if (origin === undefined) return request.headers['sec-fetch-site'] === 'same-origin'
      return !isForeign(request) || origins.has(origin)
    },
    allowReading(request, response) {
      const { origin } = request.headers
      response.setHeader('vary', 'Origin')
      if (origin === undefined || !isForeign(request)) return
      // A page that anybody may have made never gets to use somebody's cookies.
      if (isAny && !origins.has(origin)) {
        response.setHeader('access-control-allow-origin', '*')
        return
      }
      response.setHeader('access-control-allow-origin', origin)
      if (credentials) response.setHeader('access-control-allow-credentials', 'true')
    },
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

/** Answers the browser's question before a request from another origin. */
export function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'content-type',
    'access-control-max-age': '600',
    'content-length': 0,
  })
  response.end()
}
