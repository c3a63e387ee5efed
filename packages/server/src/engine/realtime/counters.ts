/**
 * What every event and command costs, by namespace and name (B-15): how often, how many bytes, how long a handler
 * took, which errors. Names come from contracts, so their number is bounded; what nobody defined is counted together.
 */
import type { ErrorCode } from '@belfry/contract'

export interface EventCount {
  readonly kind: 'event' | 'command'
  readonly namespace: string
  readonly name: string
  /** Publishes, or commands that came. */
  count: number
  /** Copies that were sent; of commands always 0. */
  deliveries: number
  /** Of one copy each, not of all. */
  bytes: number
  handlerMs: number
  handlerMsMax: number
  errors: Partial<Record<ErrorCode, number>>
  /** Counts of the last hour, a number a minute, the newest last. */
  readonly minutes: number[]
}

const minutesKept = 60

export class Counters {
  readonly #counts = new Map<string, EventCount>()
  #minute = 0

  of(kind: EventCount['kind'], namespace: string, name: string): EventCount {
    const key = `${kind} ${namespace} ${name}`
    let count = this.#counts.get(key)
    if (count === undefined) {
      count = {
        kind,
        namespace,
        name,
        count: 0,
        deliveries: 0,
        bytes: 0,
        handlerMs: 0,
        handlerMsMax: 0,
        errors: {},
        minutes: new Array<number>(minutesKept).fill(0),
      }
      this.#counts.set(key, count)
    }
    return count
  }

  list(): readonly EventCount[] {
    return [...this.#counts.values()]
  }

  /** To be called at least once a minute: the columns of the past move on. */
  moveTo(nowMs: number): void {
    const minute = Math.floor(nowMs / 60_000)
    const steps = this.#minute === 0 ? 0 : Math.min(minute - this.#minute, minutesKept)
    this.#minute = minute
    if (steps <= 0) return
    for (const { minutes } of this.#counts.values()) {
      minutes.splice(0, steps)
      for (let step = 0; step < steps; step += 1) minutes.push(0)
    }
  }
}

export function countOne(count: EventCount, bytes: number, deliveries: number): void {
  count.count += 1
  count.bytes += bytes
  count.deliveries += deliveries
  const newest = count.minutes.length - 1
  count.minutes[newest] = (count.minutes[newest] ?? 0) + 1
}

export function countError(count: EventCount, code: ErrorCode): void {
  count.errors[code] = (count.errors[code] ?? 0) + 1
}

export function countHandler(count: EventCount, ms: number): void {
  count.handlerMs += ms
  if (ms > count.handlerMsMax) count.handlerMsMax = ms
}
