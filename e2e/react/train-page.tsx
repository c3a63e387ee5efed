/** A page as its author writes it, for a user on a train: a list, changes to it, and how the connection is. */
import { BelfryProvider, ConnectionStatus, useCommand, useSnapshot, useWaitingCommands } from '@belfry/react'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import type { posts } from '../protocol/namespaces.ts'

const contract = { name: '/posts' } as typeof posts

function Train() {
  const [thread, setThread] = useState<string>()
  return (
    <BelfryProvider token={new URLSearchParams(location.search).get('token')} random={() => 0}>
      <ConnectionStatus />
      {['a', 'b', 'secret'].map((each) => (
        <button key={each} type="button" onClick={() => setThread(each)}>
          Open {each}
        </button>
      ))}
      <button type="button" onClick={() => setThread(undefined)}>
        Close
      </button>
      <Changes />
      {thread !== undefined && <Thread id={thread} />}
    </BelfryProvider>
  )
}

function Thread({ id }: { readonly id: string }) {
  const { status, data, error } = useSnapshot(contract, {
    room: { kind: 'thread', id },
    load: async ({ position }) => {
      const answer = await fetch(`/numbers?${id}`)
      return { position, ...((await answer.json()) as { data: number[] }) }
    },
    apply: { 'post:created': (numbers, { n }) => (numbers.includes(n) ? numbers : [...numbers, n]) },
  })
  return <p id="thread">{[id, status, data, error?.message].filter(Boolean).join(' ')}</p>
}

function Changes() {
  const view = useCommand(contract, 'post:view')
  const waiting = useWaitingCommands(contract)
  return (
    <>
      <button
        type="button"
        onClick={() => void view.run({ id: 'x' }, { repeat: true }).catch(() => undefined)}
      >
        Change
      </button>
      <p id="waiting">{waiting.length} changes are waiting</p>
    </>
  )
}

createRoot(document.body).render(
  <StrictMode>
    <Train />
  </StrictMode>,
)
