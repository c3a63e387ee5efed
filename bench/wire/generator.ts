/** The process that plays all clients; the bench calls it step by step. */
import { connect, type Socket } from 'node:net'
import { issueToken } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { answerCalls } from '../../packages/testing/src/bench/processes.ts'
import { Histogram } from '../../packages/testing/src/fleet/histogram.ts'
import { type ClientHost, CommandFrames, maskedTextFrame, WireClient } from './client.ts'
import {
  commandInput,
  commandName,
  namespaceNames,
  secret,
  sharedMicros,
  userIdOf,
  workspaceId,
} from './world.ts'

export interface Storm {
  readonly port: number
  /** How many are connected in the end. */
  readonly clients: number
  readonly namespaces: number
  /** Connects that have begun and not ended, at most. */
  readonly unfinishedMax: number
  /** Theirs; the one that everybody is in if absent. */
  readonly workspace?: string
}

export interface StormResult {
  readonly perSecond: number
  /** From the first connect that began to the last that was in. */
  readonly allInMs: number
  readonly p99Ms: number
  readonly generatorBusy: number
}

export interface GeneratorSample {
  readonly atMicros: number
  readonly cpuMicros: number
  /** Events, of all clients. */
  readonly events: number
  readonly bytes: number
  /** Of commands. */
  readonly answers: number
  /** Since the sample before. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export type GeneratorCalls = typeof calls

/** How often the publisher hears what has arrived. */
const receiptMs = 1

const clients = new Set<WireClient>()
const latencies = new Histogram()
let failure: string | undefined
let entered: (client: WireClient) => void = () => undefined
const host: ClientHost & { port: number } = {
  port: 0,
  isCounting: false,
  bytes: 0,
  answers: 0,
  latencies,
  commands: new CommandFrames((id) => `42/posts,${id}${JSON.stringify([commandName, commandInput])}`),
  entered: (client) => entered(client),
  lost(client, reason) {
    clients.delete(client)
    failure ??= `a client was lost: ${reason}`
  },
}

const calls = {
  /** All tokens and what is said with them are made before the first connect. */
  async connect({
    port,
    clients: total,
    namespaces,
    unfinishedMax,
    workspace = workspaceId,
  }: Storm): Promise<StormResult> {
    host.port = port
    const names = namespaceNames.slice(0, namespaces)
    const first = clients.size
    const entries = Array.from({ length: total - first }, (_, index) =>
      entryOf(first + index, names, workspace),
    )
    const times = new Histogram()
    const done = Promise.withResolvers<void>()
    let begun = 0
    let unfinished = 0
    const fill = () => {
      while (unfinished < unfinishedMax && begun < entries.length) {
        const entry = entries[begun] as Buffer
        begun += 1
        unfinished += 1
        clients.add(new WireClient(host, entry, namespaces))
      }
      if (unfinished === 0 || failure !== undefined) done.resolve()
    }
    const failing = setInterval(() => failure !== undefined && done.resolve(), 50)
    entered = (client) => {
      times.add(sharedMicros() - client.beganMicros)
      unfinished -= 1
      fill()
    }
    const began = sharedMicros()
    const cpuBefore = process.cpuUsage()
    fill()
    await done.promise
    clearInterval(failing)
    refuseFailure()
    const micros = sharedMicros() - began
    const { user, system } = process.cpuUsage(cpuBefore)
    return {
      perSecond: (entries.length / micros) * 1e6,
      allInMs: micros / 1_000,
      p99Ms: times.milliseconds(0.99),
      generatorBusy: (user + system) / micros,
    }
  },
  cutAll(_: null): void {
    for (const client of clients) client.cut()
    clients.clear()
  },
  /** Counts what comes, and tells the publisher; until `look`. */
  async count({ receiptPort }: { readonly receiptPort: number }): Promise<void> {
    host.isCounting = true
    const socket = connect({ port: receiptPort, host: '127.0.0.1', noDelay: true })
    await new Promise((resolve) => socket.once('connect', resolve))
    const timer = setInterval(() => {
      // Without all of its clients a run is worth nothing.
      if (failure !== undefined) return
      let least = Number.POSITIVE_INFINITY
      for (const { received } of clients) if (received < least) least = received
      socket.write(`${least}\n`)
    }, receiptMs)
    receipts = { socket, timer }
  },
  /** From now on each event is looked into. */
  look(_: null): void {
    host.isCounting = false
    clearInterval(receipts?.timer)
    receipts?.socket.destroy()
    latencies.clear()
  },
  startCommands({ outstanding }: { readonly outstanding: number }): void {
    for (const client of clients) client.startCommands(outstanding)
  },
  stopCommands(_: null): void {
    for (const client of clients) client.stopCommands()
  },
  sample(_: null): GeneratorSample {
    refuseFailure()
    const { user, system } = process.cpuUsage()
    const { bytes, answers } = host
    let events = 0
    for (const { received } of clients) events += received
    const times = {
      p50Ms: latencies.milliseconds(0.5),
      p99Ms: latencies.milliseconds(0.99),
      maxMs: latencies.milliseconds(1),
    }
    latencies.clear()
    return { atMicros: sharedMicros(), cpuMicros: user + system, events, bytes, answers, ...times }
  },
}

let receipts: { readonly socket: Socket; readonly timer: NodeJS.Timeout } | undefined

/** Each client is a user of its own. */
function entryOf(index: number, names: readonly string[], workspace: string): Buffer {
  const token = issueToken({
    secret,
    claims: { sub: userIdOf(index), workspaces: [workspace] },
    expiresInSeconds: 3_600,
    now: Date.now,
  })
  return Buffer.concat(names.map((name) => maskedTextFrame(`40${name},${JSON.stringify({ token })}`)))
}

function refuseFailure(): void {
  if (failure !== undefined) throw new Error(failure)
}

answerCalls(calls)
