/**
 * What every transport must do, rule by rule (see ports/transport.ts). An adapter's tests call this with a world in
 * which clients of its wire come and go, read slowly, break off and misbehave, while a test plays the engine.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { type Lane, Refusal } from '@belfry/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../memory/transport-client.ts'
import type { CloseReason, Link, OutgoingEvent, Transport, TransportHandler } from '../ports/transport.ts'
import { type RecordedConnection, type RecordedSession, RecordingEngine } from './recording-engine.ts'
import { SeededRandom } from './seeded-random.ts'
import type { TestClock } from './test-clock.ts'
import { until as untilWithin } from './until.ts'

export interface TransportWorld extends AsyncDisposable {
  readonly transport: Transport
  readonly clock: TestClock
  /** One that does what stock clients do, and comes back when its connection is gone. */
  connect(options?: { readonly userAgent?: string }): Promise<TransportClient>
}

export interface TransportWorldOptions {
  readonly handler: TransportHandler
  readonly bounds: {
    readonly congestedBytes: number
    readonly fullBytes: number
    readonly overflowBytes: number
  }
}

export interface TransportClient {
  /** Everything that reached it, in order, over all its connections. */
  readonly deliveries: readonly Delivery[]
  open(namespace: string, auth?: Readonly<Record<string, unknown>>): TransportClientSession
  /** Reads nothing until it resumes. */
  pause(): void
  resume(): void
  /** Resolves when it waits for what comes: between two polls it would miss a goodbye, and nobody a break. */
  atRest(): Promise<void>
  /** The line breaks. */
  cut(): void
  /** Goes, says so, and does not come back. */
  close(): void
  /** Sends what is no packet. */
  misbehave(): void
}

/** Of a client, on one namespace. */
export interface TransportClientSession {
  readonly isOpen: boolean
  /** Absent: it never answers a request. */
  onRequest: ((name: string, data: unknown) => unknown) | undefined
  send(name: string, ...args: readonly unknown[]): void
  ask(name: string, ...args: readonly unknown[]): Promise<unknown>
  leave(): void
}

/** Says what it waited for before the test runs out of time. */
const until: typeof untilWithin = (condition, options) =>
  untilWithin(condition, { withinMs: 4_000, ...options })

/** A queue that stays long is not only waiting for its next flush, which comes within 20 milliseconds. */
const looksAtQueue = 6

const bounds = { congestedBytes: 128 * 1_024, fullBytes: 512 * 1_024, overflowBytes: 1_024 * 1_024 }

export function describeTransportContract(
  adapter: string,
  makeWorld: (options: TransportWorldOptions) => Promise<TransportWorld>,
): void {
  describe(`Transport contract: ${adapter}`, () => {
    let world: TransportWorld
    let engine: RecordingEngine

    beforeEach(async () => {
      engine = new RecordingEngine()
      world = await makeWorld({ handler: engine, bounds })
    })
    afterEach(async () => {
      await world[Symbol.asyncDispose]()
      expect(engine.calledWhileSending).toEqual([])
    })

    /** A client that is on these namespaces, and what the engine knows of it. */
    async function enter<const Names extends readonly string[]>(
      namespaces: Names,
      auth: Readonly<Record<string, unknown>> = {},
      options: { readonly userAgent?: string } = {},
    ) {
      const known = engine.connections.length
      const client = await world.connect(options)
      const sessions = namespaces.map((namespace) => client.open(namespace, auth))
      await until(() => sessions.every(({ isOpen }) => isOpen), { what: 'the client is in' })
      const recorded = engine.connections[known]
      if (recorded === undefined) throw new Error('The engine was not told of the client.')
      const links = namespaces.map((namespace) => sessionOf(recorded, namespace).link)
      return {
        client,
        recorded,
        sessions: sessions as { readonly [I in keyof Names]: TransportClientSession },
        links: links as { readonly [I in keyof Names]: Link },
      }
    }

    const send = (link: Link, event: Partial<OutgoingEvent> & { readonly n?: number }) =>
      engine.sending(() => link.send(world.transport.pack(eventOn(namespaceOf(link), event))))
    const tell = (link: Link, event: Partial<OutgoingEvent> & { readonly n?: number }) =>
      engine.sending(() => link.tell(world.transport.pack(eventOn(namespaceOf(link), event))))
    const answer = (link: Link, id: number, value: unknown) => engine.sending(() => link.answer(id, value))
    const request = (link: Link, name: string, timeoutMs = 60_000) => {
      const answered = engine.sending(() => link.request(eventOn(namespaceOf(link), { name }), timeoutMs))
      // Most tests care for one way only in which it may end.
      answered.catch(() => undefined)
      return answered
    }
    const namespaceOf = (link: Link) => {
      const all = engine.connections.flatMap(({ sessions }) => sessions)
      return all.find((session) => session.link === link)?.namespace ?? ''
    }
    /** Waits for clients that come back, for which time has to pass. */
    const backUntil = (condition: () => boolean, what: string) =>
      until(
        () => {
          world.clock.advance(100)
          return condition()
        },
        { what },
      )
    /** Everything that was sent so far has arrived, since this did. */
    const settled = async (client: TransportClient, link: Link) => {
      const n = nextMark()
      send(link, { name: 'mark', n })
      await until(() => client.deliveries.some((each) => each.kind === 'event' && isMark(each, n)), {
        what: 'the mark arrives',
      })
    }
    /** Reads nothing, and its queue holds more than the congested bytes. */
    const congested = async (client: TransportClient, link: Link) => {
      client.pause()
      let sent = 0
      for (let looks = 0; looks < looksAtQueue; ) {
        if (link.connection.queuedBytes > bounds.congestedBytes) {
          looks += 1
          await delay(5)
          continue
        }
        looks = 0
        sent += 1
        if (sent > 4_000) throw new Error('The line took 64 MB and was never full.')
        send(link, { name: 'filler', data: JSON.stringify({ filler: noise.slice(0, 16 * 1_024) }) })
        await turn()
      }
    }

    describe('TR1 order', () => {
      it.each([1, 2, 3, 4, 5])('[TR1] keeps the order of everything that is sent: seed %i', async (seed) => {
        const random = new SeededRandom(seed)
        const { client, links } = await enter(['/a', '/b', '/c'])
        const other = await enter(['/a'])
        const before = client.deliveries.length
        const expected: string[] = []
        for (let n = 1; n <= 400; n += 1) {
          const link = random.oneOf(links)
          const namespace = namespaceOf(link)
          const what = random.below(10)
          if (what < 6) {
            const lane = random.oneOf<Lane>(['stream', 'latest', 'pulse'])
            const key = lane === 'latest' ? random.oneOf(['k', 'l']) : undefined
            const attachments = random.chance(30) ? [Uint8Array.of(n % 256, 0, 13, 10)] : []
            send(link, { n, lane, key, attachments })
            expected.push(`event ${namespace} ${n}`)
          } else if (what < 8) {
            answer(link, n, { n })
            expected.push(`answer ${namespace} ${n}`)
          } else if (what < 9) {
            void request(link, `ask:${n}`)
            expected.push(`request ${namespace} ask:${n}`)
          } else {
            for (const each of other.links) send(each, { n })
            if (random.chance(50)) await turn()
          }
        }
        const [, , last] = links
        last.disconnect()
        expected.push('goodbye /c')
        await settled(client, links[0])
        expect(client.deliveries.slice(before).filter(isNoMark).map(told)).toEqual(expected)
      })

      it('[TR1] puts a goodbye behind what was sent before it, and an event that says why before it', async () => {
        const { client, links } = await enter(['/a', '/b'])
        const [a, b] = links
        for (let n = 1; n <= 30; n += 1) send(n % 2 === 0 ? a : b, { n })
        send(a, { name: 'session:closing' })
        a.disconnect()
        send(b, { n: 31 })
        await settled(client, b)
        const everything = client.deliveries.map(told)
        expect(everything.indexOf('goodbye /a')).toBe(everything.indexOf('event /b 31') - 1)
        const ofA = client.deliveries.filter((each) => each.namespace === '/a').map(told)
        expect(ofA.slice(-3)).toEqual(['event /a 30', 'event /a session:closing', 'goodbye /a'])
        expect(ofA.filter((each) => each.startsWith('event'))).toHaveLength(16)
      })

      it('[TR1] keeps the order over a line that was full for a while', async () => {
        const { client, links } = await enter(['/a', '/b'])
        const [a, b] = links
        await congested(client, a)
        for (let n = 1; n <= 40; n += 1) {
          if (n % 4 === 0) answer(b, n, { n })
          else send(n % 2 === 0 ? a : b, { n })
          if (n % 10 === 0) await turn()
        }
        client.resume()
        await settled(client, a)
        const numbers = client.deliveries.map(numberOf).filter((n) => n !== undefined)
        expect(numbers).toEqual(upTo(40))
      })
    })

    describe('TR2 from accepted to goodbye', () => {
      it('[TR2] lets nothing through before the session was accepted', async () => {
        const { client, recorded, links } = await enter(['/a'])
        engine.onEnter = () => undefined
        client.open('/slow')
        await until(() => recorded.sessions.length === 2, { what: 'the client asks for /slow' })
        const slow = sessionOf(recorded, '/slow')
        expect(slow.link.isWaiting).toBe(true)
        send(slow.link, { n: 1 })
        answer(slow.link, 1, {})
        await expect(request(slow.link, 'early')).rejects.toMatchObject({ code: 'disconnected' })
        await settled(client, links[0])
        slow.accept()
        expect(slow.link.isWaiting).toBe(false)
        send(slow.link, { n: 2 })
        await settled(client, slow.link)
        const ofSlow = client.deliveries.filter(({ namespace }) => namespace === '/slow')
        expect(ofSlow.filter(isNoMark).map(told)).toEqual(['accepted /slow', 'event /slow 2'])
      })

      it('[TR2] lets nothing through after the goodbye', async () => {
        const { client, links } = await enter(['/a', '/b'])
        const [a, b] = links
        const asked = request(a, 'ask')
        send(a, { n: 1 })
        a.disconnect()
        send(a, { n: 2 })
        answer(a, 1, {})
        a.disconnect()
        await expect(asked).rejects.toMatchObject({ code: 'disconnected' })
        await expect(request(a, 'late')).rejects.toMatchObject({ code: 'disconnected' })
        await settled(client, b)
        const ofA = client.deliveries.filter(({ namespace }) => namespace === '/a').map(told)
        expect(ofA).toEqual(['accepted /a', 'request /a ask', 'event /a 1', 'goodbye /a'])
      })

      it('[TR2] lets nothing through to who was refused, and says why', async () => {
        const { client, recorded, links } = await enter(['/a'])
        engine.onEnter = ({ link }) =>
          engine.sending(() => link.refuse(new Refusal('forbidden', 'Not today.')))
        const refused = client.open('/closed')
        await until(() => client.deliveries.some(({ kind }) => kind === 'refused'), { what: 'the refusal' })
        const { link, accept } = sessionOf(recorded, '/closed')
        expect(link.isWaiting).toBe(false)
        accept()
        send(link, { n: 1 })
        link.refuse(new Refusal('forbidden', 'Again.'))
        link.disconnect()
        await settled(client, links[0])
        expect(client.deliveries.filter(({ namespace }) => namespace === '/closed')).toEqual([
          { kind: 'refused', namespace: '/closed', code: 'forbidden', message: 'Not today.' },
        ])
        expect(refused.isOpen).toBe(false)
      })

      it('[TR2] accepts a session once', async () => {
        const { client, recorded, links } = await enter(['/a'])
        sessionOf(recorded, '/a').accept()
        links[0].refuse(new Refusal('forbidden'))
        await settled(client, links[0])
        expect(client.deliveries.filter(isNoMark).map(told)).toEqual(['accepted /a'])
      })

      it('[TR2] keeps what is meant for an earlier session from a later one of the same client', async () => {
        const { client, recorded, sessions, links } = await enter(['/a', '/b'])
        const [a, b] = links
        sessions[0].leave()
        await until(() => sessionOf(recorded, '/a').left.length > 0, { what: 'it left' })
        const back = client.open('/a')
        await until(() => back.isOpen, { what: 'it is back' })
        send(a, { n: 1 })
        answer(a, 1, {})
        a.disconnect()
        const again = sessionOf(recorded, '/a')
        expect(again.link).not.toBe(a)
        send(again.link, { n: 2 })
        await settled(client, again.link)
        await settled(client, b)
        const ofA = client.deliveries.filter(({ namespace }) => namespace === '/a').filter(isNoMark)
        expect(ofA.map(told)).toEqual(['accepted /a', 'accepted /a', 'event /a 2'])
        expect(again.left).toEqual([])
      })

      it('[TR2] tells nobody that was waiting when it went', async () => {
        const { client, recorded, sessions } = await enter(['/a'])
        engine.onEnter = () => undefined
        client.open('/slow')
        await until(() => recorded.sessions.length === 2, { what: 'the client asks for /slow' })
        const slow = sessionOf(recorded, '/slow')
        engine.onEnter = (session) => session.accept()
        await client.atRest()
        client.cut()
        await until(() => recorded.closed.length === 1, { what: 'the connection is closed' })
        expect(slow.link.isWaiting).toBe(false)
        slow.accept()
        slow.link.refuse(new Refusal('forbidden'))
        send(slow.link, { n: 1 })
        await backUntil(() => sessions[0].isOpen, 'the client came back')
        expect(slow.left).toEqual([])
        expect(recorded.calls.at(-1)).toMatch(/^closed/)
        expect(client.deliveries.map(told)).not.toContain('event /slow 1')
      })
    })

    describe('TR3 packets', () => {
      it('[TR3] brings one packet to many sessions, the same to each, however often', async () => {
        const clients = [await enter(['/a']), await enter(['/a']), await enter(['/a'])]
        const bare = await enter(['/a'], { recover: false })
        const event = eventOn('/a', {
          name: 'post:created',
          data: '{"title":"ü 東京 👩‍👩‍👧 \\" \\u2028","file":{"_placeholder":true,"num":0},"n":1}',
          attachments: [Uint8Array.from({ length: 256 }, (_, byte) => byte)],
          cursor: 'k3f.17',
        })
        const packet = world.transport.pack(event)
        const size = packet.bytes
        expect(size).toBeGreaterThanOrEqual(256)
        expect(packet.lane).toBe('stream')
        const all = [...clients, bare]
        for (let round = 0; round < 3; round += 1) {
          engine.sending(() => {
            for (const { links } of all) links[0].send(packet)
          })
          for (const { client, links } of all) await settled(client, links[0])
        }
        const received = (client: TransportClient) =>
          client.deliveries.filter((each) => each.kind === 'event' && each.name === 'post:created').map(plain)
        const once = {
          kind: 'event',
          namespace: '/a',
          name: 'post:created',
          data: {
            title: 'ü 東京 👩‍👩‍👧 " \u2028',
            file: Array.from({ length: 256 }, (_, byte) => byte),
            n: 1,
          },
          cursor: 'k3f.17',
        }
        for (const { client } of clients) expect(received(client)).toEqual([once, once, once])
        const without = { ...once, cursor: undefined }
        expect(received(bare.client)).toEqual([without, without, without])
        expect(packet.lane).toBe('stream')
        expect(packet.bytes).toBeGreaterThanOrEqual(256)
      })

      it('[TR3] brings each client its own, though all of it is sent in one tick', async () => {
        const random = new SeededRandom(31)
        const clients = [await enter(['/a']), await enter(['/a']), await enter(['/a']), await enter(['/a'])]
        const expected = clients.map((): number[] => [])
        let n = 0
        for (let round = 0; round < 40; round += 1) {
          for (let event = 0; event < 3; event += 1) {
            n += 1
            const packet = world.transport.pack(eventOn('/a', { n }))
            for (const [index, { links }] of clients.entries()) {
              if (random.chance(40)) continue
              links[0].send(packet)
              expected[index]?.push(n)
            }
          }
          await turn()
        }
        for (const { client, links } of clients) await settled(client, links[0])
        expect(clients.map(({ client }) => numbersOf(client))).toEqual(expected)
      })

      it('[TR3] reads an event as often for a hundred sessions as for two', async () => {
        const { client, links } = await enter(['/a'])
        const bare = await enter(['/a'], { recover: false })
        const readings = async (copies: number) => {
          let count = 0
          const event = eventOn('/a', {})
          const packet = world.transport.pack({
            ...event,
            get data() {
              count += 1
              return event.data
            },
          })
          for (let copy = 0; copy < copies; copy += 1) for (const { links } of [bare]) links[0].send(packet)
          for (let copy = 0; copy < copies; copy += 1) links[0].send(packet)
          await settled(client, links[0])
          return count
        }
        expect(await readings(50)).toBe(await readings(1))
      })

      it.each([
        ['with bytes', '{"list":[1,2],"file":{"_placeholder":true,"num":0}}', [Uint8Array.of(1, 2)]],
        ['without bytes', '{"list":[1,2],"file":[1,2]}', []],
      ])('[TR3] gives each client a copy of its own: %s', async (_what, data, attachments) => {
        const one = await enter(['/a'])
        const other = await enter(['/a'])
        const packet = world.transport.pack(eventOn('/a', { name: 'shared', data, attachments }))
        const spoil = async ({ client, links }: typeof one) => {
          links[0].send(packet)
          await settled(client, links[0])
          const found = client.deliveries.find((each) => each.kind === 'event' && each.name === 'shared')
          expect(plain(found)).toMatchObject({ data: { list: [1, 2], file: [1, 2] } })
          const received = (found as { data: { list: number[]; file: Uint8Array } }).data
          received.list.push(3)
          received.file.fill(9)
        }
        await spoil(one)
        await spoil(other)
      })

      it('[TR3] keeps a packet as it was when it was packed', async () => {
        const { client, links } = await enter(['/a'])
        const event: { -readonly [Key in keyof OutgoingEvent]: OutgoingEvent[Key] } = {
          ...eventOn('/a', { name: 'kept', n: 1 }),
        }
        const packet = world.transport.pack(event)
        links[0].send(packet)
        await settled(client, links[0])
        links[0].send(packet)
        links[0].send(world.transport.pack({ ...event, name: 'other' }))
        await settled(client, links[0])
        expect(client.deliveries.filter(isNoMark).map(told).slice(1)).toEqual([
          'event /a 1',
          'event /a 1',
          'event /a 1',
        ])
        expect(client.deliveries.filter((each) => 'name' in each && each.name === 'other')).toHaveLength(1)
      })
    })

    describe('TR4 slow readers', () => {
      it('[TR4] leaves nothing out while the line takes it', async () => {
        const { client, links } = await enter(['/a'])
        const expected: string[] = []
        for (let n = 1; n <= 60; n += 1) {
          send(links[0], { n, lane: n % 2 === 0 ? 'pulse' : 'latest', key: n % 2 === 0 ? undefined : 'k' })
          expected.push(`event /a ${n}`)
        }
        await settled(client, links[0])
        expect(client.deliveries.filter(isNoMark).map(told).slice(1)).toEqual(expected)
      })

      it('[TR4] drops pulse and replaces latest, at the tail, when a queue passes its bound', async () => {
        const { client, links } = await enter(['/a', '/b'])
        const [a, b] = links
        await congested(client, a)
        const before = a.connection.queuedBytes
        for (let n = 1; n <= 10; n += 1) send(a, { n, lane: 'pulse' })
        expect(a.connection.queuedBytes).toBe(before)
        send(a, { n: 11, lane: 'latest', key: 'k' })
        send(b, { n: 12, lane: 'latest', key: 'k' })
        send(a, { n: 13, lane: 'latest', key: 'l' })
        send(a, { n: 14, lane: 'latest', key: 'k', name: 'metric:other' })
        send(a, { n: 15 })
        send(a, { n: 16, lane: 'latest', key: 'k' })
        send(a, { n: 17, lane: 'pulse' })
        send(a, { n: 18 })
        send(a, { n: 19, lane: 'latest', key: 'k' })
        send(a, { n: 20 })
        client.resume()
        await settled(client, a)
        expect(numbersOf(client)).toEqual([12, 13, 14, 15, 18, 19, 20])
      })

      it('[TR4] replaces with what is larger and smaller, and goes on counting right', async () => {
        const { client, links } = await enter(['/a'])
        const [a] = links
        await congested(client, a)
        const before = a.connection.queuedBytes
        const text = (length: number) => JSON.stringify({ n: length, text: 'y'.repeat(length) })
        for (const length of [10, 60_000, 20, 90_000, 30])
          send(a, { lane: 'latest', key: 'k', data: text(length) })
        expect(a.connection.queuedBytes - before).toBeLessThan(2_000)
        client.resume()
        await settled(client, a)
        expect(numbersOf(client)).toEqual([30])
        await until(() => a.connection.queuedBytes === 0, { what: 'the queue is empty' })
      })

      it('[TR4] refuses events beyond the second bound, and says once when there is room', async () => {
        const { client, recorded, links } = await enter(['/a', '/b'])
        const other = await enter(['/a'])
        await congested(client, links[0])
        let largest = 0
        let sent = 0
        for (; ; sent += 1) {
          if (sent > 1_000) throw new Error('The queue took all of it.')
          const data = JSON.stringify({ n: sent + 1, text: noise.slice(0, 4_096) })
          send(other.links[0], { n: sent + 1 })
          if (!send(links[0], { n: sent + 1, data })) break
          largest = Math.max(largest, links[0].connection.queuedBytes)
          await turn()
        }
        expect(largest).toBeGreaterThan(bounds.fullBytes - 32 * 1_024)
        expect(largest).toBeLessThanOrEqual(bounds.fullBytes)
        expect(send(links[0], { lane: 'pulse', n: -1 })).toBe(true)
        const text = noise.slice(0, 64 * 1_024)
        expect(send(links[1], { lane: 'latest', key: 'k', data: JSON.stringify({ n: -2, text }) })).toBe(
          false,
        )
        // What is told alone is taken all the same, in its place.
        tell(links[0], { n: sent + 1 })
        engine.sending(() => links[0].awaitRoom())
        expect(recorded.calls).not.toContain('room /a')
        client.resume()
        await until(() => recorded.calls.includes('room /a'), { what: 'there is room' })
        expect(links[0].connection.queuedBytes).toBeLessThan(bounds.congestedBytes)
        expect(send(links[0], { n: sent + 2 })).toBe(true)
        await settled(client, links[0])
        expect(numbersOf(client)).toEqual(upTo(sent + 2))
        await settled(other.client, other.links[0])
        expect(numbersOf(other.client)).toEqual(upTo(sent + 1))
        expect(recorded.calls.filter((call) => call.startsWith('room'))).toEqual(['room /a'])
        expect(recorded.closed).toEqual([])
      })

      it('[TR4] takes an event that is larger than the bounds where nothing waits', async () => {
        const { client, links } = await enter(['/a'])
        await settled(client, links[0])
        await until(() => links[0].connection.queuedBytes === 0, { what: 'the queue is empty' })
        const text = noise.slice(0, bounds.fullBytes + 1)
        expect(send(links[0], { data: JSON.stringify({ n: 1, text }) })).toBe(true)
        await until(() => links[0].connection.queuedBytes === 0, { what: 'it has left' })
        await settled(client, links[0])
        expect(numbersOf(client)).toEqual([1])
      })

      it('[TR4] says that there is room to who sends in answer to it, until all has arrived', async () => {
        const { client, recorded, links } = await enter(['/a'])
        const [a] = links
        await congested(client, a)
        let sent = 0
        const fill = () => {
          while (sent < 1_500 && a.connection.queuedBytes < a.connection.paceBytes) {
            const data = JSON.stringify({ n: sent + 1, text: noise.slice(0, 2_048) })
            if (!send(a, { data })) break
            sent += 1
          }
          if (sent < 1_500) engine.sending(() => a.awaitRoom())
        }
        engine.onRoom = fill
        fill()
        client.resume()
        await until(() => numbersOf(client).length === 1_500, { what: 'all of it has arrived' })
        expect(numbersOf(client)).toEqual(upTo(1_500))
        expect(recorded.calls.filter((call) => call === 'room /a').length).toBeGreaterThan(1)
      })

      it('[TR4] closes who does not even read what it asked for, at the end of the tick and not from within', async () => {
        const { client, recorded, links } = await enter(['/a', '/b'])
        const [a, b] = links
        await congested(client, a)
        const data = JSON.stringify({ text: noise.slice(0, 64 * 1_024) })
        for (let sent = 0; sent < 40; sent += 1) tell(sent % 2 === 0 ? a : b, { data })
        answer(a, 1, {})
        expect(recorded.closed).toEqual([])
        expect(a.connection.queuedBytes).toBeLessThanOrEqual(bounds.overflowBytes + 2 * 64 * 1_024)
        await until(() => recorded.closed.length > 0, { what: 'it is closed' })
        expect(recorded.calls.slice(-3)).toEqual([
          'left /a slow_reader',
          'left /b slow_reader',
          'closed slow_reader',
        ])
        client.resume()
      })

      it.each([11, 12, 13])(
        '[TR4] throws nothing and calls nobody, whatever is sent to whom: seed %i',
        async (seed) => {
          const random = new SeededRandom(seed)
          const { client, recorded } = await enter(['/a', '/b'])
          engine.onEnter = (session) => {
            if (random.chance(60)) session.accept()
          }
          for (let step = 1; step <= 150; step += 1) {
            const session = random.oneOf(engine.connections.flatMap(({ sessions }) => sessions))
            const what = random.below(20)
            if (what < 8)
              send(session.link, { n: step, lane: random.oneOf<Lane>(['stream', 'latest', 'pulse']) })
            else if (what < 11) answer(session.link, step, { step })
            else if (what < 13) void request(session.link, 'ask')
            else if (what < 14) session.accept()
            else if (what < 15) engine.sending(() => session.link.refuse(new Refusal('forbidden')))
            else if (what < 16) session.link.disconnect()
            else if (what < 17) client.open(random.oneOf(['/a', '/b', '/c']))
            else if (what < 18) engine.sending(() => session.link.connection.close('closed_by_server'))
            else await turn()
          }
          engine.onEnter = (session) => session.accept()
          client.close()
          const allClosed = () => {
            // Who went away between two polls is missed by the heartbeat.
            world.clock.advance(1_000)
            return engine.connections.every(({ closed }) => closed.length === 1)
          }
          await until(allClosed, { what: 'every connection is closed' })
          expect(recorded.closed).toHaveLength(1)
        },
      )
    })

    describe('TR5 endings', () => {
      const endings: readonly [
        string,
        CloseReason,
        (of: {
          client: TransportClient
          link: Link
          session: TransportClientSession
        }) => Promise<void> | void,
      ][] = [
        ['the client goes', 'client_closed', ({ client }) => client.close()],
        ['the line breaks', 'transport_failed', breakLine],
        ['the client misbehaves', 'malformed_packet', ({ client }) => client.misbehave()],
        ['the server closes', 'closed_by_server', ({ link }) => link.connection.close('closed_by_server')],
        ['the server stops', 'shutting_down', ({ link }) => link.connection.close('shutting_down')],
        [
          'the engine fails',
          'transport_failed',
          ({ session }) => {
            engine.onCommand = () => {
              throw new Error('The engine failed on purpose.')
            }
            session.send('break')
          },
        ],
        [
          'the client reads too slowly',
          'slow_reader',
          async ({ client, link }) => {
            await congested(client, link)
            const data = JSON.stringify({ text: noise })
            for (const _ of [1, 2]) tell(link, { data })
            await turn()
            client.resume()
          },
        ],
      ]

      it.each(endings)(
        '[TR5] tells `left` of each session and then `closed`, once: %s',
        async (_what, reason, end) => {
          const { client, recorded, sessions, links } = await enter(['/open', '/left', '/sent-away', '/too'])
          sessions[1].leave()
          links[2].disconnect()
          engine.onEnter = ({ namespace, link }) => {
            if (namespace === '/refused') link.refuse(new Refusal('forbidden'))
          }
          client.open('/waiting')
          client.open('/refused')
          await until(() => recorded.sessions.length === 6 && recorded.calls.length === 8, {
            what: 'all is set',
          })
          const waiting = sessionOf(recorded, '/waiting')
          const asked = request(links[0], 'ask')
          const before = recorded.calls.length
          await end({ client, link: links[0], session: sessions[0] })
          await until(() => recorded.closed.length > 0, { what: 'the connection is closed' })

          // Whatever the engine still does with what is gone changes nothing.
          engine.onEnter = (session) => session.accept()
          waiting.accept()
          for (const { link } of recorded.sessions) {
            link.disconnect()
            link.refuse(new Refusal('forbidden'))
            send(link, { n: 1 })
            expect(link.isWaiting).toBe(false)
            await expect(request(link, 'late')).rejects.toMatchObject({ code: 'disconnected' })
          }
          links[0].connection.close('closed_by_server')
          await expect(asked).rejects.toMatchObject({ code: 'disconnected' })
          await turn()
          // A client whose poll broke says goodbye by another request, which may be faster than the broken line.
          const reasonOf = (call: string) =>
            reason === 'transport_failed' ? call.replace('client_closed', reason) : call
          const told = recorded.calls
            .slice(before)
            .filter((call) => !call.startsWith('command'))
            .map(reasonOf)
          expect(told).toEqual([`left /open ${reason}`, `left /too ${reason}`, `closed ${reason}`])
          expect(sessionOf(recorded, '/left').left).toEqual(['client_left'])
          expect(sessionOf(recorded, '/sent-away').left).toEqual(['disconnected_by_server'])
          expect(waiting.left).toEqual([])
          expect(sessionOf(recorded, '/refused').left).toEqual([])
        },
      )

      it('[TR5] keeps the first reason when there are two', async () => {
        const { client, recorded, links } = await enter(['/a'])
        links[0].connection.close('shutting_down')
        links[0].connection.close('closed_by_server')
        client.close()
        await until(() => recorded.closed.length > 0, { what: 'the connection is closed' })
        await turn()
        expect(recorded.calls.slice(1)).toEqual(['left /a shutting_down', 'closed shutting_down'])
      })

      it('[TR5] keeps the reason of who ended it, though the client goes at the same time', async () => {
        const { client, recorded, sessions, links } = await enter(['/a'])
        engine.onCommand = () => links[0].connection.close('shutting_down')
        sessions[0].send('bye')
        client.close()
        await until(() => recorded.closed.length > 0, { what: 'the connection is closed' })
        expect(recorded.calls.slice(1)).toEqual([
          'command /a bye',
          'left /a shutting_down',
          'closed shutting_down',
        ])
      })

      it('[TR5] lets nobody in any more whose connection is about to end', async () => {
        const { client, recorded, links } = await enter(['/a'])
        engine.onEnter = () => undefined
        client.open('/slow')
        await until(() => recorded.sessions.length === 2, { what: 'the client asks for /slow' })
        const slow = sessionOf(recorded, '/slow')
        links[0].connection.close('shutting_down')
        expect(slow.link.isWaiting).toBe(false)
        slow.accept()
        send(slow.link, { n: 1 })
        await until(() => recorded.closed.length > 0, { what: 'the connection is closed' })
        expect(slow.left).toEqual([])
        expect(client.deliveries.map(told)).not.toContain('accepted /slow')
      })

      it('[TR5] tells nothing of who was kept outside, and lets in who comes back', async () => {
        engine.door = new Refusal('server_full')
        const client = await world.connect()
        const session = client.open('/a')
        world.clock.advance(1_000)
        await turn()
        expect(engine.connections).toEqual([])
        expect(session.isOpen).toBe(false)
        engine.door = undefined
        await backUntil(() => session.isOpen, 'the client is in')
        expect(engine.connections).toHaveLength(1)
        expect(client.deliveries.map(told)).toEqual(['accepted /a'])
      })
    })

    describe('TR6 requests', () => {
      it('[TR6] resolves each request with its own answer, in whatever order they come', async () => {
        const { sessions, links } = await enter(['/a', '/b'])
        const answers: (() => void)[] = []
        for (const [index, session] of sessions.entries())
          session.onRequest = (name, data) =>
            new Promise((resolve) =>
              answers.push(() => resolve({ name, data, index, bytes: Uint8Array.of(7) })),
            )
        const asked = upTo(20).map((n) => request(links[n % 2 === 0 ? 0 : 1], `ask:${n}`))
        await until(() => answers.length === 20, { what: 'all were asked' })
        for (const give of answers.reverse()) give()
        const found = await Promise.all(asked)
        expect(found.map(plain)).toEqual(
          upTo(20).map((n) => ({ name: `ask:${n}`, data: { n: 0 }, index: n % 2 === 0 ? 0 : 1, bytes: [7] })),
        )
      })

      it('[TR6] refuses with a timeout, then and not before, and forgets an answer that comes later', async () => {
        const { client, sessions, links } = await enter(['/a'])
        const [session] = sessions
        const late = Promise.withResolvers<unknown>()
        session.onRequest = () => late.promise
        let ended: unknown
        request(links[0], 'slow', 5_000).catch((error: unknown) => {
          ended = error
        })
        await settled(client, links[0])
        world.clock.advance(4_900)
        await turn()
        expect(ended).toBeUndefined()
        world.clock.advance(200)
        await turn()
        expect(ended).toMatchObject({ code: 'timeout' })
        session.onRequest = () => 'second'
        const second = request(links[0], 'second')
        late.resolve('first')
        expect(await second).toBe('second')
      })

      it('[TR6] forgets what was answered: there is no end of requests', async () => {
        const { sessions, links } = await enter(['/a'])
        sessions[0].onRequest = (name) => name
        for (let round = 0; round < 25; round += 1) {
          const names = upTo(50).map((n) => `ask:${round * 50 + n}`)
          expect(await Promise.all(names.map((name) => request(links[0], name)))).toEqual(names)
        }
      })

      it('[TR6] never times out before its time', async () => {
        const { links } = await enter(['/a'])
        for (const [offset, timeoutMs] of [
          [0, 50],
          [49, 50],
          [1, 51],
          [13, 100],
        ] as const) {
          world.clock.advance(offset)
          let ended = false
          request(links[0], 'slow', timeoutMs).catch(() => {
            ended = true
          })
          world.clock.advance(timeoutMs - 1)
          await turn()
          expect(ended, `${offset} and ${timeoutMs}`).toBe(false)
          world.clock.advance(101)
          await turn()
          expect(ended, `${offset} and ${timeoutMs}`).toBe(true)
        }
      })

      it.each([
        ['leaves', ({ sessions }: Entered) => sessions[0]?.leave()],
        ['is sent away', ({ links }: Entered) => links[0]?.disconnect()],
        ['goes', ({ client }: Entered) => client.close()],
        ['is cut off', breakLine],
        ['is closed', ({ links }: Entered) => links[0]?.connection.close('closed_by_server')],
      ])('[TR6] refuses with `disconnected` when the client %s', async (_what, end) => {
        const entered = await enter(['/a', '/b'])
        const asked = [request(entered.links[0], 'one'), request(entered.links[0], 'two')]
        await settled(entered.client, entered.links[0])
        await end(entered)
        for (const each of asked) await expect(each).rejects.toMatchObject({ code: 'disconnected' })
        // The clock has nothing left to say about them.
        world.clock.advance(120_000)
      })

      it('[TR6] takes no answer from an earlier session of the same client', async () => {
        const { client, recorded, sessions, links } = await enter(['/a', '/b'])
        const early = Promise.withResolvers<unknown>()
        sessions[0].onRequest = () => early.promise
        const first = request(links[0], 'first')
        await settled(client, links[0])
        links[0].disconnect()
        await expect(first).rejects.toMatchObject({ code: 'disconnected' })
        await settled(client, links[1])
        const back = client.open('/a')
        await until(() => back.isOpen, { what: 'it is back' })
        back.onRequest = () => 'second'
        const { link } = sessionOf(recorded, '/a')
        // The first answer is on its way when the second request is asked.
        early.resolve('first')
        expect(await request(link, 'second')).toBe('second')
      })
    })

    describe('TR7 away and back', () => {
      it('[TR7] stays away after `disconnect`, also when it comes back elsewhere', async () => {
        const { client, recorded, links, sessions } = await enter(['/a', '/b'])
        links[1].disconnect()
        await settled(client, links[0])
        expect(sessions[1].isOpen).toBe(false)
        links[0].connection.close('closed_by_server')
        await backUntil(() => engine.connections.length === 2 && sessions[0].isOpen, 'it came back')
        const again = connectionAt(1)
        await settled(client, sessionOf(again, '/a').link)
        expect(again.calls).toEqual(['enter /a'])
        expect(recorded.calls).toEqual([
          'enter /a',
          'enter /b',
          'left /b disconnected_by_server',
          'left /a closed_by_server',
          'closed closed_by_server',
        ])
        const back = client.open('/b')
        await until(() => back.isOpen, { what: 'it came when it was told to' })
      })

      it('[TR7] stays away after it was refused', async () => {
        const { client, links, sessions } = await enter(['/a'])
        engine.onEnter = ({ link }) => link.refuse(new Refusal('forbidden'))
        client.open('/closed')
        await until(() => client.deliveries.some(({ kind }) => kind === 'refused'), { what: 'the refusal' })
        engine.onEnter = (session) => session.accept()
        links[0].connection.close('closed_by_server')
        await backUntil(() => engine.connections.length === 2 && sessions[0].isOpen, 'it came back')
        const again = connectionAt(1)
        await settled(client, sessionOf(again, '/a').link)
        expect(again.calls).toEqual(['enter /a'])
      })

      it('[TR7] brings what was sent before `close`, such as why', async () => {
        const { client, recorded, links } = await enter(['/a'])
        await settled(client, links[0])
        await client.atRest()
        send(links[0], { n: 1 })
        send(links[0], { name: 'session:closing' })
        links[0].connection.close('shutting_down')
        await until(() => recorded.closed.length > 0, { what: 'the connection is closed' })
        await backUntil(() => engine.connections.length === 2, 'the client came back')
        expect(client.deliveries.filter(isNoMark).map(told).slice(0, 3)).toEqual([
          'accepted /a',
          'event /a 1',
          'event /a session:closing',
        ])
      })

      it.each<CloseReason>(['closed_by_server', 'shutting_down', 'slow_reader', 'idle_connection'])(
        '[TR7] comes back after `close`, to all of its namespaces, with what it brought: %s',
        async (reason) => {
          const { client, links, sessions } = await enter(['/a', '/b'], { token: 't', n: 1 })
          send(links[0], { n: 1 })
          await settled(client, links[0])
          links[0].connection.close(reason)
          await backUntil(() => engine.connections.length === 2, 'the client came back')
          await backUntil(() => sessions.every(({ isOpen }) => isOpen), 'it is in again')
          const again = connectionAt(1)
          expect(again.calls.toSorted()).toEqual(['enter /a', 'enter /b'])
          for (const session of again.sessions) expect(session.auth).toMatchObject({ token: 't', n: 1 })
          await settled(client, sessionOf(again, '/b').link)
        },
      )
    })

    describe('TR8 what clients send', () => {
      it.each(awkwardArguments)(
        '[TR8] brings what a client sends as it is: %s',
        async (_what, args, depth) => {
          const { recorded, sessions } = await enter(['/a'])
          sessions[0].send('post:view', ...args)
          await until(() => sessionOf(recorded, '/a').commands.length === 1, { what: 'the command' })
          const [command] = sessionOf(recorded, '/a').commands
          expect(command).toMatchObject({ name: 'post:view', id: undefined, depth })
          expect(plain(command?.args)).toEqual(plain(args))
          expect(command?.bytes).toBeGreaterThanOrEqual(sizeOf(args))
          expect(command?.bytes).toBeLessThan(sizeOf(args) * 1.5 + 100)
        },
      )

      it('[TR8] keeps the order of what a client sends, and matches answers', async () => {
        const { recorded, sessions } = await enter(['/a', '/b'])
        engine.onCommand = ({ link }, { id, args }) => {
          if (id !== undefined) answer(link, id, { to: args[0] })
        }
        const answers: Promise<unknown>[] = []
        for (const n of upTo(60)) {
          const session = sessions[n % 3 === 0 ? 1 : 0]
          if (n % 2 === 0) answers.push(session.ask(`c:${n}`, n))
          else session.send(`c:${n}`, n, Uint8Array.of(n))
        }
        expect(await Promise.all(answers)).toEqual(upTo(30).map((n) => ({ to: 2 * n })))
        await until(() => recorded.calls.length === 62, { what: 'all arrived' })
        expect(recorded.calls.slice(2)).toEqual(
          upTo(60).map((n) => `command ${n % 3 === 0 ? '/b' : '/a'} c:${n}`),
        )
      })

      it('[TR8] ends one session when a client leaves it, and lets it come again', async () => {
        const { client, recorded, sessions, links } = await enter(['/a', '/b'])
        sessions[0].leave()
        await until(() => sessionOf(recorded, '/a').left.length === 1, { what: 'it left' })
        expect(sessionOf(recorded, '/a').left).toEqual(['client_left'])
        send(links[0], { n: 1 })
        const back = client.open('/a')
        await until(() => back.isOpen, { what: 'it is back' })
        expect(recorded.calls).toEqual(['enter /a', 'enter /b', 'left /a client_left', 'enter /a'])
        await settled(client, links[1])
        expect(client.deliveries.map(told)).not.toContain('event /a 1')
      })

      it('[TR8] takes a client that asks for a namespace once more for one that left it before', async () => {
        const { client, recorded, links } = await enter(['/a'])
        engine.onEnter = () => undefined
        client.open('/slow')
        await until(() => recorded.sessions.length === 2, { what: 'it asked' })
        const first = sessionOf(recorded, '/slow')
        const left = client.open('/slow')
        await until(() => recorded.sessions.length === 3, { what: 'it asked again' })
        expect(first.link.isWaiting).toBe(false)
        first.accept()
        const second = sessionOf(recorded, '/slow')
        second.accept()
        await until(() => left.isOpen, { what: 'it is in' })
        await settled(client, links[0])
        expect(client.deliveries.filter(({ namespace }) => namespace === '/slow').map(told)).toEqual([
          'accepted /slow',
        ])
        expect(recorded.closed).toEqual([])
      })

      it.each([
        ['misbehaves', ({ client }: Entered) => client.misbehave()],
        ['says what the engine fails on', ({ sessions }: Entered) => sessions[0]?.send('break')],
        ['is cut off', breakLine],
      ])('[TR8] harms nobody else when a client %s', async (_what, harm) => {
        const one = await enter(['/a'])
        const others = [await enter(['/a']), await enter(['/a', '/b'])]
        engine.onCommand = ({ link }, { id, name }) => {
          if (name === 'break') throw new Error('The engine failed on purpose.')
          if (id !== undefined) answer(link, id, { name })
        }
        await harm(one)
        for (const { sessions } of others) expect(await sessions[0].ask('still')).toEqual({ name: 'still' })
        await until(() => one.recorded.closed.length === 1, { what: 'its connection ends' })
        for (const { sessions, client, links } of others) {
          expect(await sessions[0].ask('there')).toEqual({ name: 'there' })
          await settled(client, links[0])
        }
        expect(others.flatMap(({ recorded }) => recorded.closed)).toEqual([])
      })

      it('[TR8] knows who comes with which software, and whether it takes a cursor', async () => {
        const browser = await enter(['/a'], {}, { userAgent: 'Mozilla/5.0 (test)' })
        const python = await enter(['/a'], {}, { userAgent: 'python-requests/2.32' })
        const asking = await enter(['/a'], { recover: true }, { userAgent: 'Python/3.12 aiohttp/3.9' })
        for (const { client, links } of [browser, python, asking]) {
          send(links[0], { name: 'last', cursor: 'k3f.9' })
          await settled(client, links[0])
        }
        const cursors = [browser, python, asking].map(({ client }) =>
          client.deliveries.flatMap((each) =>
            each.kind === 'event' && each.name === 'last' ? each.cursor : [],
          ),
        )
        expect(cursors).toEqual([['k3f.9'], [undefined], ['k3f.9']])
        expect(browser.recorded.connection).toMatchObject({
          userAgent: 'Mozilla/5.0 (test)',
          remoteAddress: '127.0.0.1',
          takesCursor: true,
          openedAtMs: world.clock.now(),
        })
        expect(python.recorded.connection.takesCursor).toBe(false)
        const ids = engine.connections.map(({ connection }) => connection.id)
        expect(new Set(ids).size).toBe(ids.length)
      })
    })

    const connectionAt = (index: number): RecordedConnection => {
      const recorded = engine.connections[index]
      if (recorded === undefined) throw new Error(`There is no connection ${index}.`)
      return recorded
    }
  })
}

interface Entered {
  readonly client: TransportClient
  readonly sessions: readonly TransportClientSession[]
  readonly links: readonly Link[]
}

const breakLine = async ({ client }: Pick<Entered, 'client'>) => {
  await client.atRest()
  client.cut()
}

/** The newest one of a namespace. */
function sessionOf({ sessions }: RecordedConnection, namespace: string): RecordedSession {
  const found = sessions.findLast((session) => session.namespace === namespace)
  if (found === undefined) throw new Error(`Nobody asked for ${namespace}.`)
  return found
}

function eventOn(
  namespace: string,
  { n = 0, attachments = [], ...more }: Partial<OutgoingEvent> & { readonly n?: number },
): OutgoingEvent {
  const bytes = attachments.map((_, num) => ({ _placeholder: true, num }))
  return {
    namespace,
    name: 'post:created',
    data: JSON.stringify(bytes.length === 0 ? { n } : { n, bytes }),
    attachments,
    cursor: `k3f.${n}`,
    lane: 'stream',
    key: undefined,
    ...more,
  }
}

/** A delivery in a few words. */
function told(delivery: Delivery): string {
  const { kind, namespace } = delivery
  if (kind === 'event') return `event ${namespace} ${numberOf(delivery) ?? delivery.name}`
  if (kind === 'request') return `request ${namespace} ${delivery.name}`
  if (kind === 'answer') return `answer ${namespace} ${numberOf(delivery)}`
  return `${kind} ${namespace}`
}

/** Not 0, which is what has no number of its own. */
function numberOf(delivery: Delivery): number | undefined {
  if (!isNoMark(delivery)) return undefined
  const value = delivery.kind === 'event' ? delivery.data : delivery.kind === 'answer' ? delivery.answer : {}
  const { n } = value as { n?: number }
  return n === 0 ? undefined : n
}

function numbersOf({ deliveries }: TransportClient): number[] {
  return deliveries.map(numberOf).filter((n) => n !== undefined)
}

/** Text that no line can make smaller. */
const noise = randomBytes(bounds.fullBytes).toString('base64')

let marks = 0
function nextMark(): number {
  marks += 1
  return marks
}
const isNoMark = (delivery: Delivery) => !(delivery.kind === 'event' && delivery.name === 'mark')
const isMark = ({ name, data }: { name: string; data: unknown }, n: number) =>
  name === 'mark' && (data as { n: number }).n === n

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}

/** Bytes as numbers, since one adapter may answer with a Buffer and another with a Uint8Array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
}

function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, entry) => sum + sizeOf(entry), 0)
}

/** What is sent, and how deep it is. */
const awkwardArguments: readonly [string, readonly unknown[], number][] = [
  ['nothing', [], 0],
  ['null', [null], 0],
  ['an object without fields', [{}], 1],
  ['a list of lists', [[[[]]]], 3],
  ['numbers of all kinds', [0, -1.5, 2 ** 53 - 1, 1e-300], 0],
  ['text of many scripts', ['東京 ü 👩‍👩‍👧 \u2028 "\\\n\u001e'], 0],
  ['several arguments', [{ a: { b: [1] } }, 'x', false], 3],
  ['bytes', [Uint8Array.from({ length: 300 }, (_, byte) => byte % 256)], 0],
  ['bytes within an object, after much text', [{ text: 'x'.repeat(5_000), file: Uint8Array.of(1, 2, 3) }], 1],
  [
    'several pieces of bytes',
    [{ files: [new Uint8Array(500).fill(1), new Uint8Array(3)] }, Uint8Array.of(9)],
    2,
  ],
]
