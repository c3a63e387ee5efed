import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  type CommandInput,
  type CommandOutput,
  command,
  defineNamespace,
  type EventData,
  type EventInput,
  type EventName,
  latest,
  pulse,
  stream,
} from './namespace.ts'

const post = z.object({ id: z.string(), title: z.string(), pinned: z.boolean().default(false) })
const posts = defineNamespace({
  name: '/posts',
  summary: 'Posts.',
  durable: true,
  events: {
    'post:created': stream(post, { summary: 'A post was made.', rooms: ['workspace'] }),
    'post:progress': latest(z.object({ id: z.string(), percent: z.number() }), {
      summary: 'How far publishing is.',
      rooms: ['workspace'],
      key: ({ id }) => id,
    }),
    'post:typing': pulse(z.object({ by: z.string() }), {
      summary: 'Somebody types.',
      rooms: ['post'],
      maxBytes: 200,
    }),
  },
  commands: {
    'post:rename': command({
      summary: 'Gives a post another title.',
      input: z.object({ id: z.string(), title: z.string() }),
      output: post,
      permission: 'posts:write',
      ratePerSecond: 5,
    }),
    'post:seen': command({ summary: 'Says that somebody saw it.', input: z.object({ id: z.string() }) }),
  },
})

describe('a namespace', () => {
  it('keeps what it was given, with defaults for the rest', () => {
    expect(posts).toMatchObject({ name: '/posts', durable: true, permission: undefined })
    expect(posts.events['post:created']).toMatchObject({ lane: 'stream', maxBytes: 16_384, key: undefined })
    expect(posts.events['post:typing']).toMatchObject({ lane: 'pulse', maxBytes: 200 })
    expect(posts.events['post:progress'].key?.({ id: 'a', percent: 3 })).toBe('a')
    expect(posts.commands['post:rename']).toMatchObject({
      permission: 'posts:write',
      ratePerSecond: 5,
      maxBytes: 65_536,
    })
    expect(posts.commands['post:seen'].output).toBeUndefined()
  })

  it('is durable only when it says so', () => {
    expect(defineNamespace({ name: '/a', summary: '', events: {}, commands: {} }).durable).toBe(false)
  })

  it('says how much of its log is kept, in whole numbers', () => {
    const withLog = (log?: object) =>
      defineNamespace({ name: '/a', summary: '', events: {}, commands: {}, ...(log && { log }) }).log
    expect(withLog()).toEqual({})
    expect(withLog({ ageMsMax: 60_000, bytesMax: 0 })).toEqual({ ageMsMax: 60_000, bytesMax: 0 })
    for (const bad of [{ ageMsMax: -1 }, { bytesMax: 1.5 }, { entriesMax: Number.NaN }])
      expect(() => withLog(bad)).toThrow(`${Object.keys(bad)[0]} of the log of /a is`)
  })

  it('gives both sides their types', () => {
    type Posts = typeof posts
    expectTypeOf<EventName<Posts>>().toEqualTypeOf<'post:created' | 'post:progress' | 'post:typing'>()
    // A publisher may leave out what has a default; a listener always gets it.
    expectTypeOf<EventInput<Posts, 'post:created'>>().toEqualTypeOf<{
      id: string
      title: string
      pinned?: boolean | undefined
    }>()
    expectTypeOf<EventData<Posts, 'post:created'>>().toEqualTypeOf<{
      id: string
      title: string
      pinned: boolean
    }>()
    expectTypeOf<CommandInput<Posts, 'post:rename'>>().toEqualTypeOf<{ id: string; title: string }>()
    expectTypeOf<CommandOutput<Posts, 'post:rename'>>().toEqualTypeOf<EventData<Posts, 'post:created'>>()
  })

  it('does not compile with a wrong name, payload or option', () => {
    const data = z.object({ id: z.string() })
    const compiles = () => {
      // @ts-expect-error: no such event
      type Unknown = EventInput<typeof posts, 'post:creatd'>
      // @ts-expect-error: no such command
      type UnknownCommand = CommandInput<typeof posts, 'post:created'>
      // @ts-expect-error: a title is text
      const wrong: EventInput<typeof posts, 'post:created'> = { id: 'a', title: 1 }
      // @ts-expect-error: the latest lane needs to know which values replace each other
      latest(data, { summary: '', rooms: [] })
      // @ts-expect-error: the key is made from the payload
      latest(data, { summary: '', rooms: [], key: ({ idd }) => idd })
      // @ts-expect-error: a namespace begins with a slash
      defineNamespace({ name: 'posts', summary: '', events: {}, commands: {} })
      // @ts-expect-error: what is no schema describes nothing
      stream({ id: 'string' }, { summary: '', rooms: [] })
      return { wrong } as { wrong: unknown; unknown?: Unknown; unknownCommand?: UnknownCommand }
    }
    expect(compiles).toBeTypeOf('function')
  })

  it('takes schemas of any library that follows Standard Schema and tells its JSON Schema', () => {
    const own = {
      '~standard': {
        version: 1,
        vendor: 'own',
        validate: (value: unknown) => ({ value: String(value) }),
        types: undefined as unknown as { input: string; output: string },
        jsonSchema: { input: () => ({ type: 'string' }), output: () => ({ type: 'string' }) },
      },
    } as const
    const contract = stream(own, { summary: 'Text.', rooms: ['user'] })
    expectTypeOf<(typeof contract)['data']>().toEqualTypeOf<typeof own>()
    expect(contract.data['~standard'].vendor).toBe('own')
  })
})
