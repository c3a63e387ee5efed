/** Who belongs to a workspace, as far as tokens have said so: there is no other list of members. */
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database } from '../../engine/ports/database.ts'
import type { Principal } from '../../engine/ports/token-verifier.ts'
import { noteMembers } from './store.ts'

/** Members that wait to be written; what is beyond is noted at the next connect. */
const waitingMax = 50_000
/** Rows of one statement. */
const writtenAtOnce = 5_000

export interface AudienceOptions {
  readonly database: Database
  readonly clock: Clock
}

export class Audience {
  readonly #options: AudienceOptions
  readonly #waiting = new Map<string, { readonly workspaceId: string; readonly userId: string }>()

  constructor(options: AudienceOptions) {
    this.#options = options
  }

  saw({ userId, workspaces }: Principal): void {
    if (this.#waiting.size >= waitingMax) return
    for (const workspaceId of workspaces)
      this.#waiting.set(`${workspaceId}\n${userId}`, { workspaceId, userId })
  }

  /** Everybody who was seen so far can be found afterwards; who could not be noted is tried again. */
  readonly write = async (): Promise<void> => {
    const { database, clock } = this.#options
    while (this.#waiting.size > 0) {
      const members = [...this.#waiting.entries()].slice(0, writtenAtOnce)
      await noteMembers(
        database,
        members.map(([, member]) => member),
        new Date(clock.now()),
      )
      for (const [name] of members) this.#waiting.delete(name)
    }
  }
}
