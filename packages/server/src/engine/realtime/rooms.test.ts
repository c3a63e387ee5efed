/** Rooms, against a model that is a map of sets. */
import { type Room, roomName } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../testing/seeded-random.ts'
import { type RoomMember, type RoomMembers, Rooms } from './rooms.ts'

class Member implements RoomMember<Member> {
  readonly rooms: RoomMembers<Member>[] = []
  readonly places: number[] = []
}

const names = Array.from({ length: 25 }, (_, n) => roomName({ kind: 'episode', id: `${n}` }))

describe('rooms', () => {
  it.each([1, 2, 3, 4])('are what a map of sets says: 4,000 steps of seed %i', (seed) => {
    const random = new SeededRandom(seed)
    const rooms = new Rooms<Member>()
    const model = new Map<Room, Set<Member>>()
    const members = Array.from({ length: 40 }, () => new Member())
    for (let step = 1; step <= 4_000; step += 1) {
      const member = random.oneOf(members)
      const name = random.oneOf(names)
      const what = random.below(100)
      if (what < 55) expect(rooms.join(member, name), `step ${step}`).toBe(joinModel(model, member, name))
      else if (what < 95)
        expect(rooms.leave(member, name), `step ${step}`).toBe(leaveModel(model, member, name))
      else {
        rooms.leaveAll(member)
        for (const each of names) leaveModel(model, member, each)
      }
      if (step % 40 === 0) compare(rooms, model, members)
    }
    for (const member of members) rooms.leaveAll(member)
    expect(rooms.size).toBe(0)
  })

  it('gives a member a place of its own in each room, however many there are', () => {
    const rooms = new Rooms<Member>()
    const [first, second] = names
    if (first === undefined || second === undefined) throw new Error('There are rooms.')
    const members = Array.from({ length: 5_000 }, () => new Member())
    for (const member of members) {
      rooms.join(member, first)
      rooms.join(member, second)
    }
    for (const [index, member] of members.entries()) if (index % 3 !== 0) rooms.leave(member, first)
    expect(new Set(rooms.get(first)?.members).size).toBe(1_667)
    expect(new Set(rooms.get(second)?.members).size).toBe(5_000)
    for (const member of members) rooms.leaveAll(member)
    expect(rooms.size).toBe(0)
    expect(members.every((member) => member.rooms.length === 0 && member.places.length === 0)).toBe(true)
  })
})

/** Also that what a member knows of its places is true, which nothing outside could see at once. */
function compare(
  rooms: Rooms<Member>,
  model: ReadonlyMap<Room, ReadonlySet<Member>>,
  all: readonly Member[],
): void {
  expect(rooms.size).toBe(model.size)
  for (const name of names) {
    const members = rooms.get(name)?.members ?? []
    expect(members).toHaveLength(new Set(members).size)
    expect(new Set(members)).toEqual(model.get(name) ?? new Set())
  }
  for (const member of all) {
    expect(member.places).toHaveLength(member.rooms.length)
    for (const [index, room] of member.rooms.entries())
      expect(room.members[member.places[index] ?? -1] === member).toBe(true)
  }
}

function joinModel(model: Map<Room, Set<Member>>, member: Member, name: Room): boolean {
  const members = model.get(name) ?? new Set()
  if (members.has(member)) return false
  model.set(name, members.add(member))
  return true
}

function leaveModel(model: Map<Room, Set<Member>>, member: Member, name: Room): boolean {
  const members = model.get(name)
  const wasIn = members?.delete(member) ?? false
  if (members?.size === 0) model.delete(name)
  return wasIn
}
