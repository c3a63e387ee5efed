/**
 * The way of one session to its client (see `Link`): waiting → open → over, or waiting → over. What a client still
 * sends to a session that is over was on its way when it ended, and is ignored.
 */
import { errorCatalogue, Refusal, type SessionId } from '@belfry/contract'
import type {
  IncomingCommand,
  LeaveReason,
  Link,
  OutgoingEvent,
  Packet,
  SessionHandler,
} from '../../engine/ports/transport.ts'
import type { WireConnection } from './connection.ts'
import { type EncodedEvent, eventPackets, Outgoing } from './encoded-event.ts'
import type { InboundAck, InboundEvent } from './packets/packet.ts'
import type { Timed } from './timer-wheel.ts'

/** Requests of one session that wait for an answer, at most. */
const requestsMax = 1_000

export class SessionLink implements Link {
  readonly connection: WireConnection
  readonly namespace: string
  #state: 'waiting' | 'open' | 'over' = 'waiting'
  #handler: SessionHandler | undefined
  #cursorMode = false
  #awaitsRoom = false
  #requests: Map<number, PendingRequest> | undefined

  constructor(connection: WireConnection, namespace: string) {
    this.connection = connection
    this.namespace = namespace
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting' && this.connection.isOpen
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  accept(
    handler: SessionHandler,
    { id, pid, cursorMode }: { readonly id: SessionId; readonly pid: string; readonly cursorMode: boolean },
  ): void {
    if (!this.isWaiting) return
    this.#state = 'open'
    this.#handler = handler
    this.#cursorMode = cursorMode
    this.connection.linkOpened()
    this.connection.sendPackets(this.connection.wire.codec.encodeConnect(this.namespace, { sid: id, pid }))
  }

  refuse({ code, message, fields }: Refusal): void {
    if (!this.isWaiting) return
    this.#state = 'over'
    const { retry } = errorCatalogue[code]
    const data = { code, message, retry, ...(fields !== undefined && { fields }) }
    this.connection.sendPackets(
      this.connection.wire.codec.encodeConnectError(this.namespace, { message, data }),
    )
  }

  send(packet: Packet): boolean {
    if (this.#state !== 'open') return true
    return this.connection.enqueueEvent((packet as EncodedEvent).outgoing(this.#cursorMode))
  }

  tell(packet: Packet): void {
    if (this.#state !== 'open') return
    this.connection.enqueue((packet as EncodedEvent).outgoing(this.#cursorMode))
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

  answer(commandId: number, answer: unknown): void {
    if (this.#state !== 'open') return
    this.connection.sendPackets(this.connection.wire.codec.encodeAck(this.namespace, commandId, [answer]))
  }

  request(event: OutgoingEvent, timeoutMs: number): Promise<unknown> {
    if (this.#state !== 'open') return Promise.reject(new Refusal('disconnected'))
    this.#requests ??= new Map()
    if (this.#requests.size >= requestsMax)
      return Promise.reject(new Refusal('too_many_requests', 'This client has too many requests to answer.'))
    const id = this.connection.nextRequestId()
    const { codec, wheel } = this.connection.wire
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const pending = new PendingRequest(resolve, () => {
      this.#requests?.delete(id)
      reject(
        new Refusal('timeout', `The client did not answer ${event.name} within ${timeoutMs} milliseconds.`),
      )
    })
    pending.abandon = () => reject(new Refusal('disconnected'))
    this.#requests.set(id, pending)
    wheel.set(pending, timeoutMs)
    this.connection.enqueue(new Outgoing(eventPackets(codec, event, undefined, id)))
    return promise
  }

  disconnect(): void {
    if (this.#state !== 'open') return
    this.connection.sendPackets(this.connection.wire.codec.encodeDisconnect(this.namespace))
    this.end('disconnected_by_server')
  }

  received(event: InboundEvent, bytes: number): void {
    const { name, args, depth, id } = event
    const command: IncomingCommand = { name, args, depth, bytes, id }
    this.#handler?.command(command)
  }

  answered({ id, args }: InboundAck): void {
    const pending = this.#requests?.get(id)
    // One that came too late, or that nobody asked for.
    if (pending === undefined) return
    this.#requests?.delete(id)
    this.connection.wire.wheel.clear(pending)
    pending.resolve(args[0])
  }

  end(reason: LeaveReason): void {
    if (this.#state === 'over') return
    if (this.#state === 'open') this.connection.linkEnded()
    this.#state = 'over'
    for (const pending of this.#requests?.values() ?? []) {
      this.connection.wire.wheel.clear(pending)
      pending.abandon()
    }
    this.#requests = undefined
    const handler = this.#handler
    this.#handler = undefined
    handler?.left(reason)
  }
}

class PendingRequest implements Timed {
  previousTimed: Timed | undefined
  nextTimed: Timed | undefined
  dueTick = -1
  readonly resolve: (answer: unknown) => void
  readonly onDue: () => void
  abandon: () => void = () => undefined

  constructor(resolve: (answer: unknown) => void, onDue: () => void) {
    this.resolve = resolve
    this.onDue = onDue
  }
}
