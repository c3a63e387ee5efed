/**
 * Thousands of clients in one process, each with a line that breaks as a plan says, and a ledger of what they got. Lines
 * are those of the clients themselves: a proxy between would cost as much as the server.
 */
import type { Outage } from '../faults/outages.ts'
import { type FollowedPlan, followPlan } from '../faults/outages.ts'
import { createLedger, type Ledger, type LedgerClient } from '../ledger/ledger.ts'
import { seededRandom, seedOf } from '../random.ts'
import { until } from '../until.ts'
import { type BackOffOptions, stockBackOff } from './back-off.ts'
import { createEventReader } from './event-reader.ts'
import { Histogram } from './histogram.ts'
import { PollingCarrier } from './polling-carrier.ts'
import { sharedMs } from './shared-clock.ts'
import { WebSocketCarrier } from './websocket-carrier.ts'
import { type Return, WireClient, type WireClientHost } from './wire-client.ts'

export interface FleetOptions {
  /** Of the server, with the path of its sockets if that is another one than `/socket.io/`. */
  readonly url: string
  readonly namespace: string
  /** Of the events that it counts, whose data begins with `n`, the number, and `t`, microseconds of the shared clock. */
  readonly event: string
  readonly clients: number
  readonly seed: number
  /** What a client says to be let in. */
  auth(index: number): object
  /** In which rooms it is from the beginning. */
  roomsOf(index: number): readonly string[]
  readonly backOff?: BackOffOptions
  /** 20,000, as a stock client, if absent. */
  readonly connectTimeoutMs?: number
  /** Of 100 clients. */
  readonly pollingPercent?: number
  /** Of 100 clients, and how slowly they read. */
  readonly slow?: { readonly percent: number; readonly bytesPerSecond: number }
  /** A client that comes back and is not recovered knows that it may have missed something: for servers that say no more. */
  readonly unrecoveredIsTold?: boolean
}

export interface Fleet {
  readonly ledger: Ledger
  readonly clients: readonly WireClient[]
  /** Those that came back, in the order of their losses. */
  readonly returns: readonly Return[]
  /** From publishing to receiving, of clients whose lines never broke. */
  readonly latencies: Histogram
  readonly counts: Readonly<Record<string, number>>
  /** All of them; so many are on their way at a time. */
  connectAll(unfinishedMax?: number): Promise<void>
  /** Breaks and mends lines; the number of a line is that of a client. */
  follow(plan: readonly Outage[]): FollowedPlan
  clearLatencies(): void
  readonly inside: number
  close(): void
}

/** Told by the server beside the event that is counted. */
const resetEvent = 'sync:reset'
/** How often it is looked for clients to which nobody speaks. */
const silenceLookMs = 250

export function createFleet(options: FleetOptions): Fleet {
  const { clients: count, seed, slow, pollingPercent = 0, unrecoveredIsTold = false } = options
  const ledger = createLedger({ now: sharedMs })
  const accounts: LedgerClient[] = []
  const returns: Return[] = []
  const latencies = new Histogram()
  const counts: Record<string, number> = {}
  const hadPid = new Uint8Array(count)
  let inside = 0
  const tally = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1
  }
  const account = (client: WireClient) => accounts[client.index] as LedgerClient

  const host: WireClientHost = {
    url: serverUrl(options.url),
    namespace: options.namespace,
    backOff: options.backOff ?? stockBackOff,
    connectTimeoutMs: options.connectTimeoutMs ?? 20_000,
    events: createEventReader(options.namespace, options.event),
    auth: ({ index }) => options.auth(index),
    entered(client) {
      inside += 1
      const { comingBack } = client
      const isFirst = hadPid[client.index] === 0
      hadPid[client.index] = 1
      if (isFirst || comingBack === undefined) return
      account(client).note(comingBack.recovered ? 'came back, recovered' : 'came back as somebody new')
      tally(comingBack.recovered ? 'recovered' : 'not recovered')
      if (unrecoveredIsTold && !comingBack.recovered) account(client).reset('not recovered')
    },
    received(client, event, publishedAtMs) {
      account(client).received(event)
      if (client.comingBack === undefined) latencies.add((sharedMs() - publishedAtMs) * 1_000)
    },
    told(client, name, data, cursor) {
      tally(name)
      if (name !== resetEvent) return
      const { reason } = data as { reason: string }
      account(client).reset(reason, cursor)
    },
    lost(client, reason) {
      inside -= 1
      if (client.comingBack !== undefined) returns.push(client.comingBack)
      account(client).note(`was lost (${reason})`)
      tally('lost')
    },
    dismissed(client, reason, wasIn) {
      if (wasIn) inside -= 1
      account(client).note(`was sent away (${reason})`)
      tally('dismissed')
    },
  }

  const clients = Array.from({ length: count }, (_, index) => {
    const random = seededRandom(seedOf(seed, index))
    accounts.push(ledger.client(`client ${index}`, options.roomsOf(index)))
    const dice = random() * 100
    const isSlow = slow !== undefined && random() * 100 < slow.percent
    return new WireClient({
      index,
      host,
      random,
      open:
        dice < pollingPercent ? (given) => new PollingCarrier(given) : (given) => new WebSocketCarrier(given),
      bytesPerSecond: isSlow ? slow.bytesPerSecond : undefined,
    })
  })
  const looking = setInterval(() => {
    const now = sharedMs()
    for (const client of clients) client.lookForSilence(now)
  }, silenceLookMs)

  return {
    ledger,
    clients,
    returns,
    latencies,
    counts,
    get inside() {
      return inside
    },
    async connectAll(unfinishedMax = 256) {
      let begun = 0
      const begin = () => {
        for (; begun < count && begun - inside < unfinishedMax; begun += 1) clients[begun]?.connect()
        return inside === count
      }
      await until(begin, { what: `${count} clients to be let in`, withinMs: 120_000 })
    },
    follow: (plan) =>
      followPlan(plan, {
        begin({ line, cut }) {
          const client = clients[line]
          if (client === undefined) return
          account(client).note(cut === 'hold' ? 'its line went silent' : 'its line was cut')
          if (cut === 'hold') client.hold()
          else client.cut(cut)
        },
        end({ line }) {
          const client = clients[line]
          if (client === undefined) return
          account(client).note('its line was mended')
          client.mend()
        },
      }),
    clearLatencies: () => latencies.clear(),
    close() {
      clearInterval(looking)
      for (const client of clients) client.close()
    },
  }
}

function serverUrl(given: string): URL {
  const url = new URL(given)
  if (url.pathname === '/') url.pathname = '/socket.io/'
  return url
}
