/**
 * What every `Broker` must do, rule by rule (see ports/broker.ts). An adapter's tests call this with a world
 * of nodes; where there is only one, the far node is the near one. That other nodes may miss events is not
 * asked for here.
 */
import { type Position, roomName, type SessionId, type UserId } from '@belfry/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Awaitable } from '../awaitable.ts'
import type {
  AnnouncementHandler,
  Broker,
  BrokerOptions,
  NodeMessage,
  PublishedEntry,
  PublishHandler,
} from '../ports/broker.ts'
import { until } from './until.ts'

export interface BrokerWorld extends AsyncDisposable {
  /** The broker of a further node, connected with those of the others. */
  open(options?: BrokerOptions): Promise<Broker>
  /** What the nodes have logged as errors. */
  readonly errors: readonly unknown[]
}

/** What the rules for events and those for announcements have in common, with a number for a message. */
interface Channel {
  send(broker: Broker, n: number): Awaitable<void>
  /** Gives the broker the very same function as often as asked. */
  receive(broker: Broker, handler: (n: number) => void, times?: number): (() => void)[]
}

const channels: Record<'events' | 'announcements', Channel> = {
  events: {
    send: (broker, n) => broker.publish('/posts', positionOf(n), entryOf(n)),
    receive(broker, handler, times = 1) {
      const take: PublishHandler = (_namespace, position) => handler(position?.offset ?? Number.NaN)
      return numbers(times).map(() => broker.subscribe(take))
    },
  },
  announcements: {
    send: (broker, n) => broker.announce(fencing(n)),
    receive(broker, handler, times = 1) {
      const take: AnnouncementHandler = (message) =>
        handler(message.kind === 'session-fenced' ? message.generation : Number.NaN)
      return numbers(times).map(() => broker.listen(take))
    },
  },
}

export function describeBrokerContract(adapter: string, makeWorld: () => Promise<BrokerWorld>): void {
  describe(`Broker contract: ${adapter}`, () => {
    let world: BrokerWorld
    let near: Broker
    let far: Broker

    beforeEach(async () => {
      world = await makeWorld()
      near = await world.open()
      far = await world.open()
    })
    afterEach(async () => world[Symbol.asyncDispose]())

    it.each(publications)('[BR1] carries it to every handler as it is: %s', async (_what, ...published) => {
      const received: { at: string; published: unknown }[] = []
      for (const [at, broker] of Object.entries({ near, far }))
        broker.subscribe((...event) => received.push({ at, published: plain(event) }))
      await near.publish(...published)
      await until(() => received.length >= 2)
      expect(received.map(({ at }) => at).sort()).toEqual(['far', 'near'])
      for (const one of received) expect(one.published).toEqual(plain(published))
    })

    it.each(messages)('[BR6] carries an announcement to every node as it is: %j', async (message) => {
      const received: NodeMessage[] = []
      for (const broker of [near, far]) broker.listen((one) => received.push(one))
      await near.announce(message)
      await until(() => received.length >= 2)
      expect(received).toEqual([message, message])
    })

    it('[BR2] keeps the order of a publisher over all namespaces, with and without positions', async () => {
      const received: string[] = []
      far.subscribe((namespace, position, { data }) =>
        received.push(`${namespace} ${position?.offset} ${data}`),
      )
      const sent = numbers(200).map((n) => {
        const namespace = `/n${n % 3}`
        const position = n % 2 === 0 ? undefined : positionOf(n)
        return {
          done: near.publish(namespace, position, entryOf(n)),
          text: `${namespace} ${position?.offset} {"n":${n}}`,
        }
      })
      await Promise.all(sent.map(({ done }) => done))
      await until(() => received.length >= 200)
      expect(received).toEqual(sent.map(({ text }) => text))
    })

    it('[BR6] keeps events and announcements apart', async () => {
      const received: string[] = []
      near.subscribe((_namespace, _position, { data }) => received.push(data))
      near.listen(({ kind }) => received.push(kind))
      await near.publish('/posts', positionOf(1), entryOf(1))
      expect(received).toEqual(['{"n":1}'])
      await near.announce(fencing(1))
      expect(received).toEqual(['{"n":1}', 'session-fenced'])
    })

    describe.each(Object.entries(channels))('%s', (_name, { send, receive }) => {
      /** Numbers that arrive at a broker. */
      const inbox = (broker: Broker, then: (n: number) => void = () => undefined) => {
        const received: number[] = []
        const stops = receive(broker, (n) => {
          received.push(n)
          then(n)
        })
        const stop = () => {
          for (const one of stops) one()
        }
        return { received, stop }
      }

      it('[BR1] reach every handler of every node once', async () => {
        const inboxes = [near, near, far, far].map((broker) => inbox(broker))
        for (const n of numbers(50)) await send(near, n)
        await send(near, 51)
        await until(() => inboxes.every(({ received }) => received.includes(51)))
        for (const { received } of inboxes) expect(received).toEqual(numbers(51))
      })

      it('[BR2] arrive in the order in which they were sent, also by who does not wait', async () => {
        const inboxes = [near, far].map((broker) => inbox(broker))
        await Promise.all(numbers(300).map((n) => send(near, n)))
        await until(() => inboxes.every(({ received }) => received.length >= 300))
        for (const { received } of inboxes) expect(received).toEqual(numbers(300))
      })

      it('[BR3] have run through the handlers of this node when the call answers', async () => {
        const { received } = inbox(near)
        for (const n of numbers(20)) {
          await send(near, n)
          expect(received).toHaveLength(n)
        }
      })

      it('[BR3] are sent without anybody to receive them', async () => {
        await send(near, 1)
        const { received } = inbox(near)
        await send(near, 2)
        expect(received).toEqual([2])
      })

      it('[BR2] [BR3] that a handler sends follow their cause, and precede the answer', async () => {
        const first = inbox(near, (n) => {
          if (n < 10) {
            void send(near, n * 10)
            void send(near, n * 10 + 1)
          } else if (n === 20) void send(near, 1000)
        })
        const second = inbox(near)
        const third = inbox(far)
        await send(near, 1)
        for (const { received } of [first, second]) expect(received).toEqual([1, 10, 11])
        await send(near, 2)
        for (const { received } of [first, second]) expect(received).toEqual([1, 10, 11, 2, 20, 21, 1000])
        await until(() => third.received.length >= 7)
        expect(third.received).toEqual([1, 10, 11, 2, 20, 21, 1000])
      })

      it('[BR3] that a handler sends have run when the call that caused them answers', async () => {
        const { received } = inbox(near, (n) => {
          if (n < 5) void send(near, n + 1)
        })
        await send(near, 1)
        expect(received).toEqual([1, 2, 3, 4, 5])
      })

      it.each([0, 1, 2])('[BR4] go on when handler %d throws, which is reported', async (broken) => {
        const before = world.errors.length
        const inboxes = [0, 1, 2].map((index) =>
          inbox(near, (n) => {
            if (index === broken && n === 1) throw new Error('broken handler')
          }),
        )
        await send(near, 1)
        await send(near, 2)
        for (const { received } of inboxes) expect(received).toEqual([1, 2])
        const reported = world.errors.slice(before)
        expect(reported).toHaveLength(1)
        expect(reported[0]).toMatchObject({ error: { message: 'broken handler' } })
      })

      it('[BR4] go on whatever is thrown, by all handlers, time and again', async () => {
        const before = world.errors.length
        for (const thrown of [undefined, null, 'text', new TypeError('broken')]) {
          inbox(near, () => {
            throw thrown
          })
        }
        const last = inbox(near)
        for (const n of numbers(10)) await send(near, n)
        expect(last.received).toEqual(numbers(10))
        expect(world.errors.length - before).toBe(40)
      })

      it('[BR4] that a handler sent before it threw are delivered', async () => {
        const { received } = inbox(near, (n) => {
          if (n > 1) return
          void send(near, 2)
          throw new Error('broken after sending')
        })
        const other = inbox(near)
        await send(near, 1)
        expect(received).toEqual([1, 2])
        expect(other.received).toEqual([1, 2])
      })

      it('[BR5] end with the call that ends the subscription, which may be made twice', async () => {
        const stopped = inbox(near)
        const other = inbox(near)
        await send(near, 1)
        stopped.stop()
        await send(near, 2)
        stopped.stop()
        await send(near, 3)
        expect(stopped.received).toEqual([1])
        expect(other.received).toEqual([1, 2, 3])
      })

      it('[BR5] end in the middle of a delivery, for the handler itself and for others', async () => {
        const early = inbox(near)
        const middle = inbox(near, () => {
          early.stop()
          middle.stop()
          late.stop()
        })
        const between = inbox(near)
        const late = inbox(near)
        await send(near, 1)
        await send(near, 2)
        expect(early.received).toEqual([1])
        expect(middle.received).toEqual([1])
        expect(between.received).toEqual([1, 2])
        expect(late.received).toEqual([])
      })

      it('[BR5] begin with the next delivery when subscribed to in the middle of one', async () => {
        const inner: number[] = []
        let isSubscribed = false
        inbox(near, () => {
          if (isSubscribed) return
          isSubscribed = true
          receive(near, (n) => inner.push(n))
        })
        await send(near, 1)
        expect(inner).toEqual([])
        await send(near, 2)
        expect(inner).toEqual([2])
      })

      it('[BR5] reach a handler twice that was given twice, until each is ended', async () => {
        const received: number[] = []
        const stops = receive(near, (n) => received.push(n), 2)
        await send(near, 1)
        expect(received).toEqual([1, 1])
        stops[0]?.()
        stops[0]?.()
        await send(near, 2)
        expect(received).toEqual([1, 1, 2])
        stops[1]?.()
        await send(near, 3)
        expect(received).toEqual([1, 1, 2])
      })

      it('[BR7] that handlers answer each other for ever are stopped, and the broker goes on', async () => {
        const broker = await world.open({ chainMax: 100 })
        const before = world.errors.length
        let isEndless = true
        const { received } = inbox(broker, (n) => {
          if (isEndless && n < 1000) return send(broker, n + 1)
        })
        await send(broker, 1)
        await until(() => world.errors.length > before)
        expect(received).toEqual(numbers(101))
        expect(world.errors.slice(before)).toMatchObject([{ error: { name: 'RangeError' } }])
        isEndless = false
        await send(broker, 7)
        expect(received.at(-1)).toBe(7)
        expect(received).toHaveLength(102)
      })

      it('[BR7] of which each causes two are stopped as well', async () => {
        const broker = await world.open({ chainMax: 100 })
        const { received } = inbox(broker, (n) => {
          if (received.length > 1000) return
          void send(broker, n + 1)
          void send(broker, n + 1)
        })
        await send(broker, 1)
        expect(received).toHaveLength(101)
      })
    })
  })
}

const publications: readonly [string, ...Parameters<Broker['publish']>][] = [
  ['an event of the log', '/posts', positionOf(7), entryOf(7)],
  ['an event that is in no log', '/presence', undefined, entryOf(1)],
  ['a value that replaces others', '/jobs', undefined, { ...entryOf(1), key: 'job-1' }],
  [
    'bytes',
    '/collab',
    positionOf(1),
    { ...entryOf(1), attachments: [Uint8Array.of(0, 255, 10), new Uint8Array(0)] },
  ],
  [
    'rooms, exceptions and text of many scripts',
    '/inbox',
    { epoch: 'zzzzzzz', offset: Number.MAX_SAFE_INTEGER },
    {
      ...entryOf(1),
      rooms: [roomName({ kind: 'doc', id: '東京 / ü "' }), roomName({ kind: 'user', id: 'ana' })],
      except: [roomName({ kind: 'session', id: 's1' })],
      data: JSON.stringify({ text: '"\\\n\0 \u2028 👩‍👩‍👧' }),
      atMs: 0,
    },
  ],
]

const messages: readonly NodeMessage[] = [
  { kind: 'disconnect-user', userId: 'ana "ü"' as UserId, code: 'kicked' },
  { kind: 'principal-revoked', userId: 'ben' as UserId },
  { kind: 'session-fenced', sessionId: 's1' as SessionId, generation: 7 },
]

function entryOf(n: number): PublishedEntry {
  return {
    name: 'post:created',
    rooms: [roomName({ kind: 'workspace', id: 'acme' })],
    except: [],
    data: JSON.stringify({ n }),
    attachments: [],
    atMs: Date.UTC(2030, 0, 1) + n,
  }
}

function positionOf(n: number): Position {
  return { epoch: 'epoch1', offset: n }
}

function fencing(n: number): NodeMessage {
  return { kind: 'session-fenced', sessionId: 's1' as SessionId, generation: n }
}

/** Bytes as numbers, since one adapter may answer with a Buffer and another with a Uint8Array. */
function plain([namespace, position, entry]: Parameters<Broker['publish']>) {
  return {
    namespace,
    position,
    entry: { ...entry, attachments: entry.attachments.map((bytes) => [...bytes]) },
  }
}

function numbers(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}
