/**
 * Who is in which room of one namespace. Members lie in dense arrays, and a session knows its place in each of its
 * rooms: joining and leaving move one entry, and a sweep over ten thousand members reads memory in order.
 */
import type { Room } from '@belfry/contract'

/** Rooms of one session, at most; the one beyond is refused. */
export const roomsPerSessionMax = 1_000

export interface RoomMembers<Member> {
  readonly name: Room
  readonly members: Member[]
}

/** What a member carries, so that rooms need no table of members. */
export interface RoomMember<Member> {
  /** The rooms it is in, and at the same index its place among the members of each. */
  readonly rooms: RoomMembers<Member>[]
  readonly places: number[]
}

export class Rooms<Member extends RoomMember<Member>> {
  readonly #rooms = new Map<Room, RoomMembers<Member>>()

  get size(): number {
    return this.#rooms.size
  }

  get(name: Room): RoomMembers<Member> | undefined {
    return this.#rooms.get(name)
  }

  /** False when it is in the room already. */
  join(member: Member, name: Room): boolean {
    if (placeOf(member, name) !== -1) return false
    let room = this.#rooms.get(name)
    if (room === undefined) {
      // As a literal, the list of the many rooms with one member has room for one and not for seventeen.
      room = { name, members: [member] }
      this.#rooms.set(name, room)
    } else room.members.push(member)
    member.rooms.push(room)
    member.places.push(room.members.length - 1)
    return true
  }

  /** False when it is not in the room. */
  leave(member: Member, name: Room): boolean {
    const index = placeOf(member, name)
    if (index === -1) return false
    this.#leaveAt(member, index)
    return true
  }

  leaveAll(member: Member): void {
    for (let index = member.rooms.length - 1; index >= 0; index -= 1) this.#leaveAt(member, index)
  }

  #leaveAt(member: Member, index: number): void {
    const room = member.rooms[index]
    const place = member.places[index]
    if (room === undefined || place === undefined) return
    removeAt(member.rooms, index)
    removeAt(member.places, index)
    const moved = removeAt(room.members, place)
    // The last member took the free place.
    if (moved !== undefined) moved.places[moved.rooms.indexOf(room)] = place
    if (room.members.length === 0) this.#rooms.delete(room.name)
  }
}

function placeOf<Member>(member: RoomMember<Member>, name: Room): number {
  return member.rooms.findIndex((room) => room.name === name)
}

/** Puts the last entry into the place of one that goes; the entry that moved, if one did. */
function removeAt<Entry>(list: Entry[], index: number): Entry | undefined {
  const last = list.pop()
  if (last === undefined || index === list.length) return undefined
  list[index] = last
  return last
}
