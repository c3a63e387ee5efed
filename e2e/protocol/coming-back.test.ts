/** Stock clients that come back, or stay away: after a cut, a goodbye, with an old pid, as somebody else. */
import type { UserId } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { cuttableLine } from '../browser/line.ts'
import { posts } from './namespaces.ts'
import { cursorOf, pidOf, stockVersions } from './stock-versions.ts'
import { until } from './until.ts'
import { bob, connected, count, hearing, numbersOf, openWorld, refused, thread, type World } from './world.ts'

const sessionsOf = (world: World, user = 'ana') => world.realtime.users.sessionsOf(user as UserId)

describe.each(stockVersions)('socket.io-client %s', (_version, connect) => {
  it.each([['websocket'], ['polling']])(
    '[R6] comes back after a cut over %s to its session, and gets what it missed before anything else',
    async (transport) => {
      await using world = await openWorld()
      await using line = await cuttableLine(world.url)
      const client = world.client({
        connect,
        url: line.url,
        transports: [transport],
        reconnection: true,
        reconnectionDelay: 1,
        reconnectionDelayMax: 2,
      })
      const heard = hearing(client)
      await connected(client)
      await client.emitWithAck('room:join', { room: thread('of-ana') })
      expect(client.recovered).toBe(false)
      await world.publish(posts, 'post:created', { n: 1 })
      await until(() => heard.length === 1)
      const before = { id: client.id, pid: pidOf(client) }
      // Time and again: the first recovery must not be the last one (socket.io#4880).
      for (const round of [1, 2, 3]) {
        const n = round * 10
        line.cut()
        await until(() => !client.connected)
        await world.publish(posts, 'post:created', { n })
        await world.publish(posts, 'post:created', { n: n + 1 }, thread('of-ana'))
        await world.publish(posts, 'post:created', { n: n + 2 }, thread('of-bob'))
        line.mend()
        await until(() => client.connected)
        await world.publish(posts, 'post:created', { n: n + 3 })
        await until(() => heard.length === 1 + 3 * round)
        expect(client.recovered).toBe(true)
        expect({ id: client.id, pid: pidOf(client) }).toEqual(before)
      }
      expect(numbersOf(heard)).toEqual([1, 10, 11, 13, 20, 21, 23, 30, 31, 33])
      expect(cursorOf(client)).toBe(heard.at(-1)?.args.at(-1))
    },
  )

  it.each([
    ['a pid of somewhere else', { pid: 'a-pid-of-another-server', offset: 'abc.17' }],
    ['a pid without a cursor', { pid: 'a-pid-of-another-server' }],
    ['a cursor that is none', { pid: 'a-pid-of-another-server', offset: 'x'.repeat(500) }],
  ])('[R6] with %s is told that it missed something, first of all', async (_what, stale) => {
    await using world = await openWorld()
    const client = world.client({ connect, auth: { token: world.token(), ...stale } })
    const heard = hearing(client)
    await connected(client)
    await world.publish(posts, 'post:created', { n: 1 })
    await until(() => heard.length === 2)
    expect(heard.map(({ name }) => name)).toEqual(['sync:reset', 'post:created'])
    expect(client.recovered).toBe(false)
    expect(pidOf(client)).not.toBe(stale.pid)
  })

  it('[R12] that comes back as another user gets nothing of the first one', async () => {
    await using world = await openWorld()
    const tokens = [world.token(), world.token(bob)]
    const client = world.client({
      connect,
      auth: (tell: (auth: object) => void) => tell({ token: tokens.shift() }),
    })
    const heard = hearing(client)
    await connected(client)
    await client.emitWithAck('room:join', { room: thread('of-ana') })
    await world.publish(posts, 'post:created', { n: 1 }, { kind: 'user', id: 'ana' })
    await until(() => heard.length === 1)
    const pid = pidOf(client)
    client.disconnect()
    await until(() => sessionsOf(world).length === 0)
    const again = connected(client.connect())
    await again
    expect(pidOf(client)).not.toBe(pid)
    expect(client.recovered).toBe(false)
    for (const room of [{ kind: 'user', id: 'ana' }, thread('of-ana')])
      await world.publish(posts, 'post:created', { n: 2 }, room)
    await world.publish(posts, 'post:created', { n: 3 }, { kind: 'user', id: 'bob' })
    await until(() => numbersOf(heard).length === 2)
    expect(heard.map(({ name }) => name)).toEqual(['post:created', 'sync:reset', 'post:created'])
    expect(numbersOf(heard)).toEqual([1, 3])
    expect([sessionsOf(world).length, sessionsOf(world, 'bob').length]).toEqual([0, 1])
  })

  it('[R14] with recover: false gets one argument, and what it needs to come back as an event', async () => {
    await using world = await openWorld()
    const client = world.client({ connect, auth: { token: world.token(), recover: false } })
    const heard = hearing(client)
    await connected(client)
    await world.publish(posts, 'post:created', { n: 1 })
    await world.publish(posts, 'post:drawn', { n: 2, image: Buffer.from([7]) })
    await world.publish(posts, 'post:typing', { n: 3 })
    await until(() => heard.length === 4)
    expect(heard.map(({ name, args }) => [name, args.length])).toEqual([
      ['session:started', 1],
      ['post:created', 1],
      ['post:drawn', 1],
      ['post:typing', 1],
    ])
    expect(heard[0]?.args[0]).toMatchObject({ pid: pidOf(client), recovered: false })
    expect(cursorOf(client)).toBeUndefined()
  })

  it('[R3] ends with the cursor after every kind of event', async () => {
    await using world = await openWorld()
    const client = world.client({ connect, auth: { token: world.token(), pid: 'x' } })
    const heard = hearing(client)
    await connected(client)
    await world.publish(posts, 'post:created', { n: 1 })
    await world.publish(posts, 'post:progress', { id: 'a', percent: 1 })
    await world.publish(posts, 'post:drawn', { n: 2, image: Buffer.from([7]) })
    await world.publish(posts, 'post:typing', { n: 3 })
    client.emit('nobody:knows', {})
    await until(() => heard.length === 6)
    expect(heard.map(({ name }) => name)).toEqual([
      'sync:reset',
      'post:created',
      'post:progress',
      'post:drawn',
      'post:typing',
      'command:rejected',
    ])
    for (const { args } of heard) {
      expect(args).toHaveLength(2)
      expect(args[1]).toBe((args[0] as { _meta: { id: string } })._meta.id)
    }
    const positions = heard.map(({ args }) => Number(String(args[1]).split('.')[1]))
    expect(positions).toEqual([0, 1, 1, 2, 2, 2])
  })

  it('[R10] stays away when it was sent away, and comes back when it was cut off', async () => {
    await using world = await openWorld()
    const client = world.client({
      connect,
      transports: ['websocket'],
      reconnection: true,
      reconnectionDelay: 1,
      reconnectionDelayMax: 2,
    })
    const reasons: string[] = []
    client.on('disconnect', (reason) => reasons.push(reason))
    const heard = hearing(client)
    await connected(client)
    for (const { connection } of world.realtime.connections) connection.close('closed_by_server')
    await until(() => reasons.length === 1)
    await until(() => client.connected)
    expect(reasons).toEqual(['transport close'])
    world.realtime.disconnectUser('ana' as UserId)
    await until(() => reasons.length === 2)
    expect(reasons[1]).toBe('io server disconnect')
    expect(heard.at(-1)).toMatchObject({
      name: 'session:closing',
      args: [{ code: 'kicked', retry: false }, expect.anything()],
    })
    expect(client.active).toBe(false)
    expect((await refused(world.client({ connect, token: 'x' }))).code).toBe('token_invalid')
  })

  it('sends what it had to say while it was away, once, and hears the answers', async () => {
    await using world = await openWorld()
    await using line = await cuttableLine(world.url)
    const client = world.client({
      connect,
      url: line.url,
      reconnection: true,
      reconnectionDelay: 1,
      reconnectionDelayMax: 2,
    })
    await connected(client)
    line.cut()
    await until(() => !client.connected)
    const answers = count(3).map((n) => client.emitWithAck('post:view', { id: `${n}` }))
    line.mend()
    expect(await Promise.all(answers)).toMatchObject(
      count(3).map((n) => ({ ok: true, data: { id: `${n}` } })),
    )
    expect(world.handled.map(({ input }) => (input as { id: string }).id)).toEqual(['0', '1', '2'])
  })

  it('gives up a command at its own timeout, and the connection stays', async () => {
    await using world = await openWorld()
    await using line = await cuttableLine(world.url)
    const client = world.client({ connect, url: line.url })
    await connected(client)
    line.cut()
    await expect(client.timeout(20).emitWithAck('post:view', { id: 'a' })).rejects.toThrow()
  })

  it('that goes is gone at once', async () => {
    await using world = await openWorld()
    for (const transports of [['websocket'], ['polling']] as const) {
      const client = await connected(world.client({ connect, transports: [...transports] }))
      client.disconnect()
      await world.connections(0)
    }
    expect(world.closed()).toEqual({ client_closed: 2 })
  })
})
