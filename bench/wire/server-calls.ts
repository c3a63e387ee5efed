/** What the bench asks of a server, whichever it is. */
import type { Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { answerCalls } from '../../packages/testing/src/bench/processes.ts'
import { Histogram } from '../../packages/testing/src/fleet/histogram.ts'
import { Publisher, type Saturation, type Schedule } from './publisher.ts'
import { type Publish, sharedMicros } from './world.ts'

export interface ServerSample {
  readonly atMicros: number
  readonly cpuMicros: number
  readonly published: number
}

/** Turns of the event loop, in milliseconds of the processor: what else runs on the machine does not count. */
export interface TurnSample {
  readonly p99Ms: number
  readonly maxMs: number
  readonly count: number
}

export interface MemorySample {
  /** As it is, a while after the last connection came. */
  readonly rss: number
  /** After a full collection. */
  readonly collectedRss: number
  readonly collectedHeap: number
  /** Then, but without what V8 keeps for young objects: some tens of megabytes, whatever the connections. */
  readonly collectedOld: number
  readonly sessions: number
}

export type ServerCalls = ReturnType<typeof serverCalls>

/** Listens, and serves the parent process until it goes away. */
export async function serveBench(http: Server, publish: Publish, sessions: () => number): Promise<void> {
  // The queue of connects that nobody has accepted yet is not what is measured.
  await new Promise<void>((resolve) => http.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve))
  answerCalls(serverCalls(http, new Publisher(publish), sessions))
}

function serverCalls(http: Server, publisher: Publisher, sessions: () => number) {
  let turns: TurnWatch | undefined
  return {
    port(_: null): number {
      const address = http.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    },
    sample(_: null): ServerSample {
      const { user, system } = process.cpuUsage()
      return { atMicros: sharedMicros(), cpuMicros: user + system, published: publisher.published }
    },
    /** Until `turns`, the event loop never rests: for moments in which it would not anyway. */
    watchTurns(_: null): void {
      turns = new TurnWatch()
    },
    turns: (_: null): TurnSample | undefined => turns?.end(),
    async memory(_: null): Promise<MemorySample> {
      await delay(settleMs)
      const rss = process.memoryUsage.rss()
      collectGarbage()
      await delay(settleMs)
      collectGarbage()
      const { rss: collectedRss, heapUsed: collectedHeap } = process.memoryUsage()
      const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
      const collectedOld = collectedRss - (young?.space_size ?? 0)
      return { rss, collectedRss, collectedHeap, collectedOld, sessions: sessions() }
    },
    sessions: (_: null): number => sessions(),
    schedule: (schedule: Schedule): void => publisher.schedule(schedule),
    saturate: (saturation: Saturation) => publisher.saturate(saturation),
    stopPublishing: (_: null): void => publisher.stop(),
  }
}

class TurnWatch {
  readonly #times = new Histogram()
  #before = process.threadCpuUsage()
  #isOver = false

  constructor() {
    this.#turn()
  }

  end(): TurnSample {
    this.#isOver = true
    const times = this.#times
    return { p99Ms: times.milliseconds(0.99), maxMs: times.milliseconds(1), count: times.total }
  }

  #turn(): void {
    const { user, system } = process.threadCpuUsage(this.#before)
    this.#before = process.threadCpuUsage()
    this.#times.add(user + system)
    if (!this.#isOver) setImmediate(() => this.#turn())
  }
}

/** What connecting left behind is freed by then, or will not be for long. */
const settleMs = 700

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
}
