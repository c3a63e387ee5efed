/**
 * What waits to leave on one connection: everything, in order (TR1), within a bound (TR4). Nothing else writes to
 * the client.
 */
import type { Outgoing } from './encoded-event.ts'

export interface QueueBounds {
  /** Beyond it, `pulse` is dropped and `latest` replaced. */
  readonly congestedBytes: number
  /** Beyond it, the client reads too slowly to be served live: it gets events from the log, as it takes them. */
  readonly fullBytes: number
  /** Beyond it, not even that helps: it does not read the answers to what it asks. */
  readonly overflowBytes: number
}

export type Enqueued = 'queued' | 'dropped' | 'refused'

/** What carries the queue. */
export interface LineState {
  /** Bytes that were given to the socket and have not left yet. */
  readonly pendingBytes: number
  /** It takes no more for now, and says when it does again. */
  readonly isBlocked: boolean
}

export class OutgoingQueue {
  /** A replaced value leaves `undefined` in its place (R4): its follower goes to the tail. */
  #waiting: (Outgoing | undefined)[] = []
  #bytes = 0
  /** Where the newest value of each key lies; only while congested. */
  #places: Map<string, number> | undefined

  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** An event. */
  push(outgoing: Outgoing, line: LineState, bounds: QueueBounds): Enqueued {
    const { pendingBytes } = line
    const total = this.#bytes + pendingBytes + outgoing.bytes
    if (total > bounds.congestedBytes) {
      if (outgoing.lane === 'pulse') return 'dropped'
      const replaced = outgoing.key === undefined ? undefined : this.#placeOf(outgoing.key)
      const freedBytes = replaced === undefined ? 0 : (this.#waiting[replaced]?.bytes ?? 0)
      // However large it is, it may go where nothing is in its way.
      if (total - freedBytes > bounds.fullBytes && (!this.isEmpty || line.isBlocked)) return 'refused'
      if (replaced !== undefined) this.#bury(replaced)
    }
    this.#append(outgoing)
    return 'queued'
  }

  /** What is no event, whatever waits already. */
  pushAlways(outgoing: Outgoing): void {
    this.#append(outgoing)
  }

  #append(outgoing: Outgoing): void {
    this.#waiting.push(outgoing)
    this.#bytes += outgoing.bytes
    if (outgoing.key !== undefined) this.#places?.set(outgoing.key, this.#waiting.length - 1)
  }

  /** All that waits, in order; the queue is empty afterwards. */
  take(): readonly Outgoing[] {
    const taken = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    const hadReplaced = this.#places !== undefined
    this.#places = undefined
    return hadReplaced ? taken.filter((outgoing) => outgoing !== undefined) : (taken as Outgoing[])
  }

  /** As many as fit into so many bytes and packets, at least one; the rest waits on. */
  takeUpTo(bytesMax: number, packetsMax: number): readonly Outgoing[] {
    const all = this.take()
    let bytes = 0
    let packets = 0
    let count = 0
    for (const outgoing of all) {
      bytes += outgoing.bytes
      packets += outgoing.packets.length
      if (count > 0 && (bytes > bytesMax || packets > packetsMax)) break
      count += 1
    }
    if (count === all.length) return all
    this.#waiting = all.slice(count)
    for (const outgoing of this.#waiting) this.#bytes += outgoing?.bytes ?? 0
    return all.slice(0, count)
  }

  #placeOf(key: string): number | undefined {
    this.#places ??= placesOf(this.#waiting)
    return this.#places.get(key)
  }

  /** Its follower takes its key to another place. */
  #bury(place: number): void {
    this.#bytes -= this.#waiting[place]?.bytes ?? 0
    this.#waiting[place] = undefined
  }
}

function placesOf(waiting: readonly (Outgoing | undefined)[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const [place, outgoing] of waiting.entries())
    if (outgoing?.key !== undefined) places.set(outgoing.key, place)
  return places
}
