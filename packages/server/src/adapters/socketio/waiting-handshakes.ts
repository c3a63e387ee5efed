/**
 * Handshakes in line. They keep their socket and their request, and notice when the client gives up: nobody is let in
 * who is not there any more.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Newcomer } from './admission.ts'

/** What a socket and a request take besides their headers, about. */
const handshakeBytes = 8 * 1_024

/** A client that waits for its WebSocket has nothing to say yet; some send a first packet all the same. */
const earlyBytesMax = 4 * 1_024

export class WaitingUpgrade implements Newcomer {
  readonly bytes: number
  readonly #socket: Duplex
  readonly #served: UpgradeServed
  readonly #early: Buffer[]
  #earlyBytes = 0
  isGone = false

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer, served: UpgradeServed) {
    this.#socket = socket
    this.#served = served
    this.#early = [head]
    this.bytes = bytesOf(request)
    socket.on('data', this.#onData).on('end', this.#onGone).on('close', this.#onGone)
  }

  enter(): void {
    this.#stopListening()
    this.#served.enter(Buffer.concat(this.#early))
  }

  refuse(): void {
    this.#stopListening()
    this.#served.refuse()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#early.push(chunk)
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes > earlyBytesMax) this.#socket.destroy()
  }

  readonly #onGone = (): void => {
    this.isGone = true
    this.#socket.destroy()
  }

  #stopListening(): void {
    this.#socket.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone)
  }
}

interface UpgradeServed {
  /** `early`: what came with the request and after it. */
  enter(early: Buffer): void
  refuse(): void
}

export class WaitingPoll implements Newcomer {
  readonly bytes: number
  readonly #served: { enter(): void; refuse(): void }
  isGone = false

  constructor(request: IncomingMessage, response: ServerResponse, served: { enter(): void; refuse(): void }) {
    this.#served = served
    this.bytes = bytesOf(request)
    response.once('close', () => {
      this.isGone = true
    })
  }

  enter(): void {
    this.#served.enter()
  }

  refuse(): void {
    this.#served.refuse()
  }
}

function bytesOf({ rawHeaders, url = '' }: IncomingMessage): number {
  return rawHeaders.reduce((bytes, text) => bytes + text.length, handshakeBytes + url.length)
}
