/**
 * What waits to leave on one connection: everything, in order (TR1), within a bound (TR4). Nothing else writes to
 * the client.
 */
import type { Outgoing } from './encoded-event.ts'

export interface QueueBounds {
  /** Beyond it, `pulse` is dropped and `latest` replaced. */
  readonly congestedBytes: number
  /** Beyond it, the client reads too slowly to be served live. */
  readonly fullBytes: number
}

export type Enqueued = 'queued' | 'dropped' | 'full'

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

  /** `sentBytes` were given to the socket and have not left yet. */
  push(outgoing: Outgoing, sentBytes: number, bounds: QueueBounds): Enqueued {
    const total = this.#bytes + sentBytes + outgoing.bytes
    if (total > bounds.congestedBytes) {
      if (outgoing.lane === 'pulse') return 'dropped'
      if (outgoing.key !== undefined) this.#bury(outgoing.key)
      if (this.#bytes + sentBytes + outgoing.bytes > bounds.fullBytes) return 'full'
    }
    this.#waiting.push(outgoing)
    this.#bytes += outgoing.bytes
    if (outgoing.key !== undefined) this.#places?.set(outgoing.key, this.#waiting.length - 1)
    return 'queued'
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

  #bury(key: string): void {
    this.#places ??= placesOf(this.#waiting)
    const place = this.#places.get(key)
    if (place === undefined) return
    this.#bytes -= this.#waiting[place]?.bytes ?? 0
    this.#waiting[place] = undefined
    this.#places.delete(key)
  }
}

function placesOf(waiting: readonly (Outgoing | undefined)[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const [place, outgoing] of waiting.entries())
    if (outgoing?.key !== undefined) places.set(outgoing.key, place)
  return places
}
