/** Tells people how many are unread, whenever that changes: the newest count, and never an older one after it. */
import { notificationsNamespace, type UserId } from '@belfry/contract'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Realtime } from '../../engine/realtime/realtime.ts'
import type { Count } from './store.ts'

/**
 * Users whose last count is remembered; the one not told for longest is forgotten. More than the engine keeps as current
 * values of a namespace, so that none of those is of somebody who was forgotten here.
 */
const usersMax = 20_000

export class UnreadCounts {
  readonly #realtime: () => Realtime
  readonly #logger: Logger
  readonly #revisions = new Map<string, number>()

  constructor(realtime: () => Realtime, logger: Logger) {
    this.#realtime = realtime
    this.#logger = logger
  }

  /**
   * Also to whoever was told before and is away: what was told last is what they get when they come back. To others who
   * are not connected it would be work for nobody.
   */
  tell({ userId, unread, revision }: Count): void {
    const known = this.#revisions.get(userId)
    // Two transactions may be committed in one order and tell in another.
    if (known !== undefined && revision <= known) return
    if (known === undefined && this.#realtime().users.sessionsOf(userId as UserId).length === 0) return
    this.#revisions.delete(userId)
    this.#revisions.set(userId, revision)
    if (this.#revisions.size > usersMax) this.#revisions.delete(this.#revisions.keys().next().value as string)
    const to = { rooms: [{ kind: 'user', id: userId }] }
    this.#realtime()
      .publish(notificationsNamespace, 'notification:unreadCount', { unread, revision }, to)
      .catch((error: unknown) => this.#logger.warn({ error }, 'a count of notifications could not be told'))
  }
}
