/**
 * One user's place on one namespace. Many thousands of them live at once, so it holds references and numbers, and
 * makes what few need (a signal) when it is asked for.
 */
import { type RoomRef, roomName, type SessionId } from '@belfry/contract'
import type { SessionView } from '../namespace-handlers.ts'
import type { Principal } from '../ports/token-verifier.ts'
import type { IncomingCommand, LeaveReason, Link, SessionHandler } from '../ports/transport.ts'
import type { ConnectionState } from './connection-state.ts'
import type { NamespaceState } from './namespace-state.ts'
import type { RoomMember, RoomMembers } from './rooms.ts'

export class Session implements SessionView, SessionHandler, RoomMember<Session> {
  readonly id: SessionId
  readonly pid: string
  readonly link: Link
  readonly connection: ConnectionState
  readonly namespace: NamespaceState
  readonly principal: Principal
  rooms: RoomMembers<Session>[] = []
  places: number[] = []
  /** The sweep that reached it last: in two rooms of one publish, it gets the event once. */
  sweep = 0
  isOpen = true
  #gone: AbortController | undefined

  constructor(of: {
    readonly id: SessionId
    readonly pid: string
    readonly link: Link
    readonly connection: ConnectionState
    readonly namespace: NamespaceState
    readonly principal: Principal
  }) {
    this.id = of.id
    this.pid = of.pid
    this.link = of.link
    this.connection = of.connection
    this.namespace = of.namespace
    this.principal = of.principal
  }

  get signal(): AbortSignal {
    this.#gone ??= new AbortController()
    if (!this.isOpen) this.#gone.abort()
    return this.#gone.signal
  }

  join(room: RoomRef): void {
    this.namespace.join(this, roomName(room))
  }

  leave(room: RoomRef): void {
    this.namespace.rooms.leave(this, roomName(room))
  }

  isIn(room: RoomRef): boolean {
    const name = roomName(room)
    return this.rooms.some((own) => own.name === name)
  }

  /** Gives back what lists took in advance while it entered its first rooms: a quarter of a kilobyte. */
  settle(): void {
    this.rooms = this.rooms.slice()
    this.places = this.places.slice()
  }

  command(command: IncomingCommand): void {
    this.namespace.host.command(this, command)
  }

  left(reason: LeaveReason): void {
    this.namespace.host.left(this, reason)
  }

  end(): void {
    this.isOpen = false
    this.namespace.rooms.leaveAll(this)
    this.#gone?.abort()
  }
}
