/**
 * Those who publish numbers while everything around them fails, one event after the other, so that their order is known.
 * On the durable namespace over REST with a key, again and again until it is acknowledged: nothing of it may be lost. On
 * the ordinary one through the program that hosts the server: what got no answer may have been published or not.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from '@belfry/testing'
import { sharedMs } from '@belfry/testing/bench'
import { SeededRandom } from '../../packages/server/src/engine/testing/seeded-random.ts'
import { until } from '../protocol/until.ts'

export interface Publisher {
  readonly published: number
  /** Requests that got no answer, or another one than they should. */
  readonly unanswered: number
  /** Publishes so many more, as fast as it can. */
  flood(count: number): Promise<void>
  /** Goes on by itself until `stop`. */
  start(perSecond: number): void
  /** Resolves when what was begun is acknowledged, or given up. */
  stop(): Promise<void>
}

export interface PublisherOptions {
  readonly ledger: Ledger
  readonly rooms: readonly string[]
  readonly text?: string
  /** The server is there, or somebody is starting it. */
  isUp(): boolean
}

/** In a request of REST, at most. */
const batchMax = 50

export function durablePublisher(
  options: PublisherOptions & { url(): string; readonly token: string },
): Publisher {
  const { ledger, isUp, url, token } = options
  return publisher(
    options,
    batchMax,
    async (events) => {
      const body = JSON.stringify({
        key: randomUUID(),
        events: events.map(({ room, ...data }) => ({
          namespace: '/lasting',
          event: 'number:told',
          data,
          rooms: [{ kind: 'workspace', id: room }],
        })),
      })
      let unanswered = 0
      for (;;) {
        const status = await post(`${url()}/api/v1/events`, body, { authorization: `Bearer ${token}` })
        if (status === 200) return { isSure: true, unanswered }
        // 503 while the database is away; 0 when the line broke. Anything else is a mistake.
        if (status !== 0 && status !== 503) throw new Error(`${events[0]?.n} was answered with ${status}.`)
        unanswered += 1
        await until(isUp, { what: 'the server is there again' })
        await pause(20)
      }
    },
    ledger,
  )
}

export function ordinaryPublisher(options: PublisherOptions & { url(): string }): Publisher {
  const { ledger, isUp, url } = options
  return publisher(
    options,
    1,
    async ([event]) => {
      const status = await post(url(), JSON.stringify(event))
      if (status === 200) return { isSure: true, unanswered: 0 }
      if (status !== 0) throw new Error(`${event?.n} was answered with ${status}.`)
      await until(isUp, { what: 'the server is there again' })
      return { isSure: false, unanswered: 1 }
    },
    ledger,
  )
}

interface Numbered {
  readonly n: number
  readonly t: number
  readonly room: string
  readonly text: string
}

/** `send` resolves when nothing more will be done for these events. */
function publisher(
  { rooms, text = '' }: PublisherOptions,
  atOnceMax: number,
  send: (events: readonly Numbered[]) => Promise<{ readonly isSure: boolean; readonly unanswered: number }>,
  ledger: Ledger,
): Publisher {
  const random = new SeededRandom(1)
  let published = 0
  let unanswered = 0
  let isStopping = true
  let running: Promise<void> = Promise.resolve()

  async function publish(count: number): Promise<void> {
    const events = Array.from({ length: count }, (): Numbered => {
      // In turn, the event after the last one of a client would never be for it, and its loss never seen.
      const room = random.oneOf(rooms)
      published += 1
      const t = Math.round(sharedMs() * 1_000)
      return { n: ledger.published({ rooms: [room], atMs: t / 1_000 }), t, room, text }
    })
    const outcome = await send(events)
    unanswered += outcome.unanswered
    if (!outcome.isSure) for (const { n } of events) ledger.unsure(n)
  }

  async function run(perSecond: number): Promise<void> {
    let dueAtMs = sharedMs()
    while (!isStopping) {
      const late = Math.floor(((sharedMs() - dueAtMs) * perSecond) / 1_000)
      const count = Math.max(1, Math.min(atOnceMax, late))
      await publish(count)
      // What could not be published while nobody answered is not made up for.
      dueAtMs = Math.max(dueAtMs + (count * 1_000) / perSecond, sharedMs() - 200)
      await pause(Math.max(0, dueAtMs - sharedMs()))
    }
  }

  return {
    get published() {
      return published
    },
    get unanswered() {
      return unanswered
    },
    async flood(count) {
      for (let left = count; left > 0; left -= atOnceMax) await publish(Math.min(left, atOnceMax))
    },
    start(perSecond) {
      isStopping = false
      running = run(perSecond)
      // Whoever waits for its end hears of it.
      running.catch(() => undefined)
    },
    stop() {
      isStopping = true
      return running
    },
  }
}

/** The status; 0 if there was no answer. */
async function post(url: string, body: string, headers: Record<string, string> = {}): Promise<number> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    await response.arrayBuffer()
    return response.status
  } catch {
    return 0
  }
}
