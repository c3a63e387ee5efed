/** Clients of a test server, each with a line of its own. */
import {
  type Client,
  type ClientOptions as ClientOptionsOfClient,
  createClient,
  type Live,
} from '@belfry/client'
import type { NamespaceContract } from '@belfry/contract'
import { type Ear, earOf, earOfStock, type StockSocket } from './heard.ts'
import { createLine, type Line } from './lines.ts'
import type { Traffic } from './traffic.ts'
import { until } from './until.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What `createClient` takes, but for what the test server knows better. Waits are not spread: each is the shortest. */
export type TestClientOptions = Partial<Omit<ClientOptionsOfClient, 'url' | 'clock'>>

export interface StockClientOptions {
  /** `/realtime` if absent. */
  readonly namespace?: string
  /** Whatever else the client takes. It comes back by itself only with `reconnection: true`, and in real time. */
  readonly [option: string]: unknown
}

export interface ClientsOptions {
  readonly clock: VirtualClock
  readonly traffic: Traffic
  readonly silenceMsMax: number
  readonly path: string
  url(): string
  onError(error: unknown): void
}

export interface Clients {
  create(token: () => string, options: TestClientOptions): Client
  createStock<Socket extends StockSocket>(
    connect: (url: string, options: object) => Socket,
    token: () => string,
    options: StockClientOptions,
  ): Socket
  lineOf(client: object): Line
  readonly lines: Iterable<Line>
  /** No client whose line is broken thinks that it is in. */
  haveNoticed(): boolean
  earOf(source: object): Ear
  /** Attempts to get in over lines that carry something: the same object as long as it is the same attempt. */
  connecting(): object[]
  /** Ends all of them. */
  close(): void
}

export function createClients(options: ClientsOptions): Clients {
  const { clock, traffic, silenceMsMax, path, onError } = options
  const clients = new Set<Client>()
  const stocks = new Set<StockSocket>()
  const lines = new Map<object, Line>()
  const contracts = new WeakMap<object, NamespaceContract>()

  function openLine(): Line {
    const line = createLine({
      silenceMsMax,
      after: (delayMs, action) => clock.after(delayMs, action),
      onOpened: (socket) => traffic.watch(socket, () => line.state !== 'silent'),
    })
    return line
  }

  return {
    create(token, { socket = {}, ...given }) {
      const line = openLine()
      // In Node it takes an agent; its types know the one of browsers.
      const transport = { path, transports: ['websocket'], ...socket, agent: line.agent as never }
      const made = createClient({
        token,
        onError,
        random: () => 0,
        ...given,
        url: options.url(),
        clock,
        socket: transport,
      })
      const client: Client = {
        ...made,
        namespace(contract) {
          const live = made.namespace(contract)
          contracts.set(live, contract)
          return live
        },
      }
      clients.add(client)
      lines.set(client, line)
      return client
    },
    createStock(connect, token, { namespace = '/realtime', ...given }) {
      const line = openLine()
      const socket = connect(`${options.url()}${namespace}`, {
        path,
        forceNew: true,
        reconnection: false,
        transports: ['websocket'],
        auth: (tell: (auth: object) => void) => tell({ token: token() }),
        ...given,
        agent: line.agent,
      })
      stocks.add(socket)
      lines.set(socket, line)
      return socket
    },
    lineOf(client) {
      const line = lines.get(client)
      if (line === undefined)
        throw new TypeError('This client was not made by this server: its line is not known.')
      return line
    },
    get lines() {
      return lines.values()
    },
    haveNoticed() {
      const isIn = (client: object) =>
        'state' in client
          ? (client as Client).state.get().status === 'connected'
          : (client as StockSocket).connected
      return [...lines].every(([client, { sockets }]) => sockets.size > 0 || !isIn(client))
    },
    earOf(source) {
      if ('onAny' in source) return earOfStock(source as StockSocket)
      const contract = contracts.get(source)
      if (contract === undefined)
        throw new TypeError('Give a namespace of a client of this server, as client.namespace() makes it.')
      return earOf(source as Live<NamespaceContract>, contract)
    },
    connecting: () =>
      [...clients]
        .filter((client) => lines.get(client)?.state !== 'silent')
        .map(({ state }) => state.get())
        .filter(({ status }) => status === 'connecting'),
    close() {
      for (const client of clients) client.close()
      for (const stock of stocks) stock.disconnect()
    },
  }
}

/** Resolves when the client was let in, and rejects when it was not. */
export async function open<N extends NamespaceContract>(client: Client, contract: N): Promise<Live<N>> {
  const live = client.namespace(contract)
  const stop = live.onReset(() => {})
  const state = () => live.state.get()
  await until(() => ['open', 'waiting', 'refused', 'ended', 'closed'].includes(state().status), {
    get what() {
      return `to be let in to ${contract.name}; it is ${JSON.stringify(state())}`
    },
  })
  if (state().status === 'open') return live
  stop()
  throw new Error(`The client is not in ${contract.name}: ${JSON.stringify(state())}`)
}
