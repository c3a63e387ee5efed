/** Who belongs to a workspace, as far as tokens have said so: there is no other list of members. */
import type { Clock } from '../../engine/ports/clock.ts'
import type { Database } from '../../engine/ports/database.ts'
import type { Logger } from '../../engine/ports/logger.ts'
import type { Principal } from '../../engine/ports/token-verifier.ts'
import { noteMembers } from './store.ts'

const writeMs = 1_000
/** Members that wait to be written; what is beyond is noted at the next connect. */
const waitingMax = 50_000
/** Rows of one statement. */
const writtenAtOnce = 5_000

export interface AudienceOptions {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
}

export class Audience {
  readonly #options: AudienceOptions
  readonly #waiting = new Map<string, { readonly workspaceId: string; readonly userId: string }>()
  #stopWriting: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(options: AudienceOptions) {
    this.#options = options
  }

  start(): void {
    this.#stopWriting = this.#options.clock.every(writeMs, () => {
      this.#writing = this.#writing.then(() => this.write())
    })
  }

  async stop(): Promise<void> {
    this.#stopWriting?.()
    await this.#writing
    await this.write()
  }

  /** A storm of connects is one statement a second, not one for each. */
  saw({ userId, workspaces }: Principal): void {
    if (this.#waiting.size >= waitingMax) return
    for (const workspaceId of workspaces)
      this.#waiting.set(`${workspaceId}\n${userId}`, { workspaceId, userId })
  }

  /** Everybody who was seen so far can be found afterwards. */
  async write(): Promise<void> {
    const { database, clock, logger } = this.#options
    while (this.#waiting.size > 0) {
      const members = [...this.#waiting.entries()].slice(0, writtenAtOnce)
      try {
        await noteMembers(
          database,
          members.map(([, member]) => member),
          new Date(clock.now()),
        )
      } catch (error) {
        logger.warn({ error }, 'members of workspaces could not be noted; they are tried again')
        return
      }
      for (const [name] of members) this.#waiting.delete(name)
    }
  }
}
