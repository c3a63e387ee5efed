/** When which line breaks, and for how long: planned from a seed, so that the same run can be made again, against anybody. */
import { between, seededRandom, seedOf } from '../random.ts'
import { later, nowMs } from '../real-time.ts'
import type { CutOptions } from './fault-line.ts'

export interface Outage {
  /** From the beginning of the plan. */
  readonly atMs: number
  readonly forMs: number
  readonly line: number
  readonly cut: CutOptions | 'hold'
}

export interface OutageOptions {
  readonly seed: number
  readonly lines: number
  /** No outage begins later. */
  readonly durationMs: number
  /** Of each line, from the beginning of one outage to that of the next: about, a fifth more or less. */
  readonly everyMs: number
  /** About, a tenth more or less; or between two bounds. */
  readonly forMs: number | readonly [least: number, most: number]
  /** One of these by chance; a cut that both ends are told of, if absent. */
  readonly cuts?: readonly (CutOptions | 'hold')[]
}

/** In the order of their beginnings. */
export function planOutages(options: OutageOptions): Outage[] {
  const { seed, lines, durationMs, everyMs, cuts = [{}] } = options
  const [least, most] =
    typeof options.forMs === 'number' ? [options.forMs * 0.9, options.forMs * 1.1] : options.forMs
  if (!(everyMs > 0) || !(least >= 0) || !(most >= least)) throw new RangeError('Give durations above 0.')
  const plan: Outage[] = []
  for (let line = 0; line < lines; line += 1) {
    const random = seededRandom(seedOf(seed, line))
    let atMs = random() * everyMs
    while (atMs <= durationMs) {
      const forMs = between(random, least, most)
      plan.push({ atMs, forMs, line, cut: cuts[Math.floor(random() * cuts.length)] ?? {} })
      // One ends before the next one begins.
      atMs += Math.max(forMs * 1.05, everyMs * between(random, 0.8, 1.2))
    }
  }
  return plan.sort((one, other) => one.atMs - other.atMs)
}

export interface FollowedPlan {
  /** When every outage has ended, or `stop` was called. */
  readonly done: Promise<void>
  /** Ends those that have begun. */
  stop(): void
}

export interface PlanActions {
  begin(outage: Outage): void
  end(outage: Outage): void
}

export function followPlan(plan: readonly Outage[], { begin, end }: PlanActions): FollowedPlan {
  const beganMs = nowMs()
  const steps = plan
    .flatMap((outage) => [
      { atMs: outage.atMs, outage, isEnd: false },
      { atMs: outage.atMs + outage.forMs, outage, isEnd: true },
    ])
    .sort((one, other) => one.atMs - other.atMs)
  const underWay = new Set<Outage>()
  const { promise: done, resolve } = Promise.withResolvers<void>()
  let next = 0
  let stopWaiting = () => {}

  function run(): void {
    const now = nowMs() - beganMs
    for (let step = steps[next]; step !== undefined && step.atMs <= now; step = steps[next]) {
      next += 1
      take(step.outage, step.isEnd)
    }
    const step = steps[next]
    if (step === undefined) resolve()
    else stopWaiting = later(Math.max(1, step.atMs - now), run)
  }

  function take(outage: Outage, isEnd: boolean): void {
    if (isEnd) {
      underWay.delete(outage)
      end(outage)
    } else {
      underWay.add(outage)
      begin(outage)
    }
  }

  run()
  return {
    done,
    stop() {
      stopWaiting()
      next = steps.length
      for (const outage of underWay) take(outage, true)
      resolve()
    },
  }
}
