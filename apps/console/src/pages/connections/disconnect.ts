/** Ending connections: whom it concerns, and what became of it. */
import type { ConnectionView, ErrorCode } from '@belfry/contract'
import { ApiError, request } from '../../data/api.ts'

export type Target =
  | { readonly by: 'connection'; readonly connection: ConnectionView }
  | { readonly by: 'user'; readonly user: User }

export interface User {
  readonly id: string
  readonly name: string | null
}

/** Sessions that were ended; none if nobody was there any more. */
export async function disconnect(target: Target): Promise<number> {
  const id = target.by === 'connection' ? target.connection.id : target.user.id
  const path = `/api/v1/socket/disconnect/${encodeURIComponent(id)}?by=${target.by}`
  const gone: ErrorCode = 'not_found'
  try {
    return (await request<{ disconnected: number }>(path, { method: 'POST' })).disconnected
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.failure.code === gone) return 0
    throw thrown
  }
}

export function concerns(target: Target, connection: ConnectionView): boolean {
  if (target.by === 'connection') return target.connection.id === connection.id
  return connection.sessions.some(({ userId }) => userId === target.user.id)
}

/** Of all its sessions; nearly always it is one. */
export function usersOf({ sessions }: ConnectionView): readonly User[] {
  const users = new Map(sessions.map(({ userId, name }) => [userId, { id: userId, name }]))
  return [...users.values()]
}

/** "Ana Alvarez (ana)" */
export function nameOf({ id, name }: User): string {
  return name === null || name === id ? id : `${name} (${id})`
}

export function namesOf(connection: ConnectionView): string {
  return usersOf(connection).map(nameOf).join(', ')
}
