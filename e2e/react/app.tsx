/** An application as its authors write it, with what the tests of this folder look at. The address says who is signed in. */
import { sharedBetweenTabs } from '@belfry/client'
import type { notificationsNamespace } from '@belfry/contract'
import {
  BelfryProvider,
  ConnectionStatus,
  NotificationBell,
  NotificationList,
  useCommand,
  useConnection,
  useEvent,
  useNamespace,
  useNotifications,
} from '@belfry/react'
import { StrictMode, useState } from 'react'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { AppPage } from './app-page.tsx'

/** The types of the contract, without its checks. */
const notifications = { name: '/notifications' } as typeof notificationsNamespace

/** A page that goes while it changes from polling to WebSocket is missed only when its pings are. */
const webSocketOnly = { transports: ['websocket'] }

const isShared = new URLSearchParams(location.search).has('shared')

function App() {
  const [user, setUser] = useState(new URLSearchParams(location.search).get('user') ?? undefined)
  const [parts, setParts] = useState(['bell', 'status', 'readings'])
  const toggle = (part: string) =>
    setParts((before) => (before.includes(part) ? before.filter((each) => each !== part) : [...before, part]))
  return (
    <BelfryProvider
      user={user}
      token={user === undefined ? undefined : () => tokenOf(user)}
      socket={webSocketOnly}
      {...(isShared && user !== undefined && { tabs: sharedBetweenTabs(user) })}
    >
      <header>
        {parts.includes('status') && <ConnectionStatus />}
        {parts.includes('bell') && <NotificationBell onAction={noteAction} />}
      </header>
      <main>
        <h1>An application</h1>
        <nav>
          {['bell', 'status', 'readings', 'list', 'second list'].map((part) => (
            <button key={part} type="button" onClick={() => toggle(part)}>
              Toggle {part}
            </button>
          ))}
          <button type="button" onClick={() => setUser(undefined)}>
            Sign out
          </button>
          <button type="button" onClick={() => setUser('bob')}>
            Sign in as Bob
          </button>
        </nav>
        {parts.includes('readings') && <Readings />}
        {parts.includes('list') && <NotificationList />}
        {parts.includes('second list') && <NotificationList category="posts" />}
      </main>
    </BelfryProvider>
  )
}

/** What the hooks say, as text. */
function Readings() {
  const { status } = useConnection()
  const namespace = useNamespace(notifications)
  const [heard, setHeard] = useState<readonly string[]>([])
  const [factor, setFactor] = useState(1)
  // Written in place, and with what the last drawing knew.
  useEvent(notifications, 'notification:new', ({ title }) => setHeard([...heard, `${title} × ${factor}`]))
  const ask = useCommand(notifications, 'notification:getAll')
  const { unread, status: list, items } = useNotifications()
  return (
    <dl>
      <dt>connection</dt>
      <dd data-reading="connection">{status}</dd>
      <dt>namespace</dt>
      <dd data-reading="namespace">{namespace.status}</dd>
      <dt>list</dt>
      <dd data-reading="list">{`${list} ${unread} ${items.map(({ title }) => title).join()}`}</dd>
      <dt>heard</dt>
      <dd data-reading="heard">{heard.join()}</dd>
      <dt>command</dt>
      <dd data-reading="command">
        {`${ask.status} ${ask.data?.notifications.length ?? '-'} ${ask.error?.code ?? '-'}`}
      </dd>
      <dt>do</dt>
      <dd>
        <button type="button" onClick={() => setFactor(factor + 1)}>
          Next factor
        </button>
        <button type="button" onClick={() => ask.run({ limit: 1 })}>
          Ask for one
        </button>
        <button type="button" onClick={() => ask.run({ limit: 1 }, { key: 'once' })}>
          Ask for one, once
        </button>
        <button type="button" onClick={() => ask.run({ limit: 1_000 })}>
          Ask for too many
        </button>
        <button
          type="button"
          onClick={() => {
            // The last one is given up before the first one is answered.
            void ask.run({ limit: 1_000 })
            void ask.run({ limit: 2 }, { timeoutMs: 0 })
          }}
        >
          Ask twice
        </button>
      </dd>
    </dl>
  )
}

async function tokenOf(user: string): Promise<string> {
  const answer = await fetch(`/test/token?user=${encodeURIComponent(user)}`)
  return answer.text()
}

function noteAction({ title }: { title: string }, { id }: { id: string }): void {
  document.title = `${id} of ${title}`
}

const root = document.getElementById('root') as HTMLElement
if (root.hasChildNodes()) hydrateRoot(root, <AppPage />)
else
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
