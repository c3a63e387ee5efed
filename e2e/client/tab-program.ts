/** What runs in each page of the tests of tabs: a client, and a record of what it hears. */
import {
  type Client,
  type CommandOptions,
  createClient,
  createNotifications,
  type Live,
  type Notifications,
  sharedBetweenTabs,
} from '@belfry/client'
import type { posts } from '../protocol/namespaces.ts'

export interface TabOptions {
  readonly user: string
  readonly token: string
  /** How much faster than others this page's time goes. */
  readonly haste?: number
  /** Opens nothing. */
  readonly isIdle?: boolean
}

/** A command by its id, and what became of it. */
export type Outcome = readonly [id: string, outcome: string]

export interface Tab {
  readonly client: Client
  readonly live: Live<typeof posts>
  readonly notifications: Notifications
  readonly heard: number[]
  readonly resets: string[]
  /** Of the connection, and of the namespace. */
  readonly states: string[]
  readonly outcomes: Outcome[]
  /** How often it was asked for a token. */
  asked: number
  /** Lets this page stand still. */
  block(ms: number): void
  view(id: string, options?: CommandOptions): Promise<string>
}

export interface TabWindow {
  tab: Tab
  openTab(options: TabOptions): void
}

function openTab({ user, token, haste = 1, isIdle = false }: TabOptions): void {
  const beganMs = Date.now()
  const client = createClient({
    token: () => {
      tab.asked += 1
      return token
    },
    tabs: sharedBetweenTabs(user),
    // A poll of a page that is closed meanwhile would stay at the server until its time is over.
    socket: { transports: ['websocket'] },
    random: () => 0,
    clock: {
      now: () => beganMs + (Date.now() - beganMs) * haste,
      after(delayMs, action) {
        const timer = setTimeout(action, delayMs / haste)
        return () => clearTimeout(timer)
      },
    },
  })
  const live = client.namespace({ name: '/posts' } as typeof posts)
  const tab: Tab = {
    client,
    live,
    notifications: createNotifications(client, { pageSize: 5 }),
    heard: [],
    resets: [],
    states: [],
    outcomes: [],
    asked: 0,
    block(ms) {
      const untilMs = Date.now() + ms
      while (Date.now() < untilMs);
    },
    async view(id, options) {
      const outcome = await live.command('post:view', { id }, options).then(
        () => 'answered',
        ({ code }: { code: string }) => code,
      )
      tab.outcomes.push([id, outcome])
      return outcome
    },
  }
  for (const [name, { state }] of Object.entries({ client, live }))
    state.subscribe(() => tab.states.push(`${name} ${state.get().status}`))
  if (!isIdle) {
    live.on('post:created', ({ n }) => tab.heard.push(n))
    live.onReset((reason) => tab.resets.push(reason))
  }
  Object.assign(window, { tab })
}

Object.assign(window, { openTab })
