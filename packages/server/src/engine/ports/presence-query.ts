/**
 * Who is there, for those who must ask: notifications before they write an e-mail, the console, modules with
 * members. The module that knows gives the answers; who asks does not know it.
 *
 * PQ1  A user who was never heard of is offline.
 * PQ2  Online is whoever has another status than `offline`: away, busy and dnd are ways of being there. The
 *      three questions agree with each other.
 * PQ3  `statusOf` has an answer for each user it was asked about, and for nobody else.
 * PQ4  `onlineUsers` names the users of that workspace who are online, each with the status, and nobody of
 *      another one. Pages hold at most `limit` users, and at most `onlineUsersLimitMax`; the last has no
 *      `nextCursor`.
 * PQ5  Who is online all the while stands on exactly one of the pages, whoever comes and goes between them.
 * PQ6  `total` is how many there are, on every page.
 */
import type { UserId, WorkspaceId } from '@belfry/contract'
import type { Awaitable } from '../awaitable.ts'

export interface PresenceQuery {
  /** Asked for every recipient of a notification, so an adapter may answer at once. */
  isOnline(userId: UserId): Awaitable<boolean>
  statusOf(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, PresenceStatus>>
  onlineUsers(question: OnlineUsersQuestion): Promise<OnlineUsersPage>
}

export type PresenceStatus = 'online' | 'away' | 'busy' | 'dnd' | 'offline'

export interface OnlineUsersQuestion {
  readonly workspaceId: WorkspaceId
  /** 1 or more. */
  readonly limit: number
  /** `nextCursor` of the page before; absent for the first. */
  readonly cursor?: string
}

export interface OnlineUsersPage {
  readonly users: readonly { readonly userId: UserId; readonly status: OnlineStatus }[]
  readonly total: number
  readonly nextCursor: string | undefined
}

export type OnlineStatus = Exclude<PresenceStatus, 'offline'>

/** Whoever asks for more gets this many: an answer stays below 100 KB. */
export const onlineUsersLimitMax = 500
