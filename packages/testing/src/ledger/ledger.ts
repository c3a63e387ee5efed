/**
 * A ledger of a namespace: every event that was published, to which rooms, against what each client received, in the
 * order of receipt, over all its connections. Nothing may be missing, come twice or out of order, unless the client was
 * told at the place of the loss.
 *
 *   const ledger = createLedger()
 *   const ana = ledger.client('ana', ['workspace:acme'])
 *   ledger.published({ id: 'post 7', rooms: ['workspace:acme'] })
 *   socket.on('post:created', ({ id }) => ana.received(id))
 *   socket.on('sync:reset', ({ reason }) => ana.reset(reason))
 *   await until(() => ledger.isSettled())
 *   ledger.verdict().check()
 *
 * An event is a number, 0 for the first, or an id. It takes 4 bytes for each that received it, so that 10,000 clients and
 * tens of thousands of events fit into memory.
 */
import { nowMs } from '../real-time.ts'
import { Numbers } from './numbers.ts'
import { judge, type Verdict } from './verdict.ts'

export interface LedgerOptions {
  /** Milliseconds of a clock; the one of this process if absent. Those of publishers have to be of the same. */
  now?(): number
}

export interface Publication {
  /** What clients know it by, if that is not its number. */
  readonly id?: string
  readonly rooms: readonly string[]
  /** `epoch.position`, if it is known: then what a reset leaves out is known to the event. */
  readonly cursor?: string
  /** When; now if absent. */
  readonly atMs?: number
}

export interface LedgerClient {
  readonly name: string
  /** Events published after this one are for it: the last one that was published, if absent. */
  join(room: string, after?: number): void
  /** Events up to this one are for it; later ones are not. */
  leave(room: string, upTo?: number): void
  /** By its number or its id; also before it was noted that it was published. */
  received(event: number | string): void
  /**
   * It was told that it missed something, here. What it did not get until now, between what it got before and what it
   * gets next, counts as told; with the cursor of the reset, nothing after that.
   */
  reset(reason: string, cursor?: string): void
  /** What happened to it, for the report: such as that its line was cut. */
  note(what: string): void
  readonly receipts: number
}

export interface Ledger {
  /** How many there are. */
  readonly events: number
  readonly receipts: number
  /** Its number. */
  published(publication: Publication): number
  /**
   * Nobody knows whether it was: its publisher got no answer. Clients may have it, in its order and once, and need not.
   */
  unsure(event: number): void
  /** In these rooms from now on. */
  client(name: string, rooms?: readonly string[]): LedgerClient
  /** Every client has the last event that is for it, or was told after it left. Cheap enough to ask again and again. */
  isSettled(): boolean
  verdict(): Verdict
}

/** What the verdict reads. */
export interface Membership {
  readonly room: string
  /** Events from this one on, up to and without `until`. */
  readonly from: number
  until: number
}

export interface Reset {
  readonly reason: string
  readonly atMs: number
  /** So many receipts came before it. */
  readonly receipts: number
  /** Events from this one on came after it, as its cursor says; infinity if that is not known. */
  readonly until: number
}

export interface Note {
  readonly what: string
  readonly atMs: number
}

export interface Account {
  readonly name: string
  readonly memberships: readonly Membership[]
  readonly receiptCount: number
  /** The event of a receipt; `unpublished` if there is none of that id. */
  eventAt(receipt: number): number
  readonly resets: readonly Reset[]
  readonly notes: readonly Note[]
}

export interface Books {
  readonly accounts: readonly Account[]
  readonly eventCount: number
  readonly beganMs: number
  eventsOf(room: string): Numbers
  publishedAtMs(event: number): number
  /** What clients know it by. */
  nameOf(event: number): string
  isSure(event: number): boolean
}

/** A number that no event has. */
export const unpublished = 0x7fffffff

/** 4 bytes each: 1.2 GB. Beyond that, a process of Node has other troubles. */
const receiptsMax = 300_000_000
/** What happened to a client: the last of it explains a loss. */
const notesMax = 1_000

export function createLedger({ now = nowMs }: LedgerOptions = {}): Ledger {
  const beganMs = now()
  const rooms = new Map<string, Numbers>()
  const accounts: Account[] = []
  const ids = createIds()
  const unsure = new Set<number>()
  /** By epoch and position. */
  const positions = new Map<string, Map<number, number>>()
  let times = new Float64Array(1_024)
  let eventCount = 0
  let receiptCount = 0

  function eventsOf(room: string): Numbers {
    let events = rooms.get(room)
    if (events === undefined) {
      events = new Numbers()
      rooms.set(room, events)
    }
    return events
  }

  function known(event: number): number {
    if (Number.isInteger(event) && event >= 0 && event < eventCount) return event
    throw new RangeError(`There is no event ${event}: ${eventCount} were published.`)
  }

  /** The first event that comes after the cursor. */
  function eventAfter(cursor: string | undefined): number {
    if (cursor === undefined) return Number.POSITIVE_INFINITY
    const { epoch, position } = partsOf(cursor)
    return positions.get(epoch)?.get(position + 1) ?? Number.POSITIVE_INFINITY
  }

  function open(name: string): LedgerClient {
    const memberships: Membership[] = []
    const receipts = new Numbers()
    const resets: Reset[] = []
    const notes: Note[] = []
    accounts.push({
      name,
      memberships,
      resets,
      notes,
      get receiptCount() {
        return receipts.length
      },
      eventAt: (receipt) => ids.eventOf(receipts.at(receipt)),
    })
    return {
      name,
      join(room, after = eventCount - 1) {
        if (memberships.some((each) => each.room === room && each.until === Number.POSITIVE_INFINITY)) return
        memberships.push({ room, from: after + 1, until: Number.POSITIVE_INFINITY })
      },
      leave(room, upTo = eventCount - 1) {
        for (const membership of memberships)
          if (membership.room === room)
            membership.until = Math.max(membership.from, Math.min(membership.until, upTo + 1))
      },
      received(event) {
        // What came from elsewhere is a number that was not published here: the verdict tells of it.
        if (typeof event === 'number' && !(Number.isInteger(event) && event >= 0 && event <= unpublished))
          throw new RangeError(`${name} received ${event}, which is no number of an event.`)
        receiptCount += 1
        if (receiptCount > receiptsMax) throw new RangeError(`A ledger holds ${receiptsMax} receipts.`)
        receipts.add(typeof event === 'number' ? event : ids.numberOf(event))
      },
      reset(reason, cursor) {
        resets.push({ reason, atMs: now(), receipts: receipts.length, until: eventAfter(cursor) })
      },
      note(what) {
        notes.push({ what, atMs: now() })
        if (notes.length > notesMax) notes.shift()
      },
      get receipts() {
        return receipts.length
      },
    }
  }

  const books: Books = {
    accounts,
    get eventCount() {
      return eventCount
    },
    beganMs,
    eventsOf,
    publishedAtMs: (event) => times[known(event)] as number,
    nameOf: ids.nameOf,
    isSure: (event) => !unsure.has(event),
  }

  return {
    get events() {
      return eventCount
    },
    get receipts() {
      return receiptCount
    },
    published({ id, rooms: to, cursor, atMs = now() }) {
      const event = eventCount
      eventCount += 1
      if (event === times.length) {
        const more = new Float64Array(times.length * 2)
        more.set(times)
        times = more
      }
      times[event] = atMs
      if (id !== undefined) ids.published(id, event)
      for (const room of new Set(to)) eventsOf(room).add(event)
      if (cursor !== undefined) {
        const { epoch, position } = partsOf(cursor)
        const ofEpoch = positions.get(epoch) ?? new Map<number, number>()
        positions.set(epoch, ofEpoch.set(position, event))
      }
      return event
    },
    unsure(event) {
      unsure.add(known(event))
    },
    client(name, in_ = []) {
      const client = open(name)
      for (const room of in_) client.join(room)
      return client
    },
    isSettled: () => accounts.every((account) => isSettled(account, books)),
    verdict: () => judge(books),
  }
}

/** Its newest receipt is the newest event that is for it, or it was told after that event. */
function isSettled(
  { memberships, receiptCount, eventAt, resets }: Account,
  { eventsOf, publishedAtMs, isSure }: Books,
): boolean {
  let owed = -1
  for (const { room, from, until } of memberships) {
    const events = eventsOf(room)
    let newest = events.countBelow(until) - 1
    while (newest >= 0 && !isSure(events.at(newest))) newest -= 1
    if (newest >= 0 && events.at(newest) >= from) owed = Math.max(owed, events.at(newest))
  }
  if (owed === -1) return true
  const reset = resets.at(-1)
  if (reset !== undefined && reset.atMs >= publishedAtMs(owed) && reset.until > owed) return true
  // The newest comes last, or close to it where something is out of order.
  for (let receipt = receiptCount - 1; receipt >= Math.max(0, receiptCount - lookBack); receipt -= 1)
    if (eventAt(receipt) >= owed) return true
  return false
}

const lookBack = 64

/** Ids as numbers below 0, since they may come before it is known of which event they are. */
function createIds() {
  const numbers = new Map<string, number>()
  const eventOfNumber: number[] = []
  const idOfEvent = new Map<number, string>()

  function numberOf(id: string): number {
    let number = numbers.get(id)
    if (number === undefined) {
      number = -1 - numbers.size
      numbers.set(id, number)
      eventOfNumber.push(unpublished)
    }
    return number
  }

  return {
    numberOf,
    published(id: string, event: number): void {
      const number = numberOf(id)
      if (eventOfNumber[-1 - number] !== unpublished)
        throw new RangeError(`Two events have the id ${JSON.stringify(id)}.`)
      eventOfNumber[-1 - number] = event
      idOfEvent.set(event, id)
    },
    eventOf: (number: number): number => (number >= 0 ? number : (eventOfNumber[-1 - number] ?? unpublished)),
    nameOf: (event: number): string =>
      event === unpublished ? 'something' : (idOfEvent.get(event) ?? `${event}`),
  }
}

function partsOf(cursor: string): { readonly epoch: string; readonly position: number } {
  const point = cursor.lastIndexOf('.')
  const digits = cursor.slice(point + 1)
  const position = Number(digits)
  if (point < 1 || digits === '' || !Number.isSafeInteger(position))
    throw new TypeError(`${JSON.stringify(cursor)} is no cursor: it is an epoch, a point and a position.`)
  return { epoch: cursor.slice(0, point), position }
}
