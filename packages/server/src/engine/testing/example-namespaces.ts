/** Two namespaces with events of every lane, for tests of the engine. */
import { defineNamespace, latest, pulse, stream } from '@belfry/contract'
import { z } from 'zod'

const numbered = z.object({ n: z.int() })
const keyed = z.object({ n: z.int(), id: z.string() })
const rooms = ['everyone', 'user', 'workspace', 'team', 'episode'] as const

const events = {
  'post:created': stream(numbered, { summary: 'A post was made.', rooms }),
  'post:hidden': stream(numbered, { summary: 'For some eyes only.', rooms, permission: 'posts:audit' }),
  'post:progress': latest(keyed, { summary: 'How far it is.', rooms, key: ({ id }) => id }),
  'post:audited': latest(keyed, {
    summary: 'How far it is, for some eyes only.',
    rooms,
    permission: 'posts:audit',
    key: ({ id }) => id,
  }),
  'post:typing': pulse(numbered, { summary: 'Somebody types.', rooms }),
}

export const posts = defineNamespace({ name: '/posts', summary: 'Posts.', events, commands: {} })
export const drafts = defineNamespace({ name: '/drafts', summary: 'Drafts.', events, commands: {} })
