/**
 * The log of what goes on: followed for as long as a page uses it, and a little longer, so that whoever publishes and
 * then looks at the log finds it there.
 *
 *   idle ──► loading ──► live ⇄ lost
 *              └──────────► lost
 *
 * What nobody saw is told at its place: entries that the server left out, and times in which nobody listened.
 */
import type { ActivityBatch, ActivityEntryView } from '@belfry/contract'
import { useEffect, useSyncExternalStore } from 'react'
import { type Followed, idleMs, type LiveState, paused, waitBeforeAttempt } from './live.ts'
import { checkSession, session } from './session.ts'
import { createStore } from './store.ts'

export type LogRow =
  | { readonly id: number; readonly kind: 'entry'; readonly entry: ActivityEntryView }
  /** More went on than the server sends to somebody who reads. */
  | { readonly id: number; readonly kind: 'left'; readonly count: number; readonly at: number }
  /** Nobody listened; by this browser's clock. */
  | { readonly id: number; readonly kind: 'gap'; readonly from: number; readonly to: number }

export interface ActivityLog extends Followed {
  /** Newest first. */
  readonly rows: readonly LogRow[]
  /** Came while paused, and are shown when resumed; newest first. */
  readonly waiting: readonly LogRow[]
  /** Entries that the server left out since the log began or was cleared. */
  readonly left: number
}

const streamPath = '/api/v1/socket/activity/stream'

/** More than anybody reads back; a busy server fills it in seconds. */
export const logRowsMax = 500

type State = LiveState<ActivityLog>

const store = createStore<State>({ phase: 'idle' })
/** What pages show: follows the store, and stands still while paused. */
const shown = createStore<State>({ phase: 'idle' })

/** Follows the log for as long as a component uses it. */
export function useActivity(): State {
  return useSyncExternalStore(subscribe, shown.get)
}

/** Keeps the log going for a page that does not show it. */
export function useActivityInBackground(): void {
  useEffect(() => subscribe(() => undefined), [])
}

export function clearActivity(): void {
  const before = store.get()
  if (!('data' in before)) return
  const next: State = { ...before, data: { ...before.data, ...nothing } }
  store.set(next)
  shown.set(next)
}

/** Tries again at once instead of waiting. */
export function reopenActivity(): void {
  if (users > 0) connect()
}

/** Somebody else found that the server does not answer: a stream that is silent may be dead as well. */
export function doubtActivity(): void {
  if (store.get().phase === 'live') lose()
}

const nothing = { rows: [], waiting: [], left: 0 } as const

let users = 0
let stream: EventSource | undefined
let retryTimer: ReturnType<typeof setTimeout> | undefined
let idleTimer: ReturnType<typeof setTimeout> | undefined
let attempts = 0
let lastId = 0
/** Since when nobody listens, if entries from before are kept. */
let deafSince = 0

function subscribe(listener: () => void): () => void {
  const unsubscribe = shown.subscribe(listener)
  users += 1
  clearTimeout(idleTimer)
  if (users === 1 && stream === undefined) connect()
  return () => {
    unsubscribe()
    users -= 1
    if (users === 0) idleTimer = setTimeout(disconnect, idleMs)
  }
}

function connect(): void {
  disconnect()
  const before = store.get()
  if (before.phase === 'lost') move({ ...before, trying: true })
  else if (before.phase === 'idle') move({ phase: 'loading' })
  const source = new EventSource(streamPath)
  stream = source
  source.addEventListener('open', () => {
    attempts = 0
    const data = known()
    const now = Date.now()
    const isGap = deafSince > 0 && data.rows.length > 0
    const rows: readonly LogRow[] = isGap ? [{ id: nextId(), kind: 'gap', from: deafSince, to: now }] : []
    deafSince = 0
    move({ phase: 'live', data: { ...data, rows: bounded(rows, data.rows), receivedAt: now } })
  })
  source.addEventListener('message', (event: MessageEvent<string>) => {
    const before = store.get()
    if (before.phase !== 'live') return
    const batch = JSON.parse(event.data) as ActivityBatch
    const { rows, left, receivedAt } = before.data
    const now = Date.now()
    move({
      phase: 'live',
      data: {
        waiting: [],
        rows: bounded(rowsOf(batch, now), rows),
        left: left + batch.left,
        // The bell of the live control is struck once a second, however much goes on.
        receivedAt: now - receivedAt < 1_000 ? receivedAt : now,
      },
    })
  })
  // The browser would reconnect by itself, but without saying what was missed, and for ever.
  source.addEventListener('error', () => {
    lose()
    // A stream does not say why it was refused.
    void checkSession()
  })
}

function rowsOf({ entries, left }: ActivityBatch, at: number): readonly LogRow[] {
  const rows: LogRow[] = entries.map((entry) => ({ id: nextId(), kind: 'entry', entry }))
  if (left > 0) rows.push({ id: nextId(), kind: 'left', count: left, at })
  return rows.reverse()
}

function bounded(newer: readonly LogRow[], older: readonly LogRow[]): readonly LogRow[] {
  return newer.length === 0 ? older : [...newer, ...older].slice(0, logRowsMax)
}

function nextId(): number {
  lastId += 1
  return lastId
}

function known(): ActivityLog {
  const before = store.get()
  return 'data' in before ? before.data : { ...nothing, receivedAt: Date.now() }
}

function disconnect(): void {
  clearTimeout(retryTimer)
  if (stream === undefined) return
  stream.close()
  stream = undefined
  if (deafSince === 0) deafSince = Date.now()
}

function lose(): void {
  disconnect()
  const retryAt = Date.now() + waitBeforeAttempt(attempts)
  attempts += 1
  move({ phase: 'lost', data: known(), retryAt, trying: false })
  retryTimer = setTimeout(connect, retryAt - Date.now())
}

function move(next: State): void {
  store.set(next)
  show()
}

function show(): void {
  const next = store.get()
  const current = shown.get()
  if (!paused.get() || !('data' in next)) {
    shown.set(next)
    return
  }
  const still = 'data' in current ? current.data : { ...next.data, rows: [] }
  const newest = still.rows[0]?.id ?? 0
  const waiting = next.data.rows.filter(({ id }) => id > newest)
  shown.set({ ...next, data: { ...next.data, rows: still.rows, waiting, receivedAt: still.receivedAt } })
}

paused.subscribe(show)

session.subscribe(() => {
  if (session.get().state !== 'signed-out') return
  disconnect()
  attempts = 0
  deafSince = 0
  store.set({ phase: 'idle' })
  shown.set({ phase: 'idle' })
})

// Back from sleep or from a dead network: no reason to wait out the pause.
addEventListener('online', () => {
  if (store.get().phase === 'lost') reopenActivity()
})
