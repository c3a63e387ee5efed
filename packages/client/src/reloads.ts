/**
 * Sessions that outlast a reload of their page: where they stand is kept in the storage of the tab, and the page that
 * comes next goes on from there.
 *
 *   createClient({ url, token, reloads: keptOverReloads() })
 *
 * A place belongs to one page at a time. A tab that was duplicated has a copy of the storage: its page finds the lock of
 * the session taken, and begins a session of its own.
 */
import type { ConnectionOptions } from './connection.ts'
import type { Place, Places } from './places.ts'
import { isLater } from './positions.ts'
import { hold, type Locks } from './tabs/locks.ts'
import { subjectOf } from './tabs/subject.ts'

/** What is used of `sessionStorage`. */
export type ReloadStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export interface ReloadOptions {
  /** Who is signed in. If absent, the claim `sub` of the token; where neither is known, nothing is kept. */
  readonly user?: string | (() => string)
  /**
   * When the client may forget an event. `after-listeners`: when all listeners have returned, and the task they ran in is
   * over; for applications that have saved by then, or save nothing. `by-application`: when it calls `save`.
   */
  readonly when?: 'after-listeners' | 'by-application'
  /** `sessionStorage` if absent. Where there is none, nothing is kept. */
  readonly storage?: ReloadStorage
  /** `navigator.locks` if absent. A page without locks keeps nothing: it could not know whether it is a duplicate. */
  readonly locks?: Locks
}

export interface Reloads {
  /**
   * What this application did because of events up to this position, `meta.id` of the last one, is saved. After a reload
   * the events behind it come again.
   */
  save(contract: { readonly name: string }, position: string): void
  /** For the client. */
  readonly places: (options: Omit<ConnectionOptions, 'places'>) => Places
}

interface Kept {
  readonly pid: string
  readonly user: string
  cursor: string | undefined
  isOurs: boolean
  release(): void
}

/**
 * How long a page waits for the lock of the session that it found. After a reload the page before is gone in no time; for
 * a duplicate it is what its first connection costs more.
 */
export const lockPatienceMs = 1_000
/** Part of what is stored: another version does not read it. */
const version = 1

export function keptOverReloads(given: ReloadOptions = {}): Reloads {
  let saved: Reloads['save'] = () => {}
  return {
    save: (contract, position) => saved(contract, position),
    places(options) {
      const storage = given.storage ?? storageOfTab()
      const { document, navigator } = globalThis as Partial<typeof globalThis>
      const locks = given.locks ?? navigator?.locks
      if (storage === undefined || (locks === undefined && document !== undefined)) return nothingKept
      const places = createPlaces(options, given, storage, locks)
      saved = ({ name }, position) => places.save(name, position)
      return places
    },
  }
}

function createPlaces(
  { url, socket, workspaceId, clock, onError }: Omit<ConnectionOptions, 'places'>,
  { user: givenUser, when }: ReloadOptions,
  storage: ReloadStorage,
  locks: Locks | undefined,
): Places & { save(namespace: string, position: string): void } {
  /** Of namespaces, as many as the application has contracts. */
  const kept = new Map<string, Kept>()
  /** To be written when the task is over. */
  const due = new Set<string>()
  let stopTimer: (() => void) | undefined
  const keyOf = (namespace: string) =>
    `belfry ${JSON.stringify([version, url, socket.path, workspaceId, namespace])}`

  function userOf(token: string | undefined): string | undefined {
    const subject = token === undefined ? undefined : subjectOf(token)
    const user = typeof givenUser === 'function' ? givenUser() : givenUser
    // Of somebody else than the application thinks, nothing is kept.
    if (user !== undefined && subject !== undefined && user !== subject) return undefined
    return user ?? (typeof subject === 'string' ? subject : undefined)
  }

  function read(namespace: string): (Place & { readonly user: unknown }) | undefined {
    try {
      const { user, pid, cursor } = JSON.parse(storage.getItem(keyOf(namespace)) ?? '{}')
      return typeof pid === 'string' && typeof cursor === 'string' ? { user, pid, cursor } : undefined
    } catch {
      return undefined
    }
  }

  function write(namespace: string): void {
    const each = kept.get(namespace)
    if (each?.cursor === undefined || !each.isOurs) return
    const { user, pid, cursor } = each
    guarded(() => storage.setItem(keyOf(namespace), JSON.stringify({ user, pid, cursor })))
  }

  /** A storage that is full or forbidden takes nothing away from the page that is there. */
  function guarded(action: () => void): void {
    try {
      action()
    } catch (error) {
      onError(error)
    }
  }

  function remove(namespace: string): void {
    kept.get(namespace)?.release()
    kept.delete(namespace)
    due.delete(namespace)
    guarded(() => storage.removeItem(keyOf(namespace)))
  }

  /** Resolves with whether it is this page's alone. */
  function claim(pid: string, onOurs: () => void, onTaken: () => void): () => void {
    if (locks === undefined) {
      onOurs()
      return () => {}
    }
    return hold(locks, `belfry session ${pid}`, { onHeld: onOurs, onLost: onTaken })
  }

  function begin(namespace: string, pid: string, user: string): void {
    const each: Kept = { pid, user, cursor: undefined, isOurs: false, release: () => {} }
    kept.set(namespace, each)
    each.release = claim(
      pid,
      () => {
        each.isOurs = true
        if (kept.get(namespace) === each) write(namespace)
      },
      () => {
        each.isOurs = false
      },
    )
  }

  function heard(namespace: string, cursor: string): void {
    const each = kept.get(namespace)
    if (each === undefined || when === 'by-application') return
    each.cursor = cursor
    due.add(namespace)
    stopTimer ??= clock.after(0, () => {
      stopTimer = undefined
      for (const each of due) write(each)
      due.clear()
    })
  }

  return {
    take(namespace, token) {
      const found = read(namespace)
      const user = userOf(token)
      const { pid, cursor } = found ?? {}
      if (pid === undefined || user === undefined || found?.user !== user) {
        remove(namespace)
        return Promise.resolve(undefined)
      }
      return new Promise((resolve) => {
        const each: Kept = { pid, user, cursor, isOurs: false, release: giveUp }
        kept.set(namespace, each)
        const stopPatience = clock.after(lockPatienceMs, giveUp)
        const release = claim(
          pid,
          () => {
            stopPatience()
            each.isOurs = true
            resolve({ pid, cursor })
          },
          giveUp,
        )
        function giveUp(): void {
          stopPatience()
          each.isOurs = false
          release()
          resolve(undefined)
        }
      })
    },
    began(namespace, { pid, cursor }, token) {
      const user = userOf(token)
      const before = kept.get(namespace)
      if (before === undefined || before.pid !== pid || before.user !== user) {
        // What is stored is of a session that is over.
        remove(namespace)
        if (pid !== undefined && user !== undefined) begin(namespace, pid, user)
      }
      if (cursor !== undefined) heard(namespace, cursor)
    },
    heard,
    save(namespace, position) {
      const each = kept.get(namespace)
      if (each === undefined || (each.cursor !== undefined && !isLater(position, each.cursor))) return
      each.cursor = position
      write(namespace)
    },
    forget(namespace) {
      remove(namespace)
      if (kept.size > 0) return
      stopTimer?.()
      stopTimer = undefined
    },
  }
}

/** A browser may forbid even to look. */
function storageOfTab(): ReloadStorage | undefined {
  try {
    return (globalThis as Partial<typeof globalThis>).sessionStorage
  } catch {
    return undefined
  }
}

const nothingKept: Places = {
  take: () => Promise.resolve(undefined),
  began: () => {},
  heard: () => {},
  forget: () => {},
}
