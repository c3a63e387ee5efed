/**
 * What reaches whom, and in which order: a model says of every client exactly what it gets, whoever joins, leaves,
 * comes and goes between two events.
 */
import { formatCursor, type RoomRef, roomName } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import type { MemorySession, ReceivedEvent } from '../memory/transport-client.ts'
import { type RoomAuthority, serveNamespace } from '../namespace-handlers.ts'
import { drafts, posts } from '../testing/example-namespaces.ts'
import { openRealtimeWorld, type Person, type RealtimeWorld, tokenOf } from '../testing/realtime-world.ts'
import { SeededRandom } from '../testing/seeded-random.ts'

const episodes: RoomAuthority = { kind: 'episode', mayJoin: () => true }
const everyone: RoomRef = { kind: 'everyone', id: 'all' }

const people: readonly Person[] = [
  { userId: 'ana', workspaces: ['acme'], permissions: ['posts:audit'] },
  { userId: 'bo', workspaces: ['acme', 'umbrella'], teams: ['red'] },
  { userId: 'cy', workspaces: ['umbrella'], teams: ['red', 'blue'], roles: ['admin'] },
  { userId: 'di' },
]

const open = () =>
  openRealtimeWorld({
    namespaces: [posts, drafts].map((contract) => serveNamespace(contract, { commands: {} })),
    roomAuthorities: [episodes],
  })

describe('delivery', () => {
  it.each([1, 2, 3, 4, 5, 6])('brings each client exactly what the model says: seed %i', async (seed) => {
    await using world = await open()
    const random = new SeededRandom(seed)
    const model = new Model(world)
    const refs = [
      everyone,
      ...['ana', 'bo', 'cy', 'di'].map((id) => ({ kind: 'user', id })),
      ...['acme', 'umbrella'].map((id) => ({ kind: 'workspace', id })),
      ...['red', 'blue'].map((id) => ({ kind: 'team', id })),
      ...['1', '2', '3', '4'].map((id) => ({ kind: 'episode', id })),
    ]
    for (let step = 1; step <= 500; step += 1) {
      const client = model.clients.length === 0 ? undefined : random.oneOf(model.clients)
      const what = random.below(100)
      if (client === undefined || (what < 6 && model.clients.length < 14))
        await model.enter(random.oneOf([posts, drafts]).name, random.oneOf(people))
      else if (what < 9) model.leave(client, random.chance(50))
      else if (what < 22) await model.join(client, random.oneOf(refs.slice(-4)))
      else if (what < 27) await model.leaveRoom(client, random.oneOf(refs.slice(-4)))
      else if (what < 32) model.joinByServer(client, random.oneOf(refs))
      else if (what < 35) model.leaveByServer(client, random.oneOf(refs.slice(1)))
      else if (what < 40) world.clock.advance(random.below(3_000))
      else {
        const name = random.oneOf(['/posts', '/drafts'])
        const event = random.oneOf(Object.keys(posts.events))
        const to = [...random.someOf(refs, 2), random.oneOf(refs)]
        const except = random.chance(40) ? random.someOf(refs, 2) : undefined
        await model.publish(name, event, step, random.oneOf(['a', 'b', 'c']), to, except)
      }
      if (random.chance(30)) model.compare(`seed ${seed}, step ${step}`)
    }
    model.compare(`seed ${seed}, at the end`)
  })

  it('keeps the order of publishes that did not wait for each other, whatever their lanes', async () => {
    await using world = await open()
    const session = await world.enter('/posts', { userId: 'ana' })
    const names = ['post:created', 'post:progress', 'post:typing'] as const
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        world.realtime.publishNamed(
          '/posts',
          names[index % 3] ?? 'post:created',
          { n: index, id: 'a' },
          {
            rooms: [everyone],
          },
        ),
      ),
    )
    world.memory.flush()
    expect(session.events.map(numberOf)).toEqual(Array.from({ length: 300 }, (_, index) => index))
  })

  it('sends once to who is in several of the rooms, and nothing to who is in an excepted one', async () => {
    await using world = await open()
    const ana = await world.enter('/posts', { userId: 'ana', workspaces: ['acme'], teams: ['red'] })
    const bo = await world.enter('/posts', { userId: 'bo', workspaces: ['acme'] })
    const acme = { kind: 'workspace', id: 'acme' }
    const both = [acme, { kind: 'team', id: 'red' }, everyone, acme]
    await world.realtime.publish(posts, 'post:created', { n: 1 }, { rooms: both })
    await world.realtime.publish(
      posts,
      'post:created',
      { n: 2 },
      { rooms: both, except: [{ kind: 'team', id: 'red' }] },
    )
    await world.realtime.publish(posts, 'post:created', { n: 3 }, { rooms: [acme], except: [acme] })
    await world.realtime.publish(posts, 'post:created', { n: 4 }, { rooms: [acme], except: [] })
    world.memory.flush()
    expect(ana.events.map(numberOf)).toEqual([1, 4])
    expect(bo.events.map(numberOf)).toEqual([1, 2, 4])
  })

  it('counts the sessions of this node that an event reaches', async () => {
    await using world = await open()
    await world.enter('/posts', { userId: 'ana', workspaces: ['acme'] })
    await world.enter('/posts', { userId: 'bo', workspaces: ['acme'] })
    await world.enter('/drafts', { userId: 'bo', workspaces: ['acme'] })
    const acme = { kind: 'workspace', id: 'acme' }
    const count = (rooms: RoomRef[], except: RoomRef[] = []) =>
      world.realtime.countRecipients('/posts', { rooms, except })
    expect(count([acme])).toBe(2)
    expect(count([acme, everyone])).toBe(2)
    expect(count([everyone], [{ kind: 'user', id: 'bo' }])).toBe(1)
    expect(count([{ kind: 'team', id: 'none' }])).toBe(0)
    expect(world.realtime.countRecipients('/nowhere', { rooms: [everyone] })).toBe(0)
  })

  it('has the position of its namespace in every event, and no cursor for who takes none', async () => {
    await using world = await open()
    const { realtime } = world
    const ana = await world.enter('/posts', { userId: 'ana' })
    const bare = await world.enter('/posts', { userId: 'bo' }, { recover: false })
    const first = await realtime.publish(posts, 'post:created', { n: 1 }, { rooms: [everyone] })
    const pulse = await realtime.publish(posts, 'post:typing', { n: 2 }, { rooms: [everyone] })
    await realtime.publish(drafts, 'post:created', { n: 3 }, { rooms: [everyone] })
    const last = await realtime.publish(posts, 'post:created', { n: 4 }, { rooms: [everyone] })
    world.memory.flush()
    expect(pulse).toEqual(first)
    const cursors = [first, first, last].map(({ cursor }) => cursor)
    expect(ana.events.map(({ cursor }) => cursor)).toEqual(cursors)
    expect(ana.events.map(metaOf).map(({ id }) => id)).toEqual(cursors)
    const [started, ...events] = bare.events
    expect(started?.name).toBe('session:started')
    expect(events.map(metaOf).map(({ id }) => id)).toEqual(cursors)
    expect(bare.events.map(({ cursor }) => cursor)).toEqual(Array(4).fill(undefined))
    expect(ana.events.map(metaOf).map(({ at }) => at)).toEqual(
      Array(3).fill(new Date(world.clock.now()).toISOString()),
    )
  })
})

interface Expected {
  readonly name: string
  readonly n: number
  readonly cursor: string
}

interface ModelClient {
  readonly session: MemorySession
  readonly person: Person
  readonly rooms: Set<string>
  readonly expected: Expected[]
}

/** What the engine promises, in the plainest way. */
class Model {
  readonly #world: RealtimeWorld
  clients: ModelClient[] = []
  readonly #gone: ModelClient[] = []
  readonly #offsets = new Map<string, number>()
  #epoch = ''
  /** By namespace, room and name with key; `number` says which was renewed first. */
  readonly #latest = new Map<
    string,
    Map<string, { readonly name: string; readonly n: number; readonly number: number }>
  >()
  #renewed = 0

  constructor(world: RealtimeWorld) {
    this.#world = world
    const cursor = world.realtime.namespaces.get('/posts')?.cursor ?? ''
    this.#epoch = cursor.slice(0, cursor.indexOf('.'))
  }

  async enter(namespace: string, person: Person): Promise<void> {
    const session = this.#world.connect().open(namespace, { token: tokenOf(person) })
    await session.entered
    const client: ModelClient = { session, person, rooms: new Set(), expected: [] }
    this.clients.push(client)
    this.#enterRooms(client, [
      everyone,
      { kind: 'user', id: person.userId },
      ...(person.workspaces ?? []).map((id) => ({ kind: 'workspace', id })),
      ...(person.teams ?? []).map((id) => ({ kind: 'team', id })),
    ])
  }

  leave(client: ModelClient, saysSo: boolean): void {
    // What was sent before it went has arrived.
    this.#world.memory.flush()
    if (saysSo) client.session.leave()
    else this.#world.realtime.disconnectConnection(this.#world.sessionOf(client.session).connection)
    if (!saysSo) client.expected.push({ name: 'session:closing', n: -1, cursor: this.#cursor(client) })
    this.clients = this.clients.filter((other) => other !== client)
    this.#gone.push(client)
  }

  async join(client: ModelClient, room: RoomRef): Promise<void> {
    const answer = client.session.ask('room:join', { room })
    this.#world.memory.flush()
    expect(await answer).toEqual({ ok: true, data: { position: this.#cursor(client) } })
    this.#enterRooms(client, [room])
  }

  async leaveRoom(client: ModelClient, room: RoomRef): Promise<void> {
    expect(await client.session.ask('room:leave', { room })).toEqual({ ok: true })
    client.rooms.delete(roomName(room))
  }

  joinByServer(client: ModelClient, room: RoomRef): void {
    this.#world.sessionOf(client.session).join(room)
    this.#enterRooms(client, [room])
  }

  leaveByServer(client: ModelClient, room: RoomRef): void {
    this.#world.sessionOf(client.session).leave(room)
    client.rooms.delete(roomName(room))
  }

  async publish(
    namespace: string,
    name: string,
    n: number,
    id: string,
    rooms: readonly RoomRef[],
    except: readonly RoomRef[] | undefined,
  ): Promise<void> {
    const lane = posts.events[name as keyof typeof posts.events].lane
    if (lane === 'stream') this.#offsets.set(namespace, (this.#offsets.get(namespace) ?? 0) + 1)
    const to = except === undefined ? { rooms } : { rooms, except }
    const { cursor } = await this.#world.realtime.publishNamed(namespace, name, { n, id }, to)
    for (const client of this.clients) {
      if (client.session.namespace !== namespace) continue
      expect(cursor).toBe(this.#cursor(client))
      const isIn = (ref: RoomRef) => client.rooms.has(roomName(ref))
      if (rooms.some(isIn) && !except?.some(isIn) && this.#mayReceive(client, name))
        client.expected.push({ name, n, cursor })
    }
    if (lane !== 'latest') return
    for (const room of rooms) {
      const key = `${namespace} ${roomName(room)}`
      const values = this.#latest.get(key) ?? new Map()
      this.#renewed += 1
      this.#latest.set(key, values.set(`${name} ${id}`, { name, n, number: this.#renewed }))
    }
  }

  compare(when: string): void {
    this.#world.memory.flush()
    for (const { session, expected, person } of [...this.clients, ...this.#gone])
      expect(session.events.map(received), `${person.userId}, ${when}`).toEqual(expected)
    for (const { session, rooms } of this.clients) {
      const names = this.#world.sessionOf(session).rooms.map(({ name }) => name)
      expect(new Set(names)).toEqual(rooms)
      expect(names).toHaveLength(rooms.size)
    }
  }

  /** It gets their current values, those that were renewed first before the others. */
  #enterRooms(client: ModelClient, rooms: readonly RoomRef[]): void {
    const entered = rooms.map(roomName).filter((name) => !client.rooms.has(name))
    for (const name of entered) client.rooms.add(name)
    const cursor = this.#cursor(client)
    const values = entered.flatMap((name) => [
      ...(this.#latest.get(`${client.session.namespace} ${name}`)?.values() ?? []),
    ])
    for (const { name, n } of values.toSorted((one, other) => one.number - other.number))
      if (this.#mayReceive(client, name)) client.expected.push({ name, n, cursor })
  }

  #mayReceive({ person }: ModelClient, name: string): boolean {
    const { permission } = posts.events[name as keyof typeof posts.events]
    if (permission === undefined || person.roles?.includes('admin')) return true
    return person.permissions?.includes(permission) ?? false
  }

  #cursor({ session }: ModelClient): string {
    return formatCursor({ epoch: this.#epoch, offset: this.#offsets.get(session.namespace) ?? 0 })
  }
}

function received(event: ReceivedEvent): Expected {
  const { id } = metaOf(event)
  if (event.cursor !== id) throw new Error(`${event.name} carries ${event.cursor} and says ${id}.`)
  return { name: event.name, n: numberOf(event) ?? -1, cursor: id }
}

function numberOf({ data }: ReceivedEvent): number | undefined {
  return (data as { n?: number }).n
}

function metaOf({ data }: ReceivedEvent): { id: string; at: string } {
  return (data as { _meta: { id: string; at: string } })._meta
}
