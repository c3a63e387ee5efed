/** Whether all is well, in words. Judged over some seconds, so that one bad second does not cry wolf. */
import type { DatabaseView, SystemSample } from '@belfry/contract'
import { millisecondsText, number, percentText } from '../../format.ts'

export interface Trouble {
  readonly tone: 'bad' | 'warn'
  readonly sentence: string
  readonly remedy: string
}

/** How many of the newest samples are judged. */
const judged = 10
/** Above this a person notices that answers wait. */
const slowLoopMs = 100
/** One core is all that JavaScript can use. */
const busyShare = 0.95

export function troubles(samples: readonly SystemSample[], database: DatabaseView): readonly Trouble[] {
  const recent = samples.slice(-judged)
  const found: Trouble[] = []
  if (database.state === 'down') {
    found.push({
      tone: 'bad',
      sentence: 'The database cannot be reached.',
      remedy:
        'See whether PostgreSQL is running. Belfry reconnects by itself; until then nothing can be stored.',
    })
  } else if (database.connectionsMax > 0 && database.connectionsOpen >= database.connectionsMax) {
    found.push({
      tone: 'warn',
      sentence: `All ${number(database.connectionsMax)} database connections are open.`,
      remedy: 'This is fine for a moment. If it stays, look for slow queries or raise the size of the pool.',
    })
  }
  if (recent.length >= judged) {
    const delay = median(recent.map((sample) => sample.loopDelayP99Ms))
    if (delay > slowLoopMs) {
      found.push({
        tone: 'warn',
        sentence: `The event loop is late: ${millisecondsText(delay)} at p99.`,
        remedy: 'Something keeps the process busy for long stretches. Answers and live updates wait for it.',
      })
    }
    const cpu = median(recent.map((sample) => sample.cpuShare))
    if (cpu > busyShare) {
      found.push({
        tone: 'warn',
        sentence: `The process uses ${percentText(cpu)} of a core.`,
        remedy: 'It cannot use much more. Share the work between several nodes.',
      })
    }
  }
  return found
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
