/** How clients enter and leave rooms: who decides, what is no room, and what happens in which order. */
import { Refusal, type RoomRef, roomName } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import type { MemorySession } from '../memory/transport-client.ts'
import { type NamespaceHandlers, type RoomAuthority, serveNamespace } from '../namespace-handlers.ts'
import { drafts, posts } from '../testing/example-namespaces.ts'
import { openRealtimeWorld, type Person, tokenOf } from '../testing/realtime-world.ts'
import { SeededRandom } from '../testing/seeded-random.ts'

type Handlers = Partial<NamespaceHandlers<typeof posts>>

const ana: Person = { userId: 'ana', workspaces: ['acme'], teams: ['red'] }
const episode: RoomRef = { kind: 'episode', id: '7' }
const everybody: RoomAuthority = { kind: 'episode', mayJoin: () => true }

const open = (roomAuthorities: readonly RoomAuthority[] = [everybody], handlers: Handlers = {}) =>
  openRealtimeWorld({
    namespaces: [
      serveNamespace(posts, { commands: {}, ...handlers }),
      serveNamespace(drafts, { commands: {} }),
    ],
    roomAuthorities,
  })

const join = (session: MemorySession, room: unknown) => session.ask('room:join', { room })
const leave = (session: MemorySession, room: unknown) => session.ask('room:leave', { room })
const refused = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) })
const done = { ok: true }

describe('room:join and room:leave', () => {
  it('put a client into a room and out of it, and say at which position', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    const { cursor } = await world.realtime.publish(posts, 'post:created', { n: 1 }, { rooms: [episode] })
    expect(await join(session, episode)).toEqual({ ok: true, data: { position: cursor } })
    await world.realtime.publish(posts, 'post:created', { n: 2 }, { rooms: [episode] })
    expect(await leave(session, episode)).toEqual(done)
    await world.realtime.publish(posts, 'post:created', { n: 3 }, { rooms: [episode] })
    world.memory.flush()
    expect(session.events.map(({ data }) => (data as { n: number }).n)).toEqual([2])
    expect(world.realtime.namespaces.get('/posts')?.rooms.size).toBe(4)
  })

  it('tell the current values of a room before the answer, and what follows the position after it', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    await world.realtime.publish(posts, 'post:progress', { n: 1, id: 'a' }, { rooms: [episode] })
    const client = world.connect()
    const watched = client.open('/posts', { token: tokenOf(ana) })
    await watched.entered
    const asked = join(watched, episode)
    await asked
    await world.realtime.publish(posts, 'post:created', { n: 2 }, { rooms: [episode] })
    world.memory.flush()
    expect(client.deliveries.map(({ kind }) => kind)).toEqual(['accepted', 'event', 'answer', 'event'])
    session.leave()
  })

  it('ask whoever owns the kind, with the principal and the id', async () => {
    const asked: unknown[] = []
    await using world = await open([
      {
        kind: 'episode',
        async mayJoin({ userId }, id) {
          asked.push([userId, id])
          return id === '7'
        },
      },
    ])
    const session = await world.enter('/posts', ana)
    expect(await join(session, episode)).toMatchObject(done)
    expect(await join(session, { kind: 'episode', id: '8' })).toEqual(refused('forbidden'))
    expect(asked).toEqual([
      ['ana', '7'],
      ['ana', '8'],
    ])
    expect(world.sessionOf(session).isIn(episode)).toBe(true)
    expect(world.sessionOf(session).isIn({ kind: 'episode', id: '8' })).toBe(false)
  })

  it('let a client back into its own rooms, and into no others of these kinds', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    const own: readonly RoomRef[] = [
      { kind: 'user', id: 'ana' },
      { kind: 'workspace', id: 'acme' },
      { kind: 'team', id: 'red' },
    ]
    for (const room of own) {
      expect(await leave(session, room)).toEqual(done)
      expect(world.sessionOf(session).isIn(room)).toBe(false)
      expect(await join(session, room)).toMatchObject(done)
      expect(world.sessionOf(session).isIn(room)).toBe(true)
    }
    for (const { kind } of own)
      for (const id of ['boss', 'ana:', 'acme ', 'RED', '*'])
        expect(await join(session, { kind, id })).toEqual(refused('forbidden'))
    expect(world.sessionOf(session).rooms).toHaveLength(4)
  })

  it.each<readonly [string, unknown, string]>([
    ['of a kind that nobody owns', { kind: 'planet', id: '1' }, 'unknown_room'],
    ['of everyone', { kind: 'everyone', id: 'all' }, 'unknown_room'],
    ['of a kind from a prototype', { kind: 'constructor', id: '1' }, 'unknown_room'],
    ['of another one', { kind: 'toString', id: '1' }, 'unknown_room'],
    [
      'with dangerous keys only',
      JSON.parse('{"__proto__":{"kind":"episode","id":"7"}}'),
      'validation_failed',
    ],
    ['of the kind __proto__', { kind: '__proto__', id: '7' }, 'validation_failed'],
    ['that is a list', ['episode', '7'], 'validation_failed'],
    ['that is a name', 'episode:7', 'validation_failed'],
    ['that is nothing', null, 'validation_failed'],
    ['that is missing', undefined, 'validation_failed'],
    ['with a number as id', { kind: 'episode', id: 7 }, 'validation_failed'],
    ['with a list as id', { kind: 'episode', id: ['7'] }, 'validation_failed'],
    ['with a list as kind', { kind: ['episode'], id: '7' }, 'validation_failed'],
    ['without an id', { kind: 'episode' }, 'validation_failed'],
    ['with an empty id', { kind: 'episode', id: '' }, 'validation_failed'],
    ['with an id that is too long', { kind: 'episode', id: 'x'.repeat(129) }, 'validation_failed'],
    ['with a line break in its id', { kind: 'episode', id: '7\n8' }, 'validation_failed'],
    ['with a zero in its id', { kind: 'episode', id: '7\0' }, 'validation_failed'],
    ['with a colon in its kind', { kind: 'episode:7', id: '8' }, 'validation_failed'],
    ['with a capital kind', { kind: 'Episode', id: '8' }, 'validation_failed'],
    ['in too large a command', { kind: 'episode', id: '7', more: 'x'.repeat(2_000) }, 'payload_too_large'],
    ['in too deep a command', { kind: 'episode', id: '7', more: { deeper: {} } }, 'validation_failed'],
  ])('refuse a room %s', async (_what, room, code) => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    const before = world.sessionOf(session).rooms.map(({ name }) => name)
    expect(await join(session, room)).toEqual(refused(code))
    expect(await leave(session, room)).toEqual(refused(code))
    expect(world.sessionOf(session).rooms.map(({ name }) => name)).toEqual(before)
    expect(world.realtime.suspicions.seen.get(code)).toBe(2)
  })

  it('refuse input that is no object, and more than one argument', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    for (const args of [
      [],
      [null],
      [episode],
      ['episode:7'],
      [[{ room: episode }]],
      [{ room: episode }, 'k3f.1'],
    ])
      expect(await session.ask('room:join', ...args)).toEqual(refused('validation_failed'))
    expect(world.sessionOf(session).isIn(episode)).toBe(false)
  })

  it('take an id with anything else in it as it is', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    for (const id of ['a:b', '*', '../x', '東京', '__proto__', 'x'.repeat(128)]) {
      const room = { kind: 'episode', id }
      expect(await join(session, room)).toMatchObject(done)
      await world.realtime.publish(posts, 'post:created', { n: 1 }, { rooms: [room] })
    }
    world.memory.flush()
    expect(session.events).toHaveLength(6)
  })

  it('keep a session to a thousand rooms', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    // Four are its own.
    const last = 999
    for (let n = 5; n <= last; n += 1) world.sessionOf(session).join({ kind: 'episode', id: `n${n}` })
    expect(await join(session, episode)).toEqual({
      ok: true,
      data: { position: expect.any(String) },
    })
    expect(await join(session, { kind: 'episode', id: 'one more' })).toEqual(refused('too_many_rooms'))
    expect(() => world.sessionOf(session).join({ kind: 'episode', id: 'one more' })).toThrow(Refusal)
    expect(world.sessionOf(session).rooms).toHaveLength(1_000)
    expect(await leave(session, episode)).toEqual(done)
    expect(await join(session, { kind: 'episode', id: 'one more' })).toMatchObject(done)
  })

  it('answer that it is in, though it was in before, also at the bound', async () => {
    await using world = await open()
    const session = await world.enter('/posts', ana)
    const last = 1_000
    for (let n = 5; n <= last; n += 1) world.sessionOf(session).join({ kind: 'episode', id: `n${n}` })
    expect(await join(session, { kind: 'episode', id: 'n1000' })).toMatchObject(done)
  })

  describe('modules', () => {
    it('are told of each client that entered or left by itself, and of nothing that changed nothing', async () => {
      const told: string[] = []
      await using world = await open([everybody], {
        join: ({ principal }, room) => void told.push(`${principal.userId} joined ${roomName(room)}`),
        leave: async ({ principal }, room) => void told.push(`${principal.userId} left ${roomName(room)}`),
      })
      const session = await world.enter('/posts', ana)
      await leave(session, episode)
      await join(session, episode)
      await join(session, episode)
      await leave(session, episode)
      await leave(session, episode)
      world.sessionOf(session).join(episode)
      await join(session, episode)
      await leave(session, episode)
      expect(told).toEqual(['ana joined episode:7', 'ana left episode:7', 'ana left episode:7'])
    })

    it('may refuse after all, and then the client is not in the room', async () => {
      let why: unknown = new Refusal('forbidden', 'The room is full.')
      await using world = await open([everybody], {
        join() {
          throw why
        },
      })
      world.allowFailures()
      const session = await world.enter('/posts', ana)
      expect(await join(session, episode)).toMatchObject({ error: { message: 'The room is full.' } })
      expect(world.sessionOf(session).isIn(episode)).toBe(false)
      why = new Error('on purpose')
      expect(await join(session, episode)).toEqual(refused('internal'))
      expect(world.sessionOf(session).isIn(episode)).toBe(false)
      // Who was in before stays.
      world.sessionOf(session).join(episode)
      expect(await join(session, episode)).toMatchObject(done)
      expect(world.sessionOf(session).isIn(episode)).toBe(true)
    })

    it('that fail to decide let nobody in', async () => {
      await using world = await open([
        {
          kind: 'episode',
          mayJoin(_principal, id) {
            if (id === '7') throw new Error('on purpose')
            return Promise.reject(new Error('on purpose'))
          },
        },
      ])
      world.allowFailures()
      const session = await world.enter('/posts', ana)
      expect(await join(session, episode)).toEqual(refused('internal'))
      expect(await join(session, { kind: 'episode', id: '8' })).toEqual(refused('internal'))
      expect(world.sessionOf(session).rooms).toHaveLength(4)
    })
  })

  describe('while it is being decided', () => {
    function slowEpisodes() {
      const gates: PromiseWithResolvers<boolean>[] = []
      const authority: RoomAuthority = {
        kind: 'episode',
        mayJoin() {
          const gate = Promise.withResolvers<boolean>()
          gates.push(gate)
          return gate.promise
        },
      }
      return { gates, authority }
    }

    it('whoever leaves meanwhile is outside in the end', async () => {
      const { gates, authority } = slowEpisodes()
      await using world = await open([authority])
      const session = await world.enter('/posts', ana)
      const joining = join(session, episode)
      const leaving = leave(session, episode)
      gates[0]?.resolve(true)
      expect(await joining).toMatchObject(done)
      expect(await leaving).toEqual(done)
      expect(world.sessionOf(session).isIn(episode)).toBe(false)
    })

    it('one room does not wait for another', async () => {
      const { gates, authority } = slowEpisodes()
      await using world = await open([authority])
      const session = await world.enter('/posts', ana)
      const slow = join(session, episode)
      const other = join(session, { kind: 'episode', id: '8' })
      expect(await join(session, { kind: 'team', id: 'red' })).toMatchObject(done)
      gates[1]?.resolve(true)
      expect(await other).toMatchObject(done)
      gates[0]?.resolve(false)
      expect(await slow).toEqual(refused('forbidden'))
    })

    it('who goes is in no room afterwards', async () => {
      const { gates, authority } = slowEpisodes()
      const told: string[] = []
      await using world = await open([authority], {
        join: (_session, { id }) => void told.push(`joined ${id}`),
        leave: (_session, { id }) => void told.push(`left ${id}`),
      })
      const session = await world.enter('/posts', ana)
      const joining = join(session, episode)
      session.leave()
      await expect(joining).rejects.toMatchObject({ code: 'disconnected' })
      gates[0]?.resolve(true)
      await world.enter('/posts', { userId: 'bo' })
      const rooms = world.realtime.namespaces.get('/posts')?.rooms
      expect(rooms?.get(roomName(episode))).toBeUndefined()
      expect(told).toEqual([])
      expect(rooms?.size).toBe(2)
    })

    it.each([1, 2, 3])(
      "the last of a client's wishes holds, whatever the decisions take: seed %i",
      async (seed) => {
        const random = new SeededRandom(seed)
        const { gates, authority } = slowEpisodes()
        await using world = await open([authority])
        const session = await world.enter('/posts', ana)
        const rooms = ['1', '2', '3'].map((id) => ({ kind: 'episode', id }))
        const last = new Map<string, boolean>()
        const pending: Promise<unknown>[] = []
        const settleSome = () => {
          for (const gate of gates.splice(0, random.below(gates.length + 1))) gate.resolve(true)
        }
        for (let step = 0; step < 200; step += 1) {
          const room = random.oneOf(rooms)
          const joins = random.chance(50)
          last.set(roomName(room), joins)
          pending.push(joins ? join(session, room) : leave(session, room))
          if (random.chance(40)) settleSome()
          if (random.chance(30)) await Promise.resolve()
        }
        const all = Promise.all(pending)
        let isDone = false
        void all.then(() => {
          isDone = true
        })
        while (!isDone) {
          for (const gate of gates.splice(0)) gate.resolve(true)
          await Promise.resolve()
        }
        for (const room of rooms)
          expect(world.sessionOf(session).isIn(room), roomName(room)).toBe(last.get(roomName(room)) ?? false)
      },
    )
  })
})
