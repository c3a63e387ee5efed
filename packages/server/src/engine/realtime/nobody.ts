/** Who a connection is before it said so: nobody, and apart from every other nobody. */
import type { ConnectionId, UserId } from '@belfry/contract'
import type { Principal } from '../ports/token-verifier.ts'

/** No id of a user has a control character: nobody is never taken for somebody. */
const mark = '\u0000'

export function nobody(connection: ConnectionId): Principal {
  return {
    // Limits count by it.
    userId: `${mark}${connection}` as UserId,
    name: undefined,
    workspaces: [],
    teams: [],
    roles: [],
    permissions: [],
    expiresAtMs: undefined,
    issuedAtMs: undefined,
    tokenId: undefined,
    loginId: undefined,
  }
}

export function isNobody({ userId }: Pick<Principal, 'userId'>): boolean {
  return userId.startsWith(mark)
}

/** For logs and lists. */
export function userOf({ userId }: Pick<Principal, 'userId'>): UserId | undefined {
  return isNobody({ userId }) ? undefined : userId
}
