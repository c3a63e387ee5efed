/** What runs in each page of the tests of reloads: a client whose session outlasts them, and data that does so too. */
import { type Client, createClient, createSnapshot, keptOverReloads, type Live } from '@belfry/client'
import type { posts } from '../protocol/namespaces.ts'

export interface ReloadedPage {
  readonly client: Client
  readonly live: Live<typeof posts>
  /** What the page shows: it is saved whenever it changes. */
  numbers(): readonly number[]
  /** How often it was loaded. */
  loads: number
  readonly resets: string[]
}

export interface ReloadedWindow {
  page?: ReloadedPage
  start(): void
}

function start(): void {
  const token = sessionStorage.getItem('token')
  if (token === null) return
  const client = createClient({
    token: () => token,
    reloads: keptOverReloads(),
    socket: { transports: ['websocket'] },
    random: () => 0,
  })
  const contract = { name: '/posts' } as typeof posts
  const live = client.namespace(contract)
  const saved = sessionStorage.getItem('saved')
  const snapshot = createSnapshot(client, contract, {
    async load() {
      page.loads += 1
      const answer = await fetch('/numbers')
      return answer.json() as Promise<{ data: number[]; position: string }>
    },
    apply: { 'post:created': (numbers, { n }) => [...numbers, n] },
    ...(saved !== null && { initial: JSON.parse(saved) as { data: number[]; position: string } }),
  })
  const page: ReloadedPage = {
    client,
    live,
    numbers: () => snapshot.state.get().data ?? [],
    loads: 0,
    resets: [],
  }
  live.onReset((reason) => page.resets.push(reason))
  snapshot.state.subscribe(() => {
    const { data, position } = snapshot.state.get()
    // Both at once: the one is what the other makes of the events up to there.
    if (data !== undefined) sessionStorage.setItem('saved', JSON.stringify({ data, position }))
  })
  Object.assign(window, { page })
}

Object.assign(window, { start })
start()
