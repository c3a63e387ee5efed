/**
 * One user's place on one namespace. Many thousands of them live at once, so it holds references and numbers, and
 * makes what few need (a signal) when it is asked for.
 */
import { type Room, type RoomRef, roomName, type SessionId } from '@belfry/contract'
import type { Awaitable } from '../awaitable.ts'
import type { SessionView } from '../namespace-handlers.ts'
import type { Principal } from '../ports/token-verifier.ts'
import type { IncomingCommand, LeaveReason, Link, SessionHandler } from '../ports/transport.ts'
import type { CatchUp } from './catch-up.ts'
import type { ConnectionState } from './connection-state.ts'
import type { NamespaceState } from './namespace-state.ts'
import type { RoomMember, RoomMembers } from './rooms.ts'

export class Session implements SessionView, SessionHandler, RoomMember<Session> {
  readonly id: SessionId
  readonly pid: string
  readonly link: Link
  readonly connection: ConnectionState
  readonly namespace: NamespaceState
  /** Another one when the token is renewed. */
  principal: Principal
  /** The one workspace of its user that it is for. */
  readonly confinedTo: unknown
  readonly openedAtMs: number
  /** Which of its connections this one is (SS5). */
  readonly generation: number
  /** The client was away, and gets everything that it missed. */
  readonly recovered: boolean
  /** While it is behind the live stream; it is in no room then, and reads the log. */
  catchUp: CatchUp | undefined
  rooms: RoomMembers<Session>[] = []
  places: number[] = []
  /** The sweep that reached it last: in two rooms of one publish, it gets the event once. */
  sweep = 0
  isOpen = true
  /** Sent away, for a reason after which its client may come back to it. */
  isKept = false
  #gone: AbortController | undefined

  constructor(of: {
    readonly id: SessionId
    readonly pid: string
    readonly link: Link
    readonly connection: ConnectionState
    readonly namespace: NamespaceState
    readonly principal: Principal
    readonly confinedTo: unknown
    readonly openedAtMs: number
    readonly generation: number
    readonly recovered: boolean
  }) {
    this.id = of.id
    this.pid = of.pid
    this.link = of.link
    this.connection = of.connection
    this.namespace = of.namespace
    this.principal = of.principal
    this.confinedTo = of.confinedTo
    this.openedAtMs = of.openedAtMs
    this.generation = of.generation
    this.recovered = of.recovered
  }

  get signal(): AbortSignal {
    this.#gone ??= new AbortController()
    if (!this.isOpen) this.#gone.abort()
    return this.#gone.signal
  }

  join(room: RoomRef): Awaitable<void> {
    return this.namespace.join(this, roomName(room))
  }

  leave(room: RoomRef): Awaitable<void> {
    return this.namespace.leave(this, roomName(room))
  }

  isIn(room: RoomRef): boolean {
    return this.isInRoom(roomName(room))
  }

  isInRoom(name: Room): boolean {
    if (this.catchUp !== undefined) return this.catchUp.stays.isIn(name)
    return this.rooms.some((own) => own.name === name)
  }

  /** The rooms that it is in. */
  roomNames(): Iterable<Room> {
    return this.catchUp?.stays.present() ?? this.rooms.map(({ name }) => name)
  }

  get roomCount(): number {
    return this.catchUp?.stays.count ?? this.rooms.length
  }

  /** Of the last event of the log that was sent to it, or did not concern it (R4). */
  get cursor(): string {
    return this.catchUp?.cursor ?? this.namespace.cursor
  }

  /** Gives back what lists took in advance while it entered its first rooms: a quarter of a kilobyte. */
  settle(): void {
    this.rooms = this.rooms.slice()
    this.places = this.places.slice()
  }

  command(command: IncomingCommand): void {
    this.namespace.host.command(this, command)
  }

  hasRoom(): void {
    if (this.catchUp !== undefined) this.namespace.host.hasRoom(this.catchUp)
  }

  left(reason: LeaveReason): void {
    this.namespace.host.left(this, reason)
  }

  end(): void {
    this.isOpen = false
    this.namespace.rooms.leaveAll(this)
    this.namespace.behind.delete(this)
    this.catchUp = undefined
    this.#gone?.abort()
  }
}
