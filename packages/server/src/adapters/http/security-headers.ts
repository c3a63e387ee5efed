/** Headers that tell the browser what our pages may do. */
import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

export async function sendSecurityHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives },
    crossOriginEmbedderPolicy: false,
    // Sent below, and only over https: elsewhere browsers ignore it and people wonder.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  })
  app.addHook('onRequest', async (request, reply) => {
    if (request.protocol === 'https') reply.header('strict-transport-security', `max-age=${transportSeconds}`)
  })
}

/**
 * Nothing inline and nothing from elsewhere. Styles that scripts set on an element (`element.style`), as charts
 * and pop-ups do, are not inline styles in this sense and need no exception.
 */
const directives = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'manifest-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'frame-ancestors': ["'none'"],
}

/** Half a year, without subdomains: those may belong to somebody else. */
const transportSeconds = 15_552_000
