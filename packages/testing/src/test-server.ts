/**
 * A Belfry server for a test, with everything that connects to it.
 *
 *   await using server = await startTestServer({ namespaces: [serveNamespace(posts, { commands })] })
 *   const ana = server.client({ sub: 'ana', workspaces: ['acme'] })
 *   const live = await server.open(ana, posts)
 *   const heard = server.events(live, 'post:created')
 *   await server.sockets.publish(posts, 'post:created', { id: '1' }, { rooms: [{ kind: 'workspace', id: 'acme' }] })
 *   await heard.next()
 *   await server.clock.advance('5m')
 *
 * Its moves: running → stopped (`stop`, `crash`) → running (`start`) …, and from both → closed (`close`).
 */
import type { Client, Live, LiveData, LiveEvent } from '@belfry/client'
import type { NamespaceContract } from '@belfry/contract'
import type {
  HostNotifications,
  Logger,
  RoomAuthority,
  RunTransaction,
  ServedNamespace,
  SocketService,
} from 'belfry'
import { issueToken, type TokenClaims } from 'belfry/testing'
import { createClients, open, type StockClientOptions, type TestClientOptions } from './clients.ts'
import { type Duration, milliseconds } from './duration.ts'
import { watchNamespace, watchRooms } from './handlers.ts'
import type { Heard, StockSocket } from './heard.ts'
import { createEmbeddedHost, createMemoryHost, type Running } from './hosts.ts'
import { createListener } from './listener.ts'
import { createProblems } from './problems.ts'
import { createRecorder, type NextOptions, type Recorder } from './recorder.ts'
import { createTraffic } from './traffic.ts'
import { until } from './until.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

export interface TestServerOptions {
  readonly namespaces?: readonly ServedNamespace[]
  /** Who may be in rooms of your own kinds. */
  readonly rooms?: readonly RoomAuthority[]
  /** `none`: in memory, ready in milliseconds. `embedded`: the whole product on a PostgreSQL of its own. */
  readonly database?: 'none' | 'embedded'
  /** By their variables, as docs/configuration.md has them. */
  readonly settings?: Readonly<Record<string, string>>
  /** Where the clock stands at first, in milliseconds since 1970; the real time if absent. */
  readonly startAt?: number
  /** Gets every line of the server's log. */
  readonly logger?: Logger
}

export interface Claims extends Omit<TokenClaims, 'aud' | 'iss'> {
  /** An hour if absent. */
  readonly expiresIn?: Duration
}

export interface TestServer extends AsyncDisposable {
  /** For sockets. */
  readonly url: string
  /** For REST and the console, with a database. */
  readonly address: string
  readonly clock: VirtualClock
  /** Of `startBelfry`, as a program that hosts Belfry has them. */
  readonly sockets: SocketService
  readonly transaction: RunTransaction
  /** With a database. */
  readonly notifications: HostNotifications
  token(claims: Claims): string
  /** Of `@belfry/client`. It connects when it is used, and asks for a fresh token each time. */
  client(claims: Claims, options?: TestClientOptions): Client
  /** Of `socket.io-client`, whose `io` you give, in the version that you use. */
  stockClient<Socket extends StockSocket>(
    io: (url: string, options: object) => Socket,
    claims: Claims,
    options?: StockClientOptions,
  ): Socket
  /** Resolves when the client was let in, and rejects when it was not. */
  open<N extends NamespaceContract>(client: Client, contract: N): Promise<Live<N>>
  /** Records the events of a name from now on. */
  events<N extends NamespaceContract, Name extends LiveEvent<N>>(
    live: Live<N>,
    event: Name,
  ): Recorder<LiveData<N, Name>>
  events(socket: StockSocket, event: string): Recorder<unknown>
  /** The next one that comes; for one that may have come already, use `events`. */
  next<N extends NamespaceContract, Name extends LiveEvent<N>>(
    live: Live<N>,
    event: Name,
    options?: NextOptions<LiveData<N, Name>>,
  ): Promise<Heard<LiveData<N, Name>>>
  next(socket: StockSocket, event: string, options?: NextOptions<unknown>): Promise<Heard<unknown>>
  /** Breaks the line of a client, or of all, until `mend`. Resolves when both ends know. */
  cut(client?: Client | StockSocket): Promise<void>
  /** The line stays, and nothing comes through, until `mend`. Neither end knows, until it misses a ping. */
  silence(client?: Client | StockSocket): Promise<void>
  mend(client?: Client | StockSocket): Promise<void>
  /** In order: clients are told. What is not durable is forgotten. */
  stop(): Promise<void>
  /** As if the process had been killed: lines break without a word. */
  crash(): Promise<void>
  /** On the same port. */
  start(): Promise<void>
  /** Stops in order, and starts again. */
  restart(): Promise<void>
  /** Errors that the server logged and that listeners threw, since the last call. `close` rejects with those left. */
  errors(): readonly unknown[]
  /** Ends everything that it made, and rejects if something else is left. */
  close(): Promise<void>
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const handlers = new Set<object>()
  const problems = createProblems(options.logger)
  const listener = createListener()
  let running: Running | undefined
  let isClosed = false
  let closing: Promise<void> | undefined
  const waiters = new Set<(why: string) => void>()
  const traffic = createTraffic({
    farSockets: () => listener.sockets,
    queuedBytes: () => running?.sockets.queuedBytes() ?? 0,
    underWay: () => [...handlers, ...clients.connecting()],
  })
  const clock = createVirtualClock({ startMs: options.startAt ?? Date.now(), ...traffic })
  const createHost = options.database === 'embedded' ? createEmbeddedHost : createMemoryHost
  const host = await createHost({
    settings: options.settings ?? {},
    namespaces: (options.namespaces ?? []).map((served) => watchNamespace(served, handlers)),
    rooms: (options.rooms ?? []).map((authority) => watchRooms(authority, handlers)),
    clock,
    logger: problems.logger,
  })
  const { settings, jwtSecret } = host
  const clients = createClients({
    clock,
    traffic,
    silenceMsMax: settings.socketPingIntervalMs + settings.socketPingTimeoutMs,
    path: settings.socketPath,
    url: () => listener.url,
    onError: problems.add,
  })

  function inUse(): Running {
    if (running === undefined) throw new Error(`The test server is ${isClosed ? 'closed' : 'stopped'}.`)
    return running
  }

  function withDatabase<Part>(part: Part | undefined): Part {
    if (part === undefined)
      throw new Error("This needs a database: start the test server with { database: 'embedded' }.")
    return part
  }

  async function start(): Promise<void> {
    if (isClosed || running !== undefined)
      throw new Error(`The test server is ${isClosed ? 'closed' : 'running already'}.`)
    const started = await host.start()
    try {
      await listener.open((server) => started.sockets.initialize(server))
      running = started
    } catch (error) {
      await started.stop()
      throw error
    }
  }

  async function stop(): Promise<void> {
    const stopping = inUse()
    running = undefined
    await stopping.stop()
    // Goodbyes arrive before the lines break.
    await traffic.settle()
    await listener.close()
    await known()
  }

  async function crash(): Promise<void> {
    const stopping = inUse()
    running = undefined
    await listener.close()
    await stopping.stop()
    await known()
  }

  /** Both ends of every line know what became of it. */
  async function known(): Promise<void> {
    await traffic.settle()
    await until(() => clients.haveNoticed(), { what: 'the clients to notice that their lines broke' })
  }

  function token({ expiresIn = '1h', ...claims }: Claims): string {
    const { jwtAudience: aud, jwtIssuer: iss } = settings
    const expiresInSeconds = Math.round(milliseconds(expiresIn) / 1_000)
    return issueToken({
      secret: jwtSecret,
      claims: { ...claims, aud, iss },
      expiresInSeconds,
      now: clock.now,
    })
  }

  function record(source: object, event: string): Recorder<unknown> {
    return createRecorder(clients.earOf(source), event, {
      onEnd(ended) {
        waiters.add(ended)
        return () => waiters.delete(ended)
      },
    })
  }

  async function onLines(client: object | undefined, act: 'cut' | 'silence' | 'mend'): Promise<void> {
    const chosen = client === undefined ? [...clients.lines] : [clients.lineOf(client)]
    for (const line of chosen) line[act]()
    await known()
  }

  /** Whatever fails on the way, what comes after it is ended too. */
  async function end(): Promise<void> {
    const left: unknown[] = []
    const step = (run: () => unknown) =>
      Promise.resolve()
        .then(run)
        .catch((error: unknown) => left.push(error))
    const foreigners = await traffic.foreignersLeft()
    clients.close()
    for (const line of clients.lines) if (line.state === 'silent') line.mend()
    for (const waiter of waiters) waiter('the test server was closed')
    await step(() => (running === undefined ? undefined : stop()))
    isClosed = true
    for (const line of clients.lines) line.close()
    await step(() => listener.close())
    await step(() => host.close())
    left.push(...problems.take())
    if (foreigners > 0)
      left.push(new Error(`Connections that this server did not make were left open: ${foreigners}.`))
    if (clock.timers > 0)
      left.push(new Error(`Timers that somebody set on the clock are left: ${clock.timers}.`))
    if (left.length > 0)
      throw new AggregateError(left, `The test left ${left.length} behind: ${left.map(sentenceOf).join(' ')}`)
  }

  function close(): Promise<void> {
    closing ??= end()
    return closing
  }

  const server: TestServer = {
    get url() {
      return listener.url
    },
    get address() {
      return withDatabase(inUse().address)
    },
    clock,
    get sockets() {
      return inUse().sockets
    },
    get transaction() {
      return inUse().transaction
    },
    get notifications() {
      return withDatabase(inUse().notifications)
    },
    token,
    client: (claims, given = {}) => clients.create(() => token(claims), given),
    stockClient: (io, claims, given = {}) => clients.createStock(io, () => token(claims), given),
    open,
    events: (source: object, event: string) => record(source, event) as Recorder<never>,
    async next(source: object, event: string, given: NextOptions<unknown> = {}) {
      const recorder = record(source, event)
      try {
        return (await recorder.next(given)) as Heard<never>
      } finally {
        recorder.stop()
      }
    },
    cut: (client) => onLines(client, 'cut'),
    silence: (client) => onLines(client, 'silence'),
    mend: (client) => onLines(client, 'mend'),
    stop,
    crash,
    start,
    async restart() {
      await stop()
      await start()
    },
    errors: () => problems.take(),
    close,
    [Symbol.asyncDispose]: close,
  }
  try {
    await start()
  } catch (error) {
    await host.close()
    throw error
  }
  return server
}

function sentenceOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  return cause instanceof Error ? `${message} (${cause.message})` : message
}
