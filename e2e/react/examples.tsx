/** The examples of docs/react.md, so that a compiler reads them; examples.test.ts sees that they are the same. */
import { command, defineNamespace, stream } from '@belfry/contract'
import {
  BelfryProvider,
  ConnectionStatus,
  NotificationBell,
  useCommand,
  useEvent,
  useNamespace,
} from '@belfry/react'
import { type ReactNode, useState } from 'react'
import { z } from 'zod'

const post = z.object({ id: z.string(), title: z.string() })
type Post = z.infer<typeof post>

const postsContract = defineNamespace({
  name: '/posts',
  summary: 'Posts.',
  events: { 'post:created': stream(post, { summary: 'A post was made.', rooms: ['everyone'] }) },
  commands: {
    'post:view': command({ summary: 'Somebody looks at a post.', input: z.object({ id: z.string() }) }),
  },
})

interface Session {
  readonly userId: string
  fetchToken(): Promise<string>
}

declare function fetchToken(): Promise<string>
declare function fetchPosts(): Promise<readonly Post[]>

export function App({ session }: { session: Session | undefined }) {
  return (
    <BelfryProvider user={session?.userId} token={session && (() => session.fetchToken())}>
      <header>
        <ConnectionStatus />
        <NotificationBell />
      </header>
      <Posts />
    </BelfryProvider>
  )
}

function Posts() {
  const [posts, setPosts] = useState<readonly Post[]>([])
  const load = () => fetchPosts().then(setPosts)
  useNamespace(postsContract, { onReset: load })
  useEvent(postsContract, 'post:created', (post) => setPosts([post, ...posts]))
  const view = useCommand(postsContract, 'post:view')
  return posts.map(({ id, title }) => (
    <button key={id} type="button" disabled={view.status === 'pending'} onClick={() => view.run({ id })}>
      {title} {view.error?.message}
    </button>
  ))
}

export function German({ children }: { children: ReactNode }) {
  return (
    <BelfryProvider
      token={fetchToken}
      locale="de"
      labels={{ notifications: 'Mitteilungen', justNow: 'gerade eben' }}
    >
      {children}
    </BelfryProvider>
  )
}
