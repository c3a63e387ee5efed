/** What the bench of recovery asks of a server, whichever it is: to publish on a schedule, and what became of it. */
import { createServer, type Server } from 'node:http'
import type { Address } from 'belfry'
import { sharedMs } from '../../fleet/shared-clock.ts'
import { seededRandom } from '../../random.ts'
import { answerCalls } from '../processes.ts'

export interface Schedule {
  readonly rooms: number
  readonly perSecond: number
  /** Of the event's data, about. */
  readonly bytes: number
}

/** What was published so far, in its order: room and time of each, and its cursor if the server has such. */
export interface Published {
  readonly rooms: Uint16Array
  readonly atMs: Float64Array
  readonly cursors: readonly string[]
}

export interface ServerSample {
  readonly cpuMs: number
  readonly memoryBytes: number
  /** The longest that its event loop was late since the last sample. */
  readonly lateMs: number
}

export type ServerCalls = ReturnType<typeof serverCalls>

/** `number` and microseconds of the shared clock begin the data, as the fleet reads it. */
export interface Data {
  readonly n: number
  readonly t: number
  readonly text: string
}

/** Resolves with the cursor of the event, if there is such. */
export type Publish = (room: number, data: Data) => Promise<string | undefined>

export const names = {
  namespace: '/bench',
  event: 'number:told',
  room: (index: number) => `${index}`,
} as const

export async function serve(
  attach: (http: Server) => void,
  publish: Publish,
  listen: (http: Server, address: Address) => Promise<unknown> = listenAsNode,
): Promise<void> {
  const http = createServer((_request, response) => response.writeHead(404).end())
  attach(http)
  await listen(http, { host: '127.0.0.1', port: 0 })
  answerCalls(serverCalls(http, publish))
}

/** The queue of connects that nobody has accepted yet is not what is measured. */
function listenAsNode(http: Server, address: Address): Promise<void> {
  return new Promise((resolve) => http.listen({ ...address, backlog: 4_096 }, resolve))
}

function serverCalls(http: Server, publish: Publish) {
  const rooms: number[] = []
  const atMs: number[] = []
  const cursors: string[] = []
  const failures: string[] = []
  const lateness = watchLateness()
  let stopPublishing = () => {}
  // In turn, the event after the last one of a client would never be for it, and its loss never seen.
  const random = seededRandom(1)

  function schedule({ rooms: roomCount, perSecond, bytes }: Schedule): void {
    const beganMs = sharedMs()
    const text = 'x'.repeat(Math.max(0, bytes - 45))
    let count = 0
    const timer = setInterval(() => {
      const due = Math.floor(((sharedMs() - beganMs) * perSecond) / 1_000)
      for (; count < due; count += 1) publishOne(Math.floor(random() * roomCount), text)
    }, 5)
    stopPublishing = () => clearInterval(timer)
  }

  function publishOne(room: number, text: string): void {
    const n = rooms.length
    const t = Math.round(sharedMs() * 1_000)
    rooms.push(room)
    atMs.push(t / 1_000)
    publish(room, { n, t, text }).then(
      (cursor) => {
        if (cursor !== undefined) cursors[n] = cursor
      },
      (error: unknown) => failures.push(String(error)),
    )
  }

  return {
    port(_: null): number {
      const address = http.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    },
    schedule,
    stopPublishing: (_: null): void => stopPublishing(),
    published(_: null): Published {
      if (failures.length > 0) throw new Error(`${failures.length} events failed: ${failures[0]}`)
      return { rooms: Uint16Array.from(rooms), atMs: Float64Array.from(atMs), cursors }
    },
    sample(_: null): ServerSample {
      const { user, system } = process.cpuUsage()
      return {
        cpuMs: (user + system) / 1_000,
        memoryBytes: process.memoryUsage.rss(),
        lateMs: lateness(),
      }
    },
  }
}

/** How late a timer of 10 ms was at worst since the last time it was asked. */
function watchLateness(): () => number {
  const everyMs = 10
  let lastMs = sharedMs()
  let worstMs = 0
  setInterval(() => {
    const now = sharedMs()
    worstMs = Math.max(worstMs, now - lastMs - everyMs)
    lastMs = now
  }, everyMs).unref()
  return () => {
    const worst = worstMs
    worstMs = 0
    return worst
  }
}
