/**
 * Sockets for the program that hosts Belfry: publish, see who is there, let somebody go. Names and payloads follow
 * from contracts; where a name comes from elsewhere, `broadcast`, `toUser` and `toRoom` check it.
 *
 *   const belfry = await startBelfry({ …, namespaces: [serveNamespace(posts, { commands })] })
 *   await belfry.sockets.publish(posts, 'post:created', post, { rooms: [{ kind: 'workspace', id: 'acme' }] })
 */
import type { Server } from 'node:http'
import {
  type EventInput,
  type EventName,
  type NamespaceContract,
  Refusal,
  type RoomRef,
  type SessionId,
  type UserId,
} from '@belfry/contract'
import type { SessionView } from '../engine/namespace-handlers.ts'
import type { Principal } from '../engine/ports/token-verifier.ts'
import type { Published, Recipients } from '../engine/realtime/dispatcher.ts'
import { everyone } from '../engine/realtime/namespace-state.ts'
import type { Sockets } from './serve-sockets.ts'

/** An event of the namespace `/realtime`, unless another one is named. */
export interface NamedEvent {
  readonly namespace?: string
  readonly event: string
  readonly data: unknown
}

export interface SocketService {
  /** Serves sockets on a server of yours as well, beside whatever else it does. */
  initialize(httpServer: Server): void
  publish<N extends NamespaceContract, Name extends EventName<N>>(
    contract: N,
    name: Name,
    data: EventInput<N, Name>,
    to: Recipients,
  ): Promise<Published>
  broadcast(event: NamedEvent): Promise<Published>
  toUser(userId: string, event: NamedEvent): Promise<Published>
  toRoom(room: RoomRef, event: NamedEvent): Promise<Published>
  /** Who a token speaks for; refuses as a connect would. */
  authenticate(token: string): Promise<Principal>
  /** At once; resolves when it will be remembered, also after a crash. */
  joinRoom(sessionId: string, room: RoomRef): Promise<void>
  leaveRoom(sessionId: string, room: RoomRef): Promise<void>
  /** All sessions of a user on a namespace, also those whose clients are away and may come back; how many. */
  joinUser(userId: string, room: RoomRef, namespace?: string): Promise<number>
  leaveUser(userId: string, room: RoomRef, namespace?: string): Promise<number>
  getConnectedUsers(): readonly UserId[]
  getUserSockets(userId: string): readonly SessionView[]
  /** Bytes that wait for clients that read slowly, of all connections. */
  queuedBytes(): number
  /** For good: the client stays away until it connects again by itself. False when there is no such session. */
  closeConnection(sessionId: string): boolean
}

export function createSocketService({ realtime, server, verifier }: Sockets): SocketService {
  const publishNamed = ({ namespace = '/realtime', event, data }: NamedEvent, room: RoomRef) =>
    realtime.publishNamed(namespace, event, data, { rooms: [room] }, { by: 'server' })

  const sessionOf = (id: string): SessionView => {
    const session = realtime.session(id as SessionId)
    if (session === undefined) throw new Refusal('disconnected', 'There is no session of this id.')
    return session
  }

  return {
    initialize: (httpServer) => server.attach(httpServer),
    publish: (contract, name, data, to) => realtime.publish(contract, name, data, to),
    broadcast: (event) => publishNamed(event, everyone),
    toUser: (id, event) => publishNamed(event, { kind: 'user', id }),
    toRoom: (room, event) => publishNamed(event, room),
    authenticate: async (token) => verifier.verify(token),
    joinRoom: async (id, room) => sessionOf(id).join(room),
    leaveRoom: async (id, room) => sessionOf(id).leave(room),
    joinUser: (userId, room, namespace = '/realtime') => realtime.joinUser(namespace, userId as UserId, room),
    leaveUser: (userId, room, namespace = '/realtime') =>
      realtime.leaveUser(namespace, userId as UserId, room),
    getConnectedUsers: () => [...realtime.users.ids()],
    getUserSockets: (userId) => realtime.users.sessionsOf(userId as UserId),
    queuedBytes: () => server.queuedBytes(),
    closeConnection(id) {
      const session = realtime.session(id as SessionId)
      if (session === undefined) return false
      return realtime.disconnectConnection(session.connection) > 0
    },
  }
}
