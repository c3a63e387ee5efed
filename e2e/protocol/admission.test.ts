/** Many at the door at once: everybody comes in, in turn; who gives up is not let in; and where it is too much, some wait outside. */
import { describe, expect, it } from 'vitest'
import { defaultAdmissionBounds } from '../../packages/server/src/adapters/socketio/admission.ts'
import { openBystander } from './bystander.ts'
import { posts } from './namespaces.ts'
import { answered } from './raw-clients.ts'
import { clientFrame, opcode, type RawLine } from './raw-line.ts'
import { until } from './until.ts'
import { connected, count, hearing, numbersOf, openWorld, type World } from './world.ts'

/** So little time in a turn that one newcomer takes it all: whoever comes with somebody else waits. */
const oneATurn = { ...defaultAdmissionBounds, sliceMsMin: 1e-6, sliceMsMax: 1e-6 }

/** Lines that ask for something in one moment: the server reads all of them in one turn, or holds them back. */
async function openLines(world: World, number: number): Promise<RawLine[]> {
  const lines = await Promise.all(count(number).map(() => world.rawLine()))
  await until(() => connectionsOf(world).then((open) => open >= number))
  return lines
}

const enter = (world: World) =>
  clientFrame(opcode.text, `40/posts,${JSON.stringify({ token: world.token() })}`)

describe('where there is no time', () => {
  it('everybody comes in, over both transports, and hears everything from then on', async () => {
    await using world = await openWorld({ bounds: { admission: oneATurn } })
    const clients = count(60).map((n) =>
      world.client({ transports: [n % 3 === 0 ? 'polling' : 'websocket'], token: world.token() }),
    )
    const heard = clients.map(hearing)
    await Promise.all(clients.map(connected))
    for (const n of count(5)) await world.publish(posts, 'post:created', { n })
    await until(() => heard.every((each) => numbersOf(each).length === 5))
    for (const each of heard) expect(numbersOf(each)).toEqual(count(5))
    expect(world.sockets.admission()).toMatchObject({ refused: 0, gone: 0, waiting: 0, unread: 0 })
    const { atOnce, later } = world.sockets.admission()
    expect(atOnce + later).toBe(120)
  })

  it('they come in one after the other, and one that talks before it is in is heard', async () => {
    await using world = await openWorld({ bounds: { admission: oneATurn } })
    const lines = await openLines(world, 100)
    for (const line of lines) {
      line.askForWebSocket()
      line.write(enter(world))
    }
    await until(() => lines.every(({ received }) => received.includes('40/posts,')))
    expect(world.sockets.admission().later).toBeGreaterThan(0)
    expect(world.realtime.connections.size).toBe(100)
  })

  it('who gives up while it waits is not let in, whether it says so or is cut', async () => {
    await using world = await openWorld({ bounds: { admission: oneATurn } })
    const other = await openBystander(world)
    const lines = await openLines(world, 300)
    for (const line of lines) line.askForWebSocket()
    for (const [n, line] of lines.entries()) {
      if (n % 3 === 1) line.socket.end()
      if (n % 3 === 2) line.socket.resetAndDestroy()
    }
    const staying = lines.filter((_, n) => n % 3 === 0)
    await until(() => staying.every(({ received }) => received.includes('"sid"')))
    await world.connections(1 + staying.length)
    expect(world.sockets.admission()).toMatchObject({ waiting: 0, unread: 0, waitingBytes: 0 })
    expect(world.sockets.admission().gone).toBeGreaterThan(0)
    await other.isFine()
  })
})

it('who goes while it waits for its namespace is not let in', async () => {
  await using world = await openWorld({ bounds: { admission: oneATurn } })
  const other = await openBystander(world)
  const lines = await openLines(world, 200)
  for (const line of lines) line.askForWebSocket()
  await until(() => lines.every(({ received }) => received.includes('"sid"')))
  const { gone } = world.sockets.admission()
  for (const line of lines) line.write(enter(world))
  for (const line of lines) line.socket.end()
  await world.connections(1)
  await until(() => world.sockets.admission().waiting === 0)
  expect(world.sockets.admission().gone).toBeGreaterThan(gone)
  await other.isFine()
})

describe('where the line is full', () => {
  const bounds = { admission: { ...oneATurn, waitingMax: 2 } }

  it('newcomers are refused with 503, overloaded and Retry-After, and get in when they come again', async () => {
    await using world = await openWorld({ bounds })
    const other = await openBystander(world)
    const lines = await openLines(world, 50)
    for (const line of lines) line.askForWebSocket()
    await until(() => lines.every(({ received }) => received !== ''))
    const refused = lines.filter(({ received }) => received.startsWith('HTTP/1.1 503 '))
    expect(refused.length).toBeGreaterThan(0)
    for (const line of refused) {
      await line.ended
      expect(line.received).toContain('\r\nRetry-After: 5\r\n')
      expect(JSON.parse(line.received.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: 'overloaded' })
    }
    expect(world.sockets.admission().refused).toBe(refused.length)
    await connected(world.client({ reconnection: true, reconnectionDelay: 5 }))
    await other.isFine()
  })

  it('those who poll are refused in the same way', async () => {
    await using world = await openWorld({ bounds })
    const answers = await Promise.all(
      count(60).map(() => answered(fetch(`${world.url}/socket.io/?EIO=4&transport=polling`))),
    )
    const refused = answers.filter(({ status }) => status !== 200)
    for (const { status, text, headers } of refused) {
      expect([status, headers.get('retry-after')]).toEqual([503, '5'])
      expect(JSON.parse(text)).toMatchObject({ error: 'overloaded' })
    }
    expect(world.realtime.counts.opened).toBe(60 - refused.length)
  })

  it('[R10] who has a connection already is cut, and comes back', async () => {
    await using world = await openWorld({ bounds: { admission: { ...oneATurn, waitingMax: 0 } } })
    const line = await world.rawLine()
    line.askForWebSocket()
    await until(() => line.received.includes('"sid"'))
    line.write(
      Buffer.concat(
        ['/posts', '/admin'].map((namespace) =>
          clientFrame(opcode.text, `40${namespace},${JSON.stringify({ token: world.token() })}`),
        ),
      ),
    )
    await line.ended
    expect(world.closed()).toEqual({ closed_by_server: 1 })
    expect(line.received).not.toContain('44/')
  })
})

it('who waits when the server closes is told that it closes', async () => {
  await using world = await openWorld({ bounds: { admission: oneATurn } })
  const lines = await openLines(world, 50)
  let closed: Promise<void> | undefined
  world.http.prependOnceListener('upgrade', () => setImmediate(() => (closed = world.sockets.close())))
  for (const line of lines) line.askForWebSocket()
  const isTold = ({ received }: RawLine) => received.includes('"shutting_down"')
  await until(() => lines.some(isTold))
  await closed
  for (const { received } of lines.filter(isTold)) expect(received).toMatch(/^HTTP\/1\.1 503 /)
})

function connectionsOf(world: World): Promise<number> {
  return new Promise((resolve) => world.http.getConnections((_error, open) => resolve(open)))
}
