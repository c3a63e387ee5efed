/**
 * Sessions, kept so that a client that lost its connection finds its place again, on whatever node it comes
 * back to. A session is stored when it begins, not when its connection ends: a node that is killed stores
 * nothing any more.
 *
 *            create                detach, detachNode
 *   (none) ─────────→ attached ──────────────────────→ detached ───→ (none): expired, or made room
 *                      │  ↑ ↺ attach: a newer connection   │
 *               remove │  └────────────── attach ──────────┘
 *                      └───→ (none), as from detached
 *
 * SS1  `create` begins a session: attached, of generation 1, in the rooms it was given, each joined at
 *      `start`. A pid that is taken is refused and its session untouched. Pids come from the caller, of at
 *      least 128 random bits.
 * SS2  Only its own user finds and attaches a session, on its own namespace (R12). For everybody else, and
 *      once it is gone, it is as if there never was one.
 * SS3  A session knows at which position it joined each of its rooms (R5). Joining a room it is in changes
 *      nothing. A room that it left is kept with both positions, unless they are the same: events in between
 *      were for this session, and replay owes them, as far as its user still may see them. Joined again, the
 *      room is a new membership.
 * SS4  Joins and leaves reach a session attached or detached (R13), and each call wholly or not at all.
 * SS5  `attach` gives a session to a new connection, whether another one holds it or not, and the generation
 *      grows by one (R11). So of two claims both are answered, the newer with the higher generation, and only
 *      that one still counts: `detach` and `remove` with another generation change nothing, nor does
 *      `detachNode` of an older node. A connection claims before it does anything slow, or the slower of two
 *      would be taken for the newer.
 * SS6  `detach` says from when on a session is away; another `detach` does not prolong it. `detachNode` does
 *      the same for all sessions that a node held, when that node was killed.
 * SS7  A session that is away for `detachedMsMax` is gone from that moment on, for everybody and for good;
 *      attached, it never expires. Zero keeps no session that is away.
 * SS8  At most `detachedMax` sessions are away. One more, and the one that was detached first is gone: its
 *      client is told so when it comes. Sessions of one `detachNode` have no order among themselves. One that
 *      has expired may count until a sweep has reached it. Those attached do not count: connections have a
 *      bound of their own.
 * SS9  A session is in at most `roomsMax` rooms: a join beyond that is refused and changes nothing. Of the
 *      rooms it left, the last `leftMax` are kept; `wholeFrom` says from which position on nothing was
 *      forgotten. A client that has less than that cannot be made whole and must be told.
 * SS10 `remove` ends a session at once, for everybody and for good (R12).
 * SS11 What was answered does not change afterwards, whatever happens to the session.
 * SS12 Where sessions outlive the process: what `create`, `join`, `leave`, `attach` and `remove` answered holds after
 *      it was killed, and sessions whose node is gone are away since it was last heard of.
 */
import type { Id, Position, Room, SessionId, UserId } from '@belfry/contract'
import type { Awaitable } from '../awaitable.ts'

export interface SessionStore {
  /** Fails when the pid is taken, or the rooms are too many. */
  create(session: NewSession): Awaitable<StoredSession>
  find(pid: string, owner: SessionOwner): Awaitable<StoredSession | undefined>
  /** All sessions of a user on a namespace, also those that are away: for what the server does to them. */
  findAll(owner: SessionOwner): Awaitable<readonly StoredSession[]>
  join(pid: string, rooms: readonly Room[], at: Position): Awaitable<JoinOutcome>
  /** False when there is no such session. Rooms it is not in are passed over. */
  leave(pid: string, rooms: readonly Room[], at: Position): Awaitable<boolean>
  attach(pid: string, owner: SessionOwner, node: NodeId): Awaitable<AttachedSession | undefined>
  /** False when the session is away already, gone, or another connection's. */
  detach(pid: string, generation: number, atMs: number): Awaitable<boolean>
  /** How many there were. */
  detachNode(node: NodeId, atMs: number): Awaitable<number>
  /**
   * Without a generation: whoever holds it. False when the session is gone already, or another connection's.
   */
  remove(pid: string, generation?: number): Awaitable<boolean>
}

export type NodeId = Id<'node'>

/** Who may have a session back. */
export interface SessionOwner {
  readonly userId: UserId
  readonly namespace: string
}

interface SessionStart extends SessionOwner {
  /** Whoever knows it, and is the user, may continue the session. */
  readonly pid: string
  /** Which session; others may know it. */
  readonly id: SessionId
  /** Where its connection is, or was last. */
  readonly node: NodeId
  /** The head of the log when the session began: it is owed what comes after. */
  readonly start: Position
}

export interface NewSession extends SessionStart {
  readonly rooms: readonly Room[]
}

export interface StoredSession extends SessionStart {
  readonly generation: number
  /** `undefined` while it is attached. */
  readonly detachedAtMs: number | undefined
  readonly rooms: readonly Membership[]
  /** The rooms it left, first left first. */
  readonly left: readonly PastMembership[]
  readonly wholeFrom: Position
}

/** Events after `joined` are for the session. */
export interface Membership {
  readonly room: Room
  readonly joined: Position
}

/** Events after `joined`, up to and including `left`, were for the session. */
export interface PastMembership extends Membership {
  readonly left: Position
}

export interface AttachedSession {
  readonly session: StoredSession
  /** The node whose connection held it until now, and is to be told; `undefined` when it was away. */
  readonly fencedNode: NodeId | undefined
}

export type JoinOutcome = 'joined' | 'too-many-rooms' | 'no-session'

/** What every adapter lets its owner choose. */
export interface SessionStoreOptions {
  readonly detachedMsMax?: number
  readonly detachedMax?: number
  readonly roomsMax?: number
  readonly leftMax?: number
}

export const defaultSessionBounds: Required<SessionStoreOptions> = {
  /** A tunnel, a lift, a laptop carried to another room; half of what the log keeps. */
  detachedMsMax: 5 * 60 * 1000,
  /** All clients of ten nodes at once. */
  detachedMax: 100_000,
  /** Also what a client can ask for in one go. */
  roomsMax: 1_000,
  /** Rooms left within the minutes that a log keeps: pages a person looked at. */
  leftMax: 100,
}

/** How often a store looks for sessions that have expired, and gives their memory back. */
export const sessionSweepPeriodMs = 1_000
