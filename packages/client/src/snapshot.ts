/**
 * Data of an application that is loaded once and carried on by events, without a gap between the two: what comes while
 * it is loaded waits, and what the answer holds already is not applied again.
 *
 *   idle → loading → current ⇄ stale    the line is away, or something was missed: it is loaded again then
 *             ↓ ↑       ↓
 *            failed ←———                it could not be loaded, or may not be seen any more
 *
 * One load is under way at a time; one that failed is tried again, later each time, where that may help. When the client
 * is closed, somebody signed out: the data is forgotten.
 */
import type { EventData, EventMeta, EventName, NamespaceContract, RoomRef } from '@belfry/contract'
import { backOffMs, defaultAdvice } from './back-off.ts'
import type { Client } from './client.ts'
import { type Clock, systemClock } from './clock.ts'
import { CommandError } from './command-error.ts'
import type { Live } from './live.ts'
import { isLater } from './positions.ts'
import { report } from './report.ts'
import { enterRoom } from './rooms.ts'
import { createStore, type Readable } from './store.ts'

export type SnapshotState<Data> =
  | Of<'idle' | 'loading', undefined, undefined>
  | Of<'current', Data, undefined>
  /** It may be out of date; `error` says why it could not be loaded again, if that was tried. */
  | Of<'stale', Data, Error | undefined>
  | Of<'failed', undefined, Error>

interface Of<Status, Data, Failure> {
  readonly status: Status
  readonly data: Data
  readonly position: Position
  readonly error: Failure
}

/** Up to which event the data holds what happened; `undefined` where nobody has said so. */
type Position = string | undefined

export interface Loaded<Data> {
  readonly data: Data
  /** At which it was read. Without it everything that came meanwhile is applied, also what the data holds already. */
  readonly position?: string | undefined
}

export interface LoadContext<N extends NamespaceContract> {
  readonly live: Live<N>
  /** At which the room was entered. */
  readonly position: string | undefined
  /** The answer is of no use any more: something was missed meanwhile, or nobody waits for it. */
  readonly signal: AbortSignal
}

export interface SnapshotOptions<N extends NamespaceContract, Data> {
  /** Entered before each load, and left with `close`. */
  readonly room?: RoomRef | undefined
  /** Any source will do, as long as it says at which position it was read. */
  readonly load: (context: LoadContext<N>) => Promise<Loaded<Data>>
  /** What each event makes of the data: new data, never the same changed. */
  readonly apply: Appliers<N, Data>
  /** Of an earlier page: shown at once, and carried on if the session is recovered. */
  readonly initial?: Loaded<Data> | undefined
  /** For one load. 20 seconds if absent. */
  readonly loadTimeoutMs?: number
  /** Gets what `apply` and subscribers throw. `console.error` if absent. */
  readonly onError?: (error: unknown) => void
  readonly clock?: Clock
  /** Between 0 and 1, as `Math.random`. */
  readonly random?: () => number
}

export type Appliers<N extends NamespaceContract, Data> = {
  readonly [Name in EventName<N>]?: (data: Data, event: EventData<N, Name>, meta: EventMeta) => Data
}

export interface Snapshot<Data> extends Disposable {
  /** The first who subscribes opens the namespace. */
  readonly state: Readable<SnapshotState<Data>>
  /** Loads it again, as it does by itself after something was missed. */
  reload(): void
  close(): void
}

interface Early {
  readonly name: string
  readonly event: unknown
  readonly meta: EventMeta
}

/** Events that wait for a load, at most: beyond that it is too slow to be carried on, and is begun anew. */
export const earlyMax = 10_000
const loadTimeoutMsDefault = 20_000

export function createSnapshot<N extends NamespaceContract, Data>(
  client: Client,
  contract: N,
  options: SnapshotOptions<N, Data>,
): Snapshot<Data> {
  const { clock = systemClock, random = Math.random, onError = report, room } = options
  let live: Live<N> | undefined
  let held: Loaded<Data> | undefined = options.initial
  let error: Error | undefined
  let early: Early[] | undefined
  let loading: AbortController | undefined
  let isWanted = false
  /** A position, as soon as it is in the room. */
  let entered: string | undefined
  let isOpen = false
  let wasOpen = false
  /** The session is another one than before: the reset that says so is still to come. */
  let isResetDue = false
  /** In a row. */
  let failures = 0
  let stopRetry = () => {}
  let stopDeadline = () => {}
  let stops: (() => void)[] = []

  const state = createStore<SnapshotState<Data>>(shown(), onError)
  function show(): void {
    const [before, now] = [state.get(), shown()]
    if (!isSame(before, now)) state.set(now)
  }

  function shown(): SnapshotState<Data> {
    const now = live?.state.get()
    if (held !== undefined) {
      const { data, position } = held
      const hasAll = now?.status === 'open' && (!now.recovered || now.recoveredEvents !== undefined)
      const isCurrent = hasAll && !isWanted && loading === undefined
      return isCurrent
        ? { status: 'current', data, position, error: undefined }
        : { status: 'stale', data, position, error }
    }
    const nothing = { data: undefined, position: undefined }
    if (now === undefined || now.status === 'closed') return { status: 'idle', ...nothing, error: undefined }
    return error === undefined
      ? { status: 'loading', ...nothing, error }
      : { status: 'failed', ...nothing, error }
  }

  function open(): void {
    if (live !== undefined) return
    const opened = client.namespace(contract)
    live = opened
    // While nobody listened, anything may have happened.
    if (opened.state.get().status === 'open' || held === undefined) isWanted = true
    for (const name of Object.keys(options.apply) as EventName<N>[])
      opened.on(name, (event, meta) => heard({ name, event, meta }))
    opened.onReset(missed)
    // Of which a change of rooms shows more or less, is not known.
    if (room === undefined) opened.on('room:lost', want)
    stops.push(opened.state.subscribe(followed))
    if (room !== undefined)
      stops.push(enterRoom(client, contract, room, { clock, onEntered: inRoom, onRefused: refused }))
    followed()
  }

  function followed(): void {
    const now = live?.state.get()
    const isNewlyOpen = now?.status === 'open' && !isOpen
    isOpen = now?.status === 'open'
    if (now?.status === 'closed') forget()
    else if (now?.status === 'refused' || now?.status === 'ended') error = overFor(now)
    else if (isNewlyOpen) {
      error = undefined
      if (now?.status === 'open' && !now.recovered) {
        entered = undefined
        isWanted = true
        isResetDue = wasOpen
      }
      wasOpen = true
      loadIfReady()
    }
    show()
  }

  function missed(): void {
    // What is loaded in the new session is newer than what the old one missed.
    if (isResetDue) isResetDue = false
    else {
      entered = undefined
      want()
    }
  }

  function inRoom(position: string): void {
    entered = position
    want()
  }

  function refused(why: CommandError): void {
    forget()
    error = why
    show()
  }

  /** Whoever comes next may be somebody else. */
  function forget(): void {
    stopLoading()
    held = undefined
    error = undefined
    entered = undefined
    isWanted = true
  }

  function stopLoading(): void {
    loading?.abort()
    loading = undefined
    early = undefined
    failures = 0
    stopRetry()
    stopDeadline()
  }

  /** It has to be loaded: now, or when that is possible. One that is under way is of no use. */
  function want(): void {
    isWanted = true
    loading?.abort()
    loadIfReady()
    show()
  }

  function loadIfReady(): void {
    const isReady = isOpen && (room === undefined || entered !== undefined)
    if (isWanted && isReady && loading === undefined && live !== undefined) void load(live)
  }

  async function load(from: Live<N>): Promise<void> {
    const own = new AbortController()
    const { signal } = own
    loading = own
    isWanted = false
    early = []
    stopRetry()
    const { promise: tooLate, reject } = Promise.withResolvers<never>()
    stopDeadline = clock.after(options.loadTimeoutMs ?? loadTimeoutMsDefault, () => {
      reject(new Error('The data was not loaded in time.'))
      own.abort()
    })
    let loaded: Loaded<Data> | undefined
    let failure: unknown
    try {
      loaded = await Promise.race([options.load({ live: from, position: entered, signal }), tooLate])
      if (early.length > earlyMax) throw new Error(`More than ${earlyMax} events came while it was loaded.`)
    } catch (thrown) {
      failure = thrown
    }
    // It was closed meanwhile, or is not to be seen any more.
    if (loading !== own) return
    stopDeadline()
    loading = undefined
    const waited = early
    early = undefined
    if (isWanted) loadIfReady()
    else if (loaded !== undefined && failure === undefined) {
      held = loaded
      error = undefined
      failures = 0
      for (const each of waited) applied(each)
    } else failed(failure)
    show()
  }

  function failed(thrown: unknown): void {
    error = thrown instanceof Error ? thrown : new Error(String(thrown))
    // When the namespace opens again, it is loaded again; while it stays open, only time brings another attempt.
    isWanted = true
    failures += 1
    if (thrown instanceof CommandError && !thrown.retry) return
    stopRetry = clock.after(backOffMs(failures, defaultAdvice, random), loadIfReady)
  }

  function heard(each: Early): void {
    if (early === undefined) {
      applied(each)
      show()
    } else if (early.length <= earlyMax) early.push(each)
  }

  function applied({ name, event, meta }: Early): void {
    if (held === undefined || !isNews(name, meta.id, held.position)) return
    const apply = options.apply[name as EventName<N>]
    try {
      const data = apply === undefined ? held.data : apply(held.data, event as never, meta)
      held = { data, position: meta.id }
    } catch (thrown) {
      onError(thrown)
    }
  }

  /** Events that are not in the log have the position of the one before them. */
  function isNews(name: string, at: string, position: Position): boolean {
    if (position === undefined) return true
    const { lane = 'stream' } = contract.events?.[name] ?? {}
    return lane === 'stream' ? isLater(at, position) : !isLater(position, at)
  }

  function close(): void {
    stopLoading()
    for (const stop of stops) stop()
    stops = []
    live?.close()
    live = undefined
    isOpen = false
    wasOpen = false
    entered = undefined
    show()
  }

  return {
    state: {
      get: state.get,
      subscribe(listener) {
        open()
        return state.subscribe(listener)
      },
    },
    reload() {
      open()
      want()
    },
    close,
    [Symbol.dispose]: close,
  }
}

function isSame<Data>(one: SnapshotState<Data>, other: SnapshotState<Data>): boolean {
  return (['status', 'data', 'position', 'error'] as const).every((field) => one[field] === other[field])
}

function overFor({ code, message }: { readonly code: string; readonly message: string }): CommandError {
  return new CommandError({ code: code as CommandError['code'], message, retry: false })
}
