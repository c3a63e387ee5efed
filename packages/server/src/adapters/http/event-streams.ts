/**
 * Server-sent events. A stream is open until its source ends, its caller goes, its session ends, or the server
 * closes. Nothing is queued: the next event is asked for when the last one fits into the socket, so a slow reader
 * slows its source and costs one event of memory.
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Refusal } from '@belfry/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { StreamRoute } from '../../engine/route.ts'
import { mayEnter, type ResolveIdentity } from './guard.ts'

export interface EventStreams {
  readonly size: number
  /** Takes the answer over. `events` is read from now on; `leave` is called once when the stream has ended. */
  open(stream: StreamOpening): void
  /** Ends what was opened with this session: whoever signed out in one tab is signed out in all. */
  endSession(token: string): void
  /** Ends every stream, and refuses the next: its request may have come before and been slow. */
  close(): void
}

export interface StreamOpening {
  // biome-ignore lint/suspicious/noExplicitAny: existential type, as in AnyRoute
  readonly route: StreamRoute<any, any, any>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly events: AsyncIterable<unknown>
  leave(): void
}

export interface EventStreamsOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly resolveIdentity: ResolveIdentity
  readonly streamsMax: number
}

/** Proxies cut connections that are silent for a minute, some for 30 s. */
export const heartbeatMs = 15_000

/** Heartbeats in a row that did not fit into the socket: after a minute nobody is reading any more. */
const stalledBeatsMax = 4

interface OpenStream {
  readonly opening: StreamOpening
  readonly response: ServerResponse
  readonly events: AsyncIterator<unknown>
  ended: boolean
  stalledBeats: number
}

export function createEventStreams(options: EventStreamsOptions): EventStreams {
  const streams = new Set<OpenStream>()
  let stopHeartbeat: (() => void) | undefined
  let closed = false

  function open(opening: StreamOpening): void {
    const refusal = refuse()
    if (refusal !== undefined) {
      opening.leave()
      throw refusal
    }
    const events = opening.events[Symbol.asyncIterator]()
    const response = takeOver(opening.reply)
    const stream: OpenStream = { opening, response, events, ended: false, stalledBeats: 0 }
    streams.add(stream)
    stopHeartbeat ??= options.clock.every(heartbeatMs, beat)
    response.once('close', () => end(stream))
    // Takes note of a broken pipe; `close` follows and does the rest.
    response.on('error', () => undefined)
    void pump(stream)
  }

  function refuse(): Refusal | undefined {
    if (closed) return new Refusal('shutting_down')
    if (streams.size < options.streamsMax) return undefined
    return new Refusal('too_many_requests', `This server holds at most ${options.streamsMax} event streams.`)
  }

  async function pump(stream: OpenStream): Promise<void> {
    const { response, opening } = stream
    try {
      while (!stream.ended) {
        const next = await stream.events.next()
        if (next.done === true || stream.ended) break
        if (!response.write(frameOf(opening.route, next.value))) await drained(response)
      }
    } catch (error) {
      if (!stream.ended) {
        const fields = { error, route: opening.route.path, requestId: opening.request.id }
        options.logger.error(fields, 'event stream failed')
      }
    }
    end(stream)
  }

  function end(stream: OpenStream): void {
    if (stream.ended) return
    stream.ended = true
    streams.delete(stream)
    if (streams.size === 0) {
      stopHeartbeat?.()
      stopHeartbeat = undefined
    }
    stream.opening.leave()
    // A generator that waits for its next event finishes only then; nobody waits for it here.
    void Promise.resolve(stream.events.return?.()).catch(() => undefined)
    if (stream.response.writableNeedDrain) stream.response.destroy()
    else stream.response.end()
  }

  function beat(): void {
    for (const stream of streams) {
      if (!stream.response.writableNeedDrain) {
        stream.stalledBeats = 0
        stream.response.write(':\n\n')
        void endIfSignedOut(stream)
      } else {
        stream.stalledBeats += 1
        if (stream.stalledBeats >= stalledBeatsMax) end(stream)
      }
    }
  }

  /** A token or a session that expired, or a session that was ended on another node. While nobody can tell, the stream goes on. */
  async function endIfSignedOut(stream: OpenStream): Promise<void> {
    const { request, route } = stream.opening
    if (route.access === 'public') return
    const expiresAtMs = request.identity?.principal?.expiresAtMs
    if (expiresAtMs !== undefined && options.clock.now() >= expiresAtMs) end(stream)
    if (request.sessionToken === undefined) return
    try {
      if (!mayEnter(route.access, await options.resolveIdentity(request.sessionToken))) end(stream)
    } catch (error) {
      options.logger.debug(
        { error, requestId: request.id },
        'session of an event stream could not be checked',
      )
    }
  }

  return {
    get size() {
      return streams.size
    },
    open,
    endSession(token) {
      for (const stream of streams) if (stream.opening.request.sessionToken === token) end(stream)
    },
    close() {
      closed = true
      for (const stream of streams) end(stream)
    },
  }
}

function takeOver(reply: FastifyReply): ServerResponse {
  const response = reply.raw
  const headers = reply.getHeaders() as OutgoingHttpHeaders
  reply.hijack()
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  // A first comment, so that headers leave at once and proxies see a stream that lives.
  response.write(':\n\n')
  return response
}

/** One object sent to many streams is checked and written as JSON once. */
const frames = new WeakMap<object, { readonly event: z.ZodType; readonly frame: string }>()

function frameOf(route: StreamOpening['route'], event: unknown): string {
  const known = typeof event === 'object' && event !== null ? frames.get(event) : undefined
  if (known !== undefined && known.event === route.event) return known.frame
  const frame = `data: ${JSON.stringify(z.encode(route.event, event))}\n\n`
  if (typeof event === 'object' && event !== null) frames.set(event, { event: route.event, frame })
  return frame
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function done(): void {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
    if (response.destroyed) done()
  })
}
