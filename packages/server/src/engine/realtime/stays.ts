/**
 * In which rooms a session was, and from where to where: it is owed an event if it was in one of its rooms at the place
 * of the event, whatever became of that since (R5).
 */
import type { Room } from '@belfry/contract'

/** Events after `joined`, up to and including `left`. */
interface Stay {
  readonly joined: number
  left: number
}

export class Stays {
  readonly #stays = new Map<Room, Stay[]>()
  /** Rooms that it is in now. */
  #count = 0

  get count(): number {
    return this.#count
  }

  add(room: Room, joined: number, left = Number.POSITIVE_INFINITY): void {
    const stays = this.#stays.get(room)
    const stay = { joined, left }
    if (stays === undefined) this.#stays.set(room, [stay])
    else stays.push(stay)
    if (left === Number.POSITIVE_INFINITY) this.#count += 1
  }

  /** At a place of the log. False when it is in the room already. */
  join(room: Room, at: number): boolean {
    if (this.isIn(room)) return false
    this.add(room, at)
    return true
  }

  /** False when it is not in the room. */
  leave(room: Room, at: number): boolean {
    const stay = this.#stays.get(room)?.find(isPresent)
    if (stay === undefined) return false
    stay.left = at
    this.#count -= 1
    return true
  }

  isIn(room: Room): boolean {
    return this.#stays.get(room)?.some(isPresent) ?? false
  }

  /** The rooms that it is in now. */
  *present(): Iterable<Room> {
    for (const [room, stays] of this.#stays) if (stays.some(isPresent)) yield room
  }

  /** Whether an event at this place, for these rooms, was for it. */
  covers(offset: number, rooms: readonly Room[], except: readonly Room[]): boolean {
    return this.#wasInOne(rooms, offset) && !this.#wasInOne(except, offset)
  }

  #wasInOne(rooms: readonly Room[], offset: number): boolean {
    for (const room of rooms) {
      for (const { joined, left } of this.#stays.get(room) ?? none)
        if (joined < offset && offset <= left) return true
    }
    return false
  }
}

const none: readonly Stay[] = []

function isPresent({ left }: Stay): boolean {
  return left === Number.POSITIVE_INFINITY
}
