/** What went wrong beside a test: errors that the server logged, and what listeners of clients threw. */
import type { Logger } from 'belfry'

export interface Problems {
  readonly logger: Logger
  add(error: unknown): void
  /** Those that nobody has taken yet. */
  take(): readonly unknown[]
}

/** Of errors: the first ones tell most. */
const problemsMax = 1_000

/** Besides, `logger` gets every line. */
export function createProblems(logger: Logger | undefined): Problems {
  let problems: unknown[] = []
  const add = (error: unknown) => {
    if (problems.length < problemsMax) problems.push(error)
  }
  return {
    add,
    take() {
      const taken = problems
      problems = []
      return taken
    },
    logger: {
      debug: (fields, message) => logger?.debug(fields, message),
      info: (fields, message) => logger?.info(fields, message),
      warn: (fields, message) => logger?.warn(fields, message),
      error(fields, message) {
        const cause = 'error' in fields ? fields.error : fields
        add(new Error(`The server logged an error: ${message}`, { cause }))
        logger?.error(fields, message)
      },
    },
  }
}
