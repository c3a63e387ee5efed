/**
 * Something read again every few seconds for as long as somebody looks at it.
 *
 *   loading ──► live ⇄ lost
 *      └──► failed ──► live (by itself, later and later, or at once when asked)
 *
 * It stands still while it is held, while everything is paused, and while the browser shows another tab: an operator
 * has a budget of requests, and rows that move can be read by nobody. What was asked for anew, by another path, is
 * read also then.
 */
import { useCallback, useEffect, useRef, useState } from 'react'
import { failureFrom, request } from './api.ts'
import { type Followed, type LiveState, paused, waitBeforeAttempt } from './live.ts'
import { isSignedOut, sessionEnded } from './session.ts'
import { useStore } from './store.ts'

export interface PolledData<Value> extends Followed {
  readonly value: Value
  /** What was asked for; another one than now while the next answer is on its way. */
  readonly path: string
}

export type PolledState<Value> = LiveState<PolledData<Value>>

export interface Polled<Value> {
  readonly live: PolledState<Value>
  readonly isHeld: boolean
  readonly readNow: () => void
}

interface PollOptions<Value> {
  readonly everyMs: number
  /** Whether what is shown has to stay as it is. */
  readonly held?: (shown: Value) => boolean
}

export function usePolled<Value>(path: string, { everyMs, held }: PollOptions<Value>): Polled<Value> {
  const [live, setLive] = useState<PolledState<Value>>({ phase: 'loading' })
  const isHeld = 'data' in live && held?.(live.data.value) === true
  const latest = useRef(live)
  const failures = useRef(0)
  const [asked, setAsked] = useState(0)
  const answered = useRef(asked)
  const isPaused = useStore(paused)
  const isVisible = useVisible()
  const still = isHeld || isPaused || !isVisible

  useEffect(() => {
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const move = (next: PolledState<Value>): void => {
      latest.current = next
      setLive(next)
    }
    const readAfter = (ms: number): void => {
      timer = setTimeout(() => void read(), ms)
    }
    const read = async (): Promise<void> => {
      const before = latest.current
      if (before.phase === 'lost') move({ ...before, trying: true })
      try {
        const value = await request<Value>(path, { signal: abort.signal })
        if (abort.signal.aborted) return
        failures.current = 0
        answered.current = asked
        move({ phase: 'live', data: { value, path, receivedAt: Date.now() } })
        if (!still) readAfter(everyMs)
      } catch (thrown) {
        if (abort.signal.aborted) return
        if (isSignedOut(thrown)) {
          sessionEnded()
          return
        }
        const failure = failureFrom(thrown)
        const retryAt = Date.now() + waitBeforeAttempt(failures.current, failure)
        failures.current += 1
        move(
          'data' in before
            ? {
                phase: 'lost',
                data: before.data,
                retryAt,
                trying: false,
                ...(failure.code === 'unreachable' ? {} : { failure }),
              }
            : { phase: 'failed', failure, retryAt },
        )
        readAfter(retryAt - Date.now())
      }
    }

    const known = latest.current
    const isWanted = !('data' in known) || known.data.path !== path || answered.current !== asked
    if (isWanted) void read()
    else if (!still) {
      const dueAt = known.phase === 'lost' ? known.retryAt : known.data.receivedAt + everyMs
      readAfter(Math.max(0, dueAt - Date.now()))
    }
    return () => {
      abort.abort()
      clearTimeout(timer)
      // An attempt that was broken off is none.
      const left = latest.current
      if (left.phase === 'lost' && left.trying) move({ ...left, trying: false })
    }
  }, [path, everyMs, still, asked])

  const readNow = useCallback(() => setAsked((count) => count + 1), [])
  return { live, isHeld, readNow }
}

function useVisible(): boolean {
  const [isVisible, setVisible] = useState(() => document.visibilityState === 'visible')
  useEffect(() => {
    const look = (): void => setVisible(document.visibilityState === 'visible')
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return isVisible
}
