/** What the server of these tests serves: a little of each kind, and handlers that note that they ran. */
import { command, defineNamespace, latest, pulse, stream } from '@belfry/contract'
import { z } from 'zod'
import { bytes } from '../../packages/contract/src/bytes.ts'
import {
  type RoomAuthority,
  type ServedNamespace,
  serveNamespace,
} from '../../packages/server/src/engine/namespace-handlers.ts'

const anyRoom = ['everyone', 'user', 'workspace', 'team', 'thread']
const post = z.object({ n: z.int(), text: z.string().optional() })
const drawing = z.object({ n: z.int(), image: bytes({ maxBytes: 200_000 }) })

export const posts = defineNamespace({
  name: '/posts',
  summary: 'Posts.',
  events: {
    'post:created': stream(post, { summary: 'A post was made.', rooms: anyRoom, maxBytes: 200_000 }),
    'post:drawn': stream(drawing, { summary: 'A picture.', rooms: anyRoom, maxBytes: 400_000 }),
    'post:progress': latest(z.object({ id: z.string(), percent: z.int() }), {
      summary: 'How far it is.',
      rooms: anyRoom,
      key: ({ id }) => id,
    }),
    'post:typing': pulse(z.object({ n: z.int() }), { summary: 'Somebody types.', rooms: anyRoom }),
  },
  commands: {
    'post:view': command({
      summary: 'Somebody looks at a post.',
      input: z.object({ id: z.string().max(100), tags: z.array(z.string()).optional() }),
      output: z.object({ id: z.string(), seen: z.boolean() }),
    }),
    'post:draw': command({
      summary: 'A picture, which comes back upside down.',
      input: z.object({ image: bytes({ maxBytes: 200_000 }) }),
      output: z.object({ image: bytes({ maxBytes: 200_000 }) }),
      maxBytes: 300_000,
    }),
    'post:note': command({
      summary: 'A note within a small bound.',
      input: z.object({ note: z.string().optional(), image: bytes({ maxBytes: 200_000 }).optional() }),
      maxBytes: 1_000,
    }),
    'post:tree': command({
      summary: 'Something nested.',
      input: z.object({ tree: z.unknown() }),
      depthMax: 8,
    }),
    'post:break': command({ summary: 'Fails.' }),
  },
})

export const news = defineNamespace({
  name: '/news',
  summary: 'News.',
  events: {
    'news:told': stream(post, { summary: 'Something is new.', rooms: anyRoom }),
  },
  commands: {
    'news:ask': command({ summary: 'Asks.', output: z.object({ answer: z.string() }) }),
  },
})

/** What a handler was called with; empty where a refusal changed nothing. */
export interface Handled {
  readonly name: string
  readonly input: unknown
  readonly userId: string
}

export function serveAll(handled: Handled[]): readonly ServedNamespace[] {
  const note = (name: string, input: unknown, userId: string) => handled.push({ name, input, userId })
  return [
    serveNamespace(posts, {
      commands: {
        'post:view': async (input, { session }) => {
          note('post:view', input, session.principal.userId)
          return { id: input.id, seen: true }
        },
        'post:draw': (input, { session }) => {
          note('post:draw', input, session.principal.userId)
          return { image: input.image.toReversed() }
        },
        'post:note': (input, { session }) => {
          note('post:note', input, session.principal.userId)
        },
        'post:tree': (input, { session }) => {
          note('post:tree', input, session.principal.userId)
        },
        'post:break': () => {
          throw new Error('This handler is broken on purpose.')
        },
      },
    }),
    serveNamespace(news, {
      commands: {
        'news:ask': (input, { session }) => {
          note('news:ask', input, session.principal.userId)
          return { answer: 'nothing' }
        },
      },
    }),
  ]
}

/** Threads are for everybody but the secret one. */
export const threads: RoomAuthority = { kind: 'thread', mayJoin: (_principal, id) => id !== 'secret' }
