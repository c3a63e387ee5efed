/**
 * Rooms: addressable sets of sessions. Code names a room by a typed reference, `{ kind: 'episode', id }`; the name
 * on the wire is built here and nowhere else. A client sends references, which the module that owns the kind
 * authorises; it never sends a name.
 */

/** A word such as `user`, `workspace`, `team` or `episode`; each belongs to one module. */
export type RoomKind = string

export interface RoomRef<Kind extends RoomKind = RoomKind> {
  readonly kind: Kind
  readonly id: string
}

/** The name of a room, made by `roomName`. */
export type Room = string & { readonly __room: never }

/** Longer than any id in use, and short enough that a session's list of rooms stays small. */
export const roomIdLengthMax = 128

export const roomKindShape = /^[a-z][a-zA-Z]{0,31}$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
export const roomIdShape = /^[^\u0000-\u001f\u007f]*$/

export function roomName({ kind, id }: RoomRef): Room {
  if (!roomKindShape.test(kind))
    throw new TypeError(`"${kind}" is no kind of room: use letters, beginning with a small one.`)
  if (!isRoomId(id))
    throw new TypeError(`The id of a room has 1 to ${roomIdLengthMax} characters and no control characters.`)
  return `${kind}:${id}` as Room
}

/** What `roomName` was given. A kind has no colon, so the first one ends it, whatever the id holds. */
export function roomRef(room: Room): RoomRef {
  const colon = room.indexOf(':')
  return { kind: room.slice(0, colon), id: room.slice(colon + 1) }
}

/** For what comes from a client. */
export function isRoomRef(value: unknown): value is RoomRef {
  if (typeof value !== 'object' || value === null) return false
  const { kind, id } = value as Partial<Record<keyof RoomRef, unknown>>
  return typeof kind === 'string' && roomKindShape.test(kind) && typeof id === 'string' && isRoomId(id)
}

function isRoomId(id: string): boolean {
  return id.length > 0 && id.length <= roomIdLengthMax && roomIdShape.test(id)
}
