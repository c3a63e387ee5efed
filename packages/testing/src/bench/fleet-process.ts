/** The process that plays all clients; the bench calls it step by step. */
import { issueToken } from 'belfry/testing'
import type { Outage } from '../faults/outages.ts'
import { createFleet, type Fleet } from '../fleet/fleet.ts'
import type { Return } from '../fleet/wire-client.ts'
import type { Verdict } from '../ledger/verdict.ts'
import { answerCalls } from './processes.ts'
import { names, type Published } from './servers/server-calls.ts'
import { secret, userOf } from './world.ts'

export interface FleetStart {
  readonly port: number
  /** The number of its first client: each has a user and a seed of its own. */
  readonly first: number
  readonly clients: number
  readonly rooms: number
  readonly seed: number
  readonly pollingPercent: number
  readonly unrecoveredIsTold: boolean
}

export interface FleetState {
  readonly inside: number
  readonly receipts: number
  readonly lost: number
  readonly cpuMs: number
}

export interface FleetResult {
  readonly verdict: Omit<Verdict, 'check'>
  readonly returns: readonly Return[]
  readonly counts: Readonly<Record<string, number>>
  /** Of clients whose lines never broke, in milliseconds; NaN if there are none. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly count: number }
}

export type FleetCalls = typeof calls

/** Longer than any run. */
const tokenSeconds = 24 * 3_600

let fleet: Fleet | undefined
const running = (): Fleet => {
  if (fleet === undefined) throw new Error('The fleet was not started.')
  return fleet
}
let known = 0

const calls = {
  async start({
    port,
    first,
    clients,
    rooms,
    seed,
    pollingPercent,
    unrecoveredIsTold,
  }: FleetStart): Promise<void> {
    const roomOf = (index: number) => names.room((first + index) % rooms)
    const tokens = Array.from({ length: clients }, (_, index) =>
      issueToken({
        secret,
        claims: { sub: userOf(first + index), workspaces: [roomOf(index)] },
        expiresInSeconds: tokenSeconds,
        now: Date.now,
      }),
    )
    fleet = createFleet({
      url: `http://127.0.0.1:${port}`,
      namespace: names.namespace,
      event: names.event,
      clients,
      seed: seed + first,
      pollingPercent,
      unrecoveredIsTold,
      auth: (index) => ({ token: tokens[index] }),
      roomsOf: (index) => [roomOf(index)],
    })
    await fleet.connectAll()
  },
  /** Resolves when every outage has ended. */
  follow: (plan: readonly Outage[]): Promise<void> => running().follow(plan).done,
  state(_: null): FleetState {
    const { inside, ledger, counts } = running()
    const { user, system } = process.cpuUsage()
    return {
      inside,
      receipts: ledger.receipts,
      lost: counts['lost'] ?? 0,
      cpuMs: (user + system) / 1_000,
    }
  },
  /** All that was published; what it knows already is passed over. Whether every client has its newest event. */
  isSettled({ rooms, atMs, cursors }: Published): boolean {
    const { ledger } = running()
    for (; known < rooms.length; known += 1) {
      const cursor = cursors[known]
      ledger.published({
        rooms: [names.room(rooms[known] ?? 0)],
        atMs: atMs[known] ?? 0,
        ...(cursor === undefined ? {} : { cursor }),
      })
    }
    return ledger.isSettled()
  },
  result(_: null): FleetResult {
    const { ledger, returns, counts, latencies } = running()
    const { check: _check, ...verdict } = ledger.verdict()
    const { total: count } = latencies
    return {
      verdict,
      returns,
      counts,
      latencyMs: { p50: latencies.milliseconds(0.5), p99: latencies.milliseconds(0.99), count },
    }
  },
}

answerCalls(calls)
