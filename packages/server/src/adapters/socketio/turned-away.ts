/** Requests that get no connection: what they are told, and how their sockets end. */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Refusal } from '@belfry/contract'
import { respond } from './polling-carrier.ts'

/** Codes and sentences of Engine.IO, which its clients know. */
export const engineErrors = {
  unknown_transport: { code: 0, message: 'Transport unknown' },
  unknown_session: { code: 1, message: 'Session ID unknown' },
  bad_method: { code: 2, message: 'Bad handshake method' },
  bad_request: { code: 3, message: 'Bad request' },
  forbidden: { code: 4, message: 'Forbidden' },
  unsupported_protocol: { code: 5, message: 'Unsupported protocol version' },
} as const

interface EngineError {
  readonly code: number
  readonly message: string
}

/** A request that gets no connection, and what it is told. */
export class TurnedAway extends Error {
  readonly status: number
  readonly body: string

  constructor(status: number, error: EngineError) {
    super(error.message)
    this.status = status
    this.body = JSON.stringify(error)
  }
}

/** For proxies and clients that take advice; stock clients go by their own back-off, which ends here too (F13, F19). */
const retryAfterSeconds = 5

/** Engine.IO's "forbidden", with what this server has to say about it. */
export function saidBy({ code, message }: Refusal) {
  return { code: engineErrors.forbidden.code, message, error: code }
}

export function turnAwayRequest(response: ServerResponse, { status, body }: TurnedAway): void {
  if (status === 503 && !response.headersSent) response.setHeader('retry-after', retryAfterSeconds)
  respond(response, status, 'application/json', body)
}

export function turnAwayUpgrade(socket: Duplex, { status, body }: TurnedAway): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 503 ? [`Retry-After: ${retryAfterSeconds}`] : []),
  ]
  endSocket(socket, `${head.join('\r\n')}\r\n\r\n${body}`)
}

/** HTTP servers leave sockets half open: without more than an end, the client decides how long it stays. */
export function endSocket(socket: Duplex, last: string): void {
  // The client may have gone already, and an error that nobody hears would end the process.
  socket.on('error', () => socket.destroy())
  socket.end(last, () => socket.destroy())
}
