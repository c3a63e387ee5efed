/** Which tabs are in which rooms of a session that they share: it leaves a room when none of them is in it any more. */
import type { EventData, EveryNamespace } from '@belfry/contract'

/** Answers with whether it was not in it. */
export interface RoomUsers {
  enter(room: string, tab: string): boolean
  leave(room: string, tab: string): void
  isNeeded(room: string): boolean
  of(tab: string): readonly string[]
  /** No tab is in it any more. */
  lose(room: string): void
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
    lose: (room) => rooms.delete(room),
    clear: () => rooms.clear(),
  }
}

/** Kind and id, of a command that names a room. */
export function roomIn(payload: object): string | undefined {
  const { room } = payload as { room?: { kind?: unknown; id?: unknown } }
  return room === undefined || room === null ? undefined : nameOf(room)
}

/** Of the event `room:lost`. */
export function roomsIn(data: unknown): readonly string[] {
  return (data as EventData<EveryNamespace, 'room:lost'>).rooms.map(nameOf)
}

const nameOf = ({ kind, id }: { readonly kind?: unknown; readonly id?: unknown }) =>
  JSON.stringify([kind, id])
