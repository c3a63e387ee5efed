/**
 * Carries a connection over a WebSocket: frames in, frames out, on the bare socket. The listeners are shared by all
 * sockets and find their carrier on it; a closure for each would cost every connection half a kilobyte.
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { CloseReason } from '../../engine/ports/transport.ts'
import { type Carrier, cutOff, goodbyeMs, type WireConnection } from './connection.ts'
import type { Joiner } from './flusher.ts'
import type { OutgoingQueue } from './outgoing-queue.ts'
import { EnginePacketType } from './packets/engine-packets.ts'
import { type FrameHandler, type FrameLimits, FrameReader } from './websocket/frame-reader.ts'
import { closeFrame, pongFrame, textFrame } from './websocket/frames.ts'

/** Finds out whether a WebSocket can take over; ends once, unless it did. */
interface Probe {
  received(packet: string): void
  ended(): void
}

export interface WebSocketOptions extends FrameLimits {
  /** Absent: nobody compresses. */
  readonly compressBeyondBytes: number | undefined
}

const carrierKey = Symbol('carrier')

interface CarriedSocket extends Duplex {
  [carrierKey]?: WebSocketCarrier
}

export class WebSocketCarrier implements Carrier, FrameHandler {
  readonly name = 'websocket'
  readonly #socket: CarriedSocket
  readonly #reader: FrameReader
  readonly #compressBeyondBytes: number | undefined
  /** Absent while a polling client only tries this way. */
  #connection: WireConnection | undefined
  #probe: Probe | undefined
  #isOver = false
  /** The answer to the upgrade, which leaves with the first packet: one write less for each connect. */
  #greeting: string | undefined
  /** What the client did wrong, as WebSocket names it. */
  #closeCode: number | undefined

  constructor(socket: Duplex, options: WebSocketOptions) {
    this.#socket = socket
    this.#compressBeyondBytes = options.compressBeyondBytes
    this.#reader = new FrameReader(this, options)
    this.#socket[carrierKey] = this
    // What the HTTP server thinks of slow requests does not hold for a line that may be silent between two pings.
    if (socket instanceof Socket) socket.setTimeout(0)
    socket.on('data', onData).on('drain', onDrain).on('end', onEnd).on('error', onError).on('close', onClose)
  }

  /** From now on it carries this connection. */
  serve(connection: WireConnection): void {
    this.#connection = connection
    this.#probe = undefined
  }

  /** Until it serves, text goes to whoever finds out whether this way works. */
  probe(probe: Probe): void {
    this.#probe = probe
  }

  /** Bytes that came with the request itself. */
  begin(head: Buffer): void {
    if (head.length > 0) this.#reader.push(head)
  }

  /** The answer to the upgrade of a client that was polling so far. */
  sendHead(head: string): void {
    this.#socket.write(head, 'latin1')
  }

  /** The same for a new client, whose first packet follows in this tick. */
  greet(head: string): void {
    this.#greeting = head
  }

  sendNow(packet: string): void {
    this.#socket.write(textFrame(packet))
  }

  get pendingBytes(): number {
    return this.#socket.writableLength
  }

  get isBlocked(): boolean {
    return this.#socket.writableNeedDrain
  }

  write(queue: OutgoingQueue, joiner: Joiner): void {
    // What does not fit into the line stays in our queue, where it can be counted and replaced.
    if (this.#isOver || this.#socket.writableNeedDrain) return
    const bytes = joiner.join(queue.take(), this.#compressBeyondBytes)
    this.#socket.write(this.#greeting === undefined ? bytes : Buffer.concat([this.#takeGreeting(), bytes]))
  }

  #takeGreeting(): Buffer {
    const bytes = Buffer.from(this.#greeting ?? '', 'latin1')
    this.#greeting = undefined
    return bytes
  }

  drained(): void {
    this.#connection?.hasLeft()
  }

  read(chunk: Buffer): void {
    this.#reader.push(chunk)
  }

  end(reason: CloseReason): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#reader.stop()
    this.#endProbe()
    if (cutOff.has(reason)) {
      this.#socket.destroy()
      return
    }
    const code = this.#closeCode ?? closeCodes[reason] ?? 1000
    const goodbye = closeFrame(code, reason === 'client_closed' ? '' : reason)
    this.#socket.end(Buffer.concat([this.#takeGreeting(), goodbye]))
    setTimeout(() => this.#socket.destroy(), goodbyeMs).unref()
  }

  lost(): void {
    this.#isOver = true
    this.#reader.stop()
    this.#endProbe()
    this.#connection?.broken()
  }

  #endProbe(): void {
    this.#probe?.ended()
    this.#probe = undefined
  }

  onText(text: string): void {
    if (this.#connection !== undefined) this.#connection.received(text)
    else this.#probe?.received(text)
  }

  onBinary(bytes: Buffer): void {
    this.#connection?.received(bytes)
  }

  onPing(payload: Buffer): void {
    // Who does not read the answers gets no more of them, and no memory of ours.
    if (this.#isOver || this.#socket.writableNeedDrain) return
    if (this.#connection?.pinged() !== false) this.#socket.write(pongFrame(payload))
  }

  onPong(): void {
    // Engine.IO has a heartbeat of its own.
  }

  onClose(): void {
    if (this.#connection === undefined) this.end('client_closed')
    else this.#connection.lost('client_closed')
  }

  onViolation(code: number): void {
    this.#closeCode = code
    if (this.#connection === undefined) this.end('malformed_packet')
    else this.#connection.violated(code === 1009 ? 'too_large' : 'malformed_packet')
  }
}

const closeCodes: Partial<Record<CloseReason, number>> = {
  malformed_packet: 1002,
  too_large: 1009,
  shutting_down: 1001,
  closed_by_server: 1013,
  idle_connection: 1008,
}

function onData(this: CarriedSocket, chunk: Buffer): void {
  this[carrierKey]?.read(chunk)
}

function onDrain(this: CarriedSocket): void {
  this[carrierKey]?.drained()
}

/**
 * A client that was killed says no goodbye, its system ends the stream. HTTP servers leave such a socket half open,
 * and the session would live until the next ping.
 */
function onEnd(this: CarriedSocket): void {
  if (!this.writableEnded) this.destroy()
}

function onError(this: CarriedSocket): void {
  // `close` follows.
}

function onClose(this: CarriedSocket): void {
  this[carrierKey]?.lost()
}

export const probePacket = `${EnginePacketType.PING}probe`
export const probeAnswer = `${EnginePacketType.PONG}probe`
