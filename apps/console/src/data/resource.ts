/** Something read once and kept while one is signed in: settings, migrations, the API document. */
import { useCallback, useEffect, useState } from 'react'
import { type Failure, failureFrom, request } from './api.ts'
import { isSignedOut, session, sessionEnded } from './session.ts'

export interface Resource<Value> {
  /** What was read last, also while it is being read again or could not be read again. */
  readonly value: Value | undefined
  readonly failure: Failure | undefined
  readonly loading: boolean
  reload(): void
}

/** Answers by path: a page one comes back to shows what it knew at once, and reads it again. */
const known = new Map<string, unknown>()

session.subscribe(() => {
  if (session.get().state === 'signed-out') known.clear()
})

export function useResource<Value>(path: string): Resource<Value> {
  const [attempt, setAttempt] = useState(0)
  const [failure, setFailure] = useState<Failure>()
  const [loading, setLoading] = useState(true)
  const [value, setValue] = useState(() => known.get(path) as Value | undefined)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt reads again
  useEffect(() => {
    const abort = new AbortController()
    setLoading(true)
    request<Value>(path, { signal: abort.signal })
      .then((answer) => {
        known.set(path, answer)
        setValue(answer)
        setFailure(undefined)
        setLoading(false)
      })
      .catch((thrown: unknown) => {
        if (abort.signal.aborted) return
        if (isSignedOut(thrown)) sessionEnded()
        setFailure(failureFrom(thrown))
        setLoading(false)
      })
    return () => abort.abort()
  }, [path, attempt])

  const reload = useCallback(() => setAttempt((count) => count + 1), [])
  return { value, failure, loading, reload }
}
