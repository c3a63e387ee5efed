/** The transport in memory: the contract, and what only its clients do. */

import { Refusal } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import type { Link } from '../ports/transport.ts'
import { RecordingEngine } from '../testing/recording-engine.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { describeTransportContract } from '../testing/transport-contract.ts'
import { createMemoryTransport } from './transport.ts'

describeTransportContract('memory', async ({ handler, bounds }) => {
  const clock = createTestClock()
  const memory = createMemoryTransport({ handler, clock, bounds })
  return {
    clock,
    transport: memory.transport,
    async connect({ userAgent = 'test' } = {}) {
      const takesCursor = !/^[Pp]ython/.test(userAgent)
      const client = memory.connect({ userAgent, takesCursor, comesBack: true })
      return {
        get deliveries() {
          return client.deliveries
        },
        open(namespace, auth) {
          const session = client.open(namespace, auth)
          return {
            get isOpen() {
              return session.state === 'open'
            },
            get onRequest() {
              return session.onRequest
            },
            set onRequest(answer) {
              session.onRequest = answer
            },
            send: (name, ...args) => session.send(name, ...args),
            ask: (name, ...args) => session.ask(name, ...args),
            leave: () => session.leave(),
          }
        },
        pause: () => client.pause(),
        resume: () => client.resume(),
        cut: () => client.cut(),
        atRest: async () => undefined,
        close: () => client.close(),
        misbehave: () => client.cut('malformed_packet'),
      }
    },
    async [Symbol.asyncDispose]() {},
  }
})

describe('a client of the transport in memory', () => {
  function setUp() {
    const clock = createTestClock()
    const engine = new RecordingEngine()
    const memory = createMemoryTransport({ handler: engine, clock })
    const send = (link: Link | undefined, data: object, cursor: string | undefined) =>
      link?.send(
        memory.transport.pack({
          namespace: '/a',
          name: 'post:created',
          data: JSON.stringify(data),
          attachments: [],
          cursor,
          lane: 'stream',
          key: undefined,
        }),
      )
    const linkOf = (connection: number) => engine.connections[connection]?.sessions.at(-1)?.link
    return { clock, engine, memory, send, linkOf }
  }

  it('hands over its pid and its cursor when it comes back, and its own auth before both', async () => {
    const { clock, engine, memory, send, linkOf } = setUp()
    const client = memory.connect({ comesBack: true })
    const session = client.open('/a', { token: 't' })
    await session.entered
    send(linkOf(0), { n: 1 }, 'k3f.1')
    send(linkOf(0), { n: 2 }, undefined)
    memory.flush()
    const { pid } = session
    client.cut()
    expect(session.state).toBe('waiting')
    expect(client.connection).toBeUndefined()
    clock.advance(999)
    expect(engine.connections).toHaveLength(1)
    clock.advance(1)
    memory.flush()
    expect(session.state).toBe('open')
    expect(engine.connections[1]?.sessions[0]?.auth).toEqual({ token: 't', pid, offset: 'k3f.1' })
    expect(session.pid).not.toBe(pid)
    expect(session.events.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }])
    const other = memory.connect({ comesBack: true })
    await other.open('/a', { pid: 'mine', offset: 'k3f.7' }).entered
    other.cut()
    clock.advance(1_000)
    expect(engine.connections.at(-1)?.sessions[0]?.auth).toEqual({ pid: 'mine', offset: 'k3f.7' })
  })

  it('stays away when it is not to come back, and when it has gone by itself', async () => {
    const { clock, engine, memory } = setUp()
    const client = memory.connect()
    const session = client.open('/a')
    await session.entered
    client.cut('ping_timeout')
    expect(session.state).toBe('over')
    expect(client.closedBy).toBe('ping_timeout')
    const gone = memory.connect({ comesBack: true })
    await gone.open('/a').entered
    gone.cut()
    gone.close()
    engine.door = new Refusal('server_full')
    const kept = memory.connect({ comesBack: true })
    expect(kept.refusal).toMatchObject({ code: 'server_full' })
    kept.close()
    engine.door = undefined
    clock.advance(60_000)
    expect(engine.connections).toHaveLength(2)
    expect(clock.timers).toBe(0)
  })

  it('says at once when it may not speak, and that an answer never came', async () => {
    const { engine, memory } = setUp()
    engine.onEnter = () => undefined
    const client = memory.connect()
    const session = client.open('/a')
    expect(() => session.send('post:view')).toThrow(/waiting/)
    engine.connections[0]?.sessions[0]?.accept()
    await session.entered
    const asked = session.ask('post:view')
    client.cut()
    await expect(asked).rejects.toMatchObject({ code: 'disconnected' })
    expect(() => session.send('post:view')).toThrow(/over/)
    const never = memory.connect().open('/a')
    never.leave()
    await expect(never.entered).rejects.toMatchObject({ code: 'disconnected' })
  })

  it('hears of things at the end of the tick, or when it is told to', async () => {
    const { memory, send, linkOf } = setUp()
    const client = memory.connect()
    const session = client.open('/a')
    await session.entered
    const heard: unknown[] = []
    session.onEvent = ({ data }) => heard.push(data)
    send(linkOf(0), { n: 1 }, 'k3f.1')
    expect(heard).toEqual([])
    memory.flush()
    expect(heard).toEqual([{ n: 1 }])
    send(linkOf(0), { n: 2 }, 'k3f.2')
    await Promise.resolve()
    expect(heard).toEqual([{ n: 1 }, { n: 2 }])
    expect(client.deliveries.map(({ kind }) => kind)).toEqual(['accepted', 'event', 'event'])
  })

  it('shows what the engine failed on', async () => {
    const { engine, memory } = setUp()
    const session = memory.connect().open('/a')
    await session.entered
    const error = new Error('on purpose')
    engine.onCommand = () => {
      throw error
    }
    session.send('break')
    expect(memory.failures).toEqual([error])
  })
})
