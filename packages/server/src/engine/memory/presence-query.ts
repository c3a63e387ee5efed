/** Presence that is said, not found out: for tests, and for a server without the module that finds it out. */
import type { UserId, WorkspaceId } from '@belfry/contract'
import {
  type OnlineStatus,
  onlineUsersLimitMax,
  type PresenceQuery,
  type PresenceStatus,
} from '../ports/presence-query.ts'

export interface MemoryPresence extends PresenceQuery {
  /** Holds those who are online, and forgets whoever is set to `offline`. */
  set(userId: UserId, status: PresenceStatus, workspaces?: readonly WorkspaceId[]): void
}

export function createMemoryPresence(): MemoryPresence {
  const present = new Map<
    UserId,
    { readonly status: OnlineStatus; readonly workspaces: readonly WorkspaceId[] }
  >()
  return {
    set(userId, status, workspaces = []) {
      if (status === 'offline') present.delete(userId)
      else present.set(userId, { status, workspaces })
    },
    isOnline: (userId) => present.has(userId),
    async statusOf(userIds) {
      return new Map(userIds.map((userId) => [userId, present.get(userId)?.status ?? 'offline']))
    },
    async onlineUsers({ workspaceId, limit, cursor }) {
      if (!(limit >= 1)) throw new RangeError('A page holds one user or more.')
      const everybody = [...present]
        .filter(([, { workspaces }]) => workspaces.includes(workspaceId))
        .map(([userId, { status }]) => ({ userId, status }))
        .sort((one, other) => (one.userId < other.userId ? -1 : 1))
      // By name and not by count: who comes and goes in front of the cursor moves nobody across it.
      const rest = everybody.filter(({ userId }) => cursor === undefined || userId > cursor)
      const users = rest.slice(0, Math.min(limit, onlineUsersLimitMax))
      const nextCursor = users.length < rest.length ? users.at(-1)?.userId : undefined
      return { users, total: everybody.length, nextCursor }
    },
  }
}
