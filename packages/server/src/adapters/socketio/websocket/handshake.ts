/**
 * Answers the request that makes a connection a WebSocket (RFC 6455, 4.2). No subprotocols; the one extension is
 * compression, always without context takeover (RFC 7692, 7.1).
 */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { serverWindowBits } from './deflate.ts'
import { type ExtensionOffer, parseExtensionOffers } from './extension-offers.ts'

export type UpgradeAnswer =
  | {
      readonly accepted: true
      /** To be written before anything else. */
      readonly head: string
      /** Whether both sides may compress. */
      readonly deflate: boolean
    }
  | {
      readonly accepted: false
      readonly status: number
      /** The whole answer, with a sentence that says what is wrong. The socket has no further use. */
      readonly head: string
    }

export function answerUpgrade(
  { method, httpVersionMajor, httpVersionMinor, headers }: IncomingMessage,
  options: { readonly deflate: boolean },
): UpgradeAnswer {
  if (method !== 'GET') return refused(405, 'A WebSocket is asked for with GET.', 'Allow: GET')
  if (httpVersionMajor !== 1 || httpVersionMinor < 1) return refused(400, 'A WebSocket needs HTTP/1.1.')
  if (!hasToken(headers.upgrade, 'websocket')) return refused(400, 'The header Upgrade names no websocket.')
  if (!hasToken(headers.connection, 'upgrade')) return refused(400, 'The header Connection names no upgrade.')
  if (headers['sec-websocket-version'] !== '13') {
    return refused(426, 'Only version 13 of WebSocket is spoken here.', 'Sec-WebSocket-Version: 13')
  }
  const key = headers['sec-websocket-key']
  if (key === undefined || !sixteenBytes.test(key)) {
    return refused(400, 'The header Sec-WebSocket-Key is not 16 bytes in base64.')
  }
  const offers = parseExtensionOffers(headers['sec-websocket-extensions'] ?? '')
  if (offers === undefined) return refused(400, 'The header Sec-WebSocket-Extensions cannot be read.')
  const extension = options.deflate ? firstAcceptable(offers) : undefined
  return {
    accepted: true,
    head: headOf('101 Switching Protocols', [
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${hash('sha1', key + acceptSalt, 'base64')}`,
      ...(extension === undefined ? [] : [`Sec-WebSocket-Extensions: ${extension}`]),
    ]),
    deflate: extension !== undefined,
  }
}

/** Fixed by RFC 6455, 1.3. */
const acceptSalt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const sixteenBytes = /^[A-Za-z0-9+/]{22}==$/

/** Offers stand in the order of the client's preference. What we cannot do is declined, and no error. */
function firstAcceptable(offers: readonly ExtensionOffer[]): string | undefined {
  for (const offer of offers) {
    const answer = answerToOffer(offer)
    if (answer !== undefined) return answer
  }
  return undefined
}

/**
 * Both sides give up context takeover whether the client asked for it or not: a server may (RFC 7692, 7.1.1).
 * `client_max_window_bits` needs no answer, we read with the largest window. A client with a window of its own
 * that is smaller than ours cannot read the frames that all others share, so its offer is declined.
 */
function answerToOffer({ name, parameters }: ExtensionOffer): string | undefined {
  if (name !== 'permessage-deflate') return undefined
  let answer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
  const seen = new Set<string>()
  for (const [parameter, value] of parameters) {
    if (seen.has(parameter)) return undefined
    seen.add(parameter)
    if (parameter === 'server_no_context_takeover' || parameter === 'client_no_context_takeover') {
      if (value !== undefined) return undefined
    } else if (parameter === 'client_max_window_bits') {
      if (value !== undefined && !windowBits.test(value)) return undefined
    } else if (parameter === 'server_max_window_bits') {
      if (value === undefined || !windowBits.test(value) || Number(value) < serverWindowBits) return undefined
      answer += `; server_max_window_bits=${value}`
    } else {
      return undefined
    }
  }
  return answer
}

/** 8 to 15, without a leading zero. */
const windowBits = /^(?:[89]|1[0-5])$/

function hasToken(header: string | undefined, wanted: string): boolean {
  if (header === undefined) return false
  const tokens = header.toLowerCase()
  return tokens === wanted || tokens.split(',').some((token) => token.trim() === wanted)
}

function refused(status: 400 | 405 | 426, sentence: string, ...headers: string[]): UpgradeAnswer {
  const head = headOf(statusLines[status], [
    ...headers,
    'Connection: close',
    'Content-Type: text/plain',
    `Content-Length: ${sentence.length}`,
  ])
  return { accepted: false, status, head: head + sentence }
}

const statusLines = { 400: '400 Bad Request', 405: '405 Method Not Allowed', 426: '426 Upgrade Required' }

function headOf(statusLine: string, lines: readonly string[]): string {
  return `HTTP/1.1 ${statusLine}\r\n${lines.join('\r\n')}\r\n\r\n`
}
