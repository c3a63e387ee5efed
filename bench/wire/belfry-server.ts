/**
 * Our side: socket server and engine as `belfry start` puts them together for a node that is alone. Events go
 * through their contract, the log and the broker; commands through their checks.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { command, defineNamespace, stream } from '@belfry/contract'
import { z } from 'zod'
import { defaultAdmissionBounds } from '../../packages/server/src/adapters/socketio/admission.ts'
import { createSocketServer } from '../../packages/server/src/adapters/socketio/socket-server.ts'
import { createTokenVerifier } from '../../packages/server/src/adapters/tokens/token-verifier.ts'
import { createMemoryBroker } from '../../packages/server/src/engine/memory/broker.ts'
import { createMemoryDurableLog } from '../../packages/server/src/engine/memory/durable-log.ts'
import { createMemoryLog } from '../../packages/server/src/engine/memory/log.ts'
import { createMemoryRevocations } from '../../packages/server/src/engine/memory/revocations.ts'
import { createMemorySessionStore } from '../../packages/server/src/engine/memory/session-store.ts'
import { serveNamespace } from '../../packages/server/src/engine/namespace-handlers.ts'
import { systemClock } from '../../packages/server/src/engine/ports/clock.ts'
import type { NodeId } from '../../packages/server/src/engine/ports/session-store.ts'
import { createRealtime } from '../../packages/server/src/engine/realtime/realtime.ts'
import { serveBench } from './server-calls.ts'
import {
  type BenchNamespace,
  commandName,
  eventName,
  namespaceNames,
  secret,
  userIdOf,
  workspaceId,
} from './world.ts'

/** Beyond everything that is measured here: these bounds are not. */
const unlimited = 1_000_000_000

/** Newcomers are let in as they come, however many. */
const isWithoutAdmission = process.argv.includes('--without-admission')

const contractOf = (name: BenchNamespace) =>
  defineNamespace({
    name,
    summary: 'A namespace of this bench.',
    events: {
      [eventName]: stream(z.object({ id: z.string(), title: z.string(), text: z.string(), t: z.number() }), {
        summary: 'A post was made.',
        rooms: ['workspace', 'user'],
      }),
    },
    commands: {
      [commandName]: command({
        summary: 'Says that somebody looks at a post.',
        input: z.object({ postId: z.string(), from: z.string() }),
        output: z.object({ seen: z.boolean() }),
      }),
    },
  })

const contracts = namespaceNames.map(contractOf)
const posts = contractOf('/posts')
const say = (...words: unknown[]) => console.error(...words)
const logger = { debug: () => undefined, info: () => undefined, warn: say, error: say }
const clock = systemClock
const revocations = createMemoryRevocations({ clock, logger })
const log = createMemoryLog({ clock, randomBytes })
const sessions = createMemorySessionStore({ clock })
const realtime = await createRealtime({
  namespaces: contracts.map((contract) =>
    serveNamespace(contract, { commands: { [commandName]: ({ postId }) => ({ seen: postId !== '' }) } }),
  ),
  roomAuthorities: [],
  verifier: createTokenVerifier({ secret, now: Date.now }),
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
    connectionsMax: unlimited,
    perUserMax: unlimited,
    perWorkspaceMax: undefined,
    perAddressMax: undefined,
  },
  commandRate: { commandsPerSecond: unlimited, refusedSecondsMax: 5, coolDownMs: 1_000 },
  reconnection: { delayMs: 1_000, maxDelayMs: 5_000 },
  checkPayloads: false,
  isStopping: () => false,
})
const sockets = createSocketServer({
  handler: realtime.handler,
  clock,
  logger,
  origins: { allowed: [], credentials: true },
  trustedProxies: false,
  parser: 'default',
  bounds: {
    packetsPerSecondMax: unlimited,
    ...(isWithoutAdmission && {
      admission: { ...defaultAdmissionBounds, sliceMsMin: unlimited, sliceMsMax: unlimited },
    }),
  },
})
realtime.use(sockets.transport)
const http = createServer((_request, response) => response.end())
sockets.attach(http)

const rooms = {
  workspace: [{ kind: 'workspace', id: workspaceId }],
  user: [{ kind: 'user', id: userIdOf(0) }],
}
await serveBench(
  http,
  (room, data) => void realtime.publish(posts, eventName, data, { rooms: rooms[room] }),
  () => contracts.reduce((sum, { name }) => sum + (realtime.namespaces.get(name)?.sessions.length ?? 0), 0),
)
