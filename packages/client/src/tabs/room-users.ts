/** Which tabs are in which rooms of a session that they share: it leaves a room when none of them is in it any more. */

/** Answers with whether it was not in it. */
export interface RoomUsers {
  enter(room: string, tab: string): boolean
  leave(room: string, tab: string): void
  isNeeded(room: string): boolean
  of(tab: string): readonly string[]
  clear(): void
}

export function createRoomUsers(): RoomUsers {
  /** The server lets a session into 1,000 rooms. */
  const rooms = new Map<string, Set<string>>()
  return {
    enter(room, tab) {
      const tabs = rooms.get(room) ?? new Set()
      const isNew = !tabs.has(tab)
      rooms.set(room, tabs.add(tab))
      return isNew
    },
    leave(room, tab) {
      const tabs = rooms.get(room)
      tabs?.delete(tab)
      if (tabs?.size === 0) rooms.delete(room)
    },
    isNeeded: (room) => rooms.has(room),
    of: (tab) => [...rooms].filter(([, tabs]) => tabs.has(tab)).map(([room]) => room),
    clear: () => rooms.clear(),
  }
}

/** Kind and id, of a command that names a room. */
export function roomIn(payload: object): string | undefined {
  const { room } = payload as { room?: { kind?: unknown; id?: unknown } }
  return room === undefined || room === null ? undefined : JSON.stringify([room.kind, room.id])
}
