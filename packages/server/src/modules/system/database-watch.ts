/** The database as the console shows it: asked in the background, so that nobody waits for one that is away. */
import type { DatabaseView } from '@belfry/contract'

export interface DatabaseWatch {
  /** What is known; never waits. */
  view(): DatabaseView
  /** Asks again, unless somebody did within the last five seconds or an answer is still awaited. */
  refresh(): void
  /** Resolves when no question is open. */
  settled(): Promise<void>
}

export interface DatabaseWatchOptions {
  readonly kind: DatabaseView['kind']
  ask(): Promise<DatabaseView>
  now(): number
}

/** Asking costs a round trip and a look at the files' sizes. */
const refreshMs = 5_000

export function watchDatabase(options: DatabaseWatchOptions): DatabaseWatch {
  let known: DatabaseView = { state: 'down', kind: options.kind, connectionsOpen: 0, connectionsMax: 0 }
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  async function ask(): Promise<void> {
    try {
      known = await options.ask()
    } catch {
      known = down(known)
    } finally {
      asking = undefined
    }
  }

  return {
    view: () => known,
    refresh() {
      const sinceMs = options.now() - askedAt
      // A wall clock can be set back; that must not silence the watch.
      if (sinceMs >= 0 && sinceMs < refreshMs) return
      // It was asked five seconds ago and has not answered: for whoever looks, that is down.
      if (asking !== undefined) {
        known = down(known)
        return
      }
      askedAt = options.now()
      asking = ask()
    },
    async settled() {
      await asking
    },
  }
}

function down({ kind, connectionsOpen, connectionsMax }: DatabaseView): DatabaseView {
  return { state: 'down', kind, connectionsOpen, connectionsMax }
}
