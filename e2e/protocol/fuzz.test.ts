/**
 * Attackers who say anything, over WebSocket, in bodies of polling and as HTTP requests, while two bystanders on the
 * same server must get every event once and in order. Nothing of it may be a mistake of ours: the world fails on one.
 *
 * Some seconds in every run; `FUZZ_SECONDS=600` for longer, from a seed of its own, or from `FUZZ_SEED`.
 */
import { expect, it } from 'vitest'
import { openBystander } from './bystander.ts'
import { anyBody, anyBytes, anyPacket, anyRequest, connectPacket, recordOf } from './fuzz-packets.ts'
import { pick, type Random, seededRandom, whole } from './random.ts'
import { answered, RawPolling, RawSocket } from './raw-clients.ts'
import { clientFrame, RawLine } from './raw-line.ts'
import { count, openWorld, type World } from './world.ts'

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 0)
const attacksMax = seconds === 0 ? 240 : Number.POSITIVE_INFINITY
const firstSeed = Number(process.env['FUZZ_SEED'] ?? (seconds === 0 ? 1 : Date.now() % 1_000_000_000))
const attackersAtOnce = 8

interface Attack {
  readonly world: World
  readonly random: Random
  readonly parser: 'default' | 'msgpack'
  readonly token: string
  /** Of attackers who poll or polled. */
  readonly sids: string[]
  readonly sent: { packets: number; requests: number }
}

it.each(['default', 'msgpack'] as const)(
  '[TR8] attackers harm nobody (parser: %s)',
  { timeout: 120_000 + seconds * 1_000 },
  async (parser) => {
    const sent = { packets: 0, requests: 0 }
    let seed = firstSeed
    const running = new Set<number>()
    await using world = await openWorld({
      parser,
      bounds: { pingIntervalMs: 10_000, maxPayloadBytes: 20_000, compressBeyondBytes: 500 },
    })
    const options = parser === 'msgpack' ? { parser: await import('socket.io-msgpack-parser') } : {}
    const bystanders = await openBystander(world, options, { ...options, transports: ['polling'] })
    const token = world.token({ sub: 'attacker' })
    const sids: string[] = []
    const endAt = Date.now() + seconds * 1_000
    const goesOn = () => seed - firstSeed < attacksMax && (seconds === 0 || Date.now() < endAt)
    const attacker = async () => {
      while (goesOn()) {
        const own = seed
        seed += 1
        running.add(own)
        const random = seededRandom(own)
        await pick(random, attacks)({ world, random, parser, token, sids, sent })
        await bystanders.publish('x'.repeat(whole(random, 800)))
        // Not so fast that a bystander reads what came seconds ago.
        if (own % 8 === 0) await bystanders.hasAll()
        running.delete(own)
        if (sids.length > 20) sids.splice(0, 10)
      }
    }
    try {
      await Promise.all(count(attackersAtOnce).map(attacker))
      await bystanders.isFine()
      // Whoever only fell silent would go with a ping that is not answered.
      for (const { connection, sessions } of world.realtime.connections)
        if (!sessions.some(({ principal }) => principal.userId === bystanders.userId))
          connection.close('closed_by_server')
      await world.connections(2)
      await bystanders.isFine()
    } catch (error) {
      throw new Error(`With FUZZ_SEED of ${[...running].join(', ') || `${firstSeed} to ${seed}`}: ${error}`, {
        cause: error,
      })
    }
    if (seconds > 0)
      process.stdout.write(
        `${parser}: seeds ${firstSeed} to ${seed}, ${JSON.stringify({ ...sent, ...world.closed() })}\n`,
      )
    expect(sent.packets).toBeGreaterThan(100)
    expect(world.closed()).toHaveProperty('malformed_packet')
  },
)

const attacks: readonly ((attack: Attack) => Promise<void>)[] = [
  overWebSocket,
  overWebSocket,
  overFrames,
  overPolling,
  overPolling,
  overRequests,
  overRequests,
  halfway,
]

/** Packets in right frames; sometimes after a right beginning. */
async function overWebSocket({ world, random, parser, token, sids, sent }: Attack): Promise<void> {
  const query =
    random() < 0.2 && sids.length > 0 ? `EIO=4&transport=websocket&sid=${pick(random, sids)}` : undefined
  const socket = await RawSocket.open(world.url, {
    ...(query === undefined ? {} : { query }),
    deflate: random() < 0.5,
  }).catch(() => undefined)
  if (socket === undefined) return
  if (random() < 0.7) socket.send(connectPacket(parser, token))
  for (let left = 1 + whole(random, 12); left > 0 && socket.isOpen; left -= 1) {
    const packet = anyPacket(random, parser)
    socket.send(packet)
    sent.packets += 1
    if (random() < 0.3) await tick()
  }
  if (random() < 0.3) socket.close(pick(random, [1000, 1001, 3000, 4999]))
  else if (random() < 0.8) await Promise.race([socket.closed, roundTrip(world)])
  socket.terminate()
}

/** Frames that no library sends. */
async function overFrames({ world, random, parser, token, sent }: Attack): Promise<void> {
  const line = await RawLine.open(world.url)
  line.socket.on('error', () => undefined)
  line.askForWebSocket(undefined, random() < 0.5 ? ['Sec-WebSocket-Extensions: permessage-deflate'] : [])
  if (random() < 0.5) line.write(clientFrame(parser === 'default' ? 1 : 2, connectPacket(parser, token)))
  for (let left = 1 + whole(random, 8); left > 0; left -= 1) {
    const packet = anyPacket(random, parser)
    let frame = clientFrame(
      random() < 0.7 ? 1 : whole(random, 16),
      packet,
      random() < 0.8 ? 0x80 : whole(random, 16) << 4,
    )
    if (random() < 0.3) frame = frame.subarray(0, whole(random, frame.length))
    if (random() < 0.3) frame[whole(random, Math.min(frame.length, 12))] = whole(random, 256)
    if (frame.length > 0) line.write(frame)
    sent.packets += 1
    if (random() < 0.3) await tick()
  }
  if (random() < 0.5) line.write(anyBytes(random))
  if (random() < 0.7) await Promise.race([line.ended, roundTrip(world)])
  line.terminate()
}

/** Bodies, overlapping polls and posts, and some that are hung up in the middle. */
async function overPolling({ world, random, parser, token, sids, sent }: Attack): Promise<void> {
  const polling = await RawPolling.open(world.url).catch(() => undefined)
  if (polling === undefined) return
  sids.push(polling.handshake.sid)
  const busy: Promise<unknown>[] = []
  if (random() < 0.7) await polling.post(recordOf(connectPacket(parser, token))).catch(() => undefined)
  for (let left = 1 + whole(random, 8); left > 0; left -= 1) {
    const chance = random()
    const hangUp = new AbortController()
    if (chance < 0.3) busy.push(polling.poll(hangUp.signal).catch(() => undefined))
    else {
      const posted = polling.post(anyBody(random, parser)).catch(() => undefined)
      sent.packets += 1
      if (chance < 0.8) await posted
      else busy.push(posted)
    }
    sent.requests += 1
    if (random() < 0.1) hangUp.abort()
  }
  await Promise.race([Promise.all(busy), roundTrip(world)])
  if (random() < 0.5) await polling.post('1').catch(() => undefined)
  polling.terminate()
}

/** Whole requests of any kind, several on one line, and not always to their end. */
async function overRequests({ world, random, sids, sent }: Attack): Promise<void> {
  const line = await RawLine.open(world.url)
  line.socket.on('error', () => undefined)
  for (let left = 1 + whole(random, 4); left > 0; left -= 1) {
    const request = Buffer.from(anyRequest(random, sids), 'latin1')
    const end = random() < 0.8 ? request.length : whole(random, request.length)
    const cut = whole(random, end)
    line.write(request.subarray(0, cut))
    if (random() < 0.3) await tick()
    line.write(request.subarray(cut, end))
    sent.requests += 1
  }
  if (random() < 0.7) await Promise.race([line.ended, roundTrip(world)])
  line.terminate()
}

/** A way in that is taken at once, several times, or left in the middle. */
async function halfway({ world, random, parser, token, sids, sent }: Attack): Promise<void> {
  const polling = await RawPolling.open(world.url).catch(() => undefined)
  if (polling === undefined) return
  sids.push(polling.handshake.sid)
  if (random() < 0.5) await polling.post(recordOf(connectPacket(parser, token))).catch(() => undefined)
  const query = `EIO=4&transport=websocket&sid=${polling.handshake.sid}`
  const opened = await Promise.allSettled(
    count(1 + whole(random, 3)).map(() => RawSocket.open(world.url, { query })),
  )
  const sockets = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  for (let left = whole(random, 8); left > 0 && sockets.length > 0; left -= 1) {
    const socket = pick(random, sockets)
    const packet =
      random() < 0.7
        ? pick(random, ['2probe', '5', '3', '42/posts,1["post:view",{"id":"a"}]'])
        : anyPacket(random, parser)
    if (socket.isOpen) socket.send(packet)
    sent.packets += 1
    if (random() < 0.3) void polling.poll().catch(() => undefined)
    if (random() < 0.3) await tick()
  }
  await roundTrip(world)
  for (const socket of sockets) if (random() < 0.8) socket.terminate()
  if (random() < 0.5) polling.terminate()
  else await polling.post('1').catch(() => undefined)
  for (const socket of sockets) socket.terminate()
}

const tick = () => new Promise((resolve) => setImmediate(resolve))
/** Also when the line that it was to go over was closed just now. */
const roundTrip = (world: World) => answered(fetch(`${world.url}/elsewhere`)).catch(() => undefined)
