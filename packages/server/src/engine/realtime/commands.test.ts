/** The way of a command: what refuses it, what runs it, and how it is answered. */
import { command, defineNamespace, Refusal, stream } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { MemorySession } from '../memory/transport-client.ts'
import { type CommandContext, serveNamespace } from '../namespace-handlers.ts'
import { openRealtimeWorld, type Person, type RealtimeWorldOptions } from '../testing/realtime-world.ts'
import { until } from '../testing/until.ts'

const bytesOf = z.custom<Uint8Array>((value) => value instanceof Uint8Array).meta({ type: 'string' })

const shop = defineNamespace({
  name: '/shop',
  summary: 'A shop.',
  events: { 'order:made': stream(z.object({ n: z.int() }), { summary: 'An order.', rooms: ['user'] }) },
  commands: {
    'order:make': command({
      summary: 'Makes one.',
      input: z.object({ title: z.string().min(2), count: z.int().default(1) }),
      output: z.object({ made: z.string() }),
    }),
    'order:cancel': command({
      summary: 'Takes it back.',
      permission: 'orders:cancel',
      input: z.object({ id: z.string() }),
    }),
    'order:ping': command({ summary: 'Nothing.' }),
    'order:note': command({
      summary: 'Whatever it is.',
      input: z.object({ note: z.unknown() }),
      maxBytes: 1_000,
      depthMax: 3,
    }),
    'order:upload': command({ summary: 'Bytes.', input: z.object({ file: bytesOf }), maxBytes: 1_000 }),
  },
})

type Handler = (input: unknown, context: CommandContext) => unknown

async function open(options: Partial<RealtimeWorldOptions> = {}) {
  const ran: unknown[] = []
  /** A test says here what a command does. */
  const does: { handler: Handler } = { handler: () => undefined }
  const handle = (input: unknown, context: CommandContext) => {
    ran.push(input)
    return does.handler(input, context) as never
  }
  const world = await openRealtimeWorld({
    namespaces: [
      serveNamespace(shop, {
        commands: {
          'order:make': handle,
          'order:cancel': handle,
          'order:ping': handle,
          'order:note': handle,
          'order:upload': handle,
        },
      }),
    ],
    ...options,
  })
  return { ...world, ran, does, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

const ana: Person = { userId: 'ana' }
const done = { ok: true }

/** What a refusal looks like to a client. */
const refused = (code: string, more: object = {}) => ({
  ok: false,
  error: expect.objectContaining({ code, ...more }),
})

describe('commands', () => {
  it('hands a handler what the schema made of the input, and answers with what it returns', async () => {
    await using world = await open()
    world.does.handler = (input) => ({ made: (input as { title: string }).title })
    const session = await world.enter('/shop', ana)
    const answer = await session.ask('order:make', { title: 'Tea', more: 1, _meta: { trace: 'x' } })
    expect(answer).toEqual({ ok: true, data: { made: 'Tea' } })
    expect(world.ran).toEqual([{ title: 'Tea', count: 1 }])
  })

  it('answers a handler that takes its time, and one that returns nothing', async () => {
    await using world = await open()
    const gate = Promise.withResolvers<unknown>()
    world.does.handler = () => gate.promise
    const session = await world.enter('/shop', ana)
    const slow = session.ask('order:ping')
    world.does.handler = () => undefined
    expect(await session.ask('order:ping')).toEqual(done)
    gate.resolve({ late: true })
    expect(await slow).toEqual({ ok: true, data: { late: true } })
    world.does.handler = async () => undefined
    expect(await session.ask('order:ping', null)).toEqual(done)
    expect(await session.ask('order:ping', { what: 'ever' })).toEqual(done)
    expect(world.ran).toEqual([{}, {}, {}, {}])
  })

  it('gives a handler the session: who it is, its rooms, and a signal that ends with it', async () => {
    await using world = await open()
    let seen: CommandContext | undefined
    world.does.handler = (_input, context) => {
      seen = context
    }
    const session = await world.enter('/shop', ana)
    await session.ask('order:ping', { userId: 'boss', session: { id: 'x' } })
    expect(seen?.session.principal.userId).toBe('ana')
    expect(seen?.session.id).toBe(session.id)
    expect(seen?.session.signal.aborted).toBe(false)
    session.leave()
    expect(seen?.session.signal.aborted).toBe(true)
  })

  describe('refuses, and runs nothing', () => {
    const deep = (levels: number): unknown => (levels === 0 ? 'x' : { inner: deep(levels - 1) })

    it.each<readonly [string, string, readonly unknown[], ReturnType<typeof refused>]>([
      ['a name that nobody defined', 'order:eat', [{}], refused('unknown_command', { retry: false })],
      ['a name from a prototype', 'toString', [{}], refused('unknown_command')],
      ['another name from a prototype', '__proto__', [{}], refused('unknown_command')],
      ['a name without an end', 'x'.repeat(5_000), [{}], refused('unknown_command')],
      ['an event of the namespace', 'order:made', [{ n: 1 }], refused('unknown_command')],
      ['an event of the engine', 'sync:reset', [{ reason: 'expired' }], refused('unknown_command')],
      ['two arguments', 'order:ping', [{}, {}], refused('validation_failed')],
      ['a cursor behind the input', 'order:ping', [{}, 'k3f.1'], refused('validation_failed')],
      ['a text', 'order:make', ['title'], refused('validation_failed')],
      ['a number', 'order:make', [7], refused('validation_failed')],
      ['a list', 'order:make', [[{ title: 'Tea' }]], refused('validation_failed')],
      ['bytes', 'order:make', [Uint8Array.of(1)], refused('validation_failed')],
      [
        'what lacks a field',
        'order:make',
        [],
        refused('validation_failed', { fields: [expect.objectContaining({ path: 'title' })] }),
      ],
      [
        'a wrong field',
        'order:make',
        [{ title: 'x' }],
        refused('validation_failed', { fields: [expect.objectContaining({ path: 'title' })] }),
      ],
      ['what is too deep', 'order:note', [{ note: deep(3) }], refused('validation_failed')],
      ['what is far too deep', 'order:note', [{ note: deep(60) }], refused('validation_failed')],
      ['what is too large', 'order:note', [{ note: 'x'.repeat(1_000) }], refused('payload_too_large')],
      [
        'what is too large with its bytes',
        'order:upload',
        [{ file: new Uint8Array(1_000) }],
        refused('payload_too_large'),
      ],
      ['what needs a permission', 'order:cancel', [{ id: '1' }], refused('forbidden', { retry: false })],
      ['what needs a permission, however wrong', 'order:cancel', [{ id: 1 }], refused('forbidden')],
    ])('%s', async (_what, name, args, answer) => {
      await using world = await open()
      const session = await world.enter('/shop', ana)
      expect(await session.ask(name, ...args)).toEqual(answer)
      expect(world.ran).toEqual([])
      // It stays, and what is right still runs.
      expect(await session.ask('order:ping')).toEqual(done)
    })

    it('lets through what is as deep and as large as it may be', async () => {
      await using world = await open()
      const session = await world.enter('/shop', ana)
      expect(await session.ask('order:note', { note: deep(2) })).toEqual(done)
      expect(await session.ask('order:note', { note: 'x'.repeat(900) })).toEqual(done)
      expect(await session.ask('order:upload', { file: new Uint8Array(900) })).toEqual(done)
      expect(world.ran.at(-1)).toEqual({ file: new Uint8Array(900) })
    })

    it('lets through who has the permission, and operators', async () => {
      await using world = await open()
      const may = await world.enter('/shop', { userId: 'bo', permissions: ['orders:cancel'] })
      const operator = await world.enter('/shop', { userId: 'op', roles: ['admin'] })
      const other = await world.enter('/shop', {
        userId: 'cy',
        roles: ['orders:cancel'],
        permissions: ['admin'],
      })
      expect(await may.ask('order:cancel', { id: '1' })).toEqual(done)
      expect(await operator.ask('order:cancel', { id: '2' })).toEqual(done)
      expect(await other.ask('order:cancel', { id: '3' })).toEqual(refused('forbidden'))
      expect(world.ran).toHaveLength(2)
    })

    it('keeps dangerous keys from the handler', async () => {
      await using world = await open()
      const session = await world.enter('/shop', ana)
      const note = JSON.parse('{"__proto__":{"admin":true},"constructor":1,"inner":{"prototype":2,"fine":3}}')
      expect(await session.ask('order:note', { note })).toEqual(done)
      expect(JSON.stringify(world.ran)).toBe('[{"note":{"inner":{"fine":3}}}]')
      expect(({} as { admin?: boolean }).admin).toBeUndefined()
    })

    it('tells of honest mistakes and of attacks as suspicious, without what was in them', async () => {
      await using world = await open()
      const session = await world.enter('/shop', ana)
      await session.ask('order:cancel', { id: 'my-secret-id' })
      await session.ask('order:make', { title: 7, password: 'my-secret-id' })
      await session.ask('y'.repeat(300))
      await session.ask('order:note', { note: 'my-secret-id'.repeat(200) })
      expect(Object.fromEntries(world.realtime.suspicions.seen)).toEqual({
        forbidden: 1,
        validation_failed: 1,
        unknown_command: 1,
        payload_too_large: 1,
      })
      const lines = JSON.stringify(world.logger.lines)
      expect(lines).not.toContain('my-secret-id')
      expect(lines).not.toContain('y'.repeat(65))
      expect(world.logger.at('warn')[0]?.fields).toMatchObject({
        user: 'ana',
        address: '127.0.0.1',
        namespace: '/shop',
        name: 'order:cancel',
      })
    })
  })

  describe('a handler that fails', () => {
    const ways: readonly [string, Handler][] = [
      [
        'throws',
        () => {
          throw new Error('my-secret-detail')
        },
      ],
      [
        'rejects',
        async () => {
          throw new Error('my-secret-detail')
        },
      ],
      [
        'throws what is no error',
        () => {
          throw { secret: 'my-secret-detail' }
        },
      ],
      ['rejects with nothing', () => Promise.reject(undefined)],
    ]

    it.each(ways)('and %s costs its caller an answer, and nobody anything else', async (_how, handler) => {
      await using world = await open()
      world.allowFailures()
      const session = await world.enter('/shop', ana)
      const other = await world.enter('/shop', { userId: 'bo' })
      world.does.handler = handler
      const answer = await session.ask('order:ping')
      expect(answer).toEqual(refused('internal', { retry: true }))
      expect(JSON.stringify(answer)).not.toContain('my-secret-detail')
      expect(world.logger.at('error')).toHaveLength(1)
      expect(world.memory.failures).toEqual([])
      world.does.handler = () => undefined
      expect(await session.ask('order:ping')).toEqual(done)
      expect(await other.ask('order:ping')).toEqual(done)
    })

    it.each<[string, Handler]>([
      [
        'at once',
        () => {
          throw new Refusal('not_found', 'No such order.', { fields: [{ path: 'id', message: 'unknown' }] })
        },
      ],
      [
        'later',
        async () => {
          throw new Refusal('not_found', 'No such order.', { fields: [{ path: 'id', message: 'unknown' }] })
        },
      ],
    ])('with a refusal %s says so in its own words', async (_when, handler) => {
      await using world = await open()
      world.does.handler = handler
      const session = await world.enter('/shop', ana)
      expect(await session.ask('order:ping')).toEqual({
        ok: false,
        error: {
          code: 'not_found',
          message: 'No such order.',
          retry: false,
          fields: [{ path: 'id', message: 'unknown' }],
        },
      })
      expect(world.logger.at('error')).toEqual([])
    })

    const circle: { self?: unknown } = {}
    circle.self = circle
    it.each<[string, Handler]>([
      ['a bigint', () => ({ made: 7n })],
      ['a bigint later', async () => ({ made: 7n })],
      ['a circle', () => circle],
      ['a circle later', async () => circle],
    ])('by returning %s, which no wire can carry, is answered as one that failed', async (_what, handler) => {
      await using world = await open()
      world.allowFailures()
      world.does.handler = handler
      const session = await world.enter('/shop', ana)
      expect(await session.ask('order:ping')).toEqual(refused('internal'))
      expect(world.logger.at('error')).toHaveLength(1)
      expect(world.memory.failures).toEqual([])
      expect(session.state).toBe('open')
    })
  })

  describe('without an answer', () => {
    it('runs, and drops what it returns', async () => {
      await using world = await open()
      const session = await world.enter('/shop', ana)
      world.does.handler = () => ({ made: 'x' })
      session.send('order:make', { title: 'Tea' })
      world.memory.flush()
      expect(world.ran).toHaveLength(1)
      expect(session.events).toEqual([])
    })

    it('tells a refusal with an event, in the place of the answer', async () => {
      await using world = await open()
      const session = await world.enter('/shop', ana)
      session.send('order:make', { title: 7 })
      session.send('z'.repeat(300))
      const asked = session.ask('order:ping')
      session.send('order:cancel', { id: '1' })
      await asked
      world.memory.flush()
      expect(session.events.map(({ name }) => name)).toEqual(Array(3).fill('command:rejected'))
      expect(session.events.map(({ data }) => data)).toMatchObject([
        { command: 'order:make', error: { code: 'validation_failed', retry: false } },
        { command: `${'z'.repeat(64)}…`, error: { code: 'unknown_command' } },
        { command: 'order:cancel', error: { code: 'forbidden' } },
      ])
    })
  })

  it('answers nobody who has gone, and disturbs nobody', async () => {
    await using world = await open()
    const gate = Promise.withResolvers<unknown>()
    world.does.handler = () => gate.promise
    const client = world.connect()
    const session = await world.enter('/shop', ana)
    const asked = session.ask('order:ping')
    const bo = await world.enter('/shop', { userId: 'bo' })
    const failing = bo.ask('order:ping')
    session.leave()
    gate.resolve({})
    await expect(asked).rejects.toMatchObject({ code: 'disconnected' })
    expect(await failing).toEqual({ ok: true, data: {} })
    client.close()
  })

  it('refuses to serve a namespace with a command that nothing handles', async () => {
    const served = serveNamespace(shop, { commands: {} } as never)
    await expect(openRealtimeWorld({ namespaces: [served] })).rejects.toThrow(/order:make of \/shop/)
  })

  describe('idempotency keys', () => {
    const keyed = (key: unknown) => ({ title: 'Tea', _meta: { key } })
    const makes = (world: Awaited<ReturnType<typeof open>>) => {
      let count = 0
      world.does.handler = () => {
        count += 1
        return { made: `${count}` }
      }
    }
    const first = { ok: true, data: { made: '1' } }

    it('runs a command once, and answers each repeat with the answer of the first', async () => {
      await using world = await open()
      makes(world)
      const session = await world.enter('/shop', ana)
      expect(await session.ask('order:make', keyed('k'))).toEqual(first)
      expect(await session.ask('order:make', keyed('k'))).toEqual(first)
      const again = await world.enter('/shop', ana)
      expect(await again.ask('order:make', keyed('k'))).toEqual(first)
      expect(world.ran).toEqual([{ title: 'Tea', count: 1 }])
      expect(await again.ask('order:make', keyed('l'))).toMatchObject({ data: { made: '2' } })
      expect(await again.ask('order:make', { title: 'Tea' })).toMatchObject({ data: { made: '3' } })
    })

    it('lets a repeat wait for the first one', async () => {
      await using world = await open()
      const gate = Promise.withResolvers<unknown>()
      world.does.handler = () => gate.promise
      const session = await world.enter('/shop', ana)
      const asked = [1, 2, 3].map(() => session.ask('order:make', keyed('k')))
      gate.resolve({ made: 'once' })
      expect(await Promise.all(asked)).toEqual(Array(3).fill({ ok: true, data: { made: 'once' } }))
      expect(world.ran).toHaveLength(1)
    })

    it('goes on for who comes back before it was done', async () => {
      await using world = await open()
      const gate = Promise.withResolvers<unknown>()
      world.does.handler = () => gate.promise
      const session = await world.enter('/shop', ana)
      const lost = session.ask('order:make', keyed('k'))
      session.leave()
      await expect(lost).rejects.toMatchObject({ code: 'disconnected' })
      const back = await world.enter('/shop', ana)
      const asked = back.ask('order:make', keyed('k'))
      gate.resolve({ made: 'once' })
      expect(await asked).toEqual({ ok: true, data: { made: 'once' } })
      expect(world.ran).toHaveLength(1)
    })

    it('keeps users and commands apart', async () => {
      await using world = await open()
      makes(world)
      const session = await world.enter('/shop', ana)
      const bo = await world.enter('/shop', { userId: 'bo' })
      expect(await session.ask('order:make', keyed('k'))).toEqual(first)
      expect(await bo.ask('order:make', keyed('k'))).toMatchObject({ data: { made: '2' } })
      expect(await session.ask('order:ping', { _meta: { key: 'k' } })).toMatchObject({ data: { made: '3' } })
      expect(await session.ask('order:make', keyed('k\n'))).toMatchObject({ data: { made: '4' } })
    })

    it('repeats a refusal of the handler too, and checks each repeat by itself', async () => {
      await using world = await open()
      let count = 0
      world.does.handler = () => {
        count += 1
        throw new Refusal('not_found', `No ${count}.`)
      }
      const session = await world.enter('/shop', ana)
      expect(await session.ask('order:make', keyed('k'))).toEqual(refused('not_found', { message: 'No 1.' }))
      expect(await session.ask('order:make', keyed('k'))).toEqual(refused('not_found', { message: 'No 1.' }))
      expect(await session.ask('order:make', { title: 7, _meta: { key: 'k' } })).toEqual(
        refused('validation_failed'),
      )
    })

    it('keeps no refusal that may be another one next time', async () => {
      await using world = await open()
      world.allowFailures()
      const session = await world.enter('/shop', ana)
      world.does.handler = async () => {
        throw new Error('on purpose')
      }
      const both = [session.ask('order:make', keyed('k')), session.ask('order:make', keyed('k'))]
      expect(await Promise.all(both)).toEqual([refused('internal'), refused('internal')])
      expect(world.ran).toHaveLength(1)
      makes(world)
      expect(await session.ask('order:make', keyed('k'))).toEqual(first)
      expect(await session.ask('order:make', keyed('k'))).toEqual(first)
    })

    it('forgets after five minutes', async () => {
      await using world = await open()
      makes(world)
      const session = await world.enter('/shop', ana)
      await session.ask('order:make', keyed('k'))
      world.clock.advance(5 * 60_000 - 1)
      expect(await session.ask('order:make', keyed('k'))).toEqual(first)
      world.clock.advance(1)
      expect(await session.ask('order:make', keyed('k'))).toMatchObject({ data: { made: '2' } })
    })

    it.each([7, '', 'x'.repeat(129), null, {}, ['k'], true])(
      'refuses one that is no key: %j',
      async (key) => {
        await using world = await open()
        const session = await world.enter('/shop', ana)
        expect(await session.ask('order:make', keyed(key))).toEqual(
          refused('validation_failed', { fields: [expect.objectContaining({ path: '_meta.key' })] }),
        )
        expect(world.ran).toEqual([])
      },
    )

    it('answers a repeat without an id as what it is', async () => {
      await using world = await open()
      makes(world)
      const session = await world.enter('/shop', ana)
      session.send('order:make', keyed('k'))
      expect(await session.ask('order:make', keyed('k'))).toEqual(first)
    })
  })

  describe('counters and the activity of an operator', () => {
    it('counts every command by what it was, with bytes, time and errors', async () => {
      await using world = await open()
      world.allowFailures()
      const session = await world.enter('/shop', ana)
      await session.ask('order:make', { title: 'Tea' })
      await session.ask('order:make', { title: 7 })
      await session.ask('order:make', { title: 7 })
      world.does.handler = () => {
        throw new Error('on purpose')
      }
      await session.ask('order:ping')
      for (let n = 0; n < 20; n += 1) await session.ask(`order:unknown${n}`)
      const counts = world.realtime.counters
        .list()
        .filter(({ kind, namespace }) => kind === 'command' && namespace === '/shop')
      expect(counts.map(({ name }) => name).toSorted()).toEqual([
        '(unknown)',
        'order:cancel',
        'order:make',
        'order:note',
        'order:ping',
        'order:upload',
        'room:join',
        'room:leave',
      ])
      const of = (name: string) => counts.find((count) => count.name === name)
      expect(of('order:make')).toMatchObject({ count: 3, deliveries: 0, errors: { validation_failed: 2 } })
      expect(of('order:make')?.bytes).toBeGreaterThan(30)
      expect(of('order:make')?.minutes).toHaveLength(60)
      expect(of('order:make')?.minutes.at(-1)).toBe(3)
      expect(of('order:make')?.handlerMsMax).toBeGreaterThan(0)
      expect(of('order:ping')).toMatchObject({ count: 1, errors: { internal: 1 } })
      expect(of('(unknown)')).toMatchObject({ count: 20, errors: { unknown_command: 20 } })
      world.clock.advance(120_000)
      expect(of('order:make')?.minutes.slice(-3)).toEqual([3, 0, 0])
      world.clock.advance(60 * 60_000)
      expect(of('order:make')?.minutes).toEqual(Array(60).fill(0))
    })

    it('tells whoever watches, and nobody afterwards', async () => {
      await using world = await open()
      const session = await world.enter('/shop', ana)
      await session.ask('order:ping')
      const entries: unknown[] = []
      const stop = world.realtime.tap.watch((entry) => entries.push(entry))
      await session.ask('order:make', { title: 'Tea' })
      await session.ask('order:make', { title: 7, note: 'my-secret' })
      await session.ask('q'.repeat(200))
      await world.realtime.publish(shop, 'order:made', { n: 1 }, { rooms: [{ kind: 'user', id: 'ana' }] })
      await expect(world.enter('/shop', ana, { workspaceId: 'x' })).rejects.toThrow()
      await expect(world.enter('/secret-name', ana)).rejects.toThrow()
      session.leave()
      stop()
      await world.enter('/shop', ana)
      const at = new Date(world.clock.now()).toISOString()
      const same = { at, namespace: '/shop' }
      expect(entries).toMatchObject([
        { ...same, kind: 'command', name: 'order:make', userId: 'ana', bytes: expect.any(Number) },
        { ...same, kind: 'command', name: 'order:make', code: 'validation_failed' },
        { ...same, kind: 'command', name: '(unknown)', code: 'unknown_command' },
        { ...same, kind: 'event', name: 'order:made', rooms: ['user:ana'], recipients: 1 },
        { ...same, kind: 'refused', name: 'forbidden' },
        { at, namespace: '(unknown)', kind: 'refused', name: 'unknown_namespace' },
        { ...same, kind: 'disconnect', name: 'client_left', userId: 'ana' },
      ])
      expect(JSON.stringify(entries)).not.toContain('my-secret')
      expect(JSON.stringify(entries)).not.toContain('secret-name')
    })
  })

  it('answers in the order of the commands where handlers answer at once', async () => {
    await using world = await open()
    const session: MemorySession = await world.enter('/shop', ana)
    const order: number[] = []
    const asked = [1, 2, 3, 4, 5].map((n) => session.ask('order:ping').then(() => order.push(n)))
    await until(() => order.length === 5, { what: 'all are answered' })
    await Promise.all(asked)
    expect(order).toEqual([1, 2, 3, 4, 5])
  })
})
