/** The engine of live updates and its socket server, as this composition runs them: alone, with the broker in memory. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { type Listening, listen } from '../adapters/http/listening.ts'
import { createSocketServer, type SocketServer } from '../adapters/socketio/socket-server.ts'
import type { WireOptions } from '../adapters/socketio/wire.ts'
import { createKeySet } from '../adapters/tokens/key-set.ts'
import { createTokenVerifier } from '../adapters/tokens/token-verifier.ts'
import { createMemoryBroker } from '../engine/memory/broker.ts'
import { createMemoryLog } from '../engine/memory/log.ts'
import { createMemorySessionStore } from '../engine/memory/session-store.ts'
import type { Module } from '../engine/module.ts'
import type { RoomAuthority, ServedNamespace } from '../engine/namespace-handlers.ts'
import { type Clock, systemClock } from '../engine/ports/clock.ts'
import type { Logger } from '../engine/ports/logger.ts'
import type { DurableLog } from '../engine/ports/outbox.ts'
import type { Revocations } from '../engine/ports/revocations.ts'
import type { NodeId, SessionStore } from '../engine/ports/session-store.ts'
import type { Principal, TokenVerifier } from '../engine/ports/token-verifier.ts'
import type { Drained, DrainPlan } from '../engine/realtime/drain.ts'
import { createRealtime, type Realtime } from '../engine/realtime/realtime.ts'
import { refusingRevoked } from '../engine/revocable-tokens.ts'
import { type AuthenticateHandshake, askHandshakeOf } from './handshake-claims.ts'
import { LogPolicies } from './log-policies.ts'
import type { Settings } from './settings.ts'

export interface SocketParts {
  readonly settings: Settings
  readonly modules: readonly Module[]
  /** Of the program that hosts Belfry. */
  readonly namespaces: readonly ServedNamespace[]
  readonly rooms: readonly RoomAuthority[]
  readonly clock: Clock
  readonly logger: Logger
  readonly durable: DurableLog
  readonly revocations: Revocations
  /** Who the cookies of a handshake belong to; absent: nobody. */
  readonly authenticate?: AuthenticateHandshake | undefined
  /** Ends the login of a token, or takes the token back. */
  readonly logOut?: ((principal: Principal) => Promise<void>) | undefined
  /** Of durable namespaces. */
  readonly durableSessions: SessionStore
  /** Which this one is, anew with each start. */
  readonly node: NodeId
  /** What signs tokens, given or generated. */
  readonly jwtSecret: string
  /** Bounds of the wire that are no settings. */
  readonly bounds?: Partial<WireOptions>
  isStopping(): boolean
}

export interface Sockets {
  readonly realtime: Realtime
  readonly server: SocketServer
  readonly verifier: TokenVerifier
  /** Listens on a port of their own; resolves with the port. */
  listen(host: string, port: number): Promise<number>
  /** Lets all clients go within that time, and then tells them to come back after `awayMs` or somewhere else. */
  close(plan: Omit<DrainPlan, 'clock'>): Promise<Drained>
}

export async function createSockets(parts: SocketParts): Promise<Sockets> {
  const { settings, modules, clock, logger } = parts
  const keySet =
    settings.jwtJwksUrl === undefined ? undefined : createKeySet({ url: settings.jwtJwksUrl, clock, logger })
  const checkingKeys = createTokenVerifier({
    secret: parts.jwtSecret,
    previousSecret: settings.jwtSecretPrevious,
    keySet,
    publicKeys: settings.jwtPublicKey,
    audience: settings.jwtAudience,
    issuer: settings.jwtIssuer,
    now: clock.now,
  })
  const verifier = refusingRevoked(checkingKeys, parts.revocations)
  const namespaces = [...modules.flatMap((module) => module.namespaces ?? []), ...parts.namespaces]
  const policies = new LogPolicies(namespaces)
  const log = createMemoryLog({ clock, randomBytes, boundsOf: (name) => policies.of(name) })
  const sessions = createMemorySessionStore({ clock, detachedMsMax: policies.awayMsMax })
  const realtime = await createRealtime({
    namespaces,
    roomAuthorities: [...modules.flatMap((module) => module.rooms ?? []), ...parts.rooms],
    verifier,
    revocations: parts.revocations,
    tokenGraceMs: settings.socketExpiryGraceSeconds * 1_000,
    askHandshake: parts.authenticate && askHandshakeOf(parts.authenticate, clock),
    logOut: parts.logOut,
    log,
    durable: parts.durable,
    sessions,
    durableSessions: parts.durableSessions,
    node: parts.node,
    broker: createMemoryBroker({ logger }),
    clock,
    logger,
    randomBytes,
    connectionLimits: {
      connectionsMax: settings.maxSocketConnections,
      perUserMax: settings.socketMaxPerUser,
      perWorkspaceMax: settings.socketMaxPerWorkspace,
      perAddressMax: settings.socketMaxPerAddress,
    },
    commandRate: {
      commandsPerSecond: settings.socketEventRatePerSecond,
      refusedSecondsMax: settings.socketAbuseThreshold,
      coolDownMs: settings.socketCoolDownSeconds * 1_000,
    },
    reconnection: {
      delayMs: settings.socketReconnectionDelayMs,
      maxDelayMs: settings.socketReconnectionMaxDelayMs,
    },
    checkPayloads: settings.environment !== 'production',
    isStopping: parts.isStopping,
    soon: setImmediate,
  })
  const server = createSocketServer({
    handler: realtime.handler,
    clock,
    logger,
    origins: {
      allowed: settings.socketCorsOrigin ?? settings.corsOrigin ?? frontendOrigin(settings),
      credentials: settings.socketCorsCredentials,
    },
    trustedProxies: settings.trustProxy,
    parser: settings.socketParser,
    path: settings.socketPath,
    keepsHandshakes: parts.authenticate !== undefined,
    bounds: {
      pingIntervalMs: settings.socketPingIntervalMs,
      pingTimeoutMs: settings.socketPingTimeoutMs,
      maxPayloadBytes: settings.socketMaxPayloadBytes,
      compressBeyondBytes: settings.socketCompression ? compressBeyondBytes : undefined,
      ...parts.bounds,
    },
    isStopping: parts.isStopping,
    onSuspicion: (suspicion) => realtime.suspicions.report(suspicion),
  })
  realtime.use(server.transport)
  const own: Own[] = []
  return {
    realtime,
    server,
    verifier,
    async listen(host, port) {
      const http = createServer((_request, response) => response.writeHead(404).end())
      server.attach(http)
      const listening = await listen(http, { host, port })
      own.push({ http, listening })
      return listening.port
    },
    async close(plan) {
      // A stop takes its time in the world, and ends also where the clock of a test stands still.
      const drained = await realtime.drain({ ...plan, clock: systemClock })
      await server.close()
      realtime.stop()
      log.close()
      keySet?.close()
      sessions.close()
      await Promise.all(own.map(stopListening))
      return drained
    },
  }
}

export function newNodeId(): NodeId {
  return `node-${randomBytes(9).toString('base64url')}` as NodeId
}

/** Below this, compressing costs more than the bytes it saves. */
const compressBeyondBytes = 1_024

function frontendOrigin({ frontendUrl }: Settings): readonly string[] {
  return frontendUrl === undefined ? [] : [new URL(frontendUrl).origin]
}

/** A server for sockets alone. */
interface Own {
  readonly http: Server
  readonly listening: Listening
}

async function stopListening({ http, listening }: Own): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()))
  http.closeAllConnections()
  await Promise.all([closed, listening.close()])
}
