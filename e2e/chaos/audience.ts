/**
 * Who listens to one namespace while everything fails: a fleet at the level of the wire, and stock clients through a
 * fault proxy. One ledger for all of them.
 */
import {
  type CutOptions,
  type FaultProxy,
  type FollowedPlan,
  type LedgerClient,
  planOutages,
  startFaultProxy,
} from '@belfry/testing'
import { createFleet, type Fleet } from '@belfry/testing/bench'
import { io, type Socket } from 'socket.io-client'
import { issueToken } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { cursorOf, pidOf } from '../protocol/stock-versions.ts'
import { until } from '../protocol/until.ts'

export interface AudienceOptions {
  readonly url: string
  readonly secret: string
  readonly namespace: string
  readonly rooms: readonly string[]
  readonly fleet: number
  readonly stock: number
  readonly seed: number
  readonly pollingPercent?: number
  readonly slow?: { readonly percent: number; readonly bytesPerSecond: number }
  /** Of the tokens of stock clients, which are renewed when they are refused. */
  readonly tokenSeconds?: number
}

export interface Audience extends AsyncDisposable {
  readonly fleet: Fleet
  readonly sockets: readonly Socket[]
  readonly everybodyIsIn: boolean
  /** Breaks each line by itself for a while. */
  breakLines(options: {
    readonly durationMs: number
    readonly everyMs: number
    readonly forMs: readonly [number, number]
    readonly cuts: readonly (CutOptions | 'hold')[]
  }): FollowedPlan
  /**
   * Somebody comes with the pid and the last cursor of a stock client that is in, as its user or as another one, and
   * goes again. Whether it got that session.
   */
  clone(index: number, as: 'its user' | 'another user'): Promise<boolean>
  /** How often a stock client was refused, or sent away, because its token had ended. */
  readonly tokensEnded: number
  /** Everybody is in and has the newest event. */
  settled(what?: string): Promise<void>
}

/** As a stock client waits, but in a tenth of the time. */
const backOff = { firstMs: 100, lastMs: 500, jitter: 0.5 }
/** And as it gives up a server that says nothing. */
const connectTimeoutMs = 2_000

export async function gatherAudience(options: AudienceOptions): Promise<Audience> {
  const { url, secret, namespace, rooms, seed, pollingPercent = 0, slow, tokenSeconds = 3_600 } = options
  const roomOf = (index: number) => rooms[index % rooms.length] ?? ''
  const tokenOf = (user: string, room: string, expiresInSeconds = 3_600) =>
    issueToken({ secret, claims: { sub: user, workspaces: [room] }, expiresInSeconds, now: Date.now })
  const fleet = createFleet({
    url,
    namespace,
    event: 'number:told',
    clients: options.fleet,
    seed,
    backOff,
    connectTimeoutMs,
    pollingPercent,
    ...(slow === undefined ? {} : { slow }),
    auth: (index) => ({ token: tokenOf(`fleet-${index}`, roomOf(index)) }),
    roomsOf: (index) => [roomOf(index)],
  })
  const proxy = await startFaultProxy({ to: url, seed })
  const stock: Stock[] = []
  let tokensEnded = 0
  for (let index = 0; index < options.stock; index += 1) {
    const line = await proxy.line()
    const room = roomOf(index)
    const account = fleet.ledger.client(`stock client ${index}`, [room])
    const newToken = () => tokenOf(`stock-${index}`, room, tokenSeconds)
    const socket = openStock(`${line.url}${namespace}`, newToken, account, () => {
      tokensEnded += 1
    })
    stock.push({ socket, account })
  }
  const everybodyIsIn = () => fleet.inside === options.fleet && stock.every(({ socket }) => socket.connected)
  await fleet.connectAll()
  await until(everybodyIsIn, { what: `everybody on ${namespace}` })

  return {
    fleet,
    sockets: stock.map(({ socket }) => socket),
    get everybodyIsIn() {
      return everybodyIsIn()
    },
    breakLines(given) {
      const planFor = (lines: number, of: number) => planOutages({ ...given, seed: seed + of, lines })
      const plans = [
        fleet.follow(planFor(options.fleet, 0)),
        followNoted(proxy, planFor(options.stock, 1), stock),
      ]
      return {
        done: Promise.all(plans.map(({ done }) => done)).then(() => undefined),
        stop: () => {
          for (const plan of plans) plan.stop()
        },
      }
    },
    async clone(index, as) {
      const { socket, account } = stock[index] as Stock
      const pid = pidOf(socket)
      account.note(`${as} came with its pid`)
      const user = as === 'its user' ? `stock-${index}` : `stranger-${index}`
      const auth = { token: tokenOf(user, roomOf(index)), pid, offset: cursorOf(socket) }
      const clone = io(`${url}${namespace}`, { forceNew: true, transports: ['websocket'], auth })
      let given: string | undefined
      // It may be replaced a moment later.
      clone.once('connect', () => {
        given = pidOf(clone)
      })
      await until(() => given !== undefined, { what: `${as} with a pid of others` })
      // Without the word that ends a session for good.
      clone.io.reconnection(false)
      clone.io.engine.close()
      return given === pid
    },
    get tokensEnded() {
      return tokensEnded
    },
    settled: (what = 'everybody has everything') =>
      until(() => everybodyIsIn() && fleet.ledger.isSettled(), {
        get what() {
          const missing = fleet.ledger.verdict().differences.slice(0, 3).join('\n')
          return `${what}: on ${namespace} ${fleet.inside} of the fleet are in; ${missing}`
        },
        withinMs: 30_000,
      }),
    async [Symbol.asyncDispose]() {
      fleet.close()
      for (const { socket } of stock) socket.disconnect()
      await proxy.close()
    },
  }
}

interface Stock {
  readonly socket: Socket
  readonly account: LedgerClient
}

function followNoted(proxy: FaultProxy, plan: Parameters<FaultProxy['follow']>[0], stock: readonly Stock[]) {
  const followed = proxy.follow(plan)
  for (const { line, forMs, cut } of plan)
    stock[line]?.account.note(`was to lose its line for ${Math.round(forMs)} ms (${JSON.stringify(cut)})`)
  return followed
}

/** As an application has it that gets a new token when one has ended, and is in again when somebody took its place. */
function openStock(
  url: string,
  newToken: () => string,
  account: LedgerClient,
  tokenEnded: () => void,
): Socket {
  let token = newToken()
  let goodbye: string | undefined
  const renew = () => {
    tokenEnded()
    token = newToken()
  }
  const socket = io(url, {
    forceNew: true,
    transports: ['websocket'],
    reconnectionDelay: backOff.firstMs,
    reconnectionDelayMax: backOff.lastMs,
    timeout: connectTimeoutMs,
    auth: (tell) => tell({ token }),
  })
  socket.on('number:told', ({ n }: { n: number }) => account.received(n))
  socket.on('sync:reset', ({ reason }: { reason: string }) => account.reset(reason))
  socket.on('connect', () => account.note(`connected${socket.recovered ? ', recovered' : ''}`))
  socket.on('session:closing', ({ code }: { code: string }) => {
    goodbye = code
  })
  socket.on('disconnect', (reason) => {
    account.note(`disconnected (${reason}, ${goodbye})`)
    if (goodbye === 'token_expired') renew()
    // From these a stock client does not come back by itself.
    if (goodbye === 'token_expired' || goodbye === 'replaced') socket.connect()
    goodbye = undefined
  })
  socket.on('connect_error', (error: Error & { data?: { code?: string } }) => {
    if (error.data?.code !== 'token_expired') return
    account.note('was refused with an old token')
    renew()
    socket.connect()
  })
  return socket
}
