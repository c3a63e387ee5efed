/**
 * A client of the memory transport, which does what a stock client does: it keeps its sessions over a cut, hands
 * over its pid and cursor when it comes back (F2, F3), and stays away from where it was told to (F12).
 */
import { Refusal } from '@belfry/contract'
import type { Clock } from '../ports/clock.ts'
import type { CloseReason, Connection } from '../ports/transport.ts'

/** What reached a client, in the order in which it did. */
export type Delivery =
  | { readonly kind: 'accepted'; readonly namespace: string; readonly id: string; readonly pid: string }
  | { readonly kind: 'refused'; readonly namespace: string; readonly code: string; readonly message: string }
  | ({ readonly kind: 'event'; readonly namespace: string } & ReceivedEvent)
  | { readonly kind: 'answer'; readonly namespace: string; readonly id: number; readonly answer: unknown }
  | {
      readonly kind: 'request'
      readonly namespace: string
      readonly name: string
      readonly data: unknown
      readonly id: number
    }
  | { readonly kind: 'goodbye'; readonly namespace: string }

export interface ReceivedEvent {
  readonly name: string
  readonly data: unknown
  readonly cursor: string | undefined
}

export interface MemoryClient {
  /** As the engine knows it; `undefined` while there is none. */
  readonly connection: Connection | undefined
  /** Why it was kept outside when it came last. */
  readonly refusal: Refusal | undefined
  /** Why its last connection ended. */
  readonly closedBy: CloseReason | undefined
  /** Everything that reached it, over all connections. */
  readonly deliveries: readonly Delivery[]
  /** The same, to be told of each; it comes before listeners of a session. */
  onDelivery: (delivery: Delivery) => void
  open(namespace: string, auth?: Readonly<Record<string, unknown>>): MemorySession
  /** It reads nothing any more; what is sent to it waits. */
  pause(): void
  resume(): void
  /** Its line breaks, or it does what costs it the connection. */
  cut(reason?: CloseReason): void
  /** It goes, and does not come back. */
  close(): void
}

/** A client's side of its session on one namespace; the same over all connections. */
export interface MemorySession {
  readonly namespace: string
  readonly state: 'waiting' | 'open' | 'refused' | 'over'
  /** Resolves when it was let in for the first time; rejects with what it was refused with, or `disconnected`. */
  readonly entered: Promise<void>
  readonly id: string | undefined
  readonly pid: string | undefined
  readonly events: readonly ReceivedEvent[]
  onEvent: (event: ReceivedEvent) => void
  /** What it answers to requests; `undefined` as a function: it never does. */
  onRequest: ((name: string, data: unknown) => unknown) | undefined
  /** A command without an answer. */
  send(name: string, ...args: readonly unknown[]): void
  /** Rejects with `disconnected` when the session ends before the answer. */
  ask(name: string, ...args: readonly unknown[]): Promise<unknown>
  leave(): void
}

/** What carries a client's words to the engine. */
export interface Line extends Connection {
  enter(namespace: string, auth: Readonly<Record<string, unknown>>): void
  command(namespace: string, name: string, args: readonly unknown[], id: number | undefined): void
  answered(namespace: string, id: number, answer: unknown): void
  leave(namespace: string): void
  pause(): void
  resume(): void
  lost(reason: CloseReason): void
}

/** What a line tells its client. */
export interface LineReceiver {
  delivery(delivery: Delivery): void
  ended(reason: CloseReason): void
}

/** Who comes back does so after this, as a stock client does the first time. */
const comeBackMs = 1_000

export function createMemoryClient(
  clock: Clock,
  comesBack: boolean,
  dial: (receiver: LineReceiver) => Line | Refusal,
): MemoryClient {
  return new Client(clock, comesBack, dial)
}

class Client implements MemoryClient, LineReceiver {
  readonly #clock: Clock
  readonly #comesBack: boolean
  readonly #dial: (receiver: LineReceiver) => Line | Refusal
  readonly #sessions = new Map<string, ClientSession>()
  readonly deliveries: Delivery[] = []
  onDelivery: (delivery: Delivery) => void = () => undefined
  line: Line | undefined
  refusal: Refusal | undefined
  closedBy: CloseReason | undefined
  #isGone = false
  /** Ends the waiting for the next attempt, if there is one. */
  #stayAway: () => void = () => undefined

  constructor(clock: Clock, comesBack: boolean, dial: (receiver: LineReceiver) => Line | Refusal) {
    this.#clock = clock
    this.#comesBack = comesBack
    this.#dial = dial
    this.#connect()
  }

  get connection(): Connection | undefined {
    return this.line
  }

  open(namespace: string, auth: Readonly<Record<string, unknown>> = {}): MemorySession {
    const session = new ClientSession(this, namespace, auth)
    this.#sessions.get(namespace)?.cut(false)
    this.#sessions.set(namespace, session)
    session.enter()
    return session
  }

  pause(): void {
    this.line?.pause()
  }

  resume(): void {
    this.line?.resume()
  }

  cut(reason: CloseReason = 'transport_failed'): void {
    this.line?.lost(reason)
  }

  close(): void {
    this.#isGone = true
    this.#stayAway()
    this.line?.lost('client_closed')
  }

  delivery(delivery: Delivery): void {
    this.deliveries.push(delivery)
    this.onDelivery(delivery)
    this.#sessions.get(delivery.namespace)?.delivery(delivery)
  }

  ended(reason: CloseReason): void {
    this.line = undefined
    this.closedBy = reason
    for (const session of this.#sessions.values()) session.cut(this.#comesBack)
    if (this.#wanted.length > 0) this.#comeBack()
  }

  #connect(): void {
    const dialled = this.#dial(this)
    if (!(dialled instanceof Refusal)) {
      this.line = dialled
      this.refusal = undefined
      for (const session of this.#wanted) session.enter()
      return
    }
    this.refusal = dialled
    this.#comeBack()
  }

  #comeBack(): void {
    if (!this.#comesBack || this.#isGone) return
    this.#stayAway = this.#clock.every(comeBackMs, () => {
      this.#stayAway()
      this.#connect()
    })
  }

  get #wanted(): ClientSession[] {
    return [...this.#sessions.values()].filter(({ state }) => state === 'waiting')
  }
}

class ClientSession implements MemorySession {
  readonly namespace: string
  readonly entered: Promise<void>
  readonly events: ReceivedEvent[] = []
  state: MemorySession['state'] = 'waiting'
  id: string | undefined
  pid: string | undefined
  onEvent: (event: ReceivedEvent) => void = () => undefined
  onRequest: ((name: string, data: unknown) => unknown) | undefined
  readonly #client: Client
  readonly #auth: Readonly<Record<string, unknown>>
  readonly #letIn = Promise.withResolvers<void>()
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>()
  #commands = 0
  #offset: string | undefined

  constructor(client: Client, namespace: string, auth: Readonly<Record<string, unknown>>) {
    this.#client = client
    this.namespace = namespace
    this.#auth = auth
    this.entered = this.#letIn.promise
    // Who looks at `state` need not wait for it as well.
    this.entered.catch(() => undefined)
  }

  enter(): void {
    const known = this.pid === undefined ? {} : { pid: this.pid, offset: this.#offset }
    this.#client.line?.enter(this.namespace, { ...known, ...this.#auth })
  }

  send(name: string, ...args: readonly unknown[]): void {
    this.#openLine().command(this.namespace, name, args, undefined)
  }

  ask(name: string, ...args: readonly unknown[]): Promise<unknown> {
    const line = this.#openLine()
    const asked = Promise.withResolvers<unknown>()
    this.#commands += 1
    this.#asked.set(this.#commands, asked)
    line.command(this.namespace, name, args, this.#commands)
    return asked.promise
  }

  leave(): void {
    const line = this.#client.line
    this.#over('over')
    line?.leave(this.namespace)
  }

  delivery(delivery: Delivery): void {
    if (delivery.kind === 'accepted') {
      this.id = delivery.id
      this.pid = delivery.pid
      this.state = 'open'
      this.#letIn.resolve()
    } else if (delivery.kind === 'refused') {
      this.#letIn.reject(new Refusal(delivery.code as Refusal['code'], delivery.message))
      this.#over('refused')
    } else if (delivery.kind === 'goodbye') this.#over('over')
    else if (this.state !== 'open') return
    else if (delivery.kind === 'event') {
      const { name, data, cursor } = delivery
      this.#offset = cursor ?? this.#offset
      this.events.push({ name, data, cursor })
      this.onEvent({ name, data, cursor })
    } else if (delivery.kind === 'answer') {
      this.#asked.get(delivery.id)?.resolve(delivery.answer)
      this.#asked.delete(delivery.id)
    } else void this.#answer(delivery.id, delivery.name, delivery.data)
  }

  /** The connection is gone, or another session is in its place; who comes back waits to be let in again. */
  cut(comesBack: boolean): void {
    if (this.state === 'refused' || this.state === 'over') return
    this.#over(comesBack ? 'waiting' : 'over')
  }

  async #answer(id: number, name: string, data: unknown): Promise<void> {
    if (this.onRequest === undefined) return
    // Over the line on which it was asked: another one knows nothing of it.
    const line = this.#client.line
    line?.answered(this.namespace, id, await this.onRequest(name, data))
  }

  #over(state: MemorySession['state']): void {
    this.state = state
    for (const asked of this.#asked.values()) asked.reject(new Refusal('disconnected'))
    this.#asked.clear()
    if (state !== 'waiting') this.#letIn.reject(new Refusal('disconnected'))
  }

  #openLine(): Line {
    const { line } = this.#client
    if (line === undefined || this.state !== 'open')
      throw new Error(`The session on ${this.namespace} is ${this.state}: wait until it is open.`)
    return line
  }
}
