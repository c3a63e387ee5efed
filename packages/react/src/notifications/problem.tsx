/** What could not be done, and why. It is said once, and stays until it is closed or something else succeeds. */
import { CommandError } from '@belfry/client'
import { useCallback, useState } from 'react'
import { DismissIcon } from '../icons.tsx'
import { useBelfry } from '../provider.tsx'

export interface Attempts {
  /** `action` is its name for people. Resolves when it is over, however that went. */
  attempt(action: string, doing: Promise<void>): Promise<void>
  readonly problem: { readonly action: string; readonly error: unknown } | undefined
  forget(): void
}

export function useAttempts(): Attempts {
  const [problem, setProblem] = useState<Attempts['problem']>()
  const attempt = useCallback(
    (action: string, doing: Promise<void>) =>
      doing.then(
        () => setProblem(undefined),
        (error: unknown) => setProblem({ action, error }),
      ),
    [],
  )
  return { attempt, problem, forget: () => setProblem(undefined) }
}

export function Problem({ problem, forget }: Attempts) {
  const { labels } = useBelfry()
  return (
    <div role="alert">
      {problem !== undefined && (
        <div className="belfry-problem">
          <p>{labels.notDone(problem.action, reasonOf(problem.error))}</p>
          <button type="button" className="belfry-tool" aria-label={labels.close} onClick={forget}>
            <DismissIcon />
          </button>
        </div>
      )}
    </div>
  )

  function reasonOf(error: unknown): string {
    if (error instanceof CommandError) return labels.reason(error.code, error.message)
    return error instanceof Error ? error.message : ''
  }
}
