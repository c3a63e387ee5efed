/** One namespace while the server runs: what it serves, who is in which of its rooms, and how far its events went. */
import {
  type CommandContract,
  checkCommand,
  checkEvent,
  type EventContract,
  formatCursor,
  type Position,
  Refusal,
  type Room,
  type RoomRef,
  roomName,
} from '@belfry/contract'
import { type Awaitable, orElse } from '../awaitable.ts'
import type { ServedNamespace, UntypedHandlers } from '../namespace-handlers.ts'
import type { Clock } from '../ports/clock.ts'
import type { SessionStore } from '../ports/session-store.ts'
import type { IncomingCommand, LeaveReason } from '../ports/transport.ts'
import { Batch } from './batch.ts'
import type { CatchUp } from './catch-up.ts'
import type { Counters, EventCount } from './counters.ts'
import type { History } from './history.ts'
import { LatestValues } from './latest-values.ts'
import { type RoomMembers, Rooms, roomsPerSessionMax } from './rooms.ts'
import type { Session } from './session.ts'

export interface ServedCommand {
  readonly name: string
  readonly contract: CommandContract
  readonly check: ReturnType<typeof checkCommand>
  readonly handle: UntypedHandlers['commands'][string]
  readonly count: EventCount
}

export interface ServedEvent {
  readonly name: string
  readonly contract: EventContract
  readonly check: ReturnType<typeof checkEvent>
  readonly count: EventCount
  /** Where its contract wants several to leave together. */
  readonly batch: Batch | undefined
}

/** Whom a session turns to. */
export interface SessionHost {
  command(session: Session, command: IncomingCommand): void
  left(session: Session, reason: LeaveReason): void
  joined(session: Session, room: Room): void
  hasRoom(catchUp: CatchUp): void
  /** What nobody waited for went wrong. */
  failed(namespace: NamespaceState, error: unknown): void
}

export interface NamespaceParts {
  readonly counters: Counters
  readonly clock: Clock
  readonly position: Position
  readonly store: SessionStore
  readonly history: History
  readonly host: SessionHost
}

/** The room of all sessions of a namespace; each is in it from its first moment. */
export const everyone: RoomRef<'everyone'> = { kind: 'everyone', id: 'all' }
export const everyoneRoom: Room = roomName(everyone)

export class NamespaceState {
  readonly name: string
  readonly served: ServedNamespace
  readonly commands: ReadonlyMap<string, ServedCommand>
  readonly events: ReadonlyMap<string, ServedEvent>
  readonly rooms = new Rooms<Session>()
  readonly latest = new LatestValues()
  readonly host: SessionHost
  readonly store: SessionStore
  readonly history: History
  /** Sessions that read the log: they are in none of the rooms until they are live. */
  readonly behind = new Set<Session>()
  /** How often a live session had to go there. */
  fellBehind = 0
  /** Events that they were sent. */
  replayed = 0
  sessionsPeak = 0
  #position: Position
  #cursor: string
  /** Of the commands that every namespace has. */
  readonly #ownCounts: ReadonlyMap<string, EventCount>
  /** Commands that no contract names, counted together. */
  readonly #unknownCount: EventCount

  constructor(served: ServedNamespace, { counters, clock, position, store, history, host }: NamespaceParts) {
    const { contract, handlers } = served
    this.served = served
    this.name = contract.name
    this.#position = position
    this.#cursor = formatCursor(position)
    this.store = store
    this.history = history
    this.host = host
    this.#unknownCount = counters.of('command', contract.name, '(unknown)')
    this.#ownCounts = new Map(
      ['room:join', 'room:leave'].map((name) => [name, counters.of('command', contract.name, name)]),
    )
    this.commands = new Map(
      Object.entries(contract.commands).map(([name, command]) => {
        const handle = handlers.commands[name]
        if (handle === undefined)
          throw new TypeError(`Nothing handles the command ${name} of ${contract.name}.`)
        const count = counters.of('command', contract.name, name)
        return [name, { name, contract: command, check: checkCommand(command), handle, count }]
      }),
    )
    this.events = new Map(
      Object.entries(contract.events).map(([name, event]) => {
        const count = counters.of('event', contract.name, name)
        const batch = event.batch && new Batch(event.batch, clock)
        return [name, { name, contract: event, check: checkEvent(event), count, batch }]
      }),
    )
  }

  countOf(command: string): EventCount {
    return this.commands.get(command)?.count ?? this.#ownCounts.get(command) ?? this.#unknownCount
  }

  /** Of the last event of the log that was handed to the sessions of this node. */
  get position(): Position {
    return this.#position
  }

  /** The same as text: what live sessions have seen (R4). */
  get cursor(): string {
    return this.#cursor
  }

  moveTo(position: Position): void {
    this.#position = position
    this.#cursor = formatCursor(position)
  }

  get sessionCount(): number {
    return (this.rooms.get(everyoneRoom)?.members.length ?? 0) + this.behind.size
  }

  get sessions(): readonly Session[] {
    return [...(this.rooms.get(everyoneRoom)?.members ?? []), ...this.behind]
  }

  /** Those that are live. */
  members(room: Room): RoomMembers<Session> | undefined {
    return this.rooms.get(room)
  }

  /** At once; the answer comes when it will be remembered. */
  join(session: Session, room: Room): Awaitable<void> {
    const { position } = this
    if (!session.isOpen || session.isInRoom(room)) return undefined
    if (session.roomCount >= roomsPerSessionMax) throw tooManyRooms()
    if (session.catchUp !== undefined) session.catchUp.stays.join(room, position.offset)
    else if (this.rooms.join(session, room)) this.host.joined(session, room)
    return this.#remembered(
      async () => {
        if ((await this.store.join(session.pid, [room], position)) === 'too-many-rooms') throw tooManyRooms()
      },
      () => this.#leave(session, room),
    )
  }

  leave(session: Session, room: Room): Awaitable<void> {
    const { position } = this
    this.#leave(session, room)
    // Also if it is in the room no more: the last time that may not have been remembered.
    return this.#remembered(async () => {
      await this.store.leave(session.pid, [room], position)
    })
  }

  #leave(session: Session, room: Room): boolean {
    return session.catchUp === undefined
      ? this.rooms.leave(session, room)
      : session.catchUp.stays.leave(room, this.position.offset)
  }

  /** Modules need not wait for it: then a failure is told to the logger, and does not end the process. */
  #remembered(work: () => Promise<void>, undo: () => void = () => undefined): Awaitable<void> {
    const done = Promise.resolve(orElse(work, undo))
    done.catch((error: unknown) => this.host.failed(this, error))
    return done
  }
}

function tooManyRooms(): Refusal {
  return new Refusal('too_many_rooms', `A session may be in ${roomsPerSessionMax} rooms.`)
}
