/** The rooms of a session, as every `SessionStore` keeps them (SS3, SS9). */
import type { Position, Room } from '@belfry/contract'
import type { NewSession, PastMembership, StoredSession } from './ports/session-store.ts'

export interface Memberships {
  readonly rooms: Map<Room, Position>
  readonly left: PastMembership[]
  wholeFrom: Position
}

export function firstMemberships(
  { rooms, start }: Pick<NewSession, 'rooms' | 'start'>,
  roomsMax = Number.POSITIVE_INFINITY,
): Memberships {
  const joined = new Map(rooms.map((room) => [room, start]))
  if (joined.size > roomsMax) throw new RangeError(`A session is in ${roomsMax} rooms, at most.`)
  return { rooms: joined, left: [], wholeFrom: start }
}

/** False when they would be too many: then nothing is changed. */
export function joinRooms(
  { rooms }: Memberships,
  wanted: readonly Room[],
  at: Position,
  roomsMax: number,
): boolean {
  const added = new Set(wanted.filter((room) => !rooms.has(room)))
  if (rooms.size + added.size > roomsMax) return false
  for (const room of added) rooms.set(room, at)
  return true
}

export function leaveRooms(
  memberships: Memberships,
  unwanted: readonly Room[],
  at: Position,
  leftMax: number,
): void {
  const { rooms, left } = memberships
  for (const room of unwanted) {
    const joined = rooms.get(room)
    if (joined === undefined) continue
    rooms.delete(room)
    if (!isAtOrBefore(at, joined)) left.push({ room, joined, left: at })
  }
  const forgotten = left.splice(0, left.length - leftMax)
  for (const { left: leftAt } of forgotten)
    if (!isAtOrBefore(leftAt, memberships.wholeFrom)) memberships.wholeFrom = leftAt
}

/** As they are now, whatever happens to them later (SS11). */
export function copyOfMemberships({
  rooms,
  left,
  wholeFrom,
}: Memberships): Pick<StoredSession, 'rooms' | 'left' | 'wholeFrom'> {
  return { rooms: [...rooms].map(([room, joined]) => ({ room, joined })), left: [...left], wholeFrom }
}

/** Positions of different epochs do not compare: the one at hand is taken for the later. */
function isAtOrBefore(position: Position, other: Position): boolean {
  return position.epoch === other.epoch && position.offset <= other.offset
}
