/** A small application, for the tests of this package. */
import { command, defineNamespace, latest, stream } from '@belfry/contract'
import { type ServedNamespace, serveNamespace } from 'belfry'
import { z } from 'zod'

const rooms = ['everyone', 'user', 'workspace', 'thread']
const numbered = z.object({ n: z.int(), text: z.string().optional() })

export const posts = defineNamespace({
  name: '/posts',
  summary: 'Posts.',
  events: {
    'post:created': stream(numbered, { summary: 'A post was made.', rooms }),
    'post:edited': stream(numbered, { summary: 'A post is another one now.', rooms }),
    'post:gathered': stream(numbered, {
      summary: 'Posts that leave together.',
      rooms,
      batch: { windowMs: 500, countMax: 100 },
    }),
    'post:progress': latest(z.object({ id: z.string(), percent: z.int() }), {
      summary: 'How far it is.',
      rooms,
      key: ({ id }) => id,
    }),
  },
  commands: {
    'post:view': command({
      summary: 'Somebody looks at a post.',
      input: z.object({ id: z.string() }),
      output: z.object({ views: z.int() }),
    }),
    'post:wait': command({ summary: 'Takes as long as the test says.' }),
    'post:break': command({ summary: 'Fails.' }),
  },
})

export const ledger = defineNamespace({
  name: '/ledger',
  summary: 'What survives.',
  durable: true,
  events: { 'entry:made': stream(numbered, { summary: 'An entry.', rooms }) },
  commands: {},
})

export interface Served {
  readonly namespaces: readonly ServedNamespace[]
  /** Ids that were looked at. */
  readonly views: string[]
  /** What `post:wait` waits for. */
  waitFor: Promise<void>
}

export function servePosts(): Served {
  const served: Served = {
    views: [],
    waitFor: Promise.resolve(),
    namespaces: [
      serveNamespace(posts, {
        commands: {
          'post:view': ({ id }) => ({ views: served.views.push(id) }),
          'post:wait': () => served.waitFor,
          'post:break': () => {
            throw new Error('broken on purpose')
          },
        },
      }),
      serveNamespace(ledger, { commands: {} }),
    ],
  }
  return served
}

export const acme = { kind: 'workspace', id: 'acme' } as const
export const ana = { sub: 'ana', workspaces: ['acme'] }
export const bob = { sub: 'bob', workspaces: ['acme'] }
