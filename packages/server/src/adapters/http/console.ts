/** The built console: its files, and its page for every address that only the console knows. */
import { readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { Refusal } from '@belfry/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Answers a request that no route took: with the console's page if a browser went there, else not. */
export type AnswerUnknown = (request: FastifyRequest, reply: FastifyReply) => FastifyReply

export async function serveConsole(
  app: FastifyInstance,
  directory: string | undefined,
): Promise<AnswerUnknown> {
  if (directory === undefined) {
    app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(withoutConsole))
    return () => {
      throw new Refusal('not_found')
    }
  }
  // Fails at the start rather than at the first visit.
  readFileSync(join(directory, 'index.html'))
  const { default: files } = await import('@fastify/static')
  const assets = join(directory, 'assets') + sep
  await app.register(files, {
    root: directory,
    // A route for each file there is: an address nobody built never reaches the disk.
    wildcard: false,
    globIgnore: ['**/*.br', '**/*.gz', '**/*.map'],
    preCompressed: true,
    acceptRanges: false,
    cacheControl: false,
    setHeaders(reply, path) {
      reply.header('cache-control', path.startsWith(assets) ? forever : askAgain)
    },
  })
  return (request, reply) => {
    if (!isNavigation(request)) throw new Refusal('not_found')
    return reply.sendFile('index.html')
  }
}

/** Files below /assets/ carry a hash of their content in their name. */
const forever = 'public, max-age=31536000, immutable'
const askAgain = 'no-cache'

const withoutConsole = 'Belfry is running without its console. The API is described at /openapi.json.\n'

/** Below these paths a wrong address is a mistake of a program, not a page. */
const programPaths = /^\/(?:api|assets)(?:\/|$)/

function isNavigation(request: FastifyRequest): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false
  if (request.headers.accept?.includes('text/html') !== true) return false
  return !programPaths.test(decodedPath(request))
}

/** The router decodes before it compares, so `/%61pi/` is `/api/` here too. */
export function decodedPath(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0] ?? '/'
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
