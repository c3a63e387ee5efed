/**
 * Work that is done every so often, such as deleting what expired. The same work never runs twice at a time; one that
 * fails is told to the logger, and its next period tries again.
 */
import { Refusal } from '@belfry/contract'
import type { Clock } from './ports/clock.ts'
import type { Logger } from './ports/logger.ts'

export interface Periods {
  /** `failure` says in the log what did not happen. What takes longer than its period runs once more when it is done. */
  every(periodMs: number, failure: string, run: () => Promise<void>): void
  /** Nothing begins after this call; resolves when nothing runs any more. */
  stop(): Promise<void>
}

export function createPeriods({
  clock,
  logger,
}: {
  readonly clock: Clock
  readonly logger: Logger
}): Periods {
  const stops: (() => void)[] = []
  const running = new Set<Promise<void>>()
  let isStopped = false

  return {
    every(periodMs, failure, run) {
      let isDue = false
      let isRunning = false
      const runWhileDue = async () => {
        isRunning = true
        while (isDue && !isStopped) {
          isDue = false
          try {
            await run()
          } catch (error) {
            tell(logger, error, failure)
          }
        }
        isRunning = false
      }
      const begin = () => {
        isDue = true
        if (isRunning) return
        const begun = runWhileDue()
        running.add(begun)
        void begun.then(() => running.delete(begun))
      }
      stops.push(clock.every(periodMs, begin))
    },
    async stop() {
      isStopped = true
      for (const stop of stops) stop()
      await Promise.all(running)
    },
  }
}

/** A database that is away is told elsewhere, once. */
function tell(logger: Logger, error: unknown, failure: string): void {
  if (error instanceof Refusal) logger.debug({ error }, failure)
  else logger.error({ error }, failure)
}
