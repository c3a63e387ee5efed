/** Compression: large messages cost fewer bytes on the wire, small ones and other clients stay as they are. */
import type { Socket as TcpSocket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { posts } from './namespaces.ts'
import { until } from './until.ts'
import { connected, count, hearing, numbersOf, openWorld, type World } from './world.ts'

/** Text that repeats itself about as much as lists of things do, and that JSON writes as it is. */
const rows = (characters: number) =>
  count(characters)
    .map((row) => `row ${row}: Name of row ${row}, is ${row % 3 === 0 ? 'open' : 'done'}; `)
    .join('')
    .slice(0, characters)

/** Bytes that the server has sent over all its sockets. */
function sentBytes(world: World): () => number {
  const sockets: TcpSocket[] = []
  world.http.on('connection', (socket) => sockets.push(socket))
  return () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)
}

/** What one event with so much text costs, sent to one stock client. */
async function costOf(
  world: World,
  characters: number,
  options: { deflate?: boolean } = {},
): Promise<number> {
  const sent = sentBytes(world)
  const { deflate = true } = options
  const client = world.client({
    transports: ['websocket'],
    ...(deflate ? {} : { perMessageDeflate: false as never }),
  })
  const heard = hearing(client)
  await connected(client)
  const before = sent()
  const text = rows(characters)
  await world.publish(posts, 'post:created', { n: 1, text })
  await until(() => heard.length === 1)
  expect(heard[0]?.args[0]).toMatchObject({ n: 1, text })
  client.disconnect()
  return sent() - before
}

describe('compression', () => {
  it('[A-36] reduces a large event to a fraction for a stock client as it comes', async () => {
    await using plain = await openWorld()
    await using compressing = await openWorld({ bounds: { compressBeyondBytes: 1_024 } })
    const [asItIs, compressed] = [await costOf(plain, 60_000), await costOf(compressing, 60_000)]
    expect(asItIs).toBeGreaterThan(60_000)
    expect(compressed).toBeLessThan(asItIs / 4)
  })

  it('[A-36] leaves alone what is small, by the bound that was asked for', async () => {
    for (const compressBeyondBytes of [500, 20_000]) {
      await using world = await openWorld({ bounds: { compressBeyondBytes } })
      const below = compressBeyondBytes - 200
      expect(await costOf(world, below)).toBeGreaterThan(below)
      const beyond = compressBeyondBytes * 2
      expect(await costOf(world, beyond)).toBeLessThan(beyond / 1.2)
    }
  })

  it('[A-36] is for clients that offered it', async () => {
    await using world = await openWorld({ bounds: { compressBeyondBytes: 1_024 } })
    expect(await costOf(world, 30_000, { deflate: false })).toBeGreaterThan(30_000)
    const socket = await world.rawSocket({ deflate: false })
    await socket.handshake()
    await socket.enter(world.token())
    await world.publish(posts, 'post:created', { n: 1, text: rows(30_000) })
    expect(await socket.nextText()).toContain('Name of row 7')
  })

  it('goes the other way as well: a large command arrives, small or large for those who read it', async () => {
    await using world = await openWorld({ bounds: { compressBeyondBytes: 1_024 } })
    const client = await connected(world.client({ transports: ['websocket'] }))
    const image = Buffer.from(rows(100_000))
    const { data } = await client.emitWithAck('post:draw', { image })
    expect(Buffer.compare(data.image, image.toReversed())).toBe(0)
  })

  it('keeps the order among messages of all sizes, and clients that compress and do not', async () => {
    await using world = await openWorld({ bounds: { compressBeyondBytes: 1_024 } })
    const clients = [
      world.client({ transports: ['websocket'] }),
      world.client({ transports: ['websocket'], perMessageDeflate: false as never }),
      world.client({ transports: ['polling'] }),
      world.client(),
    ]
    const heard = clients.map(hearing)
    await Promise.all(clients.map(connected))
    for (const n of count(60)) {
      const text = rows((n % 4) * 3_000)
      if (n % 7 === 0) await world.publish(posts, 'post:drawn', { n, image: Buffer.from(text) })
      else void world.publish(posts, 'post:created', { n, text })
    }
    await until(() => heard.every(({ length }) => length === 60))
    for (const each of heard) expect(numbersOf(each)).toEqual(count(60))
  })

  it('cannot be used to unfold a few bytes into many', async () => {
    await using world = await openWorld({ bounds: { compressBeyondBytes: 1_024, maxPayloadBytes: 10_000 } })
    const socket = await world.rawSocket({ deflate: true })
    await socket.handshake()
    await socket.enter(world.token())
    socket.send(`42/posts,1["post:view",{"id":"${'a'.repeat(1_000_000)}"}]`)
    expect((await socket.closed).code).toBe(1009)
    expect(world.handled).toEqual([])
    expect(world.closed()).toEqual({ too_large: 1 })
  })
})
