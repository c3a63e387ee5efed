/** Serves the routes that modules describe: what they declare is checked before and after their handler runs. */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { AnyRoute, RouteContext } from '../../engine/route.ts'
import type { EventStreams } from './event-streams.ts'
import { addressOf } from './rate-limit.ts'
import { clearSessionCookie, setSessionCookie } from './session-cookie.ts'

export function serveRoutes(
  scope: FastifyInstance,
  routes: readonly AnyRoute[],
  streams: EventStreams,
): void {
  for (const route of routes) {
    scope.route({
      method: route.method,
      url: route.path,
      schema: validationSchema(route),
      config: { access: route.access, isStream: route.kind === 'stream' },
      // HEAD on a stream would open one and send nothing.
      exposeHeadRoute: route.kind === 'reply',
      handler: route.kind === 'reply' ? replyHandler(route, streams) : streamHandler(route, streams),
    })
  }
}

type Reply = Extract<AnyRoute, { kind: 'reply' }>
type Stream = Extract<AnyRoute, { kind: 'stream' }>

function validationSchema(route: AnyRoute): FastifySchema {
  return {
    ...(route.params === undefined ? {} : { params: route.params }),
    ...(route.query === undefined ? {} : { querystring: route.query }),
    ...(route.body === undefined ? {} : { body: route.body }),
    ...(route.kind === 'reply' && route.reply !== undefined ? { response: { 200: route.reply } } : {}),
  }
}

function replyHandler(route: Reply, streams: EventStreams) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const answer: unknown = await route.handle(contextOf(route, request, reply, streams, absence(reply)))
    // The route's schema turns the answer into JSON; without one there is nothing to say.
    return route.reply === undefined ? reply.code(204).send() : reply.code(200).send(answer ?? null)
  }
}

function streamHandler(route: Stream, streams: EventStreams) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const gone = new AbortController()
    const context = contextOf(route, request, reply, streams, () => gone.signal)
    const events = route.open(context)
    streams.open({ route, request, reply, events, leave: () => gone.abort() })
  }
}

function contextOf(
  route: AnyRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  streams: EventStreams,
  signal: () => AbortSignal,
): RouteContext<unknown, unknown, undefined> {
  return {
    params: route.params === undefined ? undefined : request.params,
    query: route.query === undefined ? undefined : request.query,
    body: (route.body === undefined ? undefined : request.body) as undefined,
    identity: request.identity,
    get principal() {
      const principal = request.identity?.principal
      if (principal === undefined)
        throw new Error(`${route.path} asks for a principal that its access does not promise.`)
      return principal
    },
    get signal() {
      return signal()
    },
    get address() {
      return addressOf(request)
    },
    session: {
      token: request.sessionToken,
      start: (token, expiresAt) => setSessionCookie(request, reply, token, expiresAt),
      end() {
        clearSessionCookie(request, reply)
        if (request.sessionToken !== undefined) streams.endSession(request.sessionToken)
      },
    },
  }
}

/** A signal that is made when somebody asks for it; most handlers are done before a caller could leave. */
function absence(reply: FastifyReply): () => AbortSignal {
  let gone: AbortController | undefined
  return () => {
    if (gone !== undefined) return gone.signal
    const controller = new AbortController()
    gone = controller
    const response = reply.raw
    const left = () => !response.writableFinished
    if (response.closed && left()) controller.abort()
    else response.once('close', () => left() && controller.abort())
    return controller.signal
  }
}
