/** Socket.IO 5 as it travels, over both transports: sessions, events, commands, answers, requests, bytes. */
import type { UserId } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { news, posts } from './namespaces.ts'
import { openSpeaker, type Speaker, transports } from './speakers.ts'
import { until } from './until.ts'
import { count, openWorld, thread, type World } from './world.ts'

const cursor = /^[0-9a-z]{1,7}\.\d+$/
/** Name, payload without `_meta`, `_meta`, and what follows. */
function readEvent(packet: string, namespace = '/posts') {
  const start = `2${namespace},`
  expect(packet.slice(0, start.length)).toBe(start)
  const [name, { _meta, ...data }, ...rest] = JSON.parse(packet.slice(start.length))
  return { name, data, meta: _meta, rest }
}
const sessionOf = (world: World, user = 'ana') => {
  const [session] = world.realtime.users.sessionsOf(user as UserId)
  if (session === undefined) throw new Error(`${user} has no session.`)
  return session
}
/** The next packet, over a polling line also when the server ends it. */
const end = (speaker: Speaker) =>
  Promise.race([
    speaker.closed,
    speaker.hear().then(
      (packet) => Promise.reject(new Error(String(packet))),
      () => undefined,
    ),
  ])

describe.each(transports)('over %s', (transport) => {
  describe('CONNECT', () => {
    it('opens a session with an id of its own, and one for coming back', async () => {
      await using world = await openWorld()
      const one = await openSpeaker(world, transport)
      const first = await one.enter(world.token())
      expect(first).toEqual({
        sid: expect.stringMatching(/^[\w-]{16}$/),
        pid: expect.stringMatching(/^[\w-]{24}$/),
      })
      const other = await openSpeaker(world, transport)
      const second = await other.enter(world.token())
      expect([second.sid, second.pid]).not.toContain(first.sid)
      expect(second.pid).not.toBe(first.pid)
      expect(
        world.realtime.users
          .sessionsOf('ana' as UserId)
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual([first.sid, second.sid].toSorted())
    })

    it.each([
      ['0', '4{'],
      ['0/nowhere', '4/nowhere,{'],
      ['0/nowhere,', '4/nowhere,{'],
      ['0/nowhere,{"token":"x"}', '4/nowhere,{'],
      ['0/posts?token=x,', '4/posts?token=x,{'],
      ['0/__proto__,', '4/__proto__,{'],
    ])('refuses %s: there is no such namespace', async (packet, start) => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.say(packet)
      const answer = await speaker.hearText()
      expect(answer.slice(0, start.length)).toBe(start)
      expect(JSON.parse(answer.slice(start.length - 1))).toEqual({
        message: 'There is no namespace of this name.',
        data: { code: 'unknown_namespace', message: 'There is no namespace of this name.', retry: false },
      })
      // The connection is as good as before.
      await speaker.enter(world.token())
    })

    it('[TR2] comes before everything else of its namespace', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      const published = count(3).map((n) => world.publish(posts, 'post:created', { n }))
      await speaker.say(
        `0/posts,${JSON.stringify({ token: world.token(), pid: 'of-long-ago', offset: 'a.1' })}`,
      )
      await until(() => world.realtime.users.size === 1)
      published.push(world.publish(posts, 'post:created', { n: 3 }))
      await Promise.all(published)
      expect(await speaker.hearText()).toMatch(/^0\/posts,\{"sid":/)
      expect(readEvent(await speaker.hearText()).name).toBe('sync:reset')
      expect(readEvent(await speaker.hearText()).data).toEqual({ n: 3 })
    })

    it('once more replaces nothing that was open elsewhere', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      await speaker.enter(world.token(), '/news')
      await speaker.say('1/posts,')
      await until(() => world.realtime.users.sessionsOf('ana' as UserId).length === 1)
      const again = await speaker.enter(world.token())
      await world.publish(posts, 'post:created', { n: 1 })
      await world.publish(news, 'news:told', { n: 2 })
      expect(readEvent(await speaker.hearText()).data).toEqual({ n: 1 })
      expect(readEvent(await speaker.hearText(), '/news').data).toEqual({ n: 2 })
      expect(sessionOf(world).connection.sessions.map(({ id }) => String(id))).toContain(again.sid)
    })

    it('may be made to many namespaces, and not to any number of them', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      for (const number of count(64)) {
        await speaker.say(`0/n${number},{}`)
        expect(await speaker.hearText()).toContain('unknown_namespace')
      }
      await speaker.say('0/one-too-many,{}')
      await end(speaker)
      expect(world.closed()).toEqual({ malformed_packet: 1 })
    })
  })

  describe('DISCONNECT', () => {
    it('of the client ends one session, and leaves the others and the connection', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      await speaker.enter(world.token(), '/news')
      await speaker.say('1/posts,', '2/news,1["news:ask"]')
      expect(await speaker.hearText()).toBe('3/news,1[{"ok":true,"data":{"answer":"nothing"}}]')
      await world.publish(posts, 'post:created', { n: 1 })
      await world.publish(news, 'news:told', { n: 2 })
      expect(readEvent(await speaker.hearText(), '/news').data).toEqual({ n: 2 })
      expect(world.realtime.users.sessionsOf('ana' as UserId)).toHaveLength(1)
      expect(world.closed()).toEqual({})
    })

    it('[R10] [TR2] of the server says why, is the last packet, and forgives what was on its way', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      await speaker.enter(world.token(), '/news')
      const published = count(2).map((n) => world.publish(posts, 'post:created', { n }))
      expect(world.realtime.disconnectUser('ana' as UserId)).toBe(2)
      await Promise.all([...published, world.publish(posts, 'post:created', { n: 9 })])
      for (const n of count(2)) expect(readEvent(await speaker.hearText()).data).toEqual({ n })
      for (const namespace of ['/posts', '/news']) {
        const goodbye = readEvent(await speaker.hearText(), namespace)
        expect(goodbye).toMatchObject({ name: 'session:closing', data: { code: 'kicked', retry: false } })
        expect(await speaker.hearText()).toBe(`1${namespace},`)
      }
      await speaker.say('2/posts,1["post:view",{"id":"a"}]', '3/posts,7[1]', '1/posts,')
      await speaker.enter(world.token(), '/posts')
      expect(world.handled).toEqual([])
    })
  })

  describe('an event', () => {
    it('[R2] [R3] has one payload, its position in it, and the cursor behind it', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      const { cursor: position } = await world.publish(posts, 'post:created', { n: 1, text: 'é☃🔔"\\\n' })
      const { name, data, meta, rest } = readEvent(await speaker.hearText())
      expect([name, data]).toEqual(['post:created', { n: 1, text: 'é☃🔔"\\\n' }])
      expect(meta).toEqual({ id: position, at: new Date(meta.at).toISOString() })
      expect(rest).toEqual([position])
      expect(position).toMatch(cursor)
    })

    it('[R14] has no cursor behind it for a client that does not want one, which is told its pid first', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      const { pid } = await speaker.enter(world.token(), '/posts', { recover: false })
      const started = readEvent(await speaker.hearText())
      expect(started).toMatchObject({ name: 'session:started', data: { pid, recovered: false }, rest: [] })
      expect(started.data.cursor).toMatch(cursor)
      const { cursor: position } = await world.publish(posts, 'post:created', { n: 1 })
      expect(readEvent(await speaker.hearText())).toMatchObject({
        data: { n: 1 },
        meta: { id: position },
        rest: [],
      })
    })

    it('carries bytes beside the text, each in its place', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      const image = Buffer.from([0, 1, 254, 255])
      const { cursor: position } = await world.publish(posts, 'post:drawn', { n: 1, image })
      const text = await speaker.hearText()
      expect(text.replace(/"at":"[^"]*"/, '"at":""')).toBe(
        '51-/posts,["post:drawn",{"n":1,"image":{"_placeholder":true,"num":0},' +
          `"_meta":{"id":"${position}","at":""}},"${position}"]`,
      )
      expect(await speaker.hear()).toEqual(image)
    })

    it('[R4] [TR1] of any lane comes in the order in which it was sent, with the position of the log', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      await world.publish(posts, 'post:created', { n: 1 })
      await world.publish(posts, 'post:typing', { n: 2 })
      await world.publish(posts, 'post:progress', { id: 'a', percent: 3 })
      await world.publish(posts, 'post:created', { n: 4 })
      const heard = []
      for (const _ of count(4)) heard.push(readEvent(await speaker.hearText()))
      expect(heard.map(({ name }) => name)).toEqual([
        'post:created',
        'post:typing',
        'post:progress',
        'post:created',
      ])
      const positions = heard.map(({ rest: [position] }) => Number(String(position).split('.')[1]))
      expect(positions).toEqual([1, 1, 1, 2])
    })

    it('[A-18] of a room comes while the session is in it, and not before or after', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      const room = { kind: 'thread', id: 'a' }
      await world.publish(posts, 'post:created', { n: 1 }, thread('a'))
      await speaker.say(`2/posts,1["room:join",${JSON.stringify({ room })}]`)
      const [joined] = JSON.parse((await speaker.hearText()).slice('3/posts,1'.length))
      expect(joined).toEqual({ ok: true, data: { position: expect.stringMatching(/\.1$/) } })
      await world.publish(posts, 'post:created', { n: 2 }, thread('a'))
      await world.publish(posts, 'post:created', { n: 3 }, thread('b'))
      expect(readEvent(await speaker.hearText()).data).toEqual({ n: 2 })
      await speaker.say(`2/posts,2["room:leave",${JSON.stringify({ room })}]`)
      expect(await speaker.hearText()).toBe('3/posts,2[{"ok":true}]')
      await world.publish(posts, 'post:created', { n: 4 }, thread('a'))
      await world.publish(posts, 'post:created', { n: 5 })
      expect(readEvent(await speaker.hearText()).data).toEqual({ n: 5 })
    })

    it('[A-15] [A-16] of a user or a workspace comes to those who belong to it', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      const rooms = [
        ['user', 'bob'],
        ['user', 'ana'],
        ['workspace', 'other'],
        ['workspace', 'acme'],
      ] as const
      for (const [n, [kind, id]] of rooms.entries())
        await world.publish(posts, 'post:created', { n }, { kind, id })
      expect(readEvent(await speaker.hearText()).data).toEqual({ n: 1 })
      expect(readEvent(await speaker.hearText()).data).toEqual({ n: 3 })
    })
  })

  describe('a command', () => {
    it.each([0, 1, 456, 2 ** 31, Number.MAX_SAFE_INTEGER])(
      '[B-16] with id %d is answered under it',
      async (id) => {
        await using world = await openWorld()
        const speaker = await openSpeaker(world, transport)
        await speaker.enter(world.token())
        await speaker.say(`2/posts,${id}["post:view",{"id":"a"}]`)
        expect(await speaker.hearText()).toBe(`3/posts,${id}[{"ok":true,"data":{"id":"a","seen":true}}]`)
      },
    )

    it('[R19] without an id runs and is not answered; refused, it is told as an event', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      await speaker.say('2/posts,["post:view",{"id":"a"}]', '2/posts,["post:view",{"id":7}]')
      const { name, data } = readEvent(await speaker.hearText())
      expect([name, data]).toEqual([
        'command:rejected',
        { command: 'post:view', error: expect.objectContaining({ code: 'validation_failed' }) },
      ])
      expect(world.handled).toHaveLength(1)
    })

    it('carries bytes both ways', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      await speaker.say(
        '51-/posts,7["post:draw",{"image":{"_placeholder":true,"num":0}}]',
        Buffer.from([1, 2, 3]),
      )
      expect(await speaker.hear()).toBe(
        '61-/posts,7[{"ok":true,"data":{"image":{"_placeholder":true,"num":0}}}]',
      )
      expect(await speaker.hear()).toEqual(Buffer.from([3, 2, 1]))
    })

    it('is answered with the events that were there before it in front', async () => {
      await using world = await openWorld()
      const speaker = await openSpeaker(world, transport)
      await speaker.enter(world.token())
      for (const n of count(3)) void world.publish(posts, 'post:created', { n })
      await speaker.say('2/posts,1["room:join",{"room":{"kind":"thread","id":"a"}}]')
      for (const n of count(3)) expect(readEvent(await speaker.hearText()).data).toEqual({ n })
      expect(await speaker.hearText()).toMatch(/^3\/posts,1/)
    })
  })

  it('[TR1] keeps the order of everything that two namespaces share a line for', async () => {
    await using world = await openWorld()
    const speaker = await openSpeaker(world, transport)
    await speaker.enter(world.token())
    await speaker.enter(world.token(), '/news')
    for (const n of count(20)) {
      if (n % 3 === 0) void world.publish(news, 'news:told', { n })
      else void world.publish(posts, 'post:created', { n })
    }
    const numbers: unknown[] = []
    while (numbers.length < 20) numbers.push(Number(/"n":(\d+)/.exec(await speaker.hearText())?.[1]))
    expect(numbers).toEqual(count(20))
  })
})
