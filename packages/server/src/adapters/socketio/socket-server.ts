/**
 * The socket server: Engine.IO 4 and Socket.IO 5 on any Node HTTP server, and the only place that knows them. It
 * serves one path and leaves everything else to whoever else listens.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ConnectionId, Refusal } from '@belfry/contract'
import type { Clock } from '../../engine/ports/clock.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Transport, TransportHandler } from '../../engine/ports/transport.ts'
import { createIdSource } from '../../engine/realtime/ids.ts'
import { Admission, type AdmissionCounts, defaultAdmissionBounds } from './admission.ts'
import { addressOf, createFindAddress, type TrustedProxies } from './client-address.ts'
import { WireConnection } from './connection.ts'
import { Doorway } from './doorway.ts'
import { EncodedEvent } from './encoded-event.ts'
import { Endings } from './endings.ts'
import { Flusher } from './flusher.ts'
import { answerPreflight, createOriginCheck, type SocketOrigins } from './origins.ts'
import { EnginePacketType } from './packets/engine-packets.ts'
import { msgpackCodec } from './packets/msgpack-codec.ts'
import { defaultPacketLimits } from './packets/packet.ts'
import { textCodec } from './packets/text-codec.ts'
import { PollingCarrier, respond } from './polling-carrier.ts'
import { probe } from './probe.ts'
import { TimerWheel } from './timer-wheel.ts'
import {
  endSocket,
  engineErrors,
  saidBy,
  TurnedAway,
  turnAwayRequest,
  turnAwayUpgrade,
} from './turned-away.ts'
import { WaitingPoll, WaitingUpgrade } from './waiting-handshakes.ts'
import { answerUpgrade } from './websocket/handshake.ts'
import { WebSocketCarrier, type WebSocketOptions } from './websocket-carrier.ts'
import type { Wire, WireOptions } from './wire.ts'

export interface SocketServerOptions {
  readonly handler: TransportHandler
  readonly clock: Clock
  readonly logger: Logger
  readonly origins: SocketOrigins
  readonly trustedProxies: TrustedProxies
  readonly parser: 'default' | 'msgpack'
  /** `/socket.io/` if absent; with a slash at both ends. */
  readonly path?: string | undefined
  readonly bounds?: Partial<WireOptions> | undefined
  /** Somebody looks at the headers of handshakes: they stay until then, a kilobyte or two each. */
  readonly keepsHandshakes?: boolean
  /** True from the moment on from which nobody new is let in. */
  isStopping?(): boolean
  /** Something that no honest client sends, for the log. */
  onSuspicion?(suspicion: { readonly reason: string; readonly address: string }): void
}

export interface SocketServer {
  readonly transport: Transport
  /** Serves the path on this server, whatever else it does. Ends with `close`. */
  attach(server: Server): void
  /** Bytes that wait for slow readers, of all connections. */
  queuedBytes(): number
  /** Who waits to be let in, and what became of those who came. */
  admission(): AdmissionCounts
  /** Closes every connection, so that clients go elsewhere or come back; resolves when the last has gone. */
  close(): Promise<void>
}

export const defaultWireOptions: WireOptions = {
  pingIntervalMs: 25_000,
  pingTimeoutMs: 20_000,
  maxPayloadBytes: 1_000_000,
  idleTimeoutMs: 45_000,
  /** Half a megabyte is some seconds of everything a busy client listens to; 10,000 slow readers hold 5 GB at worst. */
  queueBounds: { congestedBytes: 256 * 1_024, fullBytes: 512 * 1_024, overflowBytes: 2 * 1_024 * 1_024 },
  packetsPerSecondMax: 1_000,
  compressBeyondBytes: undefined,
  admission: defaultAdmissionBounds,
}

export function createSocketServer(options: SocketServerOptions): SocketServer {
  const { handler, clock, logger } = options
  const wireOptions = { ...defaultWireOptions, ...options.bounds }
  const path = options.path ?? '/socket.io/'
  const origins = createOriginCheck(options.origins)
  const findAddress = createFindAddress(options.trustedProxies)
  const userAgents = new UserAgents()
  const ids = createIdSource(randomBytes)
  const flusher = new Flusher()
  const wheel = new TimerWheel(clock)
  const codec = options.parser === 'msgpack' ? msgpackCodec : textCodec
  const detachers: (() => void)[] = []
  const suspect = (reason: string, address: string) => options.onSuspicion?.({ reason, address })
  const failed = (error: unknown) => logger.error({ error }, 'a packet of a client could not be handled')
  const door = new Doorway()
  const wire: Wire = {
    options: wireOptions,
    codec,
    packetLimits: { ...defaultPacketLimits, attachmentBytesMax: wireOptions.maxPayloadBytes },
    clock,
    wheel,
    flusher,
    connections: new Map(),
    suspicious: (connection, reason) => suspect(reason, connection.remoteAddress),
    admission: new Admission({ bounds: wireOptions.admission, door, failed }),
    endings: new Endings(),
    failed,
  }
  const { maxPayloadBytes, compressBeyondBytes } = wireOptions
  // One for all connections, not one for each.
  const plain: WebSocketOptions = { maxPayloadBytes, deflate: false, compressBeyondBytes: undefined }
  const compressed: WebSocketOptions = { maxPayloadBytes, deflate: true, compressBeyondBytes }
  let isClosing = false

  /** A connection, if the engine lets it in. */
  function open(request: IncomingMessage, carrier: PollingCarrier | WebSocketCarrier): void {
    if (isClosing) throw new TurnedAway(503, saidBy(new Refusal('shutting_down')))
    const userAgent = userAgents.known(request.headers['user-agent'] ?? '')
    const connection = new WireConnection(wire, {
      id: ids.sessionId() as ConnectionId,
      sid: ids.pid(),
      carrier,
      // A client that polls has many sockets, one after the other.
      address: carrier.name === 'polling' ? addressOf(findAddress(request)) : findAddress(request),
      userAgent,
      takesCursor: !withoutCursor.test(userAgent),
      handshake: options.keepsHandshakes
        ? { headers: request.headers, isOwnPage: origins.isOwnPage(request) }
        : undefined,
    })
    const opened = handler.open(connection)
    if (opened instanceof Refusal) throw new TurnedAway(503, saidBy(opened))
    wire.connections.set(connection.sid, connection)
    carrier.serve(connection)
    connection.start(opened, carrier.name === 'polling' ? ['websocket'] : [])
  }

  function serveRequest(request: IncomingMessage, response: ServerResponse): void {
    answering(response, () => {
      refuseForeign(request)
      origins.allowReading(request, response)
      if (request.method === 'OPTIONS') answerPreflight(response)
      else poll(request, response)
    })
  }

  function answering(response: ServerResponse, answer: () => void): void {
    try {
      answer()
    } catch (error) {
      turnAwayRequest(response, turnedAway(error))
    }
  }

  function poll(request: IncomingMessage, response: ServerResponse): void {
    const query = queryOf(request)
    if (query.transport !== 'polling') throw new TurnedAway(400, engineErrors.bad_request)
    const { sid } = query
    if (sid === null) {
      if (request.method !== 'GET') throw new TurnedAway(400, engineErrors.bad_method)
      const enter = () =>
        answering(response, () => {
          const carrier = new PollingCarrier(wireOptions.maxPayloadBytes)
          open(request, carrier)
          carrier.poll(response)
        })
      const refuse = () => turnAwayRequest(response, noTime())
      wire.admission.admit('connection', enter, () => new WaitingPoll(request, response, { enter, refuse }))
      return
    }
    wire.connections.get(sid)?.endIfLate()
    const carrier = wire.connections.get(sid)?.carrier
    // Who was let go while it was not asking hears of it now: a goodbye shares no body with events (R9).
    if (carrier === undefined && request.method === 'GET' && options.isStopping?.()) {
      respond(response, 200, 'text/plain; charset=UTF-8', EnginePacketType.CLOSE)
      return
    }
    if (carrier === undefined) throw new TurnedAway(400, engineErrors.unknown_session)
    // A connection that has moved to WebSocket is polled no more.
    if (carrier instanceof PollingCarrier && request.method === 'GET') carrier.poll(response)
    else if (carrier instanceof PollingCarrier && request.method === 'POST')
      carrier.receive(request, response)
    else throw new TurnedAway(400, engineErrors.bad_request)
  }

  function serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until a carrier listens, somebody has to.
    const onError = () => socket.destroy()
    socket.on('error', onError)
    upgrading(socket, () => {
      refuseForeign(request)
      const query = queryOf(request)
      if (query.transport !== 'websocket') throw new TurnedAway(400, engineErrors.bad_request)
      const answer = answerUpgrade(request, { deflate: wireOptions.compressBeyondBytes !== undefined })
      if (!answer.accepted) {
        endSocket(socket, answer.head)
        return
      }
      const { sid } = query
      const carry = () => new WebSocketCarrier(socket, answer.deflate ? compressed : plain)
      const enter = (early: Buffer) =>
        upgrading(socket, () => {
          beginWebSocket(request, sid, carry, answer.head).begin(early)
          socket.off('error', onError)
        })
      const refuse = () => turnAwayUpgrade(socket, noTime())
      const wait = () => new WaitingUpgrade(request, socket, head, { enter, refuse })
      // Whoever polls is in already.
      if (sid !== null) enter(head)
      else wire.admission.admit('connection', () => enter(head), wait)
    })
  }

  function upgrading(socket: Duplex, upgrade: () => void): void {
    try {
      upgrade()
    } catch (error) {
      turnAwayUpgrade(socket, turnedAway(error))
    }
  }

  function noTime(): TurnedAway {
    return new TurnedAway(503, saidBy(new Refusal('overloaded')))
  }

  /** A new connection, or one that was polling so far. */
  function beginWebSocket(
    request: IncomingMessage,
    sid: string | null,
    carry: () => WebSocketCarrier,
    head: string,
  ): WebSocketCarrier {
    if (sid === null) {
      const carrier = carry()
      open(request, carrier)
      carrier.greet(head)
      return carrier
    }
    const known = wire.connections.get(sid)
    if (known === undefined) throw new TurnedAway(400, engineErrors.unknown_session)
    const carrier = carry()
    carrier.sendHead(head)
    if (known.carrier instanceof PollingCarrier) probe(known, known.carrier, carrier)
    // A connection has one WebSocket: another one is closed, as clients of Engine.IO expect it, and harms nobody.
    else carrier.end('malformed_packet')
    return carrier
  }

  function refuseForeign(request: IncomingMessage): void {
    if (origins.isAllowed(request)) return
    suspect('foreign origin', addressOf(findAddress(request)))
    throw new TurnedAway(403, engineErrors.forbidden)
  }

  function turnedAway(error: unknown): TurnedAway {
    if (error instanceof TurnedAway) return error
    wire.failed(error)
    return new TurnedAway(500, engineErrors.bad_request)
  }

  return {
    transport: { pack: (event) => new EncodedEvent(event, codec) },
    attach(server) {
      detachers.push(door.follow(server), attachTo(server, path, door, serveRequest, serveUpgrade))
    },
    queuedBytes() {
      let bytes = 0
      for (const connection of wire.connections.values()) bytes += connection.queuedBytes
      return bytes
    },
    admission: () => wire.admission.counts,
    async close() {
      isClosing = true
      for (const connection of wire.connections.values()) connection.close('shutting_down')
      // Goodbyes leave with the next flush.
      while (wire.connections.size > 0) await new Promise((resolve) => setImmediate(resolve))
      for (const detach of detachers) detach()
      wheel.close()
      flusher.close()
    },
  }
}

/** Clients that fail on an argument more than their handlers take (R14). */
const withoutCursor = /^(?:python-|Python\/|Dart\/)/

function attachTo(
  server: Server,
  path: string,
  door: Doorway,
  serveRequest: (request: IncomingMessage, response: ServerResponse) => void,
  serveUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): () => void {
  const bare = path.slice(0, -1)
  const isOurs = ({ url = '' }: IncomingMessage) =>
    url.startsWith(bare) && (url.length === bare.length || url.startsWith(path) || url[bare.length] === '?')
  const others = server.listeners('request') as ((
    request: IncomingMessage,
    response: ServerResponse,
  ) => void)[]
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    door.asked(request.socket)
    if (isOurs(request)) serveRequest(request, response)
    else for (const listener of others) listener.call(server, request, response)
  }
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    door.asked(request.socket)
    if (isOurs(request)) serveUpgrade(request, socket, head)
    // Nobody else would answer it, and the client would wait for ever.
    else if (server.listenerCount('upgrade') === 1)
      turnAwayUpgrade(socket, new TurnedAway(404, engineErrors.bad_request))
  }
  server.removeAllListeners('request')
  server.on('request', onRequest)
  server.on('upgrade', onUpgrade)
  return () => {
    server.off('request', onRequest)
    server.off('upgrade', onUpgrade)
    for (const listener of others) server.on('request', listener)
  }
}

interface EngineQuery {
  readonly transport: 'polling' | 'websocket'
  /** Of a connection that there is already. */
  readonly sid: string | null
}

/** What stock clients ask with for a new WebSocket: most of all queries, and not worth 2 µs of each connect. */
const newWebSocket = '?EIO=4&transport=websocket'

/** Of a request that speaks our version of the protocol. */
function queryOf({ url = '' }: IncomingMessage): EngineQuery {
  const mark = url.indexOf('?')
  if (mark === url.length - newWebSocket.length && url.endsWith(newWebSocket))
    return { transport: 'websocket', sid: null }
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const transport = query.get('transport')
  if (transport !== 'polling' && transport !== 'websocket')
    throw new TurnedAway(400, engineErrors.unknown_transport)
  if (query.get('EIO') !== '4') throw new TurnedAway(400, engineErrors.unsupported_protocol)
  return { transport, sid: query.get('sid') }
}

/** Kinds of clients are few: each is kept once, and not with every connection. */
class UserAgents {
  readonly #known = new Map<string, string>()

  known(userAgent: string): string {
    const text = userAgent.slice(0, userAgentLengthMax)
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (this.#known.size < userAgentsMax) this.#known.set(text, text)
    return text
  }
}

const userAgentLengthMax = 256
const userAgentsMax = 1_000
