/** What the server asks a client, and how that ends (R8). */
import { Refusal } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { serveNamespace } from '../namespace-handlers.ts'
import { posts } from '../testing/example-namespaces.ts'
import { openRealtimeWorld } from '../testing/realtime-world.ts'

const open = () => openRealtimeWorld({ namespaces: [serveNamespace(posts, { commands: {} })] })

describe('requests', () => {
  it('resolve with what the client answers, at once or later', async () => {
    await using world = await open()
    const session = await world.enter('/posts', { userId: 'ana' })
    session.onRequest = (name, data) => ({ name, data })
    const request = (n: number) =>
      world.realtime.request(world.sessionOf(session), 'post:confirm', { n }, 5_000)
    expect(await request(1)).toMatchObject({ name: 'post:confirm', data: { n: 1, _meta: {} } })
    session.onRequest = async (_name, data) => (data as { n: number }).n * 2
    expect(await Promise.all([request(2), request(3)])).toEqual([4, 6])
    session.onRequest = () => undefined
    expect(await request(4)).toBeNull()
  })

  it('carry no cursor, are no event of the log, and tell when they were made', async () => {
    await using world = await open()
    const client = world.connect()
    const session = await world.enter('/posts', { userId: 'ana' })
    session.onRequest = () => 'yes'
    const { cursor } = await world.realtime.publish(
      posts,
      'post:created',
      { n: 1 },
      { rooms: [{ kind: 'user', id: 'ana' }] },
    )
    let seen: unknown
    session.onRequest = (_name, data) => {
      seen = data
      return 'yes'
    }
    await world.realtime.request(world.sessionOf(session), 'post:confirm', {}, 5_000)
    expect(seen).toEqual({ _meta: { id: cursor, at: new Date(world.clock.now()).toISOString() } })
    expect(session.events).toHaveLength(1)
    expect(world.realtime.namespaces.get('/posts')?.cursor).toBe(cursor)
    client.close()
  })

  it('are given up after their time, and not before', async () => {
    await using world = await open()
    const session = await world.enter('/posts', { userId: 'ana' })
    const asked = world.realtime.request(world.sessionOf(session), 'post:confirm', {}, 5_000)
    let ended: unknown
    asked.catch((error: unknown) => {
      ended = error
    })
    world.clock.advance(4_999)
    await Promise.resolve()
    expect(ended).toBeUndefined()
    world.clock.advance(1)
    await expect(asked).rejects.toMatchObject({ code: 'timeout' })
    await expect(asked).rejects.toBeInstanceOf(Refusal)
  })

  it('are refused when the client goes, and at once when it has gone', async () => {
    await using world = await open()
    const session = await world.enter('/posts', { userId: 'ana' })
    const known = world.sessionOf(session)
    const asked = [1, 2].map(() => world.realtime.request(known, 'post:confirm', {}, 5_000))
    session.leave()
    for (const each of asked) await expect(each).rejects.toMatchObject({ code: 'disconnected' })
    await expect(world.realtime.request(known, 'post:confirm', {}, 5_000)).rejects.toMatchObject({
      code: 'disconnected',
    })
  })

  it('reach a client between the events that were sent before and after', async () => {
    await using world = await open()
    const client = world.connect()
    const session = await world.enter('/posts', { userId: 'ana' })
    const order: unknown[] = []
    session.onEvent = ({ data }) => order.push((data as { n: number }).n)
    session.onRequest = () => order.push('request')
    const publish = (n: number) =>
      world.realtime.publish(posts, 'post:created', { n }, { rooms: [{ kind: 'user', id: 'ana' }] })
    await Promise.all([
      publish(1),
      world.realtime.request(world.sessionOf(session), 'post:confirm', {}, 5_000),
      publish(2),
    ])
    world.memory.flush()
    expect(order).toEqual([1, 'request', 2])
    client.close()
  })
})
