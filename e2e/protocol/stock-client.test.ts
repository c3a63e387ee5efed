/** Stock clients in Node, the oldest that recovers and the newest, over every way there is. */
import type { UserId } from '@belfry/contract'
import type { Socket } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { news, posts } from './namespaces.ts'
import { cursorOf, pidOf, stockVersions } from './stock-versions.ts'
import { until } from './until.ts'
import { upgradeBlocker } from './upgrade-blocker.ts'
import { type ClientOptions, connected, count, hearing, numbersOf, openWorld, type World } from './world.ts'

const ways = [
  { way: 'WebSocket alone', transports: ['websocket'], ends: 'websocket', blocked: undefined },
  { way: 'polling alone', transports: ['polling'], ends: 'polling', blocked: undefined },
  {
    way: 'polling, then WebSocket',
    transports: ['polling', 'websocket'],
    ends: 'websocket',
    blocked: undefined,
  },
  {
    way: 'a proxy that refuses upgrades',
    transports: ['polling', 'websocket'],
    ends: 'polling',
    blocked: 'refuse',
  },
  {
    way: 'a proxy that cuts upgrades',
    transports: ['polling', 'websocket'],
    ends: 'polling',
    blocked: 'cut',
  },
  {
    way: 'a proxy that swallows upgrades',
    transports: ['polling', 'websocket'],
    ends: 'polling',
    blocked: 'swallow',
  },
] as const

const transportOf = (client: Socket) => client.io.engine.transport.name
const sessionsOf = (world: World, user = 'ana') => world.realtime.users.sessionsOf(user as UserId)

describe.each(stockVersions)('socket.io-client %s', (_version, connect) => {
  describe.each(ways)('over $way', ({ transports, ends, blocked }) => {
    async function open(world: World, options: ClientOptions = {}) {
      const proxy = blocked === undefined ? undefined : await upgradeBlocker(world.url, blocked)
      if (proxy !== undefined) onTestFinished(() => proxy[Symbol.asyncDispose]())
      const url = proxy?.url ?? world.url
      const client = world.client({ connect, url, transports: [...transports], ...options })
      return { client, proxy, url }
    }

    it('[A-01] [A-05] gets every event once and in order, while it finds its way', async () => {
      await using world = await openWorld()
      const { client, proxy } = await open(world)
      const heard = hearing(client)
      await connected(client)
      let n = 0
      const image = Buffer.from([0, 255, 1])
      const settled = () =>
        blocked === undefined ? transportOf(client) === ends : (proxy?.asked() ?? 0) > 0 && n > 20
      while (!settled() || n < 30) {
        if (n % 5 === 0) await world.publish(posts, 'post:drawn', { n, image })
        else await world.publish(posts, 'post:created', { n, text: `Grüße ${n} 🔔` })
        n += 1
        await new Promise((resolve) => setImmediate(resolve))
      }
      await until(() => heard.length === n)
      expect(numbersOf(heard)).toEqual(count(n))
      expect(transportOf(client)).toBe(ends)
      expect(heard[0]?.args[0]).toMatchObject({ n: 0, image })
      expect(heard[1]?.args[0]).toMatchObject({ n: 1, text: 'Grüße 1 🔔' })
      const last = heard.at(-1)?.args.at(-1)
      expect(cursorOf(client)).toBe(last)
      expect(last).toMatch(/^[0-9a-z]+\.\d+$/)
    })

    it('has its commands answered, with bytes and without', async () => {
      await using world = await openWorld()
      const { client } = await open(world)
      await connected(client)
      expect(await client.emitWithAck('post:view', { id: 'ä' })).toEqual({
        ok: true,
        data: { id: 'ä', seen: true },
      })
      const image = Buffer.from(count(70_000).map((byte) => byte % 256))
      const { data } = await client.emitWithAck('post:draw', { image })
      expect(Buffer.compare(data.image, image.toReversed())).toBe(0)
      const answers = await Promise.all(
        count(30).map((id) => client.emitWithAck('post:view', { id: `${id}` })),
      )
      expect(answers.map((answer) => answer.data.id)).toEqual(count(30).map(String))
      expect(await client.emitWithAck('post:vanish', {})).toMatchObject({
        ok: false,
        error: { code: 'unknown_command' },
      })
    })

    it('[R8] answers requests of the server, with bytes and without, and late ones in vain', async () => {
      await using world = await openWorld()
      const { client } = await open(world)
      client.on('post:ask', (data: { n: number }, answer: (value: unknown) => void) => {
        if (data.n === 1) answer({ image: Buffer.from([1, 2]), n: data.n })
        if (data.n === 2) answer(`answer ${data.n}`)
      })
      await connected(client)
      const [session] = sessionsOf(world)
      if (session === undefined) throw new Error('There is no session.')
      const ask = (n: number, timeoutMs: number) =>
        world.realtime.request(session, 'post:ask', { n }, timeoutMs)
      const never = expect(ask(3, 60)).rejects.toMatchObject({ code: 'timeout' })
      expect(await ask(1, 5_000)).toEqual({ image: Buffer.from([1, 2]), n: 1 })
      expect(await ask(2, 5_000)).toBe('answer 2')
      await never
      // A request has an ack in the place of the cursor, which stays what it was (F6).
      expect(cursorOf(client)).toBeUndefined()
      const abandoned = expect(ask(3, 5_000)).rejects.toMatchObject({ code: 'disconnected' })
      client.disconnect()
      await abandoned
    })

    it('[A-31] uses one connection for several namespaces', async () => {
      await using world = await openWorld()
      const { client } = await open(world)
      const other = client.io.socket('/news', { auth: { token: world.token() } })
      const heard = [hearing(client), hearing(other)]
      await Promise.all([connected(client), connected(other.connect())])
      expect(world.realtime.connections.size).toBe(1)
      expect(sessionsOf(world)).toHaveLength(2)
      expect(pidOf(client)).not.toBe(pidOf(other))
      await world.publish(posts, 'post:created', { n: 1 })
      await world.publish(news, 'news:told', { n: 2 })
      await until(() => heard.every((each) => each.length === 1))
      expect(heard.map(numbersOf)).toEqual([[1], [2]])
      expect(await other.emitWithAck('news:ask')).toEqual({ ok: true, data: { answer: 'nothing' } })
      other.disconnect()
      await until(() => sessionsOf(world).length === 1)
      await world.publish(news, 'news:told', { n: 3 })
      await world.publish(posts, 'post:created', { n: 4 })
      await until(() => numbersOf(heard[0] ?? []).length === 2)
      expect(heard.map(numbersOf)).toEqual([[1, 4], [2]])
    })
  })
})

it('[A-05] a client that tries WebSocket first falls back to polling', async () => {
  await using world = await openWorld()
  await using proxy = await upgradeBlocker(world.url, 'refuse')
  const client = world.client({
    url: proxy.url,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    rememberUpgrade: false,
  })
  await connected(client)
  expect(transportOf(client)).toBe('polling')
  expect(await client.emitWithAck('post:view', { id: 'a' })).toMatchObject({ ok: true })
})
