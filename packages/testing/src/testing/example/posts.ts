/** The application of docs/testing.md: who makes a post tells the workspace. */
import { randomUUID } from 'node:crypto'
import { command, defineNamespace, stream } from '@belfry/contract'
import { type SocketService, serveNamespace } from 'belfry'
import { z } from 'zod'

export const posts = defineNamespace({
  name: '/posts',
  summary: 'Posts of a workspace.',
  events: {
    'post:created': stream(z.object({ id: z.string(), title: z.string() }), {
      summary: 'A post was made.',
      rooms: ['workspace'],
    }),
  },
  commands: {
    'post:create': command({
      summary: 'Makes a post.',
      input: z.object({ title: z.string().min(1) }),
      output: z.object({ id: z.string() }),
    }),
  },
})

export function createApplication(sockets: () => SocketService) {
  return {
    namespaces: [
      serveNamespace(posts, {
        commands: {
          'post:create': async ({ title }, { session }) => {
            const id = randomUUID()
            const rooms = session.principal.workspaces.map((workspace) => ({
              kind: 'workspace',
              id: workspace,
            }))
            await sockets().publish(posts, 'post:created', { id, title }, { rooms })
            return { id }
          },
        },
      }),
    ],
  }
}
