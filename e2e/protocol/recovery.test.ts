/**
 * What others reported in public of servers and adapters that lost events, sent them twice, or recovered nobody: each as a
 * stock client meets it here. A name is the repository and the number of the report. Reports about several nodes are not
 * among them, nor is what a kill -9 does: `e2e/chaos/recovery.test.ts` has that.
 */
import { type FaultLine, type FaultProxy, startFaultProxy } from '@belfry/testing'
import type { Socket } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import { issueToken } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { posts } from './namespaces.ts'
import { cursorOf, pidOf, stockVersions } from './stock-versions.ts'
import { until } from './until.ts'
import {
  ana,
  type ClientOptions,
  connected,
  count,
  type Heard,
  hearing,
  numbersOf,
  openWorld,
  refused,
  secret,
  thread,
  type World,
  type WorldOptions,
} from './world.ts'

const megabyte = 1_048_576
const minuteMs = 60_000
/** Time that is moved by hand does not wait for the answers of stock clients. */
const noPings = { pingIntervalMs: 3_600_000, idleTimeoutMs: 3_600_000 }

const ends: AsyncDisposable[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end[Symbol.asyncDispose]()
})

interface Place {
  readonly world: World
  readonly proxy: FaultProxy
  readonly line: FaultLine
  readonly client: Socket
  readonly heard: Heard[]
  publish(n: number, text?: string): Promise<unknown>
  /** Breaks the line, runs what happens meanwhile, mends it, and waits until the client is back. */
  away(meanwhile: () => unknown, cut?: Parameters<FaultLine['cut']>[0]): Promise<void>
  /** So many events of posts came. */
  came(events: number): Promise<void>
}

const impatient = {
  reconnection: true,
  reconnectionDelay: 1,
  reconnectionDelayMax: 2,
  randomizationFactor: 0,
}

async function openPlace(
  connect: ClientOptions['connect'],
  given: WorldOptions & { client?: ClientOptions } = {},
) {
  const { client: clientOptions, ...options } = given
  const world = await openWorld(options)
  ends.push(world)
  const proxy = await startFaultProxy({ to: world.url })
  ends.push(proxy)
  const line = await proxy.line()
  const client = world.client({
    ...(connect === undefined ? {} : { connect }),
    url: line.url,
    transports: ['websocket'],
    ...impatient,
    ...clientOptions,
  })
  const heard = hearing(client)
  await connected(client)
  const place: Place = {
    world,
    proxy,
    line,
    client,
    heard,
    publish: (n, text) =>
      world.publish(posts, 'post:created', { n, ...(text === undefined ? {} : { text }) }),
    async away(meanwhile, cut = {}) {
      line.cut(cut)
      await until(() => !client.connected)
      await meanwhile()
      line.mend()
      await until(() => client.connected)
    },
    came: (events) =>
      until(() => numbersOf(heard).length >= events, {
        get what() {
          return `${events} events; these came: ${numbersOf(heard).slice(-20)}`
        },
      }),
  }
  return place
}

const resetsOf = (heard: readonly Heard[]) =>
  heard.flatMap(({ name, args: [data] }) =>
    name === 'sync:reset' ? [(data as { reason: string }).reason] : [],
  )

describe.each(stockVersions)('with socket.io-client %s', (_version, connect) => {
  it('socket.io#3202, socket.io-client#1358: what is sent to a client that is away comes when it is back', async () => {
    const { away, publish, came, heard, client } = await openPlace(connect)
    await publish(0)
    await away(async () => {
      for (const n of count(50)) await publish(n + 1)
    })
    await came(51)
    expect(numbersOf(heard)).toEqual(count(51))
    expect(client.recovered).toBe(true)
  })

  it('socket.io#3414, socket.io-client#1279: a command from offline runs once, and events in between are not repeated', async () => {
    const { away, publish, came, heard, client, world } = await openPlace(connect)
    await publish(0)
    await came(1)
    const answers: Promise<unknown>[] = []
    await away(async () => {
      for (const n of count(3)) answers.push(client.emitWithAck('post:view', { id: `${n}` }))
      await publish(1)
    })
    await Promise.all(answers)
    await publish(2)
    await came(3)
    expect(world.handled.map(({ input }) => (input as { id: string }).id)).toEqual(['0', '1', '2'])
    expect(numbersOf(heard)).toEqual([0, 1, 2])
  })

  it('mercure#178: what is published at the moment of the return is neither lost nor doubled', async () => {
    const { away, publish, came, heard, client } = await openPlace(connect)
    let n = 0
    for (const _round of count(8)) {
      let isBack = false
      client.once('connect', () => {
        isBack = true
      })
      await away(() => publish(n++))
      // On and on, while it comes in.
      while (!isBack) await publish(n++)
      for (const _more of count(5)) await publish(n++)
    }
    await came(n)
    expect(numbersOf(heard)).toEqual(count(n))
  })

  it('mercure#354: nothing is missed around heartbeats', async () => {
    const { away, publish, came, heard, client } = await openPlace(connect, {
      bounds: { pingIntervalMs: 20 },
    })
    let heartbeats = 0
    client.io.on('ping', () => {
      heartbeats += 1
    })
    for (const n of count(100)) {
      await publish(n)
      if (n % 40 === 20) await away(() => undefined)
      // Before, beside and behind heartbeats.
      const before = heartbeats
      if (n % 5 === 0) await until(() => heartbeats > before)
    }
    await came(100)
    expect(numbersOf(heard)).toEqual(count(100))
  })

  it('socket.io#4880: recovery works more than once, while the server still takes old connections for alive', async () => {
    const { away, publish, came, heard, client, world } = await openPlace(connect, {
      bounds: { pingIntervalMs: 100, pingTimeoutMs: 150 },
    })
    const pid = pidOf(client)
    for (const round of count(4)) {
      await publish(round * 2)
      await away(() => publish(round * 2 + 1), { told: 'client' })
      expect(client.recovered).toBe(true)
    }
    // The dead ends are given up one after the other, which must not end the session.
    await world.connections(1)
    expect(world.closed()['ping_timeout'] ?? 0).toBeLessThanOrEqual(4)
    await away(() => publish(8))
    await publish(9)
    await came(10)
    expect(numbersOf(heard)).toEqual(count(10))
    expect([pidOf(client), client.recovered, resetsOf(heard)]).toEqual([pid, true, []])
  })

  it('socket.io#5282: who missed nothing recovers, however old the last event is', async () => {
    const clock = createTestClock()
    const { away, publish, came, heard, client } = await openPlace(connect, {
      clock,
      bounds: noPings,
      client: { auth: { token: tokenFor(clock.now, 86_400) } },
    })
    await publish(0)
    await came(1)
    clock.advance(30 * minuteMs)
    await away(() => clock.advance(minuteMs))
    expect(client.recovered).toBe(true)
    await publish(1)
    await came(2)
    expect(resetsOf(heard)).toEqual([])
  })

  it('socket.io#5538, socket.io#4888: a client without any event recovers, with its rooms', async () => {
    const { away, came, heard, client, world } = await openPlace(connect)
    await client.emitWithAck('room:join', { room: thread('a') })
    const { id } = client
    await away(() => world.publish(posts, 'post:created', { n: 1 }, thread('a')))
    await came(1)
    await world.publish(posts, 'post:created', { n: 2 }, thread('a'))
    await came(2)
    expect([client.recovered, client.id]).toEqual([true, id])
    expect(numbersOf(heard)).toEqual([1, 2])
  })

  it('socket.io#5539: events that are not kept do not destroy the place of the client', async () => {
    const { away, publish, came, heard, client, world } = await openPlace(connect)
    await publish(0)
    await came(1)
    await world.publish(posts, 'post:typing', { n: 1 })
    await world.publish(posts, 'post:progress', { id: 'a', percent: 1 })
    await until(() => heard.length === 3)
    await away(() => publish(2))
    await came(3)
    expect(client.recovered).toBe(true)
    expect(numbersOf(heard)).toEqual([0, 1, 2])
  })

  it('socket.io#5419, socket.io-redis-streams-adapter#39: a cut during or after a replay doubles nothing', async () => {
    const { away, publish, came, heard, client } = await openPlace(connect)
    await publish(0)
    await came(1)
    await away(async () => {
      for (const n of count(300)) await publish(n + 1, 'x'.repeat(1_000))
    })
    for (const _round of count(5)) await away(() => undefined)
    await came(301)
    const cursor = cursorOf(client)
    await away(() => undefined)
    await publish(301)
    await came(302)
    expect(numbersOf(heard)).toEqual(count(302))
    expect(cursorOf(client)).not.toBe(cursor)
  })

  it('socket.io-redis-streams-adapter#26: who comes back at once is recovered, every time', async () => {
    const { away, publish, came, heard, client } = await openPlace(connect)
    const recovered: boolean[] = []
    for (const n of count(40)) {
      void publish(n)
      await away(() => undefined)
      recovered.push(client.recovered)
    }
    await came(40)
    expect(recovered).toEqual(Array(40).fill(true))
    expect(numbersOf(heard)).toEqual(count(40))
  })

  it('socket.io-redis-streams-adapter#48: a client that was connected for long recovers as one that was not', async () => {
    const clock = createTestClock()
    const { away, publish, came, heard, client } = await openPlace(connect, {
      clock,
      bounds: noPings,
      client: { auth: { token: tokenFor(clock.now, 86_400) } },
    })
    let n = 0
    for (const _step of count(20)) {
      await publish(n++)
      await came(n)
      clock.advance(minuteMs)
    }
    await away(() => publish(n++))
    await came(n)
    expect(client.recovered).toBe(true)
    expect(numbersOf(heard)).toEqual(count(n))
  })

  it('socket.io#5250: who is away for too long is told so, before anything else', async () => {
    const clock = createTestClock()
    const { away, publish, came, heard, client } = await openPlace(connect, {
      clock,
      client: { auth: { token: tokenFor(clock.now, 86_400) } },
    })
    await publish(0)
    await came(1)
    await away(async () => {
      await publish(1)
      clock.advance(5 * minuteMs)
    })
    await publish(2)
    await came(2)
    expect(client.recovered).toBe(false)
    expect(heard.map(({ name }) => name)).toEqual(['post:created', 'sync:reset', 'post:created'])
    expect(resetsOf(heard)).toEqual(['expired'])
    expect(numbersOf(heard)).toEqual([0, 2])
  })
})

describe('bounds', () => {
  it('socket.io, its adapter in memory: what is kept is bounded, and who missed more than that is told once', async () => {
    const { away, publish, came, heard, client } = await openPlace(undefined)
    await publish(0)
    await came(1)
    const text = 'x'.repeat(190_000)
    await away(async () => {
      for (const n of count(100)) await publish(n + 1, text)
    })
    await publish(101)
    await came(2)
    expect(client.recovered).toBe(false)
    expect(resetsOf(heard)).toEqual(['trimmed'])
    expect(numbersOf(heard)).toEqual([0, 101])
  })

  it('socket.io-redis-streams-adapter, its window: 15,000 events in other rooms do not cost a client its own', async () => {
    const { away, came, heard, client, world } = await openPlace(undefined)
    await client.emitWithAck('room:join', { room: thread('a') })
    await away(async () => {
      await world.publish(posts, 'post:created', { n: 1 }, thread('a'))
      for (const n of count(15_000)) await world.publish(posts, 'post:created', { n }, thread('b'))
      await world.publish(posts, 'post:created', { n: 2 }, thread('a'))
    })
    await came(2)
    expect(client.recovered).toBe(true)
    expect(numbersOf(heard)).toEqual([1, 2])
  })
})

describe('slow readers', () => {
  it('socket.io#4435, socket.io#3158, uWebSockets.js#292, #499, ws#1827: one holds up nobody, is not closed, and misses nothing', async () => {
    const { proxy, publish, came, heard, client, world, line } = await openPlace(undefined)
    const other = world.client({ url: (await proxy.line()).url, transports: ['websocket'] })
    const heardByOther = hearing(other)
    await connected(other)
    line.throttle({ bytesPerSecond: 0, direction: 'to-client' })
    let most = 0
    const text = 'x'.repeat(100_000)
    for (const n of count(120)) {
      await publish(n, text)
      await until(() => numbersOf(heardByOther).length === n + 1)
      most = Math.max(most, world.sockets.queuedBytes())
    }
    expect(numbersOf(heard).length).toBeLessThan(120)
    expect(most).toBeLessThan(2 * megabyte)
    line.mend()
    await came(120)
    expect(numbersOf(heard)).toEqual(count(120))
    expect(client.connected).toBe(true)
    expect([resetsOf(heard), world.closed()]).toEqual([[], {}])
  })

  it('signalk-server#2472: of current values one gets the newest of each, and nothing piles up', async () => {
    const { heard, world, line } = await openPlace(undefined)
    line.throttle({ bytesPerSecond: 0, direction: 'to-client' })
    const text = 'x'.repeat(100_000)
    // So much that nothing more leaves towards it.
    for (const n of count(100)) await world.publish(posts, 'post:created', { n, text })
    for (const percent of count(2_000))
      for (const id of ['a', 'b']) await world.publish(posts, 'post:progress', { id, percent: percent % 101 })
    for (const id of ['a', 'b']) await world.publish(posts, 'post:progress', { id, percent: 77 })
    expect(world.sockets.queuedBytes()).toBeLessThan(2 * megabyte)
    line.mend()
    const values = (id: string) =>
      heard.flatMap(({ name, args: [data] }) => {
        const value = data as { id: string; percent: number }
        return name === 'post:progress' && value.id === id ? [value.percent] : []
      })
    await until(() => values('a').at(-1) === 77 && values('b').at(-1) === 77)
    expect(values('a').length + values('b').length).toBeLessThan(500)
  })

  it('socket.io#3158: one that comes back in the middle of a flood catches up with it', async () => {
    const { away, publish, came, heard, client } = await openPlace(undefined)
    const text = 'x'.repeat(20_000)
    let n = 0
    await away(async () => {
      for (const _ of count(200)) await publish(n++, text)
    })
    for (const _ of count(300)) await publish(n++, text)
    await came(n)
    expect(numbersOf(heard)).toEqual(count(n))
    expect(client.recovered).toBe(true)
  })
})

describe('one session, two connections', () => {
  it('a copied pid: the newer connection has the session, the older one is told and does not fight', async () => {
    const { client, publish, came, heard, world } = await openPlace(undefined)
    await publish(0)
    await came(1)
    const copy = world.client({
      ...impatient,
      auth: { token: world.token(), pid: pidOf(client), offset: cursorOf(client) },
    })
    const heardByCopy = hearing(copy)
    const goodbyes: string[] = []
    client.on('disconnect', (reason) => goodbyes.push(reason))
    await connected(copy)
    await until(() => goodbyes.length === 1)
    await publish(1)
    await until(() => numbersOf(heardByCopy).length === 1)
    expect(goodbyes).toEqual(['io server disconnect'])
    expect([client.connected, client.active, copy.connected]).toEqual([false, false, true])
    expect(numbersOf(heard)).toEqual([0])
    expect(numbersOf(heardByCopy)).toEqual([1])
    expect(heard.at(-1)).toMatchObject({ name: 'session:closing' })
    await world.connections(1)
  })

  it('two that bring the same pid at the same moment: one has it in the end, and nobody gets anything twice', async () => {
    const { client, publish, came, world } = await openPlace(undefined)
    await publish(0)
    await came(1)
    const auth = { token: world.token(), pid: pidOf(client), offset: cursorOf(client) }
    const copies = count(8).map(() => world.client({ transports: ['websocket'], auth }))
    const heard = copies.map((copy) => hearing(copy))
    await until(
      () => world.realtime.connections.size === 1 && copies.filter((each) => each.connected).length === 1,
    )
    await publish(1)
    await until(() => heard.flatMap(numbersOf).length === 1)
    expect(client.connected).toBe(false)
    expect(heard.flatMap(resetsOf)).toEqual([])
  })
})

describe('tokens', () => {
  it('one that expires during a cut keeps its client out, and a fresh one brings everything back', async () => {
    const clock = createTestClock()
    let token = tokenFor(clock.now, 30)
    const { line, client, heard, publish, came } = await openPlace(undefined, {
      clock,
      bounds: noPings,
      client: { auth: (tell: (auth: object) => void) => tell({ token }) },
    })
    await publish(0)
    await came(1)
    line.cut()
    await until(() => !client.connected)
    clock.advance(minuteMs)
    await publish(1)
    const outside = refused(client)
    line.mend()
    expect((await outside).code).toBe('token_expired')
    expect(client.active).toBe(false)
    token = tokenFor(clock.now, 3_600)
    client.connect()
    await until(() => client.connected)
    await publish(2)
    await came(3)
    expect(client.recovered).toBe(true)
    expect(numbersOf(heard)).toEqual([0, 1, 2])
  })
})

/** Of Ana's. */
function tokenFor(now: () => number, expiresInSeconds: number): string {
  return issueToken({ secret, claims: ana, expiresInSeconds, now })
}
