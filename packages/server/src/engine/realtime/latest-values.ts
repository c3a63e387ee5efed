/** The newest value of each key of the lane `latest`, by room, for those who come late. */
import type { Room } from '@belfry/contract'

export interface LatestValue {
  readonly name: string
  readonly key: string
  readonly json: string
  readonly attachments: readonly Uint8Array[]
  readonly at: string
}

/** A value with its number: of two, the one that was renewed later has the higher one. */
export interface NumberedValue {
  readonly number: number
  readonly value: LatestValue
}

/** Values of one namespace, at most; the ones that were not renewed for longest are forgotten first. */
const valuesMax = 10_000

/** Characters of their payloads together. */
const lengthMax = 16 * 1_024 * 1_024

export class LatestValues {
  /** In the order in which they were renewed. */
  readonly #values = new Map<string, NumberedValue & { readonly room: Room }>()
  readonly #byRoom = new Map<Room, Set<string>>()
  #length = 0
  /** Of the value that was renewed last. */
  #number = 0

  get number(): number {
    return this.#number
  }

  set(room: Room, value: LatestValue): void {
    const id = idOf(room, value)
    this.#length += lengthOf(value) - lengthOf(this.#values.get(id)?.value)
    this.#values.delete(id)
    this.#number += 1
    this.#values.set(id, { room, value, number: this.#number })
    let ids = this.#byRoom.get(room)
    if (ids === undefined) {
      ids = new Set()
      this.#byRoom.set(room, ids)
    }
    ids.add(id)
    while (this.#values.size > valuesMax || this.#length > lengthMax) this.#forgetOldest()
  }

  /** Of these rooms, what was renewed after the value of this number, in that order. */
  since(rooms: Iterable<Room>, number: number): readonly NumberedValue[] {
    const found: NumberedValue[] = []
    for (const room of rooms) {
      for (const id of this.#byRoom.get(room) ?? []) {
        const kept = this.#values.get(id)
        if (kept !== undefined && kept.number > number) found.push(kept)
      }
    }
    return found.sort((one, other) => one.number - other.number)
  }

  get size(): number {
    return this.#values.size
  }

  #forgetOldest(): void {
    for (const [id, { room, value }] of this.#values) {
      this.#values.delete(id)
      this.#length -= lengthOf(value)
      const ids = this.#byRoom.get(room)
      ids?.delete(id)
      if (ids?.size === 0) this.#byRoom.delete(room)
      return
    }
  }
}

function lengthOf(value: LatestValue | undefined): number {
  if (value === undefined) return 0
  return value.attachments.reduce((sum, { byteLength }) => sum + byteLength, value.json.length)
}

/** Neither a room nor a name of an event has a line break in it. */
function idOf(room: Room, { name, key }: LatestValue): string {
  return `${room}\n${name}\n${key}`
}
