/** What may be published, what is refused, and what becomes of a payload on its way. */

import { defineNamespace, latest, Refusal, type RoomRef, stream } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { serveNamespace } from '../namespace-handlers.ts'
import { openRealtimeWorld, type RealtimeWorldOptions } from '../testing/realtime-world.ts'
import { encodePayload, withMeta } from './payload.ts'

const bytes = () => z.custom<Uint8Array>((value) => value instanceof Uint8Array).meta({ type: 'string' })

const files = defineNamespace({
  name: '/files',
  summary: 'Files.',
  events: {
    'file:changed': stream(z.object({ title: z.string() }), {
      summary: 'Changed.',
      rooms: ['user', 'everyone'],
    }),
    'file:small': stream(z.object({ text: z.string() }), {
      summary: 'Small.',
      rooms: ['user'],
      maxBytes: 100,
    }),
    'file:drawn': stream(
      z.object({
        title: z.string(),
        pieces: z.array(z.object({ at: z.int(), bytes: bytes() })),
      }),
      { summary: 'Drawn.', rooms: ['user'], maxBytes: 1_000 },
    ),
    'file:progress': latest(z.object({ id: z.string(), preview: bytes() }), {
      summary: 'How far it is.',
      rooms: ['user'],
      key: ({ id }) => id,
    }),
    'file:any': stream(z.looseObject({}), { summary: 'Whatever.', rooms: ['user'] }),
    'file:stored': stream(z.looseObject({}), { summary: 'Stored.', rooms: ['user'], by: 'server' }),
  },
  commands: {},
})

const open = (options: Partial<RealtimeWorldOptions> = {}) =>
  openRealtimeWorld({ namespaces: [serveNamespace(files, { commands: {} })], ...options })

const user: RoomRef = { kind: 'user', id: 'ana' }
const to = { rooms: [user] }

describe('publishing', () => {
  it.each<readonly [string, string, string, unknown, readonly RoomRef[], string]>([
    [
      'to a namespace that there is not',
      '/nowhere',
      'file:changed',
      { title: 'x' },
      [user],
      'unknown_namespace',
    ],
    ['what no contract names', '/files', 'file:eaten', { title: 'x' }, [user], 'unknown_event'],
    ['a name from a prototype', '/files', 'constructor', { title: 'x' }, [user], 'unknown_event'],
    ['an event of the engine', '/files', 'session:closing', { code: 'kicked' }, [user], 'unknown_event'],
    [
      'to a room of another kind',
      '/files',
      'file:small',
      { text: 'x' },
      [user, { kind: 'everyone', id: 'all' }],
      'validation_failed',
    ],
    ['what is too large', '/files', 'file:small', { text: 'x'.repeat(100) }, [user], 'payload_too_large'],
    [
      'what is too large in bytes of UTF-8',
      '/files',
      'file:small',
      { text: '東'.repeat(40) },
      [user],
      'payload_too_large',
    ],
    [
      'what is too large with its attachments',
      '/files',
      'file:drawn',
      { title: '', pieces: [{ at: 1, bytes: new Uint8Array(1_000) }] },
      [user],
      'payload_too_large',
    ],
    ['what the schema does not know', '/files', 'file:changed', { title: 7 }, [user], 'validation_failed'],
    ['nothing', '/files', 'file:any', undefined, [user], 'validation_failed'],
    ['a text', '/files', 'file:any', 'text', [user], 'validation_failed'],
    ['a list', '/files', 'file:any', [1, 2], [user], 'validation_failed'],
    ['what the server alone publishes', '/files', 'file:stored', {}, [user], 'not_publishable'],
  ])('refuses %s, and sends nothing', async (_what, namespace, name, data, rooms, code) => {
    await using world = await open()
    const session = await world.enter('/files', { userId: 'ana' })
    const before = world.realtime.namespaces.get('/files')?.cursor
    const published = world.realtime.publishNamed(namespace, name, data, { rooms })
    await expect(published).rejects.toMatchObject({ code })
    await expect(published).rejects.toBeInstanceOf(Refusal)
    world.memory.flush()
    expect(session.events).toEqual([])
    expect(world.realtime.namespaces.get('/files')?.cursor).toBe(before)
  })

  it('lets the code of the server publish what nobody else may, by its contract and by its name', async () => {
    await using world = await open()
    const session = await world.enter('/files', { userId: 'ana' })
    await world.realtime.publish(files, 'file:stored', { n: 1 }, to)
    await world.realtime.publishNamed('/files', 'file:stored', { n: 2 }, to, { by: 'server' })
    await expect(
      world.realtime.publishNamed('/files', 'file:stored', { n: 3 }, to, { by: 'anybody' }),
    ).rejects.toMatchObject({ code: 'not_publishable' })
    world.memory.flush()
    expect(session.events).toMatchObject([{ data: { n: 1 } }, { data: { n: 2 } }])
  })

  it.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'text'],
    ['a list', [1, 2]],
    ['a date', new Date(0)],
    ['bytes', Uint8Array.of(1)],
    ['what becomes a text', { toJSON: () => 'text' }],
    ['what becomes nothing', { toJSON: () => undefined }],
  ])('refuses %s also where payloads are not checked: it is no object on the wire', async (_what, data) => {
    await using world = await open({ checkPayloads: false })
    const session = await world.enter('/files', { userId: 'ana' })
    await expect(world.realtime.publish(files, 'file:any', data as never, to)).rejects.toMatchObject({
      code: 'validation_failed',
    })
    world.memory.flush()
    expect(session.events).toEqual([])
  })

  it('checks payloads where it is told to, and not elsewhere', async () => {
    await using world = await open({ checkPayloads: false })
    const session = await world.enter('/files', { userId: 'ana' })
    await world.realtime.publish(files, 'file:changed', { title: 7 } as never, to)
    world.memory.flush()
    expect(session.events[0]?.data).toMatchObject({ title: 7 })
  })

  it('refuses what has no end, without falling', async () => {
    const circle: Record<string, unknown> = {}
    circle['left'] = circle
    circle['right'] = circle
    circle['list'] = [circle, circle]
    for (const checkPayloads of [true, false]) {
      await using world = await open({ checkPayloads })
      await expect(world.realtime.publish(files, 'file:any', circle, to)).rejects.toThrow()
      await expect(world.realtime.publish(files, 'file:any', { n: 7n }, to)).rejects.toThrow()
    }
  })

  it('overwrites a `_meta` of its own making', async () => {
    await using world = await open({ checkPayloads: false })
    const session = await world.enter('/files', { userId: 'ana' })
    const { cursor } = await world.realtime.publish(files, 'file:any', { _meta: { id: 'mine' }, n: 1 }, to)
    world.memory.flush()
    expect(session.events[0]?.data).toEqual({
      n: 1,
      _meta: { id: cursor, at: new Date(world.clock.now()).toISOString() },
    })
  })

  it('carries bytes as they are, in their places', async () => {
    await using world = await open()
    const session = await world.enter('/files', { userId: 'ana' })
    const whole = Buffer.from('0123456789')
    await world.realtime.publish(
      files,
      'file:drawn',
      {
        title: 'a',
        pieces: [
          { at: 1, bytes: whole.subarray(2, 5) },
          { at: 2, bytes: new Uint8Array(0) },
        ],
      },
      to,
    )
    world.memory.flush()
    const data = session.events[0]?.data as { title: string; pieces: { at: number; bytes: Uint8Array }[] }
    expect(data.pieces.map((piece) => [piece.at, [...piece.bytes]])).toEqual([
      [1, [50, 51, 52]],
      [2, []],
    ])
  })

  it('keeps the bytes of a current value for who comes late', async () => {
    await using world = await open()
    const preview = Uint8Array.of(1, 2, 3)
    await world.realtime.publish(files, 'file:progress', { id: 'a', preview: Uint8Array.of(9) }, to)
    await world.realtime.publish(files, 'file:progress', { id: 'a', preview }, to)
    const session = await world.enter('/files', { userId: 'ana' })
    world.memory.flush()
    expect(session.events.map(({ data }) => data)).toMatchObject([{ id: 'a', preview }])
  })

  it('takes as many pieces of bytes as a stock client reads', async () => {
    await using world = await open()
    const session = await world.enter('/files', { userId: 'ana' })
    const drawn = (count: number) => ({
      title: '',
      pieces: Array.from({ length: count }, (_, at) => ({ at, bytes: Uint8Array.of(at) })),
    })
    await world.realtime.publish(files, 'file:drawn', drawn(10), to)
    await expect(world.realtime.publish(files, 'file:drawn', drawn(11), to)).rejects.toMatchObject({
      code: 'validation_failed',
    })
    world.memory.flush()
    expect(session.events).toHaveLength(1)
  })

  it('counts events, copies and bytes by name', async () => {
    await using world = await open()
    await world.enter('/files', { userId: 'ana' })
    await world.enter('/files', { userId: 'ana' })
    for (let n = 0; n < 3; n += 1) await world.realtime.publish(files, 'file:changed', { title: 'x' }, to)
    await expect(world.realtime.publishNamed('/files', 'file:changed', { title: 7 }, to)).rejects.toThrow()
    const count = world.realtime.counters.list().find(({ name }) => name === 'file:changed')
    expect(count).toMatchObject({ kind: 'event', namespace: '/files', count: 3, deliveries: 6 })
    expect(count?.bytes).toBeGreaterThan(3 * 10)
    expect(count?.minutes.at(-1)).toBe(3)
  })
})

describe('payloads', () => {
  it('are JSON text without what is binary', () => {
    expect(encodePayload({ a: 1, at: new Date(0), none: undefined })).toEqual({
      json: '{"a":1,"at":"1970-01-01T00:00:00.000Z"}',
      attachments: [],
    })
    const { json, attachments } = encodePayload({
      file: Buffer.from('ab'),
      list: [{ deep: Uint8Array.of(7) }, 'x'],
    })
    expect(JSON.parse(json)).toEqual({
      file: { _placeholder: true, num: 0 },
      list: [{ deep: { _placeholder: true, num: 1 } }, 'x'],
    })
    expect(attachments.map((each) => [...each])).toEqual([[97, 98], [7]])
  })

  it('keep dates and what has a JSON of its own, beside bytes', () => {
    const { json } = encodePayload({ at: new Date(0), file: Uint8Array.of(1), own: { toJSON: () => 'own' } })
    expect(JSON.parse(json)).toMatchObject({ at: '1970-01-01T00:00:00.000Z', own: 'own' })
  })

  it('take bytes out of any depth that they are written in', () => {
    const nested = (levels: number): unknown =>
      levels === 0 ? Uint8Array.of(1) : { inner: nested(levels - 1) }
    expect(encodePayload(nested(64) as object).attachments).toHaveLength(1)
    expect(() => encodePayload(nested(65) as object)).toThrow(Refusal)
  })

  it('get their `_meta` behind their own fields', () => {
    expect(withMeta('{}', 'k3f.1', '2030')).toBe('{"_meta":{"id":"k3f.1","at":"2030"}}')
    expect(withMeta('{"a":{}}', 'k3f.1', '2030')).toBe('{"a":{},"_meta":{"id":"k3f.1","at":"2030"}}')
  })
})
