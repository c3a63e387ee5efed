/**
 * Order, as a property (TR1, R4): whatever the rooms, excepts, joins, leaves, answers, bytes, transports and upgrades
 * in the middle, each stock client gets exactly what it should, once, in the order in which it was sent.
 */
import { type RoomRef, roomName, type UserId } from '@belfry/contract'
import { expect, it } from 'vitest'
import { posts } from './namespaces.ts'
import { pick, seededRandom } from './random.ts'
import { until } from './until.ts'
import { connected, count, everyone, hearing, openWorld, thread, type World } from './world.ts'

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 0)
const rounds = seconds === 0 ? 6 : Number.POSITIVE_INFINITY
const firstSeed = Number(process.env['FUZZ_SEED'] ?? (seconds === 0 ? 1 : Date.now() % 1_000_000_000))

const rooms: readonly RoomRef[] = [
  everyone,
  thread('a'),
  thread('b'),
  thread('c'),
  { kind: 'workspace', id: 'acme' },
  { kind: 'workspace', id: 'globex' },
  { kind: 'user', id: 'user-0' },
  { kind: 'user', id: 'user-1' },
]
const ways = [['websocket'], ['polling'], ['polling', 'websocket']]

it('each client gets what it should, once and in order, whatever happens', {
  timeout: 120_000 + seconds * 1_000,
}, async () => {
  const endAt = Date.now() + seconds * 1_000
  let events = 0
  let seed = firstSeed
  for (let round = 0; round < rounds && (seconds === 0 || Date.now() < endAt); round += 1) {
    seed = firstSeed + round
    events += await playRound(seed).catch((error: unknown) => {
      throw new Error(`With FUZZ_SEED=${seed}: ${error}`, { cause: error })
    })
  }
  if (seconds > 0) process.stdout.write(`order: seeds ${firstSeed} to ${seed}, ${events} deliveries\n`)
  expect(events).toBeGreaterThan(100)
})

/** Answers with the number of deliveries. */
async function playRound(seed: number): Promise<number> {
  const random = seededRandom(seed)
  await using world = await openWorld({
    bounds: random() < 0.5 ? { compressBeyondBytes: 200 } : {},
  })
  const players = await Promise.all(count(6).map((number) => enter(world, number, pick(random, ways))))
  let n = 0
  /** Answers to commands: they have their place in the order of a client as well. */
  const asked: Promise<unknown>[] = []
  for (const _ of count(400)) {
    const chance = random()
    const player = pick(random, players)
    if (chance < 0.62) {
      const to = [pick(random, rooms), ...(random() < 0.3 ? [pick(random, rooms)] : [])]
      const except = random() < 0.25 ? [pick(random, rooms)] : []
      const number = n
      n += 1
      for (const each of players) {
        const isIn = (room: RoomRef) => each.rooms.has(roomName(room))
        if (to.some(isIn) && !except.some(isIn)) each.expected.push(`n${number}`)
      }
      const kind = random()
      // Together less than what makes a line congested, where pulses may be dropped.
      const text = 'x'.repeat(Math.floor(random() ** 8 * 5_000))
      const recipients = { rooms: to, except }
      if (kind < 0.2) {
        const image = Buffer.alloc(Math.floor(random() * 500), number)
        void world.realtime.publish(posts, 'post:drawn', { n: number, image }, recipients)
      } else if (kind < 0.3) void world.realtime.publish(posts, 'post:typing', { n: number }, recipients)
      else void world.realtime.publish(posts, 'post:created', { n: number, text }, recipients)
    } else if (chance < 0.7) {
      // By the server, at once.
      const room = pick(random, rooms.slice(1, 4))
      const session = world.realtime.users.sessionsOf(player.userId)[0]
      if (player.rooms.has(roomName(room))) {
        session?.leave(room)
        player.rooms.delete(roomName(room))
      } else {
        session?.join(room)
        player.rooms.add(roomName(room))
      }
    } else if (chance < 0.78) {
      // By the client, whose answer says when.
      const room = pick(random, rooms.slice(1, 4))
      const isIn = player.rooms.has(roomName(room))
      const { ok } = await player.client.emitWithAck(isIn ? 'room:leave' : 'room:join', { room })
      expect(ok).toBe(true)
      if (isIn) player.rooms.delete(roomName(room))
      else player.rooms.add(roomName(room))
    } else if (chance < 0.88) {
      asked.push(player.client.emitWithAck('post:view', { id: `${n}` }))
    } else if (chance < 0.93) {
      const session = world.realtime.users.sessionsOf(player.userId)[0]
      if (session === undefined) throw new Error('A player has no session.')
      player.expected.push(`ask${n}`)
      asked.push(world.realtime.request(session, 'post:ask', { n }, 20_000))
      n += 1
    } else await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(asked)
  let deliveries = 0
  for (const { expected, got } of players) {
    await until(() => got().length >= expected.length, {
      what: `${expected.length} deliveries`,
    })
    expect(got()).toEqual(expected)
    deliveries += expected.length
  }
  return deliveries
}

async function enter(world: World, number: number, transports: string[]) {
  const sub = `user-${number}`
  const workspaces = number % 2 === 0 ? ['acme'] : ['acme', 'globex']
  const client = world.client({ transports, token: world.token({ sub, workspaces }) })
  const heard = hearing(client)
  client.on('post:ask', (data: { n: number }, answer: (value: unknown) => void) => answer(data.n))
  await connected(client)
  const own: RoomRef[] = [
    everyone,
    { kind: 'user', id: sub },
    ...workspaces.map((id) => ({ kind: 'workspace', id })),
  ]
  return {
    client,
    userId: sub as UserId,
    rooms: new Set<string>(own.map(roomName)),
    expected: [] as string[],
    got: () =>
      heard.map(
        ({ name, args: [data] }) => `${name === 'post:ask' ? 'ask' : 'n'}${(data as { n: number }).n}`,
      ),
  }
}
