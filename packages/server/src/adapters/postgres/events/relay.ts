/**
 * Takes what was committed for one namespace, gives it positions and hands it on, in rounds of one statement each: what
 * comes while a round is on its way goes with the next one. So an event waits for one commit, and a thousand too.
 *
 *   resting ⇄ a round is on its way
 */
import { type Position, Refusal, type Room } from '@belfry/contract'
import type { Clock } from '../../../engine/ports/clock.ts'
import { type Database, DatabaseError, type Transaction } from '../../../engine/ports/database.ts'
import type { LogEntry } from '../../../engine/ports/log.ts'
import type { Logger } from '../../../engine/ports/logger.ts'
import type { OutboxSubscriber } from '../../../engine/ports/outbox.ts'
import { type EntryRow, insertIntoOutbox, type PlacedRow, placeEntries, readEntries } from './statements.ts'

/** Events of one round, from the outbox and from publishers of this process. */
const outboxMax = 500
const directMax = 500

/** Publishers of one namespace that wait for their turn; some seconds of all that a database takes. */
const waitingMax = 20_000

/** Entries of other processes that are read at once. */
const catchUpPage = 500

export interface RelayParts {
  readonly namespace: string
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly subscribers: ReadonlySet<OutboxSubscriber>
}

interface Waiting {
  readonly entry: LogEntry
  readonly resolve: (position: Position) => void
  readonly reject: (error: unknown) => void
}

export class Relay {
  readonly #parts: RelayParts
  /** Of the last entry that the handlers had. */
  handedOn: number
  #waiting: Waiting[] = []
  #isWoken = false
  /** As far as somebody saw the log reach. */
  #seenHead = 0
  #round: Promise<void> | undefined
  #isClosed = false

  constructor(parts: RelayParts, head: number) {
    this.#parts = parts
    this.handedOn = head
    // What a process left behind that died.
    this.wake()
  }

  get namespace(): string {
    return this.#parts.namespace
  }

  append(entry: LogEntry): Promise<Position> {
    if (this.#isClosed) return Promise.reject(new Refusal('shutting_down'))
    if (this.#waiting.length >= waitingMax) return Promise.reject(new Refusal('database_unavailable'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject })
      this.wake()
    })
  }

  async enqueue(transaction: Transaction, entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return
    transaction.afterCommit(() => this.wake())
    await insertIntoOutbox(transaction, this.namespace, entries)
  }

  /** There may be something to do: something was committed, or the log was seen to reach further. */
  wake(head = 0): void {
    if (this.#isClosed) return
    this.#seenHead = Math.max(this.#seenHead, head)
    this.#isWoken = true
    this.#round ??= this.#run()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#round
    for (const { reject } of this.#waiting) reject(new Refusal('shutting_down'))
    this.#waiting = []
  }

  async #run(): Promise<void> {
    // What the same tick still brings goes with this round.
    await undefined
    while (this.#isWoken && !this.#isClosed) {
      this.#isWoken = false
      const direct = this.#waiting.splice(0, directMax)
      await this.#place(direct).catch((error: unknown) => this.#failed(direct, error))
      if (this.#waiting.length > 0) this.#isWoken = true
    }
    // In the same turn in which it was seen that nothing is left: whoever wakes us next begins a new one.
    this.#round = undefined
  }

  /** Whoever looks regularly wakes us again; what was stored without an answer is found by its position then. */
  async #failed(direct: readonly Waiting[], error: unknown): Promise<void> {
    if (!(error instanceof Refusal))
      this.#parts.logger.error({ error, namespace: this.namespace }, 'events could not be relayed')
    // Nothing of the round was stored. Whose fault it was, is found one by one: the others are not to suffer for it.
    if (error instanceof DatabaseError && direct.length > 1)
      for (const one of direct) await this.#place([one]).catch(one.reject)
    else for (const { reject } of direct) reject(error)
  }

  async #place(direct: readonly Waiting[]): Promise<void> {
    const { database, clock, namespace } = this.#parts
    const entries = direct.map(({ entry }) => entry)
    const rows = await placeEntries(database, namespace, {
      entries,
      outboxMax,
      now: new Date(clock.now()),
    })
    const first = rows[0]
    await this.#catchUp(first === undefined ? this.#seenHead : first.position - 1)
    const own = rows.length - direct.length
    for (const [index, row] of rows.entries()) {
      const waiting = row.isDirect ? direct[index - own] : undefined
      const entry = waiting?.entry ?? entryOf(row)
      const position = { epoch: row.epoch, offset: row.position }
      this.#handOn(position, entry)
      waiting?.resolve(position)
    }
    if (own === outboxMax) this.#isWoken = true
  }

  /** Entries that others stored, or of which the answer was lost on its way to us. */
  async #catchUp(upTo: number): Promise<void> {
    while (this.handedOn < upTo) {
      const rows = await readEntries(this.#parts.database, this.namespace, {
        after: this.handedOn,
        limit: Math.min(catchUpPage, upTo - this.handedOn),
      })
      const { epoch, floor, head } = rows[0] ?? { epoch: '', floor: 1, head: this.handedOn }
      if (this.handedOn >= head) return
      if (floor > this.handedOn + 1) {
        this.handedOn = Math.min(floor - 1, upTo)
        for (const subscriber of this.#parts.subscribers) this.#tell(() => subscriber.missed(this.namespace))
        continue
      }
      for (const row of rows)
        if (row.position !== null) this.#handOn({ epoch, offset: row.position }, entryOf(row))
    }
  }

  #handOn(position: Position, entry: LogEntry): void {
    this.handedOn = position.offset
    for (const subscriber of this.#parts.subscribers)
      this.#tell(() => subscriber.entry(this.namespace, position, entry))
  }

  #tell(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#parts.logger.error({ error, namespace: this.namespace }, 'a handler of the log failed')
    }
  }
}

export function entryOf(row: EntryRow | PlacedRow): LogEntry {
  return {
    name: row.name,
    rooms: row.rooms as Room[],
    except: row.exceptRooms as Room[],
    data: row.data,
    attachments: row.attachments,
    atMs: row.publishedAtMs,
  }
}
