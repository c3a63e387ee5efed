/**
 * A server that says what Belfry says when clients come back, word for word as the test tells it: made of the stock
 * server, whose own recovery only finds out who is who.
 */
import { createServer } from 'node:http'
import { Server, type Socket } from 'socket.io'
import { listening } from '../protocol/world.ts'

export interface Visitor {
  /** Says it, with the cursor behind it. */
  say(event: string, data: object, cursor: string): void
  /** `session:started`, as the first event. */
  start(cursor: string): void
  readonly recovered: boolean
  readonly socket: Socket
}

export async function wireServer(parts: {
  /** Whether who comes with this is taken for who it was. */
  recovers?: (pid: string, offset: string) => boolean
  welcome: (visitor: Visitor, times: number) => void
}) {
  const http = createServer()
  const server = new Server(http, { connectionStateRecovery: { skipMiddlewares: false } })
  const shown: { readonly pid: unknown; readonly offset: unknown }[] = []
  const visitors: Visitor[] = []
  const given: string[] = []
  const namespace = server.of('/posts')
  namespace.adapter.restoreSession = async (pid, offset) => {
    if (!parts.recovers?.(pid, offset)) throw new Error('Nobody of this name is known.')
    return { sid: `again-${shown.length}`, pid, rooms: [], data: {}, missedPackets: [] }
  }
  namespace.on('connection', (socket) => {
    const { pid, offset } = socket.handshake.auth as { pid?: unknown; offset?: unknown }
    shown.push({ pid, offset })
    const own = (socket as unknown as { readonly pid: string }).pid
    given.push(own)
    const { recovered } = socket
    const say: Visitor['say'] = (event, data, cursor) => {
      const _meta = { id: cursor, at: '2030-01-01T00:00:00.000Z' }
      socket.emit(event, { ...data, _meta }, cursor)
    }
    const reconnection = { delayMs: 1_000, maxDelayMs: 5_000 }
    const start = (cursor: string) =>
      say('session:started', { pid: own, cursor, recovered, reconnection }, cursor)
    const visitor = { say, start, recovered, socket }
    visitors.push(visitor)
    parts.welcome(visitor, visitors.length)
  })
  const url = await listening(http)
  return {
    url,
    server,
    /** With what clients came. */
    shown,
    /** What they were called. */
    given,
    visitors,
    lines: () => server.engine.clientsCount,
    /** Closes the lines, and says nothing. */
    cut() {
      const { clients } = server.engine as unknown as {
        clients: Record<string, { close(now: boolean): void }>
      }
      for (const client of Object.values(clients)) client.close(true)
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}
