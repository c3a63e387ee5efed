/** The socket server on a port of this machine, and stock clients that reach it over lines of their own. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Manager, type Socket } from 'socket.io-client'
import msgpackParser from 'socket.io-msgpack-parser'
import type { Delivery } from '../../../engine/memory/transport-client.ts'
import type { TransportHandler } from '../../../engine/ports/transport.ts'
import { createTestClock, type TestClock } from '../../../engine/testing/test-clock.ts'
import type {
  TransportClient,
  TransportClientSession,
  TransportWorld,
} from '../../../engine/testing/transport-contract.ts'
import { until } from '../../../engine/testing/until.ts'
import { PacketType } from '../packets/packet.ts'
import { createSocketServer, type SocketServer, type SocketServerOptions } from '../socket-server.ts'
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts'

export interface SocketWorldOptions {
  readonly handler: TransportHandler
  /** Of the stock client. */
  readonly transports?: readonly ('websocket' | 'polling')[]
  readonly server?: Partial<SocketServerOptions>
}

export interface SocketWorld extends TransportWorld {
  readonly server: SocketServer
  readonly port: number
  /** What the server found suspicious, and what went wrong in it. */
  readonly suspicions: string[]
  readonly failures: unknown[]
  /** A line to the server. */
  openLine(): Promise<TcpProxy>
}

export async function openSocketWorld(options: SocketWorldOptions): Promise<SocketWorld> {
  const clock: TestClock = createTestClock()
  const { handler, transports = ['websocket'] } = options
  const suspicions: string[] = []
  const failures: unknown[] = []
  const ignore = () => undefined
  const server = createSocketServer({
    handler,
    clock,
    logger: { debug: ignore, info: ignore, warn: ignore, error: (fields) => failures.push(fields) },
    origins: { allowed: [], credentials: false },
    trustedProxies: false,
    parser: 'default',
    onSuspicion: ({ reason }) => suspicions.push(reason),
    ...options.server,
  })
  const http = createServer((_request, response) => response.writeHead(404).end())
  server.attach(http)
  const polls = new Set<string>()
  http.on('request', ({ method, url = '' }, response) => {
    const sid = /[?&]sid=([^&]+)/.exec(url)?.[1]
    if (method !== 'GET' || sid === undefined) return
    polls.add(sid)
    response.once('close', () => polls.delete(sid))
  })
  const isPolled = (sid: string) => polls.has(sid)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const lines: TcpProxy[] = []
  const clients: StockClient[] = []
  const openLine = async () => {
    const line = await openTcpProxy(port)
    lines.push(line)
    return line
  }
  return {
    clock,
    transport: server.transport,
    server,
    port,
    suspicions,
    failures,
    openLine,
    async connect({ userAgent } = {}) {
      const parser = options.server?.parser === 'msgpack' ? msgpackParser : undefined
      const client = new StockClient(await openLine(), { transports, userAgent, parser, isPolled })
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close()
      await Promise.all(lines.map((line) => line.close()))
      await server.close()
      http.close()
      http.closeAllConnections()
      await once(http, 'close')
    },
  }
}

interface StockClientOptions {
  readonly transports: readonly ('websocket' | 'polling')[]
  readonly userAgent: string | undefined
  readonly parser: unknown
  /** Whether the server holds a poll of this connection. */
  readonly isPolled: (sid: string) => boolean
}

/** `socket.io-client` as it is, with its packets written down in the order in which it decoded them. */
export class StockClient implements TransportClient {
  readonly deliveries: Delivery[] = []
  readonly manager: Manager
  readonly #line: TcpProxy
  readonly #isPolled: (sid: string) => boolean

  constructor(line: TcpProxy, { transports, userAgent, parser, isPolled }: StockClientOptions) {
    this.#line = line
    this.#isPolled = isPolled
    this.manager = new Manager(`http://127.0.0.1:${line.port}`, {
      transports: [...transports],
      autoConnect: false,
      reconnectionDelay: 5,
      reconnectionDelayMax: 20,
      randomizationFactor: 0,
      ...(parser === undefined ? {} : { parser }),
      ...(userAgent === undefined ? {} : { extraHeaders: { 'user-agent': userAgent } }),
    })
    this.#internals.on('packet', (packet) => this.deliveries.push(deliveryOf(packet)))
  }

  open(namespace: string, auth: Readonly<Record<string, unknown>> = {}): TransportClientSession {
    const socket = this.manager.socket(namespace)
    socket.auth = auth
    socket.offAny()
    socket.connect()
    return new StockSession(socket)
  }

  pause(): void {
    this.#line.pause()
  }

  resume(): void {
    this.#line.resume()
  }

  async atRest(): Promise<void> {
    const { engine } = this.#internals
    if (engine.transport.name === 'polling')
      await until(() => this.#isPolled(engine.id), { what: 'the client polls' })
  }

  cut(): void {
    this.#line.cut()
  }

  close(): void {
    this.#internals._close()
  }

  misbehave(): void {
    this.#internals.engine.write('no packet')
  }

  get #internals(): ManagerInternals {
    return this.manager as unknown as ManagerInternals
  }
}

class StockSession implements TransportClientSession {
  readonly #socket: Socket
  onRequest: TransportClientSession['onRequest']

  constructor(socket: Socket) {
    this.#socket = socket
    socket.onAny(async (name: string, data: unknown, acknowledge: unknown) => {
      if (typeof acknowledge !== 'function' || this.onRequest === undefined) return
      acknowledge(await this.onRequest(name, data))
    })
  }

  get isOpen(): boolean {
    return this.#socket.connected
  }

  send(name: string, ...args: readonly unknown[]): void {
    this.#socket.emit(name, ...args)
  }

  ask(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#socket.emitWithAck(name, ...args)
  }

  leave(): void {
    this.#socket.disconnect()
  }
}

/** What the types of the stock client keep to themselves. */
interface ManagerInternals {
  readonly engine: {
    readonly id: string
    readonly transport: { readonly name: string }
    write(text: string): void
  }
  on(event: 'packet', listener: (packet: StockPacket) => void): void
  _close(): void
}

interface StockPacket {
  readonly type: number
  readonly nsp: string
  readonly id?: number
  readonly data?: unknown
}

function deliveryOf({ type, nsp: namespace, id, data }: StockPacket): Delivery {
  switch (type) {
    case PacketType.CONNECT: {
      const { sid, pid } = data as { sid: string; pid: string }
      return { kind: 'accepted', namespace, id: sid, pid }
    }
    case PacketType.CONNECT_ERROR: {
      const { message, data: more } = data as { message: string; data: { code: string } }
      return { kind: 'refused', namespace, code: more.code, message }
    }
    case PacketType.DISCONNECT:
      return { kind: 'goodbye', namespace }
    case PacketType.ACK:
    case PacketType.BINARY_ACK:
      return { kind: 'answer', namespace, id: id ?? -1, answer: (data as unknown[])[0] }
    default: {
      // Listeners of the stock client take this list apart; what is noted here stays as it came.
      const [name, payload, cursor] = data as [string, unknown, string | undefined]
      return id === undefined
        ? { kind: 'event', namespace, name, data: payload, cursor }
        : { kind: 'request', namespace, name, data: payload, id }
    }
  }
}
