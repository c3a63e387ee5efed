/** The change of a polling client to WebSocket, in all the ways in which it may go right or wrong. */
import { describe, expect, it } from 'vitest'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { posts } from './namespaces.ts'
import { answered, type RawPolling } from './raw-clients.ts'
import { until } from './until.ts'
import { count, openWorld } from './world.ts'

describe('the change to WebSocket', () => {
  const upgradeOf = (polling: RawPolling) => ({
    query: `EIO=4&transport=websocket&sid=${polling.handshake.sid}`,
  })

  it('is tried first, lets the GET go, and then carries everything', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const poll = polling.poll()
    const socket = await world.rawSocket(upgradeOf(polling))
    socket.send('2probe')
    expect(await socket.next()).toBe('3probe')
    expect((await poll).text).toBe('6')
    expect((await polling.poll()).text).toBe('6')
    socket.send('5', '42/posts,1["post:view",{"id":"a"}]')
    expect(await socket.next()).toBe('43/posts,1[{"ok":true,"data":{"id":"a","seen":true}}]')
    expect([...world.realtime.connections].map(({ connection }) => connection.transport)).toEqual([
      'websocket',
    ])
    expect(world.realtime.counts.opened).toBe(1)
  })

  it('[TR1] loses nothing and doubles nothing, whenever events are sent', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    let n = 0
    const publish = () => world.publish(posts, 'post:created', { n: n++ })
    const seen: string[] = []
    await publish()
    const socket = await world.rawSocket(upgradeOf(polling))
    await publish()
    seen.push(...(await polling.poll()).packets)
    socket.send('2probe')
    await publish()
    expect(await socket.next()).toBe('3probe')
    await publish()
    for (let packets = ['']; packets[0] !== '6'; ) {
      packets = [...(await polling.poll()).packets]
      seen.push(...packets)
    }
    await publish()
    socket.send('5')
    await until(() => [...world.realtime.connections][0]?.connection.transport === 'websocket')
    await publish()
    for (const _ of count(2)) seen.push(await socket.nextText())
    const numbers = seen.filter((packet) => packet !== '6').map((packet) => /"n":(\d+)/.exec(packet)?.[1])
    expect(numbers).toEqual(count(6).map(String))
  })

  it('is final: neither polls nor another WebSocket with the same id come through', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    const socket = await world.rawSocket(upgradeOf(polling))
    socket.send('2probe')
    await socket.next()
    socket.send('5')
    await until(() => [...world.realtime.connections][0]?.connection.transport === 'websocket')
    expect((await polling.poll()).status).toBe(400)
    expect((await polling.post('1')).status).toBe(400)
    const second = await world.rawSocket(upgradeOf(polling))
    expect(await second.closed).toEqual({ code: 1002, reason: 'malformed_packet' })
    await socket.enter(world.token())
  })

  it('goes to whoever finishes first, when a client tries several times', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    const one = await world.rawSocket(upgradeOf(polling))
    const other = await world.rawSocket(upgradeOf(polling))
    const late = await world.rawSocket(upgradeOf(polling))
    for (const socket of [one, other]) {
      socket.send('2probe')
      expect(await socket.next()).toBe('3probe')
    }
    other.send('5')
    await other.enter(world.token())
    one.send('5')
    late.send('2probe')
    for (const socket of [one, late]) expect((await socket.closed).code).toBe(1002)
    expect(late.received).toEqual([])
    other.send('42/posts,1["post:view",{"id":"a"}]')
    expect(await other.next()).toContain('43/posts,1[')
  })

  it.each(['2', '5', '3probe', '4hello', '2probe2', '40/posts,', 'probe', ''])(
    'ends when it begins with "%s", and polling goes on',
    async (packet) => {
      await using world = await openWorld()
      const polling = await world.rawPolling()
      await polling.enter(world.token())
      const socket = await world.rawSocket(upgradeOf(polling))
      socket.send(packet)
      if (packet === '5') {
        // Whoever is sure of the way may take it at once.
        await until(() => [...world.realtime.connections][0]?.connection.transport === 'websocket')
        return
      }
      expect((await socket.closed).code).toBe(1002)
      const poll = polling.poll()
      await world.publish(posts, 'post:created', { n: 1 })
      expect((await poll).text).toContain('post:created')
    },
  )

  it('that nobody finishes ends, and polling waits for events again', async () => {
    const clock = createTestClock()
    await using world = await openWorld({ clock })
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const socket = await world.rawSocket(upgradeOf(polling))
    socket.send('2probe')
    expect(await socket.next()).toBe('3probe')
    clock.advance(9_950)
    expect(socket.isOpen).toBe(true)
    clock.advance(100)
    expect((await socket.closed).reason).toBe('idle_connection')
    let isAnswered = false
    const poll = polling.poll().then((answer) => {
      isAnswered = true
      return answer
    })
    await answered(fetch(`${world.url}/elsewhere`))
    expect(isAnswered).toBe(false)
    await world.publish(posts, 'post:created', { n: 1 })
    expect((await poll).text).toContain('post:created')
  })

  it('that broke off is no reason to answer every GET at once', async () => {
    await using world = await openWorld()
    const polling = await world.rawPolling()
    await polling.enter(world.token())
    const socket = await world.rawSocket(upgradeOf(polling))
    socket.send('2probe')
    expect(await socket.next()).toBe('3probe')
    socket.terminate()
    await socket.closed
    let answers = 0
    await until(async () => {
      const poll = polling.poll(AbortSignal.timeout(5_000))
      void poll.then(() => {
        answers += 1
      })
      await answered(fetch(`${world.url}/elsewhere`))
      await answered(fetch(`${world.url}/elsewhere`))
      const isHeld = answers === 0
      answers = 0
      if (isHeld) await world.publish(posts, 'post:created', { n: 1 })
      expect((await poll).status).toBe(200)
      return isHeld
    })
  })
})
