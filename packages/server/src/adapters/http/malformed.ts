/** Bytes that are not HTTP, headers beyond the limit, requests that never end: told so once, then hung up on. */
import type { Duplex } from 'node:stream'
import { Refusal } from '@belfry/contract'
import { problemMediaType, problemOf } from './problem.ts'

export function answerMalformed(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket) || hasAskedNothing(socket)) {
    socket.destroy()
    return
  }
  const body = JSON.stringify(problemOf(new Refusal('bad_request', sentences[error.code ?? ''])))
  const head = [
    'HTTP/1.1 400 Bad Request',
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

const sentences: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'The headers are longer than 16 KiB.',
  ERR_HTTP_REQUEST_TIMEOUT: 'The request did not arrive in time.',
}

/** Half an answer is on the wire already: a second one would corrupt it. Node keeps the answer on the socket. */
function isAnswering(socket: Duplex & { _httpMessage?: { headersSent?: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true
}

/**
 * A browser opens connections ahead of need. When one has waited for too long it is closed without a word: who begins to
 * ask in the same moment would take a word for the answer, while a request on a closed connection is sent again.
 */
function hasAskedNothing(socket: Duplex & { readonly bytesRead?: number }): boolean {
  return socket.bytesRead === 0
}
