/**
 * A client that comes back with the pid of its session: where it goes on, or why nobody can say that it has everything
 * (R5, R6, R13).
 */

import type { EveryNamespace } from '@belfry/contract'
import {
  type EventData,
  errorCatalogue,
  type Position,
  parseCursor,
  Refusal,
  type Room,
  type RoomRef,
  roomRef,
} from '@belfry/contract'
import { type Awaitable, andThen } from '../awaitable.ts'
import type { RoomAuthority } from '../namespace-handlers.ts'
import type { Logger } from '../ports/logger.ts'
import type { StoredSession } from '../ports/session-store.ts'
import type { Principal } from '../ports/token-verifier.ts'
import { everyoneRoom, type NamespaceState } from './namespace-state.ts'
import { Stays } from './stays.ts'

export type ResetReason = EventData<EveryNamespace, 'sync:reset'>['reason']

export interface Proved {
  /** It has everything up to here that was for it. */
  readonly offset: number
  readonly stays: Stays
  /** Rooms in which it may not be any more. */
  readonly lost: readonly RoomRef[]
  /** Rooms of its user, workspaces and teams in which it was not yet. */
  readonly gained: readonly Room[]
}

export interface RecoveryParts {
  readonly authorities: ReadonlyMap<string, RoomAuthority>
  readonly logger: Logger
}

type Auth = Readonly<Record<string, unknown>>

/** What a client says it has. `cursor` is for those who get no cursor behind their events (R14). */
function cursorOf(auth: Auth): Position | undefined {
  return parseCursor(auth['cursor']) ?? parseCursor(auth['offset'])
}

/** A client brought a pid under which nothing is kept for it. */
export function whyUnknown({ position }: NamespaceState, auth: Auth): ResetReason {
  const cursor = cursorOf(auth)
  if (cursor === undefined) return 'unknown-session'
  // It was here in this life of the log, and for too long away.
  return cursor.epoch === position.epoch ? 'expired' : 'epoch-changed'
}

/** A reason instead, where the whole gap cannot be proved. */
export function proveGap(
  namespace: NamespaceState,
  stored: StoredSession,
  auth: Auth,
): Awaitable<number | ResetReason> {
  const { epoch, offset: head } = namespace.position
  if (stored.start.epoch !== epoch) return 'epoch-changed'
  const cursor = cursorOf(auth)
  // Without one, or with one of another session: nothing has reached it since this session began (F4, F5).
  const offset = Math.max(stored.start.offset, cursor?.epoch === epoch ? cursor.offset : 0)
  if (offset > head) return 'epoch-changed'
  if (stored.wholeFrom.offset > offset) return 'trimmed'
  if (offset === head) return offset
  const page = namespace.history.after(offset)
  // A page that was read may begin behind what is asked for.
  if (page instanceof Promise) return page.then((gap) => gap ?? proveGap(namespace, stored, auth))
  return typeof page === 'string' ? page : offset
}

/** Permissions are asked again: a token may say less than the one before, and modules may have changed their mind. */
export async function authorise(
  parts: RecoveryParts,
  namespace: NamespaceState,
  stored: StoredSession,
  principal: Principal,
  home: readonly Room[],
): Promise<Omit<Proved, 'offset'>> {
  const stays = new Stays()
  const lost: RoomRef[] = []
  const may = roomQuestion(parts, namespace, principal, home)
  for (const { room, joined } of stored.rooms) {
    if (await may(room)) stays.add(room, joined.offset)
    else lost.push(roomRef(room))
  }
  for (const { room, joined, left } of stored.left)
    if (await may(room)) stays.add(room, joined.offset, left.offset)
  const gained = home.filter((room) => !stays.isIn(room))
  return { stays, lost, gained }
}

/** Whether somebody may be in a room of this namespace, asked once for each. */
export function roomQuestion(
  { authorities, logger }: RecoveryParts,
  namespace: NamespaceState,
  principal: Principal,
  home: readonly Room[],
): (room: Room) => Promise<boolean> {
  const decided = new Map<Room, boolean>()
  const ask = async (ref: RoomRef): Promise<boolean> => {
    const authority = authorities.get(ref.kind)
    // Nobody decides about rooms of this kind: the server put it there.
    if (authority === undefined) return true
    try {
      return await authority.mayJoin(principal, ref.id)
    } catch (error) {
      // What passes by itself is asked again when the client comes back.
      if (error instanceof Refusal && errorCatalogue[error.code].status >= 500) throw error
      if (!(error instanceof Refusal))
        logger.error(
          { error, namespace: namespace.name, kind: ref.kind },
          'nobody can say who may be in a room',
        )
      return false
    }
  }
  return async (room) => {
    const known = decided.get(room)
    if (known !== undefined) return known
    const allowed = home.includes(room) || room === everyoneRoom || (await ask(roomRef(room)))
    decided.set(room, allowed)
    return allowed
  }
}

export function recover(
  parts: RecoveryParts,
  namespace: NamespaceState,
  stored: StoredSession,
  auth: Auth,
  principal: Principal,
  home: readonly Room[],
): Awaitable<Proved | ResetReason> {
  return andThen(proveGap(namespace, stored, auth), async (proved) => {
    if (typeof proved === 'string') return proved
    return { offset: proved, ...(await authorise(parts, namespace, stored, principal, home)) }
  })
}
