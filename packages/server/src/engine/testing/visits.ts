/** Clients that come and go in a world of the engine, for tests of what they get. */
import type { RoomRef } from '@belfry/contract'
import type { MemorySession } from '../memory/transport-client.ts'
import { type RoomAuthority, serveNamespace } from '../namespace-handlers.ts'
import { drafts, posts } from './example-namespaces.ts'
import { openRealtimeWorld, type Person, type RealtimeWorld, tokenOf } from './realtime-world.ts'
import { until } from './until.ts'

export const ana: Person = { userId: 'ana', workspaces: ['acme'] }
export const everyone: RoomRef = { kind: 'everyone', id: 'all' }
export const acme: RoomRef = { kind: 'workspace', id: 'acme' }
export const episode = (id: string): RoomRef => ({ kind: 'episode', id })

export function open(options: Partial<Parameters<typeof openRealtimeWorld>[0]> = {}): Promise<RealtimeWorld> {
  const episodes: RoomAuthority = { kind: 'episode', mayJoin: (_, id) => !id.startsWith('secret') }
  return openRealtimeWorld({
    namespaces: [posts, drafts].map((contract) => serveNamespace(contract, { commands: {} })),
    roomAuthorities: [episodes],
    ...options,
  })
}

/** A client that comes back by itself, with one session. */
export async function visit(world: RealtimeWorld, person: Person, auth: object = {}) {
  const client = world.connect({ comesBack: true })
  const session = client.open('/posts', { token: tokenOf(person), ...auth })
  await session.entered
  return { client, session }
}

export const publish = (world: RealtimeWorld, n: number, to: RoomRef, except?: readonly RoomRef[]) =>
  world.realtime.publish(posts, 'post:created', { n }, { rooms: [to], ...(except && { except }) })

export async function comeBack(world: RealtimeWorld, session: MemorySession): Promise<void> {
  world.clock.advance(1_000)
  await live(world, session)
}

/** It is in, and has everything. */
export async function live(world: RealtimeWorld, session: MemorySession): Promise<void> {
  await until(() => {
    world.memory.flush()
    return session.state === 'open' && world.sessionOf(session).catchUp === undefined
  })
  world.memory.flush()
}

export const said = ({ events }: MemorySession) =>
  events.map(({ name, data }) => {
    const { n, reason, rooms, events: count } = data as Record<string, unknown>
    return name === 'post:created' ? n : `${name} ${JSON.stringify(reason ?? rooms ?? count ?? null)}`
  })
export const numbersTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)
export const cursors = ({ events }: MemorySession) => events.map(({ cursor }) => cursor)
