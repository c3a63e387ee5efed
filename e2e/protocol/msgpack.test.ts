/** Packets as MessagePack: the same events and payloads, for clients with `socket.io-msgpack-parser`. */
import type { UserId } from '@belfry/contract'
import * as msgpack from 'socket.io-msgpack-parser'
import { describe, expect, it } from 'vitest'
import { news, posts } from './namespaces.ts'
import { until } from './until.ts'
import { connected, count, hearing, numbersOf, openWorld, refused, thread } from './world.ts'

describe.each([['websocket'], ['polling'], ['polling', 'websocket']])(
  'MessagePack over %s %s',
  (...transports) => {
    const usable = transports.filter((transport) => typeof transport === 'string')

    it('[A-37] carries events, commands, answers and bytes', async () => {
      await using world = await openWorld({ parser: 'msgpack' })
      const client = world.client({ parser: msgpack, transports: usable })
      const heard = hearing(client)
      await connected(client)
      const image = Buffer.from(count(1_000).map((byte) => byte % 256))
      await world.publish(posts, 'post:created', { n: 0, text: 'Grüße 🔔' })
      await world.publish(posts, 'post:drawn', { n: 1, image })
      await world.publish(posts, 'post:progress', { id: 'a', percent: 50 })
      await until(() => heard.length === 3)
      expect(numbersOf(heard)).toEqual([0, 1])
      expect(heard[0]?.args).toEqual([
        { n: 0, text: 'Grüße 🔔', _meta: { id: expect.any(String), at: expect.any(String) } },
        expect.stringMatching(/^[0-9a-z]+\.1$/),
      ])
      const drawn = heard[1]?.args[0] as { image: Uint8Array }
      expect(Buffer.compare(Buffer.from(drawn.image), image)).toBe(0)
      expect(await client.emitWithAck('post:view', { id: 'a' })).toEqual({
        ok: true,
        data: { id: 'a', seen: true },
      })
      const { data } = await client.emitWithAck('post:draw', { image })
      expect(Buffer.compare(Buffer.from(data.image), image.toReversed())).toBe(0)
      expect(await client.emitWithAck('post:view', { id: 7 })).toMatchObject({
        ok: false,
        error: { code: 'validation_failed' },
      })
    })

    it('[A-37] [R8] carries requests of the server', async () => {
      await using world = await openWorld({ parser: 'msgpack' })
      const client = world.client({ parser: msgpack, transports: usable })
      client.on('post:ask', (data: { n: number }, answer: (value: unknown) => void) =>
        answer({ n: data.n + 1, bytes: Buffer.from([1, 2]) }),
      )
      await connected(client)
      const [session] = world.realtime.users.sessionsOf('ana' as UserId)
      if (session === undefined) throw new Error('There is no session.')
      const answer = (await world.realtime.request(session, 'post:ask', { n: 1 }, 5_000)) as {
        bytes: Uint8Array
      }
      expect(answer).toMatchObject({ n: 2 })
      expect([...answer.bytes]).toEqual([1, 2])
    })

    it('[A-37] refuses, joins, leaves and says goodbye as with text', async () => {
      await using world = await openWorld({ parser: 'msgpack' })
      const options = { parser: msgpack, transports: usable }
      expect(await refused(world.client({ ...options, token: 'x' }))).toMatchObject({ code: 'token_invalid' })
      expect(await refused(world.client({ ...options, namespace: '/nowhere' }))).toMatchObject({
        code: 'unknown_namespace',
      })
      const client = world.client(options)
      const other = client.io.socket('/news', { auth: { token: world.token() } })
      const heard = [hearing(client), hearing(other)]
      const reasons: string[] = []
      client.on('disconnect', (reason) => reasons.push(reason))
      await Promise.all([connected(client), connected(other.connect())])
      expect(await client.emitWithAck('room:join', { room: thread('a') })).toMatchObject({ ok: true })
      await world.publish(posts, 'post:created', { n: 1 }, thread('a'))
      await world.publish(news, 'news:told', { n: 2 })
      await until(() => heard.every(({ length }) => length === 1))
      expect(heard.map(numbersOf)).toEqual([[1], [2]])
      world.realtime.disconnectUser('ana' as UserId)
      await until(() => reasons.length === 1)
      expect(reasons).toEqual(['io server disconnect'])
      expect(heard[0]?.at(-1)).toMatchObject({ name: 'session:closing' })
    })
  },
)

it('a client that speaks text to a server of MessagePack is ended, and so is the opposite', async () => {
  for (const parser of ['default', 'msgpack'] as const) {
    await using world = await openWorld({ parser })
    const client = world.client({
      transports: ['websocket'],
      ...(parser === 'default' ? { parser: msgpack } : {}),
    })
    await until(() => world.closed()['malformed_packet'] === 1)
    expect(client.connected).toBe(false)
  }
})
