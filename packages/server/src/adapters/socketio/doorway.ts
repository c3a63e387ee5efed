/**
 * Connections that have not asked for anything yet. When thousands of them ask in one moment, Node reads and parses
 * all of their requests in one turn of the event loop, which takes a tenth of a second before anybody can say no. So
 * when there are more newcomers than time, those that were not read yet are not read, until it is their turn.
 *
 *   open → (hold) held: reads nothing → (release) open, first come first served
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** About a millisecond of parsing. */
const releasedAtOnce = 32

export class Doorway {
  /** In the order in which they came. */
  readonly #silent = new Set<Socket>()
  readonly #held = new Set<Socket>()
  #isHolding = false

  get waiting(): number {
    return this.#held.size
  }

  /** Looks after the connections of this server, until what it returns is called. */
  follow(server: Server): () => void {
    // Below TLS there is nothing to read that would be a request.
    if ('setSecureContext' in server) return () => undefined
    server.on('connection', this.#came)
    return () => server.off('connection', this.#came)
  }

  /** The first request of a connection was read. */
  asked(socket: Socket): void {
    if (!this.#silent.delete(socket)) return
    socket.off('close', this.#gone)
    this.#held.delete(socket)
  }

  hold(): void {
    if (this.#isHolding) return
    this.#isHolding = true
    for (const socket of this.#silent) this.#holdBack(socket)
  }

  /** Lets the next ones be read; true while there are more. */
  release(count = releasedAtOnce): boolean {
    let released = 0
    for (const socket of this.#held) {
      if (released === count) return true
      this.#held.delete(socket)
      socket.resume()
      released += 1
    }
    this.#isHolding = false
    return false
  }

  readonly #came = (socket: Socket): void => {
    this.#silent.add(socket)
    socket.on('close', this.#gone)
    // The HTTP server has just taken it over, and makes it flow at the end of this tick.
    if (this.#isHolding) process.nextTick(() => this.#holdNew(socket))
  }

  #holdNew(socket: Socket): void {
    if (this.#isHolding && this.#silent.has(socket)) this.#holdBack(socket)
  }

  readonly #gone = this.#forget()

  /** One function for all sockets: a closure for each would stay with every connection. */
  #forget(): (this: Socket) => void {
    const silent = this.#silent
    const held = this.#held
    return function (this: Socket) {
      silent.delete(this)
      held.delete(this)
    }
  }

  #holdBack(socket: Socket): void {
    this.#held.add(socket)
    socket.pause()
  }
}
