/** Who may be in rooms of which kind: each kind has one owner, and the engine owns those that follow from the token. */
import type { RoomAuthority } from '../namespace-handlers.ts'

export function byKind(authorities: readonly RoomAuthority[]): ReadonlyMap<string, RoomAuthority> {
  const found = new Map<string, RoomAuthority>()
  for (const authority of authorities) {
    // The second would decide for the first, and one of them may be the engine itself.
    if (found.has(authority.kind))
      throw new TypeError(`The rooms of the kind ${authority.kind} have two owners.`)
    found.set(authority.kind, authority)
  }
  return found
}

/** Rooms that follow from the token: whoever belongs there is in them from the start, and may come back. */
export const ownRooms: readonly RoomAuthority[] = [
  { kind: 'user', mayJoin: ({ userId }, id) => userId === id },
  { kind: 'workspace', mayJoin: ({ workspaces }, id) => workspaces.some((own) => own === id) },
  { kind: 'team', mayJoin: ({ teams }, id) => teams.some((own) => own === id) },
]
