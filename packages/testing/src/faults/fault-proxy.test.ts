/** The proxy between plain sockets: what comes through, what does not, and who is told. */
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../until.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { planOutages } from './outages.ts'

/** A server that keeps what it hears, and what happens to each connection. */
interface Peer {
  readonly socket: Socket
  text: string
  bytes: number
  end: 'open' | 'ended' | 'reset' | 'closed'
}

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

function peer(socket: Socket): Peer {
  const made: Peer = { socket, text: '', bytes: 0, end: 'open' }
  socket.on('data', (chunk: Buffer) => {
    made.bytes += chunk.length
    if (made.bytes < 10_000) made.text += chunk.toString()
  })
  socket.on('end', () => {
    made.end = 'ended'
  })
  socket.on('error', () => {
    made.end = 'reset'
  })
  socket.on('close', () => {
    if (made.end === 'open') made.end = 'closed'
  })
  ends.push(async () => socket.destroy())
  return made
}

async function world() {
  const far: Peer[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => far.push(peer(socket)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  ends.push(() => new Promise((resolve) => server.close(resolve)))
  const proxy = await startFaultProxy({ to: `http://127.0.0.1:${port}` })
  ends.push(() => proxy.close())
  const line = await proxy.line()
  const client = async (to = line): Promise<Peer> => {
    const near = peer(connect({ port: to.port, host: '127.0.0.1', allowHalfOpen: true }))
    await until(() => !near.socket.connecting || near.end !== 'open')
    return near
  }
  /** One client and the server's end of it, which have spoken. */
  const pair = async (to = line): Promise<readonly [Peer, Peer]> => {
    const before = far.length
    const near = await client(to)
    near.socket.write('hello')
    await until(() => far[before]?.text === 'hello')
    return [near, far[before] as Peer]
  }
  return { proxy, line, far, client, pair, server }
}

/** Enough turns of the event loop, and of the kernel, for what could come through to have come. */
async function roundOver(
  proxy: FaultProxy,
  pair: (to: Awaited<ReturnType<FaultProxy['line']>>) => Promise<unknown>,
) {
  for (let round = 0; round < 3; round += 1) await pair(await proxy.line())
}

describe('a fault proxy', () => {
  it('carries what is said in both directions, and the end of each', async () => {
    const { pair } = await world()
    const [near, far] = await pair()
    far.socket.write('good day')
    await until(() => near.text === 'good day')
    near.socket.end()
    await until(() => far.end === 'ended')
    far.socket.end('and good bye')
    await until(() => near.text.endsWith('bye') && near.end === 'ended')
  })

  it.each([0, 1])('breaks off as the end %i of it does', async (index) => {
    const { pair } = await world()
    const reset = await pair()
    reset[index]?.socket.resetAndDestroy()
    await until(() => reset[1 - index]?.end === 'reset')
    const left = await pair()
    left[index]?.socket.destroy()
    await until(() => left[1 - index]?.end === 'ended')
  })

  it.each([
    ['reset', 'reset'],
    ['close', 'ended'],
  ] as const)('cuts with a %s, refuses what is new, and mends', async (how, seen) => {
    const { line, pair, client, far } = await world()
    const [near, end] = await pair()
    line.cut({ how })
    await until(() => near.end === seen && end.end === seen)
    const refused = await client()
    await until(() => refused.end === 'reset')
    expect(far).toHaveLength(1)
    expect(line.connections).toBe(0)
    line.mend()
    await pair()
  })

  it.each([
    ['client', 0],
    ['server', 1],
  ] as const)('tells the %s alone of a cut', async (told, toldIndex) => {
    const { proxy, line, pair } = await world()
    const both = await pair()
    line.cut({ told })
    const [knowing, other] = [both[toldIndex] as Peer, both[1 - toldIndex] as Peer]
    await until(() => knowing.end === 'reset')
    line.mend()
    other.socket.write('is anybody there?')
    await roundOver(proxy, pair)
    expect(other.end).toBe('open')
    expect(knowing.text).not.toContain('anybody')
    await pair()
    await line.close()
    await until(() => other.end === 'reset')
  })

  it('resets the oldest of the ends that nobody was told of, when they are too many', async () => {
    const { line, pair } = await world()
    const dead: Peer[] = []
    for (let count = 0; count < 17; count += 1) {
      dead.push((await pair())[1])
      line.cut({ told: 'client' })
      line.mend()
    }
    await until(() => dead[0]?.end === 'reset')
    expect(dead.slice(1).map(({ end }) => end)).toEqual(Array(16).fill('open'))
  })

  it.each([
    ['both', false, false],
    ['to-server', false, true],
    ['to-client', true, false],
  ] as const)('holds %s, tells nobody, and lets it through afterwards', async (direction, up, down) => {
    const { proxy, line, pair } = await world()
    const [near, far] = await pair()
    line.hold(direction)
    near.socket.write(' up')
    far.socket.write('down')
    await roundOver(proxy, pair)
    if (up) await until(() => far.text === 'hello up')
    if (down) await until(() => near.text === 'down')
    expect([far.text, near.text]).toEqual([up ? 'hello up' : 'hello', down ? 'down' : ''])
    near.socket.destroy()
    await roundOver(proxy, pair)
    if (!up) expect(far.end).toBe('open')
    line.mend()
    await until(() => far.text === 'hello up' && far.end !== 'open')
  })

  it('lets a connection that comes while it holds wait, and leads it on when it mends', async () => {
    const { proxy, line, pair, client, far } = await world()
    line.hold()
    const near = await client()
    near.socket.write('early')
    await roundOver(proxy, pair)
    // Those of the rounds are there, and it is not.
    expect(far.map(({ text }) => text)).toEqual(['hello', 'hello', 'hello'])
    line.mend()
    await until(() => far.some(({ text }) => text === 'early'))
  })

  it('delays each thing, and keeps the order whatever the jitter', async () => {
    const { line, pair } = await world()
    const [near, far] = await pair()
    line.delay({ ms: 60, jitterMs: 40 })
    const began = performance.now()
    far.socket.write('0')
    await until(() => near.text !== '')
    expect(performance.now() - began).toBeGreaterThan(55)
    let expected = '0'
    for (let index = 1; index < 30; index += 1) {
      far.socket.write(`${index % 10}`)
      expected += `${index % 10}`
      await new Promise((resolve) => setImmediate(resolve))
    }
    far.socket.end()
    await until(() => near.end === 'ended')
    expect(near.text).toBe(expected)
  })

  it('slows down to a number of bytes a second', async () => {
    const { line, pair } = await world()
    const [near, far] = await pair()
    line.throttle({ bytesPerSecond: 100_000 })
    const began = performance.now()
    far.socket.write(Buffer.alloc(30_000, 'x'))
    await until(() => near.bytes === 30_000)
    const seconds = (performance.now() - began) / 1_000
    // The first 50 ms are free.
    expect(seconds).toBeGreaterThan(0.2)
    expect(seconds).toBeLessThan(2)
  })

  it('stops to read, so that the server feels it, and holds no more than a bound', async () => {
    const { proxy, line, pair } = await world()
    const [near, far] = await pair()
    line.throttle({ bytesPerSecond: 0, direction: 'to-client' })
    const piece = Buffer.alloc(1024 * 1024)
    let written = 0
    while (far.socket.writableLength === 0 && written < 64) {
      far.socket.write(piece)
      written += 1
      await roundOver(proxy, pair)
    }
    expect(far.socket.writableLength).toBeGreaterThan(0)
    expect(near.bytes).toBe(0)
    near.socket.write(' there')
    await until(() => far.text === 'hello there')
    line.mend()
    await until(() => near.bytes === written * piece.length)
  })

  it('does all of it to all lines, and each line by itself', async () => {
    const { proxy, pair } = await world()
    const [one, other] = [await pair(await proxy.line()), await pair(await proxy.line())]
    proxy.lines[1]?.cut()
    await until(() => one[0].end === 'reset')
    expect(other[0].end).toBe('open')
    proxy.cut()
    await until(() => other[0].end === 'reset')
    expect(proxy.lines.map(({ state }) => state)).toEqual(['cut', 'cut', 'cut'])
    proxy.mend()
    await pair()
  })

  it('breaks off with a client whose server is not there', async () => {
    const { server, client, far } = await world()
    await new Promise((resolve) => server.close(resolve))
    const near = await client()
    await until(() => near.end !== 'open')
    expect(far).toHaveLength(0)
  })

  it('follows a plan to its end', async () => {
    const { proxy } = await world()
    await proxy.line()
    const plan = planOutages({
      seed: 3,
      lines: 2,
      durationMs: 100,
      everyMs: 40,
      forMs: 10,
      cuts: [{}, 'hold'],
    })
    const states = new Set<string>()
    const followed = proxy.follow(plan)
    const looking = setInterval(() => {
      for (const { state } of proxy.lines) states.add(state)
    }, 1)
    await followed.done
    clearInterval(looking)
    expect([...states].toSorted()).toEqual(['cut', 'held', 'whole'])
    expect(proxy.lines.map(({ state }) => state)).toEqual(['whole', 'whole'])
  })

  it('refuses what makes no sense', async () => {
    const { line } = await world()
    await expect(startFaultProxy({ to: 'http://example.com' })).rejects.toThrow('names no port')
    expect(() => line.delay({ ms: -1 })).toThrow('ms is -1')
    expect(() => line.throttle({ bytesPerSecond: Number.NaN })).toThrow('bytesPerSecond is NaN')
    line.cut()
    expect(() => line.hold()).toThrow('is cut')
  })
})

describe('a plan of outages', () => {
  const options = { seed: 7, lines: 50, durationMs: 60_000, everyMs: 15_000, forMs: 2_000 }

  it('is the same from the same seed, and another from another one', () => {
    expect(planOutages(options)).toEqual(planOutages(options))
    expect(planOutages({ ...options, seed: 8 })).not.toEqual(planOutages(options))
    const ofLine = (lines: number) => planOutages({ ...options, lines }).filter(({ line }) => line === 7)
    expect(ofLine(50)).toEqual(ofLine(2_000))
  })

  it('breaks each line about as often and as long as it was asked to, and never twice at a time', () => {
    const plan = planOutages(options)
    expect(plan.length).toBeGreaterThan(50 * 3.5)
    expect(plan.length).toBeLessThan(50 * 5)
    expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b))
    const endOf = new Map<number, number>()
    for (const { line, atMs, forMs } of plan) {
      expect(atMs).toBeGreaterThanOrEqual(endOf.get(line) ?? 0)
      endOf.set(line, atMs + forMs)
      expect(forMs).toBeGreaterThanOrEqual(1_800)
      expect(forMs).toBeLessThanOrEqual(2_200)
    }
    const wide = planOutages({ ...options, forMs: [100, 5_000] }).map(({ forMs }) => forMs)
    expect(Math.min(...wide)).toBeLessThan(500)
    expect(Math.max(...wide)).toBeGreaterThan(4_500)
  })
})
