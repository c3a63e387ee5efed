/**
 * The only place from which events leave: check, encode once, take a position in the log, carry to every
 * node, and there to each session in the rooms.
 */
import {
  type EventInput,
  type EventName,
  formatCursor,
  type NamespaceContract,
  type Position,
  type Publisher,
  Refusal,
  type Room,
  type RoomRef,
  roomName,
} from '@belfry/contract'
import type { Broker, PublishedEntry } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import type { Transaction } from '../ports/database.ts'
import type { EventLog } from '../ports/log.ts'
import type { Logger } from '../ports/logger.ts'
import type { DurableLog } from '../ports/outbox.ts'
import type { Packet } from '../ports/transport.ts'
import type { ActivityTap } from './activity-tap.ts'
import type { CatchUps } from './catch-up.ts'
import { countOne } from './counters.ts'
import type { NamespaceState, ServedEvent } from './namespace-state.ts'
import { isoTime, type Packing } from './packing.ts'
import { attachmentsMax, encodePayload } from './payload.ts'
import { mayUse } from './permissions.ts'
import type { Session } from './session.ts'

export interface Recipients {
  readonly rooms: readonly RoomRef[]
  /** Whoever is in one of these gets nothing. */
  readonly except?: readonly RoomRef[]
}

export interface Addressed<Data> {
  readonly data: Data
  readonly to: Recipients
}

export interface Published {
  /** Where the event stands in its namespace; it is also its `_meta.id`. */
  readonly cursor: string
}

export interface NamedOptions {
  /** `server`: the code of this process, which may publish what nobody else may; `anybody` if absent. */
  readonly by?: Publisher
}

/** An event that nothing speaks against. */
interface Prepared {
  readonly namespace: NamespaceState
  readonly event: ServedEvent
  readonly entry: PublishedEntry
}

/** Where a publish comes from. */
interface Origin extends Required<NamedOptions> {
  /** The payload, against its schema. */
  readonly isChecked: boolean
}

export interface DispatcherParts {
  readonly namespaces: ReadonlyMap<string, NamespaceState>
  readonly log: EventLog
  readonly durable: DurableLog
  readonly broker: Broker
  readonly clock: Clock
  readonly logger: Logger
  readonly tap: ActivityTap
  readonly packing: Packing
  catchUps(): CatchUps
  /** Payloads are checked where a mistake is still cheap: in development and in tests (B-05). */
  readonly checkPayloads: boolean
}

export class Dispatcher {
  readonly #parts: DispatcherParts
  #sweep = 0
  /** Sessions of the present sweep whose queues had no room. */
  #refused: Session[] = []
  readonly #unsubscribe: readonly (() => void)[]

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    this.#unsubscribe = [
      parts.broker.subscribe((namespace, position, entry) => this.#deliver(namespace, position, entry)),
      parts.durable.subscribe({
        entry: (namespace, position, entry) => this.#deliver(namespace, position, entry),
        missed: (namespace) => this.#tellMissed(namespace),
      }),
    ]
  }

  stop(): void {
    for (const { events } of this.#parts.namespaces.values())
      for (const { batch } of events.values()) batch?.leave()
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  /** Resolves when the event has its place in the log and is on its way to the sessions of this node. */
  async publish<N extends NamespaceContract, Name extends EventName<N>>(
    contract: N,
    name: Name,
    data: EventInput<N, Name>,
    to: Recipients,
  ): Promise<Published> {
    return this.#dispatch(this.#prepare(contract.name, name, data, to, this.#ofCode))
  }

  /**
   * As part of a transaction: the event leaves when that was committed, and never without it. On a durable namespace
   * not even a crash between the two loses it; of others, and of other lanes than `stream`, it may.
   */
  async publishIn<N extends NamespaceContract, Name extends EventName<N>>(
    transaction: Transaction,
    contract: N,
    name: Name,
    data: EventInput<N, Name>,
    to: Recipients,
  ): Promise<void> {
    await this.publishManyIn(transaction, contract, name, [{ data, to }])
  }

  /** One event many times, with other data for others: little more work for the database than one. */
  async publishManyIn<N extends NamespaceContract, Name extends EventName<N>>(
    transaction: Transaction,
    contract: N,
    name: Name,
    events: readonly Addressed<EventInput<N, Name>>[],
  ): Promise<void> {
    await this.#enqueue(
      transaction,
      events.map(({ data, to }) => this.#prepare(contract.name, name, data, to, this.#ofCode)),
    )
  }

  /** The same for names and data from outside. What can be refused of it, is refused before it returns. */
  publishNamedIn(
    transaction: Transaction,
    namespaceName: string,
    name: string,
    data: unknown,
    to: Recipients,
  ): Promise<void> {
    const origin = { isChecked: true, by: 'anybody' } as const
    return this.#enqueue(transaction, [this.#prepare(namespaceName, name, data, to, origin)])
  }

  /** For names and data from outside: what the types would have said is checked always. */
  async publishNamed(
    namespaceName: string,
    name: string,
    data: unknown,
    to: Recipients,
    { by = 'anybody' }: NamedOptions = {},
  ): Promise<Published> {
    return this.#dispatch(this.#prepare(namespaceName, name, data, to, { isChecked: true, by }))
  }

  get #ofCode(): Origin {
    return { isChecked: this.#parts.checkPayloads, by: 'server' }
  }

  /** All are of one event. */
  async #enqueue(transaction: Transaction, prepared: readonly Prepared[]): Promise<void> {
    const { durable, logger } = this.#parts
    const [first] = prepared
    if (first === undefined) return
    const { namespace, event } = first
    if (isDurable(namespace, event)) {
      await durable.enqueue(
        transaction,
        namespace.name,
        prepared.map(({ entry }) => entry),
      )
      return
    }
    transaction.afterCommit(() => {
      for (const each of prepared)
        this.#dispatch(each).catch((error: unknown) =>
          logger.error(
            { error, namespace: namespace.name, event: event.name },
            'an event was lost after its transaction',
          ),
        )
    })
  }

  /** Everything that can be refused. */
  #prepare(
    namespaceName: string,
    name: string,
    given: unknown,
    to: Recipients,
    { isChecked, by }: Origin,
  ): Prepared {
    const namespace = this.#parts.namespaces.get(namespaceName)
    if (namespace === undefined) throw new Refusal('unknown_namespace')
    const event = namespace.events.get(name)
    if (event === undefined)
      throw new Refusal('unknown_event', `There is no event of this name on ${namespaceName}.`)
    if (event.contract.by === 'server' && by !== 'server')
      throw new Refusal(
        'not_publishable',
        `${name} is published by the server alone, when it has done what the event tells.`,
      )
    checkRooms(event, to)
    const data = isChecked ? checkedData(event, given) : given
    if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) throw wrong('', noObject)
    return { namespace, event, entry: this.#entryOf(event, data, to) }
  }

  async #dispatch({ namespace, event, entry }: Prepared): Promise<Published> {
    if (event.batch !== undefined && (await event.batch.turn(replacedBy(entry))) === 'replaced')
      return { cursor: namespace.cursor }
    const { log, durable, broker } = this.#parts
    if (isDurable(namespace, event))
      return { cursor: formatCursor(await durable.append(namespace.name, entry)) }
    const isLogged = event.contract.lane === 'stream'
    // Where the log answers at once, the event leaves at once: in the order of the calls, whatever their lanes.
    const appended = isLogged ? log.append(namespace.name, entry) : undefined
    const position = appended instanceof Promise ? await appended : appended
    await broker.publish(namespace.name, position, entry)
    return { cursor: position === undefined ? namespace.cursor : formatCursor(position) }
  }

  /** Events were stored that this node never got: its clients have to be told (R15). */
  #tellMissed(namespaceName: string): void {
    for (const session of this.#parts.namespaces.get(namespaceName)?.sessions ?? [])
      this.tell(session, 'sync:reset', { reason: 'trimmed' })
  }

  /** To one session: what every namespace has, outside of the log (R3, R4). */
  tell(session: Session, name: string, data: object): void {
    session.link.tell(this.#parts.packing.own(session, name, data))
  }

  /** To one session, which answers it; neither in the log nor with a cursor (R8). */
  async request(session: Session, name: string, data: object, timeoutMs: number): Promise<unknown> {
    if (!session.isOpen) throw new Refusal('disconnected')
    const event = { ...this.#parts.packing.ownEvent(session, name, data), cursor: undefined }
    return session.link.request(event, timeoutMs)
  }

  /** The current values of a room, for a session that has just joined it. */
  tellLatest(session: Session, room: Room): void {
    const { namespace, principal, link } = session
    for (const { number, value } of namespace.latest.since([room], 0)) {
      if (!mayUse(principal, namespace.events.get(value.name)?.contract.permission)) continue
      if (link.send(this.#parts.packing.latest(namespace, value))) continue
      this.#parts.catchUps().fallBehind(session, namespace.position.offset, number - 1)
      return
    }
  }

  /** Sessions of this node that a publish to these rooms reaches. */
  countRecipients(namespaceName: string, to: Recipients): number {
    const namespace = this.#parts.namespaces.get(namespaceName)
    if (namespace === undefined) return 0
    const found = new Set(to.rooms.flatMap((room) => namespace.members(roomName(room))?.members ?? []))
    for (const session of namespace.behind)
      if (to.rooms.some((room) => session.isIn(room))) found.add(session)
    for (const room of to.except ?? [])
      for (const session of found) if (session.isIn(room)) found.delete(session)
    return found.size
  }

  #entryOf({ name, contract }: ServedEvent, data: object, to: Recipients): PublishedEntry {
    const { json, attachments } = encodePayload(data)
    // A list, or what makes a text of itself: there is no place for `_meta` in it (R3).
    if (!json?.startsWith('{')) throw wrong('', noObject)
    if (attachments.length > attachmentsMax)
      throw wrong('', `an event carries ${attachmentsMax} pieces of bytes, at most`)
    let bytes = Buffer.byteLength(json)
    for (const attachment of attachments) bytes += attachment.byteLength
    if (bytes > contract.maxBytes)
      throw new Refusal(
        'payload_too_large',
        `${name} may have ${contract.maxBytes} bytes; this one has ${bytes}.`,
      )
    return {
      name,
      rooms: to.rooms.map(roomName),
      except: to.except?.map(roomName) ?? nowhere,
      data: json,
      attachments,
      atMs: this.#parts.clock.now(),
      ...(contract.key === undefined ? {} : { key: contract.key(data) }),
    }
  }

  #deliver(namespaceName: string, position: Position | undefined, entry: PublishedEntry): void {
    const namespace = this.#parts.namespaces.get(namespaceName)
    const event = namespace?.events.get(entry.name)
    if (namespace === undefined || event === undefined) return
    // Who has no room for this one goes on with it later.
    const before = { offset: namespace.position.offset, latest: namespace.latest.number }
    if (position !== undefined) {
      before.offset = position.offset - 1
      namespace.moveTo(position)
    }
    const at = isoTime(entry.atMs)
    const packet = this.#parts.packing.event(namespaceName, entry, namespace.cursor, event)
    if (entry.key !== undefined && event.contract.lane === 'latest') {
      const value = { name: entry.name, key: entry.key, json: entry.data, attachments: entry.attachments, at }
      for (const room of entry.rooms) namespace.latest.set(room, value)
    }
    const recipients = this.#send(namespace, packet, entry, event.contract.permission)
    if (this.#refused.length > 0) this.#sendBehind(before)
    countOne(event.count, packet.bytes, recipients)
    if (this.#parts.tap.isWatched) {
      const { rooms } = entry
      const bytes = packet.bytes
      this.#parts.tap.tell({
        at,
        kind: 'event',
        namespace: namespaceName,
        name: entry.name,
        rooms,
        recipients,
        bytes,
      })
    }
  }

  #send(
    namespace: NamespaceState,
    packet: Packet,
    { rooms, except }: PublishedEntry,
    permission: string | undefined,
  ): number {
    const only = rooms.length === 1 ? rooms[0] : undefined
    if (only !== undefined && except.length === 0 && permission === undefined) {
      const members = namespace.members(only)?.members ?? []
      for (const session of members) if (!session.link.send(packet)) this.#refused.push(session)
      return members.length
    }
    this.#sweep += 1
    let sent = 0
    for (const room of except)
      for (const session of namespace.members(room)?.members ?? []) session.sweep = this.#sweep
    for (const room of rooms) {
      for (const session of namespace.members(room)?.members ?? []) {
        if (session.sweep === this.#sweep) continue
        session.sweep = this.#sweep
        if (!mayUse(session.principal, permission)) continue
        if (!session.link.send(packet)) this.#refused.push(session)
        sent += 1
      }
    }
    return sent
  }

  /** After the sweep, since it takes them out of the rooms that were swept. */
  #sendBehind({ offset, latest }: { readonly offset: number; readonly latest: number }): void {
    const refused = this.#refused
    this.#refused = []
    for (const session of refused) this.#parts.catchUps().fallBehind(session, offset, latest)
  }
}

/** Rooms of one publish, at most: whoever has more wants a room of its own. */
const roomsMax = 1_000

function checkRooms({ name, contract }: ServedEvent, { rooms, except }: Recipients): void {
  if (rooms.length === 0) throw wrong('rooms', 'an event needs at least one room')
  if (rooms.length + (except?.length ?? 0) > roomsMax)
    throw wrong('rooms', `there may be ${roomsMax} of them`)
  for (const { kind } of rooms)
    if (!contract.rooms.includes(kind)) throw wrong('rooms', `${name} is not for rooms of the kind ${kind}`)
}

function checkedData(event: ServedEvent, given: unknown): unknown {
  const checked = event.check(given)
  if (checked.ok) return checked.value
  throw new Refusal('validation_failed', undefined, { fields: checked.fields })
}

function isDurable({ served }: NamespaceState, { contract }: ServedEvent): boolean {
  return served.contract.durable && contract.lane === 'stream'
}

/** Values of the lane `latest` replace each other within the same rooms. */
function replacedBy({ key, rooms, except }: PublishedEntry): string | undefined {
  return key === undefined ? undefined : [key, ...rooms, '', ...except].join('\n')
}

const nowhere: readonly Room[] = []
const noObject = 'the payload of an event is an object'

function wrong(path: string, message: string): Refusal {
  return new Refusal('validation_failed', undefined, { fields: [{ path, message }] })
}
