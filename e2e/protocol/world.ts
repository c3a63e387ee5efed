/**
 * A server of one's own for each test, put together as the product puts it together, with everything that connects
 * to it. When a test ends, its clients go, its server closes, and three things are checked: no connection is left,
 * nothing was logged as a mistake of ours, and no part of a token stands in the log.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { inspect } from 'node:util'
import type { EventInput, EventName, NamespaceContract, RoomRef } from '@belfry/contract'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { expect } from 'vitest'
import type { SocketOrigins } from '../../packages/server/src/adapters/socketio/origins.ts'
import {
  createSocketServer,
  type SocketServer,
} from '../../packages/server/src/adapters/socketio/socket-server.ts'
import type { WireOptions } from '../../packages/server/src/adapters/socketio/wire.ts'
import { issueToken, type TokenClaims } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { createTokenVerifier } from '../../packages/server/src/adapters/tokens/token-verifier.ts'
import { createMemoryBroker } from '../../packages/server/src/engine/memory/broker.ts'
import { createMemoryDurableLog } from '../../packages/server/src/engine/memory/durable-log.ts'
import { createMemoryLog } from '../../packages/server/src/engine/memory/log.ts'
import { createMemoryRevocations } from '../../packages/server/src/engine/memory/revocations.ts'
import { createMemorySessionStore } from '../../packages/server/src/engine/memory/session-store.ts'
import { type Clock, systemClock } from '../../packages/server/src/engine/ports/clock.ts'
import type { Logger } from '../../packages/server/src/engine/ports/logger.ts'
import type { NodeId } from '../../packages/server/src/engine/ports/session-store.ts'
import { createRealtime, type Realtime } from '../../packages/server/src/engine/realtime/realtime.ts'
import { type Handled, serveAll, threads } from './namespaces.ts'
import { RawPolling, RawSocket } from './raw-clients.ts'
import { RawLine } from './raw-line.ts'
import { until } from './until.ts'

export interface WorldOptions {
  readonly clock?: Clock
  readonly bounds?: Partial<WireOptions>
  readonly origins?: SocketOrigins
  readonly parser?: 'default' | 'msgpack'
  readonly path?: string
  readonly audience?: string
  readonly commandsPerSecond?: number
  readonly connectionsMax?: number
  /** Absent: one that answers 404 to everything else. It is listened on, and closed at the end. */
  readonly http?: Server
}

export type ClientOptions = Partial<ManagerOptions & SocketOptions> & {
  /** Absent: a token of Ana's. */
  readonly token?: string | undefined
  readonly namespace?: string
  /** Through a proxy. */
  readonly url?: string
  /** Another version of the client. */
  readonly connect?: typeof io
}

export interface LogLine {
  readonly level: keyof Logger
  readonly fields: object
  readonly message: string
}

export const secret = 'a secret of these tests, 32 bytes or more'
export const ana: TokenClaims = { sub: 'ana', workspaces: ['acme'] }
export const bob: TokenClaims = { sub: 'bob', workspaces: ['acme'] }

export type World = Awaited<ReturnType<typeof openWorld>>

export async function openWorld(options: WorldOptions = {}) {
  const { clock = systemClock } = options
  const lines: LogLine[] = []
  const write = (level: keyof Logger) => (fields: object, message: string) => {
    lines.push({ level, fields, message })
  }
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
  const handled: Handled[] = []
  const revocations = createMemoryRevocations({ clock, logger })
  const log = createMemoryLog({ clock, randomBytes })
  const sessions = createMemorySessionStore({ clock })
  const realtime = await createRealtime({
    namespaces: serveAll(handled),
    roomAuthorities: [threads],
    verifier: createTokenVerifier({ secret, audience: options.audience, now: clock.now }),
    revocations,
    tokenGraceMs: 25_000,
    log,
    durable: createMemoryDurableLog({ log, logger }),
    sessions,
    durableSessions: sessions,
    node: 'node-1' as NodeId,
    soon: setImmediate,
    broker: createMemoryBroker({ logger }),
    clock,
    logger,
    randomBytes,
    connectionLimits: {
      connectionsMax: options.connectionsMax ?? 10_000,
      perUserMax: 10_000,
      perWorkspaceMax: undefined,
      perAddressMax: undefined,
    },
    commandRate: {
      commandsPerSecond: options.commandsPerSecond ?? 10_000,
      refusedSecondsMax: 5,
      coolDownMs: 60_000,
    },
    reconnection: { delayMs: 1_000, maxDelayMs: 5_000 },
    checkPayloads: true,
    isStopping: () => false,
  })
  const sockets = createSocketServer({
    handler: realtime.handler,
    clock,
    logger,
    origins: options.origins ?? { allowed: [], credentials: true },
    trustedProxies: false,
    parser: options.parser ?? 'default',
    path: options.path,
    bounds: options.bounds,
    onSuspicion: (suspicion) => realtime.suspicions.report(suspicion),
  })
  realtime.use(sockets.transport)
  const http = options.http ?? createServer((_request, response) => response.writeHead(404).end())
  sockets.attach(http)
  const url = await listening(http)

  const clients: Socket[] = []
  const raw: { terminate(): void }[] = []
  const tokens: string[] = []
  let mistakesAreExpected = false

  const keep = <Kept extends { terminate(): void }>(each: Kept): Kept => {
    raw.push(each)
    return each
  }
  /** A token that must never be seen in the log. */
  const keepSecret = (token: string): string => {
    tokens.push(token)
    return token
  }
  const token = (claims: TokenClaims = ana, expiresInSeconds = 3_600): string =>
    keepSecret(issueToken({ secret, claims, expiresInSeconds, now: clock.now }))

  return {
    url,
    http,
    realtime,
    sockets,
    /** What handlers of commands were called with. */
    handled,
    lines,
    token,
    keepSecret,
    /** A stock client, on its way in. It does not come back by itself unless it is told to. */
    client(given: ClientOptions = {}): Socket {
      const { namespace = '/posts', url: to = url, connect = io, token: own = token(), ...rest } = given
      const { path } = options
      const client = connect(`${to}${namespace}`, {
        forceNew: true,
        reconnection: false,
        auth: { token: own },
        ...(path === undefined ? {} : { path }),
        ...rest,
      })
      clients.push(client)
      return client
    },
    /** Ends it with the world, before the server waits for its sockets. */
    keep,
    rawLine: async () => keep(await RawLine.open(url)),
    async rawSocket(given: Parameters<typeof RawSocket.open>[1] = {}): Promise<RawSocket> {
      return keep(await RawSocket.open(url, given))
    },
    async rawPolling(headers?: Record<string, string>): Promise<RawPolling> {
      return keep(await RawPolling.open(url, headers))
    },
    publish<N extends NamespaceContract, Name extends EventName<N>>(
      contract: N,
      name: Name,
      data: EventInput<N, Name>,
      ...rooms: RoomRef[]
    ) {
      return realtime.publish(contract, name, data, { rooms: rooms.length === 0 ? [everyone] : rooms })
    },
    /** Only when these connections are left. */
    connections: (count: number) =>
      until(() => realtime.connections.size === count, {
        what: `${count} connections; ${realtime.connections.size} are there`,
      }),
    /** Why connections ended, since the start. */
    closed: () => Object.fromEntries(realtime.counts.closed),
    /** Reasons of what was reported as suspicious, in order. */
    suspicions: () =>
      lines.flatMap(({ message, fields }) =>
        message === 'suspicious activity' && 'reason' in fields ? [String(fields.reason)] : [],
      ),
    /** For tests in which a handler fails on purpose. */
    expectMistakes(): readonly LogLine[] {
      mistakesAreExpected = true
      return lines.filter(({ level }) => level === 'error')
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.io.engine?.close()
      for (const client of clients) client.disconnect()
      for (const each of raw) each.terminate()
      await sockets.close()
      realtime.stop()
      log.close()
      sessions.close()
      revocations.close()
      await closed(http)
      expect(realtime.connections.size, 'connections after the end').toBe(0)
      expect(realtime.users.size, 'users after the end').toBe(0)
      if (!mistakesAreExpected)
        expect(
          lines.filter(({ level }) => level === 'error'),
          'mistakes of ours',
        ).toEqual([])
      expectNoSecrets(lines, tokens)
    },
  }
}

export const everyone: RoomRef = { kind: 'everyone', id: 'all' }
export const thread = (id: string): RoomRef => ({ kind: 'thread', id })

/** Resolves when it is in, with what the server said when it is not. */
export function connected(client: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (client.connected) resolve(client)
    client.once('connect', () => resolve(client))
    client.once('connect_error', reject)
  })
}

/** What a client is refused with. */
export function refused(client: Socket): Promise<{ message: string; code: unknown; data: unknown }> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => reject(new Error('It was let in.')))
    client.once('connect_error', (error: Error & { data?: { code?: unknown } }) =>
      resolve({ message: error.message, code: error.data?.code, data: error.data }),
    )
  })
}

export interface Heard {
  readonly name: string
  readonly args: readonly unknown[]
}

/** Everything that a client hears from now on, in order. */
export function hearing(client: Socket): Heard[] {
  const heard: Heard[] = []
  client.onAny((name: string, ...args: unknown[]) => heard.push({ name, args }))
  return heard
}

/** The field `n` of each event's payload, in the order in which they came. */
export function numbersOf(heard: readonly Heard[]): number[] {
  return heard.flatMap(({ args: [data] }) =>
    typeof data === 'object' && data !== null && 'n' in data && typeof data.n === 'number' ? [data.n] : [],
  )
}

export const count = (length: number): number[] => Array.from({ length }, (_, index) => index)

/** No token, and no part of one, in any line. */
export function expectNoSecrets(lines: readonly LogLine[], tokens: readonly string[]): void {
  const text = lines
    .map(({ fields, message }) => `${message} ${inspect(fields, { depth: null, maxStringLength: null })}`)
    .join('\n')
  for (const token of new Set(tokens)) {
    for (const part of token.split('.')) {
      if (part.length < 8) continue
      expect(text.includes(part), 'a part of a token stands in the log').toBe(false)
    }
  }
}

export function listening(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('The server has no port.'))
      else resolve(`http://127.0.0.1:${address.port}`)
    })
  })
}

export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

export type { Realtime, SocketServer }
