/**
 * The way between clients and the engine. A transport knows a wire protocol; the engine knows users, rooms and
 * events. A client is one connection, and opens one session on each namespace that it uses.
 *
 * TR1  What is sent to the sessions of one connection arrives in the order in which it was sent: events, answers,
 *      requests and goodbyes pass through one queue.
 * TR2  Nothing of a namespace arrives before its session was accepted, and nothing after its goodbye.
 * TR3  A packet is made once for all its recipients; sending it does not change it.
 * TR4  Sending neither throws nor waits nor calls back into the engine. Where a queue passes its first bound, packets of
 *      the lane `pulse` are dropped and those of the lane `latest` replaced by newer ones of the same key. Where it
 *      passes the second, `send` answers false: the packet was not taken, as none of its session is until there is
 *      room again, which `hasRoom` tells once to a session that called `awaitRoom` (R7). An empty queue takes any
 *      packet. What a session is told alone (`tell`, answers, requests, goodbyes) is taken beyond that; a client for
 *      which even this is too much is closed as `slow_reader`.
 * TR5  `closed` is told once for every connection that was opened, after `left` of each of its sessions.
 * TR6  A request resolves with what the client answered, or is refused with `disconnected` or `timeout`.
 * TR7  After `disconnect` the client stays away from the namespace by itself; after `close` it comes back.
 * TR8  What a client sends reaches the engine as one of the calls below, or ends the connection of that client alone.
 */
import type { ConnectionId, Lane, Refusal, SessionId } from '@belfry/contract'

export interface Transport {
  pack(event: OutgoingEvent): Packet
}

export interface OutgoingEvent {
  readonly namespace: string
  readonly name: string
  /** JSON text of an object, `_meta` included; binary fields are `{"_placeholder":true,"num":0}`. */
  readonly data: string
  readonly attachments: readonly Uint8Array[]
  /** The last argument for sessions that take it (R3); a request has none (R8). */
  readonly cursor: string | undefined
  readonly lane: Lane
  /** Of the lane `latest`: what it replaces. */
  readonly key: string | undefined
}

/** An event ready to be sent to any number of sessions; only the transport that made it looks inside. */
export interface Packet {
  readonly lane: Lane
  /** Of one copy on the wire, about. */
  readonly bytes: number
}

/** How a client first asked for its connection, for those who know people by their cookies. */
export interface Handshake {
  /** In small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /**
   * A page of this server or of an origin that is allowed by name made the browser ask: what the browser adds to it, such
   * as cookies, may be believed.
   */
  readonly isOwnPage: boolean
}

/** One client, over whatever carries it. */
export interface Connection {
  readonly id: ConnectionId
  readonly remoteAddress: string
  readonly userAgent: string
  readonly openedAtMs: number
  readonly transport: 'websocket' | 'polling'
  /** Of the last ping that was answered; `undefined` before. */
  readonly roundTripMs: number | undefined
  readonly queuedBytes: number
  /** A session that reads the log sends no more while so much waits: what is in the queue cannot be told anew. */
  readonly paceBytes: number
  /** Whether this kind of client can take a cursor as the last argument of an event (R14). */
  readonly takesCursor: boolean
  /** Once, and then it is forgotten; `undefined` as well where nobody asked to keep it. */
  takeHandshake(): Handshake | undefined
  close(reason: CloseReason): void
}

/** The way of one session to its client. */
export interface Link {
  readonly connection: Connection
  /** True until it was accepted or refused, or the client went away. */
  readonly isWaiting: boolean
  accept(
    handler: SessionHandler,
    ids: { readonly id: SessionId; readonly pid: string; readonly cursorMode: boolean },
  ): void
  /** The client does not try again by itself (R10). */
  refuse(refusal: Refusal): void
  /** False: there is no room for it, and it was not taken. */
  send(packet: Packet): boolean
  /** For what one session is told alone, outside of the log. */
  tell(packet: Packet): void
  /** `hasRoom` of the handler is called, once, when most of what waits has left. */
  awaitRoom(): void
  answer(commandId: number, answer: unknown): void
  request(event: OutgoingEvent, timeoutMs: number): Promise<unknown>
  disconnect(): void
}

/** Implemented by the engine. */
export interface TransportHandler {
  /** A client is at the door; a refusal that may pass keeps it outside until it tries again. */
  open(connection: Connection): ConnectionHandler | Refusal
}

export interface ConnectionHandler {
  /** Answered by `accept` or `refuse` of the link, at once or later; the link may have gone by then. */
  enter(link: Link, namespace: string, auth: Readonly<Record<string, unknown>>): void
  closed(reason: CloseReason): void
}

export interface SessionHandler {
  command(command: IncomingCommand): void
  hasRoom(): void
  left(reason: LeaveReason): void
}

export interface IncomingCommand {
  readonly name: string
  readonly args: readonly unknown[]
  /** Levels of lists and objects in the deepest argument. */
  readonly depth: number
  readonly bytes: number
  /** Absent: the client does not wait for an answer (R19). */
  readonly id: number | undefined
}

/** Why a connection ended. */
export type CloseReason =
  | 'client_closed'
  | 'ping_timeout'
  | 'transport_failed'
  | 'malformed_packet'
  | 'too_large'
  | 'flood'
  | 'slow_reader'
  | 'idle_connection'
  | 'closed_by_server'
  | 'shutting_down'

/** Why a session ended. */
export type LeaveReason = CloseReason | 'client_left' | 'disconnected_by_server'
