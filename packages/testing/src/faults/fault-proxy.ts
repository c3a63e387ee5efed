/**
 * A proxy for TCP between clients and a server, whichever they are: each client has a line of its own, and lines break,
 * hang, delay and slow down as a test says, or as a plan made from a seed.
 *
 *   await using proxy = await startFaultProxy({ to: server.url })
 *   const line = await proxy.line()
 *   const client = io(line.url)
 *   line.cut()
 *   line.mend()
 *
 * It adds some tens of microseconds to what it carries, and stands in the process of the test.
 */
import { seededRandom, seedOf } from '../random.ts'
import { type FaultLine, type Faults, openFaultLine } from './fault-line.ts'
import { type FollowedPlan, followPlan, type Outage } from './outages.ts'

export interface FaultProxyOptions {
  /** The server, such as `http://127.0.0.1:3000`. Not https: what is inside TLS is none of its business. */
  readonly to: string
  /** Of the jitter; 1 if absent. */
  readonly seed?: number
}

/** Faults of the proxy are those of all lines that it has at that moment. */
export interface FaultProxy extends Faults, AsyncDisposable {
  readonly lines: readonly FaultLine[]
  /** A further one. */
  line(): Promise<FaultLine>
  /** Breaks and mends lines as `planOutages` has planned it; the number of a line is that of `lines`. */
  follow(plan: readonly Outage[]): FollowedPlan
  close(): Promise<void>
}

/** Each is a port; beyond that, give clients faults of their own, as a fleet does. */
const linesMax = 4_000

export async function startFaultProxy({ to, seed = 1 }: FaultProxyOptions): Promise<FaultProxy> {
  const target = new URL(to)
  if (target.port === '') throw new TypeError(`${to} names no port: say http://127.0.0.1:3000, for example.`)
  const lines: FaultLine[] = []
  const plans = new Set<FollowedPlan>()
  const onAll = (act: (line: FaultLine) => void) => {
    for (const line of lines) act(line)
  }

  async function close(): Promise<void> {
    for (const plan of plans) plan.stop()
    await Promise.all(lines.map((line) => line.close()))
  }

  return {
    lines,
    async line() {
      if (lines.length >= linesMax) throw new RangeError(`A proxy has ${linesMax} lines at most.`)
      const line = await openFaultLine({ to: target, random: seededRandom(seedOf(seed, lines.length)) })
      lines.push(line)
      return line
    },
    follow(plan) {
      const followed = followPlan(plan, {
        begin: ({ line, cut }) => {
          if (cut === 'hold') lines[line]?.hold()
          else lines[line]?.cut(cut)
        },
        end: ({ line }) => lines[line]?.mend(),
      })
      plans.add(followed)
      return followed
    },
    cut: (options) => onAll((line) => line.cut(options)),
    hold: (direction) => onAll((line) => line.hold(direction)),
    delay: (options) => onAll((line) => line.delay(options)),
    throttle: (options) => onAll((line) => line.throttle(options)),
    mend: () => onAll((line) => line.mend()),
    close,
    [Symbol.asyncDispose]: close,
  }
}
