/**
 * One client: its transport, its queue, its heartbeat, and its sessions. All that leaves passes through `enqueue`,
 * all that comes in through `received`.
 *
 *   handshake → polling ⇄ (probe) → websocket → over
 *             → websocket                     → over
 */
import type { ConnectionId } from '@belfry/contract'
import type { CloseReason, Connection, ConnectionHandler, Handshake } from '../../engine/ports/transport.ts'
import { type Address, addressOf } from './client-address.ts'
import { enginePackets, Outgoing } from './encoded-event.ts'
import type { Ending } from './endings.ts'
import type { Flushable, Joiner } from './flusher.ts'
import { type LineState, OutgoingQueue } from './outgoing-queue.ts'
import {
  decodeTextPacket,
  type EnginePacket,
  EnginePacketType,
  openPacket,
} from './packets/engine-packets.ts'
import { MalformedPacket } from './packets/malformed-packet.ts'
import { type InboundPacket, type Message, type PacketReader, PacketType } from './packets/packet.ts'
import { SessionLink } from './session-link.ts'
import { type Timed, tickMs } from './timer-wheel.ts'
import type { Wire } from './wire.ts'

/** What carries the packets of a connection; replaced once when a client upgrades. */
export interface Carrier extends LineState {
  readonly name: 'websocket' | 'polling'
  /** Takes from the queue what the line takes now; asks for another flush when it takes more. */
  write(queue: OutgoingQueue, joiner: Joiner): void
  /** After this nothing leaves any more. `notice` is the last packet, if the client shall have one. */
  end(reason: CloseReason): void
}

/** How long a client has to take a goodbye before its socket is cut. */
export const goodbyeMs = 3_000

/** The client reads no goodbye any more, or is not worth one. */
export const cutOff: ReadonlySet<CloseReason> = new Set([
  'slow_reader',
  'ping_timeout',
  'transport_failed',
  'flood',
])

/** Namespaces of one connection, at most. */
const linksMax = 64

export class WireConnection implements Connection, Ending, Flushable, Timed {
  previousTimed: Timed | undefined
  nextTimed: Timed | undefined
  dueTick = -1
  /** For operators and logs. */
  readonly id: ConnectionId
  /** Known to the client alone: who has it can speak for this connection. */
  readonly sid: string
  readonly wire: Wire
  readonly userAgent: string
  readonly takesCursor: boolean
  readonly openedAtMs: number
  roundTripMs: number | undefined
  #address: Address
  #handshake: Handshake | undefined
  readonly #queue = new OutgoingQueue()
  readonly #reader: PacketReader
  /** One for each namespace: few, so that looking through them takes no longer than a table, and less memory. */
  #links: readonly SessionLink[] = []
  #carrier: Carrier
  #handler: ConnectionHandler | undefined
  #isQueuedForFlush = false
  #isAwaitingRoom = false
  #closing: CloseReason | undefined
  #isOver = false
  /** Since when it has no session; 0: it has one. */
  #unusedSinceMs: number
  #openLinks = 0
  /** When the last ping left; 0: none waits for its answer. */
  #pingSentAtMs = 0
  #wasAwaitingAttachments = false
  /** Of the messages that the next packet is made of. */
  #packetBytes = 0
  #requestCount = 0
  #packetsInSecond = 0
  #second = 0

  constructor(
    wire: Wire,
    of: {
      readonly id: ConnectionId
      readonly sid: string
      readonly carrier: Carrier
      readonly address: Address
      readonly userAgent: string
      readonly takesCursor: boolean
      readonly handshake: Handshake | undefined
    },
  ) {
    this.wire = wire
    this.id = of.id
    this.sid = of.sid
    this.#carrier = of.carrier
    this.#address = of.address
    this.userAgent = of.userAgent
    this.takesCursor = of.takesCursor
    this.#handshake = of.handshake
    this.openedAtMs = wire.clock.now()
    this.#unusedSinceMs = this.openedAtMs
    this.#reader = wire.codec.createReader(wire.packetLimits)
  }

  get transport(): 'websocket' | 'polling' {
    return this.#carrier.name
  }

  get carrier(): Carrier {
    return this.#carrier
  }

  get remoteAddress(): string {
    if (typeof this.#address !== 'string') this.#address = addressOf(this.#address)
    return this.#address
  }

  takeHandshake(): Handshake | undefined {
    const handshake = this.#handshake
    this.#handshake = undefined
    return handshake
  }

  get queuedBytes(): number {
    return this.#queue.bytes + this.#carrier.pendingBytes
  }

  get isOpen(): boolean {
    return !this.#isOver && this.#closing === undefined
  }

  /** After the engine took it in: the first packet, and the first deadline. */
  start(handler: ConnectionHandler, upgrades: readonly string[]): void {
    this.#handler = handler
    const { pingIntervalMs, pingTimeoutMs, maxPayloadBytes } = this.wire.options
    const handshake = {
      sid: this.sid,
      upgrades,
      pingInterval: pingIntervalMs,
      pingTimeout: pingTimeoutMs,
      maxPayload: maxPayloadBytes,
    }
    this.enqueue(new Outgoing([openPacket(handshake)]))
    this.wire.wheel.set(this, Math.min(this.wire.options.idleTimeoutMs, pingIntervalMs - tickMs))
  }

  linkOpened(): void {
    this.#openLinks += 1
    this.#unusedSinceMs = 0
  }

  linkEnded(): void {
    this.#openLinks -= 1
    if (this.#openLinks === 0) this.#unusedSinceMs = this.wire.clock.now()
  }

  /** What its sessions are told alone. */
  enqueue(outgoing: Outgoing): void {
    if (!this.isOpen) return
    this.#queue.pushAlways(outgoing)
    if (this.queuedBytes > this.wire.options.queueBounds.overflowBytes) this.close('slow_reader')
    else this.requestFlush()
  }

  /** False: there is no room for it. */
  enqueueEvent(outgoing: Outgoing): boolean {
    if (!this.isOpen) return true
    const enqueued = this.#queue.push(outgoing, this.#carrier, this.wire.options.queueBounds)
    if (enqueued === 'queued') this.requestFlush()
    return enqueued !== 'refused'
  }

  get paceBytes(): number {
    return this.wire.options.queueBounds.congestedBytes / 4
  }

  awaitRoom(): void {
    this.#isAwaitingRoom = true
  }

  /** Something left: who waits for room may have it now. */
  hasLeft(): void {
    if (!this.#queue.isEmpty) this.requestFlush()
    this.#tellRoom()
  }

  #tellRoom(): void {
    if (!this.#isAwaitingRoom || !this.isOpen) return
    if (this.#carrier.isBlocked || this.#queue.bytes > this.paceBytes / 2) return
    this.#isAwaitingRoom = false
    for (const link of this.#links) this.#guarded(() => link.hasRoom())
  }

  /** Counted over all sessions: an answer that comes too late finds no younger request under its number. */
  nextRequestId(): number {
    this.#requestCount += 1
    return this.#requestCount
  }

  sendPackets(messages: readonly Message[]): void {
    this.enqueue(new Outgoing(enginePackets(messages)))
  }

  requestFlush(): void {
    if (this.#isQueuedForFlush) return
    this.#isQueuedForFlush = true
    this.wire.flusher.add(this)
  }

  flush(joiner: Joiner): void {
    this.#isQueuedForFlush = false
    if (this.#isOver) return
    try {
      if (!this.#queue.isEmpty) this.#carrier.write(this.#queue, joiner)
    } catch (error) {
      // Whatever it is, the connections after this one are to be served.
      this.wire.failed(error)
      this.#closing ??= 'transport_failed'
    }
    if (this.#closing !== undefined) this.#end(this.#closing)
    else this.#tellRoom()
  }

  get hasWaiting(): boolean {
    return !this.#queue.isEmpty
  }

  /** Ends it at the end of the tick, after what was sent before: the engine is not called back from within (TR4). */
  close(reason: CloseReason): void {
    if (!this.isOpen) return
    this.#closing = reason
    this.requestFlush()
  }

  /** The line is gone: there is nothing to write to any more. */
  lost(reason: CloseReason): void {
    if (!this.#isOver) this.#end(this.#closing ?? reason)
  }

  /** The same of a line that broke by itself, perhaps with thousands of others: from now on nothing is sent. */
  broken(): void {
    if (this.#isOver) return
    this.#closing ??= 'transport_failed'
    this.wire.endings.add(this)
  }

  end(): void {
    this.lost('transport_failed')
  }

  /** What came is no frame, or too large a one. */
  violated(reason: 'malformed_packet' | 'too_large'): void {
    if (!this.isOpen) return
    this.wire.suspicious(this, reason === 'too_large' ? 'message too large' : 'malformed frame')
    this.close(reason)
  }

  /** A client that upgrades: what waits leaves over the new transport. */
  upgrade(carrier: Carrier): void {
    this.#carrier = carrier
    if (!this.#queue.isEmpty) this.requestFlush()
  }

  /** A ping of WebSocket itself: a packet like others. False when it deserves no answer. */
  pinged(): boolean {
    return this.isOpen && this.#countPacket()
  }

  /** One Engine.IO packet from the client: text with its type, or bytes. */
  received(packet: Message): void {
    if (!this.isOpen || !this.#countPacket()) return
    this.#guarded(() => {
      if (typeof packet === 'string') this.#packet(decodeTextPacket(packet), Buffer.byteLength(packet))
      else this.#message(packet, packet.byteLength)
    })
  }

  /** The same, of a body of polling. */
  receivedAll(packets: readonly EnginePacket[]): void {
    for (const packet of packets) {
      if (!this.isOpen || !this.#countPacket()) return
      this.#guarded(() => this.#packet(packet, Buffer.byteLength(packet.data)))
    }
  }

  #packet({ type, data }: EnginePacket, bytes: number): void {
    if (type === EnginePacketType.MESSAGE) this.#message(data, bytes)
    else if (type === EnginePacketType.PONG) this.#pong()
    else if (type === EnginePacketType.CLOSE) this.lost('client_closed')
    else if (type !== EnginePacketType.NOOP) this.#refuse('engine_type')
  }

  #guarded(read: () => void): void {
    try {
      read()
    } catch (error) {
      if (error instanceof MalformedPacket) {
        this.#refuse(error.reason)
        return
      }
      // A mistake of ours, which is not to harm the client's neighbours (TR8).
      this.wire.failed(error)
      this.close('transport_failed')
    }
  }

  onDue(): void {
    if (!this.isOpen) return
    if (this.#pingSentAtMs !== 0) {
      this.lost('ping_timeout')
      return
    }
    const nowMs = this.wire.clock.now()
    if (this.#unusedSinceMs !== 0 && nowMs - this.#unusedSinceMs >= this.wire.options.idleTimeoutMs) {
      this.close('idle_connection')
      return
    }
    if (this.#reader.hasPendingAttachments) {
      if (this.#wasAwaitingAttachments) {
        this.#refuse('attachments never came')
        return
      }
      this.#wasAwaitingAttachments = true
    }
    this.#pingSentAtMs = nowMs
    this.enqueue(ping)
    this.wire.wheel.set(this, this.wire.options.pingTimeoutMs)
  }

  /** The wheel notices up to a tick later that the time is over; a request that comes meanwhile comes too late. */
  endIfLate(): void {
    const isLate =
      this.#pingSentAtMs !== 0 &&
      this.wire.clock.now() - this.#pingSentAtMs >= this.wire.options.pingTimeoutMs
    if (isLate) this.lost('ping_timeout')
  }

  #pong(): void {
    if (this.#pingSentAtMs === 0) return
    this.roundTripMs = this.wire.clock.now() - this.#pingSentAtMs
    this.#pingSentAtMs = 0
    this.wire.wheel.set(this, this.wire.options.pingIntervalMs - tickMs)
  }

  #message(message: Message, bytes: number): void {
    this.#packetBytes += bytes
    const packet = this.#reader.push(message)
    if (packet === undefined) return
    this.#wasAwaitingAttachments = false
    const packetBytes = this.#packetBytes
    this.#packetBytes = 0
    if (packet.type === PacketType.CONNECT) {
      this.#enter(packet.namespace, packet.auth ?? {}, packetBytes)
      return
    }
    const link = this.#linkTo(packet.namespace)
    // It was on its way when the session ended.
    if (link?.isOver) return
    if (link?.isOpen) this.#toSession(link, packet, packetBytes)
    else this.#refuse('not connected to the namespace')
  }

  #toSession(link: SessionLink, packet: Exclude<InboundPacket, { type: 0 }>, bytes: number): void {
    if (packet.type === PacketType.EVENT) link.received(packet, bytes)
    else if (packet.type === PacketType.ACK) link.answered(packet)
    else link.end('client_left')
  }

  #enter(namespace: string, auth: Readonly<Record<string, unknown>>, bytes: number): void {
    const known = this.#linkTo(namespace)
    if (known === undefined && this.#links.length >= linksMax) {
      this.#refuse('too many namespaces')
      return
    }
    // A stock client that gave up before it was let in says nothing of it, and asks again.
    known?.end('client_left')
    const link = new SessionLink(this, namespace)
    this.#links = [...this.#links.filter((other) => other !== known), link]
    const enter = () => this.#handler?.enter(link, namespace, auth)
    this.wire.admission.admit('session', enter, () => ({
      get isGone() {
        return !link.isWaiting
      },
      bytes,
      enter: () => this.#guarded(enter),
      refuse: () => this.close('closed_by_server'),
    }))
  }

  #linkTo(namespace: string): SessionLink | undefined {
    return this.#links.find((link) => link.namespace === namespace)
  }

  /** False when there were too many: a flood of packets of any kind costs its sender the connection. */
  #countPacket(): boolean {
    const second = Math.floor(this.wire.clock.now() / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#packetsInSecond = 0
    }
    this.#packetsInSecond += 1
    if (this.#packetsInSecond <= this.wire.options.packetsPerSecondMax) return true
    this.wire.suspicious(this, 'flood of packets')
    this.close('flood')
    return false
  }

  #refuse(reason: string): void {
    this.wire.suspicious(this, `malformed packet: ${reason}`)
    this.close('malformed_packet')
  }

  #end(reason: CloseReason): void {
    this.#isOver = true
    this.wire.wheel.clear(this)
    this.wire.connections.delete(this.sid)
    this.#carrier.end(reason)
    for (const link of this.#links) link.end(reason)
    this.#links = []
    const handler = this.#handler
    this.#handler = undefined
    handler?.closed(reason)
  }
}

const ping = new Outgoing([EnginePacketType.PING])
