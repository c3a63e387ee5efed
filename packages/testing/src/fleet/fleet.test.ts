/** The fleet on Belfry in memory: clients that come in, hear, are cut, and come back as stock clients do. */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { defineNamespace, stream } from '@belfry/contract'
import { startTestServer } from '@belfry/testing'
import { serveNamespace } from 'belfry'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Outage } from '../faults/outages.ts'
import { seededRandom } from '../random.ts'
import { until } from '../until.ts'
import { stockBackOff, waitMs } from './back-off.ts'
import { createFleet, type Fleet, type FleetOptions } from './fleet.ts'
import { PollingCarrier } from './polling-carrier.ts'
import { sharedMs } from './shared-clock.ts'

const counted = defineNamespace({
  name: '/counted',
  summary: 'Events with numbers.',
  events: {
    'number:told': stream(z.object({ n: z.int(), t: z.int(), text: z.string().optional() }), {
      summary: 'A number.',
      rooms: ['workspace'],
      maxBytes: 200_000,
    }),
  },
  commands: {},
})

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

async function world(options: Partial<FleetOptions> = {}) {
  const server = await startTestServer({
    namespaces: [serveNamespace(counted, { commands: {} })],
    settings: { SOCKET_PING_INTERVAL: '300', SOCKET_PING_TIMEOUT: '200' },
  })
  ends.push(() => server.close())
  const fleet: Fleet = createFleet({
    url: server.url,
    namespace: counted.name,
    event: 'number:told',
    clients: 6,
    seed: 1,
    auth: (index) => ({ token: server.token({ sub: `user-${index}`, workspaces: [`${index % 2}`] }) }),
    roomsOf: (index) => [`${index % 2}`],
    backOff: { firstMs: 20, lastMs: 40, jitter: 0.5 },
    ...options,
  })
  ends.push(() => fleet.close())
  const publish = async (workspace: string, text?: string) => {
    const t = Math.round(sharedMs() * 1_000)
    const n = fleet.ledger.published({ rooms: [workspace], atMs: t / 1_000 })
    await server.sockets.publish(
      counted,
      'number:told',
      { n, t, ...(text === undefined ? {} : { text }) },
      { rooms: [{ kind: 'workspace', id: workspace }] },
    )
  }
  /** Breaks the lines of all clients at once, and mends them. */
  const breakAll = (cut: Outage['cut'], forMs = 30) =>
    fleet.follow(fleet.clients.map(({ index }) => ({ atMs: 0, forMs, line: index, cut })))
  const settled = () =>
    until(() => fleet.inside === 6 && fleet.ledger.isSettled(), { what: 'everything came' })
  return { server, fleet, publish, breakAll, settled }
}

describe.each([
  ['WebSocket', 0],
  ['polling', 100],
] as const)('a fleet over %s', (_carrier, pollingPercent) => {
  it('comes in, and each client hears what is for its rooms', async () => {
    const { fleet, publish, settled } = await world({ pollingPercent })
    await fleet.connectAll()
    for (const workspace of ['0', '1', '1', '0']) await publish(workspace)
    await settled()
    expect(fleet.ledger.verdict()).toMatchObject({ due: 12, delivered: 12, isWhole: true, resets: 0 })
    expect(fleet.latencies.total).toBe(12)
    expect(fleet.clients.map(({ pid }) => typeof pid)).toEqual(Array(6).fill('string'))
  })

  it('is cut and comes back with its pid and the last string, and nothing is lost without a word', async () => {
    const { fleet, publish, breakAll, settled } = await world({ pollingPercent })
    await fleet.connectAll()
    await publish('0')
    await publish('1')
    await settled()
    const before = fleet.clients.map((client) => client.lastString())
    expect(before.every((cursor) => /^.+\.[12]$/.test(cursor))).toBe(true)
    const { done } = breakAll({})
    await publish('0')
    await publish('1')
    await done
    await until(() => fleet.inside === 6 && fleet.returns.every(({ enteredAtMs }) => enteredAtMs > 0))
    await publish('0')
    await publish('1')
    await settled()
    const verdict = fleet.ledger.verdict()
    verdict.check()
    expect(verdict.due).toBe(18)
    expect(fleet.counts['lost']).toBe(6)
    expect(fleet.returns).toHaveLength(6)
    for (const each of fleet.returns) {
      expect(each.mendedAtMs - each.lostAtMs).toBeGreaterThan(20)
      expect(each.attemptAtMs).toBeGreaterThanOrEqual(each.mendedAtMs)
      expect(each.connectAtMs).toBeGreaterThanOrEqual(each.attemptAtMs)
      expect(each.enteredAtMs).toBeGreaterThanOrEqual(each.connectAtMs)
      expect(each.caughtUpAtMs).toBeGreaterThanOrEqual(each.enteredAtMs)
    }
  })

  it('notices that nothing comes any more, and that its server did not', async () => {
    const { fleet, publish, breakAll, settled } = await world({ pollingPercent })
    await fleet.connectAll()
    const { done } = breakAll('hold', 900)
    await publish('0')
    await until(() => fleet.counts['lost'] === 6, { what: 'silence was noticed' })
    await done
    await publish('1')
    await settled()
    fleet.ledger.verdict().check()
  })
})

describe('a fleet', () => {
  it('gets what came while its lines were silent for a moment, without having lost them', async () => {
    const { fleet, publish, breakAll, settled } = await world()
    await fleet.connectAll()
    const { done } = breakAll('hold', 150)
    for (const workspace of ['0', '1', '0']) await publish(workspace)
    await done
    await settled()
    expect(fleet.ledger.verdict()).toMatchObject({ due: 9, delivered: 9 })
    expect(fleet.counts['lost'] ?? 0).toBe(0)
  })

  it('gives up a server that says nothing, and tries again', async () => {
    const { fleet, publish, settled } = await world({ connectTimeoutMs: 100 })
    const [client] = fleet.clients
    client?.hold()
    const connecting = fleet.connectAll()
    await until(() => fleet.inside === 5)
    await until(() => client?.state === 'waiting', { what: 'it gave up' })
    client?.mend()
    await connecting
    await publish('0')
    await settled()
    expect(fleet.ledger.verdict()).toMatchObject({ due: 3, delivered: 3 })
  })

  it('waits longer before each attempt', async () => {
    const { fleet, breakAll } = await world({ backOff: { firstMs: 10, lastMs: 10_000, jitter: 0 } })
    await fleet.connectAll()
    await breakAll({}, 400).done
    await until(() => fleet.inside === 6)
    // After 10, 30, 70, 150, 310 and 630 ms; always after 10, they would be 40.
    for (const { attempts } of fleet.returns) {
      expect(attempts).toBeGreaterThanOrEqual(4)
      expect(attempts).toBeLessThanOrEqual(7)
    }
  })

  it.each(['client', 'server'] as const)(
    'has lines of which only the %s is told that they broke',
    async (told) => {
      const { server, fleet, publish, breakAll, settled } = await world()
      await fleet.connectAll()
      await publish('0')
      await settled()
      const { done } = breakAll({ told }, 200)
      if (told === 'client') await until(() => fleet.counts['lost'] === 6)
      else await until(() => server.sockets.getConnectedUsers().length === 0)
      await done
      await publish('0')
      await publish('1')
      await settled()
      fleet.ledger.verdict().check()
      expect(fleet.counts['lost']).toBe(6)
    },
  )

  it('has slow readers, who get everything in the end', async () => {
    const { fleet, publish, settled } = await world({ slow: { percent: 50, bytesPerSecond: 400_000 } })
    await fleet.connectAll()
    for (let count = 0; count < 20; count += 1) await publish('0', 'x'.repeat(10_000))
    await settled()
    fleet.ledger.verdict().check()
  })

  it('stays away when it was sent away', async () => {
    const { server, fleet } = await world()
    await fleet.connectAll()
    const [session] = server.sockets.getUserSockets('user-0')
    expect(server.sockets.closeConnection(session?.id ?? '')).toBe(true)
    await until(() => fleet.counts['dismissed'] === 1)
    expect(fleet.clients[0]?.state).toBe('over')
    expect(fleet.inside).toBe(5)
  })

  it('reads frames and packets that come in pieces, and long ones', async () => {
    const { fleet, publish, settled } = await world({ clients: 6 })
    await fleet.connectAll()
    for (const length of [0, 20, 120, 126, 5_000, 65_400, 70_000, 150_000])
      await publish('0', 'é'.repeat(length / 2))
    await settled()
    expect(fleet.ledger.verdict()).toMatchObject({ due: 24, delivered: 24 })
  })
})

describe('a carrier that polls', () => {
  it('sends one thing after the other, and what came meanwhile together', async () => {
    const bodies: string[] = []
    const answers: (() => void)[] = []
    const server = createServer((request, response) => {
      if (request.method === 'GET') {
        if (!request.url?.includes('sid=')) response.end('0{"sid":"a"}')
        return
      }
      void text(request).then((body) => {
        bodies.push(body)
        answers.push(() => response.end('ok'))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    let isOpen = false
    const carrier = new PollingCarrier({
      url: new URL(`http://127.0.0.1:${port}/socket.io/`),
      bytesPerSecond: undefined,
      packet: () => {
        isOpen = true
      },
      closed: () => undefined,
    })
    ends.push(() => {
      carrier.close()
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    })
    await until(() => isOpen)
    for (const packet of ['4a', '4b', '4c']) carrier.send(packet)
    await until(() => answers.length === 1)
    answers[0]?.()
    await until(() => bodies.length === 2)
    expect(bodies).toEqual(['4a', '4b\u001e4c'])
  })
})

describe('the back-off of a stock client', () => {
  it('doubles up to its bound, and is spread by half', () => {
    const random = seededRandom(5)
    const waits = (tries: number) => Array.from({ length: 2_000 }, () => waitMs(stockBackOff, tries, random))
    for (const [tries, least, most] of [
      [0, 500, 1_500],
      [1, 1_000, 3_000],
      [2, 2_000, 5_000],
      [9, 5_000, 5_000],
    ] as const) {
      const all = waits(tries)
      expect(Math.min(...all)).toBeGreaterThanOrEqual(least)
      expect(Math.max(...all)).toBeLessThanOrEqual(most)
      if (least < most) expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan((most - least) * 0.9)
    }
  })
})
