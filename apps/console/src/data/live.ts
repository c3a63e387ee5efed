/**
 * The live overview: read once, then followed second by second.
 *
 *   idle ──► loading ──► live ⇄ lost
 *              └──► failed ──► loading (by itself, later and later, or at once when asked)
 *
 * While `lost`, what was known stays. Every return reads the whole overview again, so that the seconds missed are
 * filled in, a restarted server is noticed, and a session that ended is found out.
 */
import type { DatabaseView, SystemOverview, SystemSample, SystemTick } from '@belfry/contract'
import { useSyncExternalStore } from 'react'
import { type Failure, failureFrom, request } from './api.ts'
import { isSignedOut, session, sessionEnded } from './session.ts'
import { createStore } from './store.ts'
import { toast } from './toasts.ts'

export interface LiveOverview extends Followed {
  readonly overview: SystemOverview
  /** Oldest first, at most fifteen minutes, across restarts of the server. */
  readonly samples: readonly SystemSample[]
  readonly database: DatabaseView
  /** Server's clock minus this browser's. */
  readonly clockSkewMs: number
}

/** What follows the server by itself, and when the newest of it arrived by this browser's clock. */
export interface Followed {
  readonly receivedAt: number
}

export type LiveState<Data extends Followed = LiveOverview> =
  | { readonly phase: 'idle' | 'loading' }
  | { readonly phase: 'failed'; readonly failure: Failure; readonly retryAt: number }
  | { readonly phase: 'live'; readonly data: Data }
  | {
      readonly phase: 'lost'
      readonly data: Data
      readonly retryAt: number
      readonly trying: boolean
      /** Absent: the connection was lost. */
      readonly failure?: Failure
    }

const overviewPath = '/api/v1/system/overview'
const streamPath = '/api/v1/system/overview/stream'

/** Fifteen minutes: the longest window a chart shows. */
const samplesKept = 900
/** Ticks come every second; after this silence the connection is dead although nobody closed it. */
const silenceMs = 5_000
/** First wait after a loss and longest wait; doubled in between. */
const firstWaitMs = 1_000
const longestWaitMs = 15_000

/** How long to wait before the next attempt, so that consoles do not come back all at once. */
export function waitBeforeAttempt(attempts: number, failure?: Failure): number {
  const wait = Math.min(firstWaitMs * 2 ** attempts, longestWaitMs) * (0.9 + Math.random() * 0.2)
  return Math.max(wait, (failure?.retryAfterSeconds ?? 0) * 1000)
}

/** Kept this long for nobody: whoever looks at another page and comes back costs the server nothing. */
export const idleMs = 15_000

const store = createStore<LiveState>({ phase: 'idle' })

/** What pages show: follows the store, and stands still while paused. */
const shown = createStore<LiveState>({ phase: 'idle' })

export const paused = createStore(false)

export function setPaused(next: boolean): void {
  paused.set(next)
  show()
}

/** Follows the overview for as long as a component uses it. */
export function useLiveOverview(): LiveState {
  return useSyncExternalStore(subscribe, shown.get)
}

/** Tries again at once instead of waiting. */
export function retryNow(): void {
  if (users > 0) void connect()
}

let users = 0
let stream: EventSource | undefined
let abort: AbortController | undefined
let retryTimer: ReturnType<typeof setTimeout> | undefined
let silenceTimer: ReturnType<typeof setTimeout> | undefined
let idleTimer: ReturnType<typeof setTimeout> | undefined
let attempts = 0
let lostAt = 0

function subscribe(listener: () => void): () => void {
  const unsubscribe = shown.subscribe(listener)
  users += 1
  if (users === 1 && stream === undefined && abort === undefined) void connect()
  return () => {
    unsubscribe()
    users -= 1
    clearTimeout(idleTimer)
    idleTimer = setTimeout(rest, idleMs)
  }
}

/** Forgets what nobody looks at: shown again later, it would be old and say that it is live. */
function rest(): void {
  if (users > 0) return
  disconnect()
  lostAt = 0
  attempts = 0
  move({ phase: 'idle' })
}

async function connect(): Promise<void> {
  disconnect()
  const attempt = new AbortController()
  abort = attempt
  const before = store.get()
  if (before.phase === 'lost') move({ ...before, trying: true })
  else if (before.phase !== 'live') move({ phase: 'loading' })
  try {
    const overview = await request<SystemOverview>(overviewPath, { signal: attempt.signal })
    if (attempt.signal.aborted) return
    take(overview)
    follow()
  } catch (thrown) {
    if (attempt.signal.aborted) return
    if (isSignedOut(thrown)) {
      disconnect()
      sessionEnded()
    } else lose(failureFrom(thrown))
  }
}

function disconnect(): void {
  abort?.abort()
  stream?.close()
  clearTimeout(retryTimer)
  clearTimeout(silenceTimer)
  abort = undefined
  stream = undefined
}

function take(overview: SystemOverview): void {
  const before = store.get()
  const known = 'data' in before ? before.data : undefined
  const restarted = known !== undefined && known.overview.startedAt !== overview.startedAt
  const first = overview.samples[0]
  const older = (known?.samples ?? []).filter((sample) => first === undefined || sample.at < first.at)
  const last = overview.samples.at(-1)
  move({
    phase: 'live',
    data: {
      overview,
      samples: [...older, ...overview.samples].slice(-samplesKept),
      database: overview.database,
      clockSkewMs: last === undefined ? (known?.clockSkewMs ?? 0) : Date.parse(last.at) - Date.now(),
      receivedAt: Date.now(),
    },
  })
  if (!restarted) return
  // What happened while it was gone, nobody knows: nothing was filled in.
  lostAt = 0
  toast('The server was restarted.')
}

function follow(): void {
  const source = new EventSource(streamPath)
  stream = source
  expectTick()
  source.addEventListener('message', (event: MessageEvent<string>) => {
    const before = store.get()
    if (before.phase !== 'live') return
    const tick = JSON.parse(event.data) as SystemTick
    expectTick()
    // Only a value that came through proves the stream: an overview alone may be answered for ever.
    attempts = 0
    if (lostAt > 0) toast('Connected again. The seconds missed were filled in.')
    lostAt = 0
    const { samples } = before.data
    const newest = samples.at(-1)
    const isNew = newest === undefined || tick.sample.at > newest.at
    move({
      phase: 'live',
      data: {
        ...before.data,
        samples: isNew ? [...samples, tick.sample].slice(-samplesKept) : samples,
        database: tick.database,
        clockSkewMs: Date.parse(tick.sample.at) - Date.now(),
        receivedAt: Date.now(),
      },
    })
  })
  // The browser would reconnect by itself, but blindly: without the seconds missed and for ever.
  source.addEventListener('error', () => lose())
}

function expectTick(): void {
  clearTimeout(silenceTimer)
  silenceTimer = setTimeout(() => lose(), silenceMs)
}

function lose(failure?: Failure): void {
  disconnect()
  const retryAt = Date.now() + waitBeforeAttempt(attempts, failure)
  attempts += 1
  const before = store.get()
  if ('data' in before) {
    if (lostAt === 0) lostAt = Date.now()
    move({ phase: 'lost', data: before.data, retryAt, trying: false })
  } else {
    move({
      phase: 'failed',
      failure: failure ?? { code: 'unreachable', sentence: 'The server cannot be reached.', retry: true },
      retryAt,
    })
  }
  retryTimer = setTimeout(() => void connect(), retryAt - Date.now())
}

function move(next: LiveState): void {
  store.set(next)
  show()
}

function show(): void {
  const next = store.get()
  const current = shown.get()
  // Paused: values stand still, but a lost connection is still told.
  if (paused.get() && 'data' in next && 'data' in current) {
    if (next.phase !== current.phase || next.phase === 'lost') shown.set({ ...next, data: current.data })
    return
  }
  shown.set(next)
}

session.subscribe(() => {
  if (session.get().state !== 'signed-out') return
  disconnect()
  attempts = 0
  lostAt = 0
  store.set({ phase: 'idle' })
  shown.set({ phase: 'idle' })
})

// Back from sleep or from a dead network: no reason to wait out the pause.
addEventListener('online', () => {
  const { phase } = store.get()
  if (phase === 'lost' || phase === 'failed') retryNow()
})
