/**
 * The transport without a wire: its clients are objects of the same process. It keeps the promises of
 * ports/transport.ts and nothing more, so that what is tested over it holds over sockets too.
 *
 *   const memory = createMemoryTransport({ handler: realtime.handler, clock })
 *   realtime.use(memory.transport)
 *   const session = memory.connect().open('/posts', { token })
 *   await session.entered
 *   await session.ask('post:view', { postId: '1' })
 *
 * What is sent arrives at the end of the tick, or with `flush()`.
 */
import { type ConnectionId, Refusal, type SessionId } from '@belfry/contract'
import type { Clock } from '../ports/clock.ts'
import type {
  CloseReason,
  Connection,
  ConnectionHandler,
  Handshake,
  IncomingCommand,
  LeaveReason,
  Link,
  OutgoingEvent,
  Packet,
  SessionHandler,
  Transport,
  TransportHandler,
} from '../ports/transport.ts'
import { carried, measured, placed } from './carried-values.ts'
import {
  createMemoryClient,
  type Delivery,
  type Line,
  type LineReceiver,
  type MemoryClient,
} from './transport-client.ts'

export interface MemoryTransportOptions {
  readonly handler: TransportHandler
  readonly clock: Clock
  readonly bounds?: MemoryQueueBounds
}

export interface MemoryQueueBounds {
  /** Beyond it, `pulse` is dropped and `latest` replaced (TR4). */
  readonly congestedBytes: number
  /** Beyond it, events are refused until there is room again. */
  readonly fullBytes: number
  /** Beyond it, the connection is closed as `slow_reader`. */
  readonly overflowBytes: number
}

export interface MemoryTransport {
  readonly transport: Transport
  /** A client at the door. Whether it was let in, it knows at once. */
  connect(options?: MemoryConnectOptions): MemoryClient
  /** Delivers now what would arrive at the end of the tick, and what that causes. */
  flush(): void
  /** What the engine threw when a client said something; each cost that client its connection (TR8). */
  readonly failures: readonly unknown[]
}

export interface MemoryConnectOptions {
  readonly remoteAddress?: string
  readonly userAgent?: string
  readonly takesCursor?: boolean
  readonly handshake?: Handshake
  /** Whether it comes back by itself when its connection was closed or lost, as a stock client does. */
  readonly comesBack?: boolean
}

/** As the socket server has them. */
const defaultBounds: MemoryQueueBounds = {
  congestedBytes: 256 * 1_024,
  fullBytes: 512 * 1_024,
  overflowBytes: 2 * 1_024 * 1_024,
}

export function createMemoryTransport(options: MemoryTransportOptions): MemoryTransport {
  const { handler, clock, bounds = defaultBounds } = options
  const failures: unknown[] = []
  const due = new Set<MemoryConnection>()
  let connections = 0
  let isScheduled = false

  const flush = () => {
    // Grows while it is walked: what arrives makes clients and the engine say more.
    for (const connection of due) {
      due.delete(connection)
      connection.deliver()
    }
  }
  const shared: Shared = {
    bounds,
    clock,
    failed: (error) => failures.push(error),
    schedule(connection) {
      due.add(connection)
      if (isScheduled) return
      isScheduled = true
      queueMicrotask(() => {
        isScheduled = false
        flush()
      })
    },
  }
  return {
    transport: { pack: (event) => new MemoryPacket(event) },
    connect: (connectOptions = {}) =>
      createMemoryClient(clock, connectOptions.comesBack ?? false, (receiver) => {
        connections += 1
        const id = `memory-${connections}` as ConnectionId
        const connection = new MemoryConnection(shared, id, connectOptions, receiver)
        const opened = handler.open(connection)
        if (opened instanceof Refusal) return opened
        connection.start(opened)
        return connection
      }),
    flush,
    failures,
  }
}

/** What all connections share. */
interface Shared {
  readonly bounds: MemoryQueueBounds
  readonly clock: Clock
  failed(error: unknown): void
  schedule(connection: MemoryConnection): void
}

class MemoryPacket implements Packet {
  readonly lane: Packet['lane']
  readonly bytes: number
  readonly #event: OutgoingEvent

  constructor(event: OutgoingEvent) {
    this.lane = event.lane
    // Whoever packed it may go on using its object: what was packed stays as it was (TR3).
    this.#event = { ...event, attachments: event.attachments.map((bytes) => bytes.slice()) }
    this.bytes = event.data.length + event.attachments.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  get key(): string | undefined {
    const { namespace, name, key } = this.#event
    return key === undefined ? undefined : `${namespace}\n${name}\n${key}`
  }

  /** A copy for one client, which may do with it what it likes. */
  unpack(cursorMode: boolean): Delivery {
    const { namespace, name, data, attachments, cursor } = this.#event
    return {
      kind: 'event',
      namespace,
      name,
      data: placed(data, attachments),
      cursor: cursorMode ? cursor : undefined,
    }
  }
}

/** What waits to reach a client; made when it does. */
interface Waiting {
  readonly lane: Packet['lane']
  readonly key: string | undefined
  readonly bytes: number
  readonly make: () => Delivery
}

/** Of everything that is no event: its size hardly matters. */
const smallBytes = 64

class MemoryConnection implements Connection, Line {
  #handshake: Handshake | undefined
  readonly id: ConnectionId
  readonly remoteAddress: string
  readonly userAgent: string
  readonly takesCursor: boolean
  readonly openedAtMs: number
  readonly transport = 'websocket'
  readonly roundTripMs = undefined
  readonly shared: Shared
  queuedBytes = 0
  /** Requests of all its sessions: an answer that comes too late finds no younger request under its number. */
  requests = 0
  readonly #receiver: LineReceiver
  readonly #links = new Map<string, MemoryLink>()
  #waiting: Waiting[] = []
  #handler: ConnectionHandler | undefined
  #closing: CloseReason | undefined
  #isOver = false
  #isPaused = false
  #isAwaitingRoom = false

  constructor(shared: Shared, id: ConnectionId, options: MemoryConnectOptions, receiver: LineReceiver) {
    this.shared = shared
    this.id = id
    this.remoteAddress = options.remoteAddress ?? '127.0.0.1'
    this.userAgent = options.userAgent ?? 'memory'
    this.takesCursor = options.takesCursor ?? true
    this.#handshake = options.handshake
    this.openedAtMs = shared.clock.now()
    this.#receiver = receiver
  }

  get isOpen(): boolean {
    return !this.#isOver && this.#closing === undefined
  }

  takeHandshake(): Handshake | undefined {
    const handshake = this.#handshake
    this.#handshake = undefined
    return handshake
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  close(reason: CloseReason): void {
    if (!this.isOpen) return
    this.#closing = reason
    this.shared.schedule(this)
  }

  /** False: there is no room for it. */
  enqueueEvent(waiting: Waiting): boolean {
    if (!this.isOpen) return true
    const { congestedBytes, fullBytes } = this.shared.bounds
    const total = this.queuedBytes + waiting.bytes
    if (total > congestedBytes) {
      if (waiting.lane === 'pulse') return true
      if (waiting.key !== undefined) this.#remove(waiting.key)
      if (this.queuedBytes + waiting.bytes > fullBytes && total > waiting.bytes) return false
    }
    this.#append(waiting)
    return true
  }

  enqueue(waiting: Waiting): void {
    if (!this.isOpen) return
    this.#append(waiting)
    if (this.queuedBytes > this.shared.bounds.overflowBytes) this.close('slow_reader')
  }

  #append(waiting: Waiting): void {
    this.#waiting.push(waiting)
    this.queuedBytes += waiting.bytes
    this.shared.schedule(this)
  }

  get paceBytes(): number {
    return this.shared.bounds.congestedBytes / 4
  }

  awaitRoom(): void {
    this.#isAwaitingRoom = true
  }

  /** The follower of what is removed goes to the tail, behind what was sent meanwhile (R4). */
  #remove(key: string): void {
    this.#waiting = this.#waiting.filter((waiting) => {
      if (waiting.key === key) this.queuedBytes -= waiting.bytes
      return waiting.key !== key
    })
  }

  deliver(): void {
    while (!this.#isOver && !this.#isPaused) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      this.queuedBytes -= next.bytes
      this.#receiver.delivery(next.make())
    }
    if (this.#closing !== undefined) this.lost(this.#closing)
    else if (this.#isAwaitingRoom && !this.#isOver && this.queuedBytes <= this.paceBytes / 2) {
      this.#isAwaitingRoom = false
      for (const link of this.#links.values()) this.#said(() => link.hasRoom())
    }
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.shared.schedule(this)
  }

  enter(namespace: string, auth: Readonly<Record<string, unknown>>): void {
    this.#said(() => {
      this.#links.get(namespace)?.end('client_left')
      const link = new MemoryLink(this, namespace)
      this.#links.set(namespace, link)
      this.#handler?.enter(link, namespace, carried(auth) as Readonly<Record<string, unknown>>)
    })
  }

  command(namespace: string, name: string, args: readonly unknown[], id: number | undefined): void {
    this.#said(() => {
      const sent = args.map(carried)
      this.#links.get(namespace)?.received({ name, args: sent, id, ...measured(name, sent) })
    })
  }

  answered(namespace: string, id: number, answer: unknown): void {
    this.#said(() => this.#links.get(namespace)?.answered(id, carried(answer)))
  }

  leave(namespace: string): void {
    this.#said(() => this.#links.get(namespace)?.end('client_left'))
  }

  lost(why: CloseReason): void {
    if (this.#isOver) return
    const reason = this.#closing ?? why
    this.#isOver = true
    this.#waiting = []
    this.queuedBytes = 0
    for (const link of this.#links.values()) link.end(reason)
    this.#links.clear()
    this.#handler?.closed(reason)
    this.#receiver.ended(reason)
  }

  /** What the engine cannot bear costs the client that said it its connection, and nobody else (TR8). */
  #said(say: () => void): void {
    if (!this.isOpen) return
    try {
      say()
    } catch (error) {
      this.shared.failed(error)
      this.close('transport_failed')
    }
  }
}

class MemoryLink implements Link {
  readonly connection: MemoryConnection
  readonly namespace: string
  #state: 'waiting' | 'open' | 'over' = 'waiting'
  #handler: SessionHandler | undefined
  #cursorMode = false
  #awaitsRoom = false
  readonly #requests = new Map<number, Request>()

  constructor(connection: MemoryConnection, namespace: string) {
    this.connection = connection
    this.namespace = namespace
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting' && this.connection.isOpen
  }

  accept(
    handler: SessionHandler,
    { id, pid, cursorMode }: { readonly id: SessionId; readonly pid: string; readonly cursorMode: boolean },
  ): void {
    if (!this.isWaiting) return
    this.#state = 'open'
    this.#handler = handler
    this.#cursorMode = cursorMode
    this.#enqueue({ kind: 'accepted', namespace: this.namespace, id, pid })
  }

  refuse({ code, message }: Refusal): void {
    if (!this.isWaiting) return
    this.#state = 'over'
    this.#enqueue({ kind: 'refused', namespace: this.namespace, code, message })
  }

  send(packet: Packet): boolean {
    return this.#state !== 'open' || this.connection.enqueueEvent(this.#waitingOf(packet))
  }

  tell(packet: Packet): void {
    if (this.#state === 'open') this.connection.enqueue(this.#waitingOf(packet))
  }

  #waitingOf(packet: Packet): Waiting {
    const { lane, key, bytes } = packet as MemoryPacket
    return { lane, key, bytes, make: () => (packet as MemoryPacket).unpack(this.#cursorMode) }
  }

  awaitRoom(): void {
    if (this.#state !== 'open') return
    this.#awaitsRoom = true
    this.connection.awaitRoom()
  }

  hasRoom(): void {
    if (!this.#awaitsRoom) return
    this.#awaitsRoom = false
    this.#handler?.hasRoom()
  }

  answer(id: number, answer: unknown): void {
    if (this.#state !== 'open') return
    this.#enqueue({ kind: 'answer', namespace: this.namespace, id, answer: carried(answer) })
  }

  request(event: OutgoingEvent, timeoutMs: number): Promise<unknown> {
    if (this.#state !== 'open') return Promise.reject(new Refusal('disconnected'))
    const { namespace, name } = event
    const { clock } = this.connection.shared
    this.connection.requests += 1
    const id = this.connection.requests
    return new Promise((resolve, reject) => {
      const over = () => {
        stop()
        this.#requests.delete(id)
      }
      const stop = clock.every(timeoutMs, () => {
        over()
        reject(new Refusal('timeout', `The client did not answer ${name} in ${timeoutMs} milliseconds.`))
      })
      this.#requests.set(id, {
        answered(answer) {
          over()
          resolve(answer)
        },
        abandoned() {
          over()
          reject(new Refusal('disconnected'))
        },
      })
      this.#enqueue({ kind: 'request', namespace, name, data: placed(event.data, event.attachments), id })
    })
  }

  disconnect(): void {
    if (this.#state !== 'open') return
    this.#enqueue({ kind: 'goodbye', namespace: this.namespace })
    this.end('disconnected_by_server')
  }

  received(command: IncomingCommand): void {
    this.#handler?.command(command)
  }

  answered(id: number, answer: unknown): void {
    this.#requests.get(id)?.answered(answer)
  }

  end(reason: LeaveReason): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    for (const request of this.#requests.values()) request.abandoned()
    const handler = this.#handler
    this.#handler = undefined
    handler?.left(reason)
  }

  #enqueue(delivery: Delivery): void {
    this.connection.enqueue({ lane: 'stream', key: undefined, bytes: smallBytes, make: () => delivery })
  }
}

/** One that waits for its client. */
interface Request {
  answered(answer: unknown): void
  abandoned(): void
}
