/** Tells people how many are unread, whenever that changes: the newest count, and never an older one after it. */
import { notificationsNamespace, type UserId } from '@belfry/contract'
import type { Queryable } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Realtime } from '../../engine/realtime/realtime.ts'
import { isUnavailable } from '../../engine/unavailable.ts'
import { type Count, readCounts } from './store.ts'

/**
 * Users whose last count is remembered; the one not told for longest is forgotten. More than the engine keeps as current
 * values of a namespace, so that none of those is of somebody who was forgotten here.
 */
const usersMax = 20_000

/** Users whose counts are read at once. */
const readAtOnce = 1_000

export class UnreadCounts {
  readonly #realtime: () => Realtime
  readonly #logger: Logger
  readonly #revisions = new Map<string, number>()
  /** Not more than those who are connected or were told before. */
  readonly #doubtful = new Set<string>()

  constructor(realtime: () => Realtime, logger: Logger) {
    this.#realtime = realtime
    this.#logger = logger
  }

  /**
   * Also to whoever was told before and is away: what was told last is what they get when they come back. To others who
   * are not connected it would be work for nobody.
   */
  tell({ userId, unread, revision }: Count): void {
    // Two transactions may be committed in one order and tell in another.
    if (revision <= (this.#revisions.get(userId) ?? -1) || !this.#concerns(userId)) return
    this.#revisions.delete(userId)
    this.#revisions.set(userId, revision)
    if (this.#revisions.size > usersMax) this.#revisions.delete(this.#revisions.keys().next().value as string)
    const to = { rooms: [{ kind: 'user', id: userId }] }
    this.#realtime()
      .publish(notificationsNamespace, 'notification:unreadCount', { unread, revision }, to)
      .catch((error: unknown) => this.#logger.warn({ error }, 'a count of notifications could not be told'))
  }

  /** If the answer to a commit is lost, the counts of these users may have changed, and `work` told nobody. */
  async watch<Result>(users: readonly string[], work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (isUnavailable(error)) this.doubt(users)
      throw error
    }
  }

  /** Somebody is back who asks for nothing. What was told since the start comes by itself; what was before does not. */
  recovered(userId: string): void {
    if (!this.#revisions.has(userId)) this.doubt([userId])
  }

  /** Their counts may have changed without being told: `tellDoubtful` reads what they are. */
  doubt(users: readonly string[]): void {
    for (const userId of users) if (this.#concerns(userId)) this.#doubtful.add(userId)
  }

  async tellDoubtful(database: Queryable): Promise<void> {
    while (this.#doubtful.size > 0) {
      const users = [...this.#doubtful].slice(0, readAtOnce)
      // Before they are read: who is doubted meanwhile has to be read again.
      for (const userId of users) this.#doubtful.delete(userId)
      try {
        for (const count of await readCounts(database, users)) this.tell(count)
      } catch (error) {
        for (const userId of users) this.#doubtful.add(userId)
        throw error
      }
    }
  }

  #concerns(userId: string): boolean {
    return this.#revisions.has(userId) || this.#realtime().users.sessionsOf(userId as UserId).length > 0
  }
}
