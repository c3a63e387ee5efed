/** One namespace while the server runs: what it serves, who is in which of its rooms, and how far its events went. */
import {
  type CommandContract,
  checkCommand,
  checkEvent,
  type EventContract,
  Refusal,
  type Room,
  type RoomRef,
  roomName,
} from '@belfry/contract'
import type { ServedNamespace, UntypedHandlers } from '../namespace-handlers.ts'
import type { Clock } from '../ports/clock.ts'
import type { IncomingCommand, LeaveReason } from '../ports/transport.ts'
import { Batch } from './batch.ts'
import type { Counters, EventCount } from './counters.ts'
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
}

export interface NamespaceParts {
  readonly counters: Counters
  readonly clock: Clock
  readonly cursor: string
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
  /** Of the last event of the log that was sent here (R4). */
  cursor: string
  sessionsPeak = 0
  /** Of the commands that every namespace has. */
  readonly #ownCounts: ReadonlyMap<string, EventCount>
  /** Commands that no contract names, counted together. */
  readonly #unknownCount: EventCount

  constructor(served: ServedNamespace, { counters, clock, cursor, host }: NamespaceParts) {
    const { contract, handlers } = served
    this.served = served
    this.name = contract.name
    this.cursor = cursor
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

  get sessions(): readonly Session[] {
    return this.rooms.get(everyoneRoom)?.members ?? []
  }

  members(room: Room): RoomMembers<Session> | undefined {
    return this.rooms.get(room)
  }

  join(session: Session, room: Room): void {
    if (!session.isOpen) return
    if (session.rooms.length >= roomsPerSessionMax && !session.rooms.some(({ name }) => name === room)) {
      throw new Refusal('too_many_rooms', `A session may be in ${roomsPerSessionMax} rooms.`)
    }
    if (this.rooms.join(session, room)) this.host.joined(session, room)
  }
}
