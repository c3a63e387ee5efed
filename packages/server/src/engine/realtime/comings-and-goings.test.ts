/** After thousands of comings and goings there is nothing left of anybody. */
import { roomName } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import type { MemoryConnectOptions } from '../memory/transport.ts'
import type { MemoryClient, MemorySession } from '../memory/transport-client.ts'
import { serveNamespace } from '../namespace-handlers.ts'
import { drafts, posts } from '../testing/example-namespaces.ts'
import { openRealtimeWorld, type Person, tokenOf } from '../testing/realtime-world.ts'
import { SeededRandom } from '../testing/seeded-random.ts'

const people: readonly Person[] = Array.from({ length: 12 }, (_, n) => ({
  userId: `user-${n}`,
  workspaces: n % 3 === 0 ? [] : [`w${n % 4}`, `w${n % 5}`],
  teams: n % 2 === 0 ? [] : [`t${n % 3}`],
}))
const addresses = ['203.0.113.1', '203.0.113.2', '203.0.113.3']
const limits = { connectionsMax: 40, perUserMax: 6, perWorkspaceMax: 14, perAddressMax: 16 }

interface Visitor {
  readonly client: MemoryClient
  readonly sessions: MemorySession[]
  readonly comesBack: boolean
}

describe('comings and goings', () => {
  it.each([
    [1, false],
    [2, true],
    [3, true],
  ])('leave nothing behind: 8,000 steps of seed %i, verified later: %s', async (seed, verifiesLater) => {
    const random = new SeededRandom(seed)
    const connected = new Map<string, number>()
    const gates: (() => void)[] = []
    const openGates = () => {
      for (const gate of gates.splice(0, random.below(gates.length + 1))) gate()
    }
    let failing = 0
    await using world = await openRealtimeWorld({
      namespaces: [
        serveNamespace(posts, {
          commands: {},
          admit: ({ userId }) =>
            userId === 'user-1' ? new Promise<void>((resolve) => gates.push(resolve)) : undefined,
          connect({ id }) {
            connected.set(id, (connected.get(id) ?? 0) + 1)
          },
          disconnect({ id }) {
            connected.set(id, (connected.get(id) ?? 0) - 1)
            failing += 1
            if (failing % 50 === 0) throw new Error('on purpose')
          },
        }),
        serveNamespace(drafts, { commands: {} }),
      ],
      roomAuthorities: [{ kind: 'episode', mayJoin: async () => random.chance(80) }],
      connectionLimits: limits,
      verifiesLater,
      queueBounds: { congestedBytes: 3_000, fullBytes: 6_000, overflowBytes: 9_000 },
    })
    world.allowFailures()
    let clients: Visitor[] = []
    const everyClient: MemoryClient[] = []
    const connect = (options: MemoryConnectOptions) => {
      const client = world.connect(options)
      everyClient.push(client)
      clients.push({ client, sessions: [], comesBack: options.comesBack ?? false })
    }
    const ofAll = () => clients.flatMap(({ sessions }) => sessions.filter(({ state }) => state === 'open'))
    const rooms = Array.from({ length: 8 }, (_, n) => ({ kind: 'episode', id: `${n}` }))

    for (let step = 1; step <= 8_000; step += 1) {
      const what = random.below(100)
      const open = ofAll()
      if (what < 18) connect({ remoteAddress: random.oneOf(addresses), comesBack: random.chance(20) })
      else if (clients.length === 0) continue
      else if (what < 46) {
        const { client, sessions } = random.oneOf(clients)
        const token = random.chance(90) ? tokenOf(random.oneOf(people)) : 'nonsense'
        sessions.push(client.open(random.oneOf(['/posts', '/drafts', '/nowhere']), { token }))
      } else if (what < 58) {
        const gone = random.oneOf(clients)
        if (random.chance(50)) gone.client.cut()
        else {
          gone.client.close()
          clients = clients.filter((other) => other !== gone)
        }
      } else if (what < 60) random.oneOf(clients).client.pause()
      else if (what < 62) random.oneOf(clients).client.resume()
      else if (what < 64) openGates()
      else if (what < 66) world.clock.advance(random.below(2_000))
      else if (open.length === 0) await Promise.resolve()
      else if (what < 70) random.oneOf(open).leave()
      else if (what < 80)
        random
          .oneOf(open)
          .ask('room:join', { room: random.oneOf(rooms) })
          .catch(() => undefined)
      else if (what < 84)
        random
          .oneOf(open)
          .ask('room:leave', { room: random.oneOf(rooms) })
          .catch(() => undefined)
      else if (what < 86) {
        const [session] = random.someOf(world.realtime.namespaces.get('/posts')?.sessions ?? [], 1)
        if (session !== undefined) world.realtime.disconnectConnection(session.connection)
      } else if (what < 90) {
        const [session] = random.someOf(world.realtime.namespaces.get('/posts')?.sessions ?? [], 1)
        if (session !== undefined)
          void world.realtime.request(session, 'ask', {}, 1_000).catch(() => undefined)
      } else
        await world.realtime.publish(
          posts,
          'post:created',
          { n: step },
          {
            rooms: random.chance(50)
              ? [{ kind: 'everyone', id: 'all' }]
              : [random.oneOf(rooms), ...random.someOf(rooms, 2)],
          },
        )
      if (random.chance(20)) await Promise.resolve()
      if (step % 100 === 0) expectBounds()
      // The others were kept outside, or have gone for good.
      clients = clients.filter(({ client, comesBack }) => client.connection !== undefined || comesBack)
    }

    function expectBounds() {
      const { connections, users } = world.realtime
      expect(connections.size).toBeLessThanOrEqual(limits.connectionsMax)
      for (const address of addresses) {
        const from = [...connections].filter(({ connection }) => connection.remoteAddress === address)
        expect(from.length).toBeLessThanOrEqual(limits.perAddressMax)
      }
      for (const id of users.ids()) {
        const sessions = users.sessionsOf(id)
        expect(sessions.length).toBeGreaterThan(0)
        expect(new Set(sessions.map(({ connection }) => connection)).size).toBeLessThanOrEqual(
          limits.perUserMax,
        )
      }
      for (const workspace of ['w0', 'w1', 'w2', 'w3', 'w4']) {
        const own = [...world.realtime.namespaces.values()].flatMap(
          (namespace) => namespace.members(roomName({ kind: 'workspace', id: workspace }))?.members ?? [],
        )
        expect(new Set(own.map(({ connection }) => connection)).size).toBeLessThanOrEqual(
          limits.perWorkspaceMax,
        )
      }
      const opened = [...connections].flatMap(({ sessions }) => sessions)
      const known = [...world.realtime.namespaces.values()].flatMap(({ sessions }) => sessions)
      expect(new Set(known)).toEqual(new Set(opened))
    }

    // Those that were waiting are let in or forgotten, and then everybody goes.
    for (const gate of gates.splice(0)) gate()
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
    for (const client of everyClient) client.close()
    for (const state of [...world.realtime.connections]) state.connection.close('shutting_down')
    world.memory.flush()
    for (const gate of gates.splice(0)) gate()
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()

    expect(world.realtime.connections.size).toBe(0)
    expect(world.realtime.users.size).toBe(0)
    for (const namespace of world.realtime.namespaces.values()) {
      expect(namespace.rooms.size).toBe(0)
      expect(namespace.sessions).toEqual([])
    }
    expect([...connected.values()].every((open) => open === 0)).toBe(true)
    expect(connected.size).toBeGreaterThan(300)
    // Every bound is free again: of the process, of an address, of a user and of a workspace.
    for (let n = 0; n < limits.perAddressMax; n += 1)
      expect(world.connect({ remoteAddress: '203.0.113.1' }).refusal).toBeUndefined()
    for (const state of [...world.realtime.connections]) state.connection.close('shutting_down')
    world.memory.flush()
    for (const person of people.slice(2)) {
      const sessions = []
      for (let n = 0; n < limits.perUserMax; n += 1) {
        const session = world
          .connect({ remoteAddress: addresses[n % 3] ?? '' })
          .open('/drafts', { token: tokenOf(person) })
        sessions.push(session)
        await session.entered
      }
      await expect(world.enter('/drafts', person)).rejects.toMatchObject({ code: 'too_many_connections' })
      for (const state of [...world.realtime.connections]) state.connection.close('shutting_down')
      world.memory.flush()
    }
    // The clock has only the timers of the engine, the log, the sessions and the revocations left, and none of a request.
    world.clock.advance(60_000)
    expect(world.clock.timers).toBe(5)
  })
})
