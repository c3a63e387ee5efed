/**
 * Carries a connection over HTTP: what leaves waits for the client's GET, what comes in arrives as bodies of POST.
 *
 *   no GET waits ⇄ a GET waits; events and a goodbye never share a body (R9)
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CloseReason } from '../../engine/ports/transport.ts'
import { type Carrier, cutOff, goodbyeMs, type WireConnection } from './connection.ts'
import type { OutgoingQueue } from './outgoing-queue.ts'
import { decodePayload, EnginePacketType, encodePayload } from './packets/engine-packets.ts'
import { MalformedPacket } from './packets/malformed-packet.ts'

/** A body with more packets is an error for `python3-engineio`, whose client gives up then. */
const pythonPacketsMax = 16

export class PollingCarrier implements Carrier {
  readonly name = 'polling'
  readonly #bodyBytesMax: number
  #connection: WireConnection | undefined
  #waiting: ServerResponse | undefined
  /** Answers that the client has not taken yet. */
  readonly #leaving = new Map<ServerResponse, number>()
  #receiving: IncomingMessage | undefined
  /** WebSockets that the client tries. Meanwhile its GETs are answered at once, so that it can finish them. */
  #probes = 0

  constructor(bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax
  }

  serve(connection: WireConnection): void {
    this.#connection = connection
  }

  get pendingBytes(): number {
    let bytes = 0
    for (const each of this.#leaving.values()) bytes += each
    return bytes
  }

  get isBlocked(): boolean {
    return this.#leaving.size > 0
  }

  /** The client's GET: answered when there is something to say. */
  poll(response: ServerResponse): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (this.#waiting !== undefined) {
      refusePolling(response, 'Two polls of one connection at once.')
      connection.violated('malformed_packet')
      return
    }
    this.#waiting = response
    // A client that hangs up in the middle has lost what the answer carried.
    response.once('close', () => {
      if (this.#waiting === response) this.#waiting = undefined
      else if (response.writableFinished) return
      connection.lost('transport_failed')
    })
    if (connection.hasWaiting) connection.requestFlush()
    else if (this.#probes > 0) this.#answer(EnginePacketType.NOOP)
  }

  /** The client tries WebSocket. */
  probed(): void {
    this.#probes += 1
    if (this.#waiting !== undefined && this.#connection?.hasWaiting === false)
      this.#answer(EnginePacketType.NOOP)
  }

  /** That came to nothing. */
  unprobed(): void {
    this.#probes -= 1
  }

  /** The client's POST. */
  receive(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (this.#receiving !== undefined) {
      refusePolling(response, 'Two posts of one connection at once.')
      connection.violated('malformed_packet')
      return
    }
    this.#receiving = request
    readBody(request, this.#bodyBytesMax, (body) => {
      this.#receiving = undefined
      if ('failed' in body) {
        if (body.failed === 'aborted') connection.lost('transport_failed')
        else {
          // Node would read a body to its end, however long it is, if the line were to be used again.
          response.setHeader('connection', 'close')
          respond(response, 413, 'text/plain', 'The body is too large.')
          connection.violated('too_large')
        }
        return
      }
      try {
        const packets = decodePayload(body.text)
        respond(response, 200, 'text/html', 'ok')
        connection.receivedAll(packets)
      } catch (error) {
        if (!(error instanceof MalformedPacket)) throw error
        refusePolling(response, error.message)
        connection.violated('malformed_packet')
      }
    })
  }

  write(queue: OutgoingQueue): void {
    if (this.#waiting === undefined) return
    const isPython = this.#connection?.userAgent.startsWith('python-') ?? false
    const packetsMax = isPython ? pythonPacketsMax : Number.POSITIVE_INFINITY
    const packets = queue.takeUpTo(this.#bodyBytesMax, packetsMax).flatMap((outgoing) => outgoing.packets)
    this.#answer(encodePayload(packets))
  }

  end(reason: CloseReason): void {
    this.#receiving?.destroy()
    if (cutOff.has(reason)) this.#cut()
    else if (this.#leaving.size > 0) setTimeout(() => this.#cut(), goodbyeMs).unref()
    if (reason === 'client_closed') this.#answer(EnginePacketType.NOOP)
    else this.#answer(EnginePacketType.CLOSE)
  }

  #answer(body: string): void {
    const response = this.#waiting
    if (response === undefined) return
    this.#waiting = undefined
    this.#leaving.set(response, body.length)
    response.once('close', () => {
      this.#leaving.delete(response)
      this.#connection?.hasLeft()
    })
    respond(response, 200, 'text/plain; charset=UTF-8', body)
  }

  #cut(): void {
    for (const response of this.#leaving.keys()) response.destroy()
  }
}

export function respond(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent) return
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}

/** In the form of Engine.IO's own errors; 3 is its "bad request". */
function refusePolling(response: ServerResponse, message: string): void {
  respond(response, 400, 'application/json', JSON.stringify({ code: 3, message }))
}

type Body = { readonly text: string } | { readonly failed: 'too_large' | 'aborted' }

function readBody(request: IncomingMessage, bytesMax: number, done: (body: Body) => void): void {
  const chunks: Buffer[] = []
  let bytes = 0
  let isDone = false
  const finish = (body: Body) => {
    if (isDone) return
    isDone = true
    chunks.length = 0
    done(body)
  }
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > bytesMax) finish({ failed: 'too_large' })
    else if (!isDone) chunks.push(chunk)
  })
  request.on('end', () => finish({ text: Buffer.concat(chunks).toString('utf8') }))
  request.on('close', () => finish({ failed: 'aborted' }))
}
