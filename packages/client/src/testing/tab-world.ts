/** Tabs of one browser, all in this process: with locks in memory, real channels, and connections that lead nowhere. */
import { type EventMeta, realtimeNamespace } from '@belfry/contract'
import { expect } from 'vitest'
import { type Client, type ClientOptions, createClient } from '../client.ts'
import type { Live } from '../live.ts'
import type { PageChange } from '../tabs/page.ts'
import { createSharedLinks } from '../tabs/shared-links.ts'
import { createMemoryLocks, type MemoryLocks } from './memory-locks.ts'
import { createScriptedLinks, type ScriptedLinks } from './scripted-links.ts'
import { createTestClock, type TestClock } from './test-clock.ts'

export interface TestedTab {
  readonly client: Client
  readonly live: Live<typeof realtimeNamespace>
  /** Messages and resets, in the order in which they came. */
  readonly heard: string[]
  readonly states: string[]
  readonly errors: unknown[]
  /** Its connections, one for each time that it led. */
  readonly connections: ScriptedLinks[]
  /** Whose tokens these may use. */
  readonly users: string[]
  readonly page: { isVisible: boolean }
  change(change: PageChange): void
  /** How many want to know of its page. */
  watchers(): number
  /** Opens the namespace. */
  listen(): void
}

export interface TabWorld extends Disposable {
  readonly clock: TestClock
  readonly locks: MemoryLocks
  /** Before the names of channels and locks of Ana's tabs. */
  readonly name: string
  readonly lockOfLead: string
  tab(options?: {
    readonly user?: () => string
    readonly isVisible?: boolean
    readonly client?: Partial<ClientOptions>
  }): TestedTab
}

let worlds = 0

export function openTabWorld(): TabWorld {
  worlds += 1
  const url = `http://world-${worlds}`
  const name = JSON.stringify(['belfry', 1, url, undefined, undefined, 'ana'])
  const clock = createTestClock()
  const locks = createMemoryLocks()
  const opened: TestedTab[] = []
  let ids = 0
  return {
    clock,
    locks,
    name,
    lockOfLead: `${name} lead`,
    tab({ user = () => 'ana', isVisible = true, client: given = {} } = {}) {
      const errors: unknown[] = []
      const connections: ScriptedLinks[] = []
      const users: string[] = []
      const listeners = new Set<(change: PageChange) => void>()
      const page = {
        isVisible,
        watch(listener: (change: PageChange) => void) {
          const entry = (change: PageChange) => listener(change)
          listeners.add(entry)
          return () => {
            listeners.delete(entry)
          }
        },
      }
      const client = createClient({
        url,
        token: 'a token',
        clock,
        onError: (error) => errors.push(error),
        ...given,
        tabs: (options) =>
          createSharedLinks(options, {
            user,
            locks,
            page,
            newId: () => {
              ids += 1
              return `${ids}`
            },
            makeLinks(each) {
              users.push(each)
              const links = createScriptedLinks()
              connections.push(links)
              return links
            },
          }),
      })
      const live = client.namespace(realtimeNamespace)
      const heard: string[] = []
      const states: string[] = []
      live.state.subscribe(() => states.push(live.state.get().status))
      const tab: TestedTab = {
        client,
        live,
        heard,
        states,
        errors,
        connections,
        users,
        page,
        change: (change) => {
          for (const listener of [...listeners]) listener(change)
        },
        watchers: () => listeners.size,
        listen() {
          live.on('system:message', ({ message }) => heard.push(message))
          live.onReset((reason) => heard.push(`reset: ${reason}`))
        },
      }
      opened.push(tab)
      return tab
    },
    [Symbol.dispose]() {
      for (const { client } of opened) client.close()
      expect(opened.flatMap(({ errors }) => errors)).toEqual([])
      expect(clock.timers, 'timers of tabs that were closed').toBe(0)
    },
  }
}

/** The connection of a tab that leads. */
export async function connectionOf(tab: TestedTab, times = 1): Promise<ScriptedLinks> {
  await expect.poll(() => tab.connections.length, { interval: 1 }).toBe(times)
  return tab.connections.at(-1) as ScriptedLinks
}

export async function becomes(tab: TestedTab, status: string): Promise<void> {
  await expect.poll(() => tab.live.state.get().status, { interval: 1 }).toBe(status)
}

export async function hears(tab: TestedTab, heard: readonly string[]): Promise<void> {
  await expect.poll(() => tab.heard, { interval: 1 }).toEqual(heard)
}

export const say = (connection: ScriptedLinks, message: string, meta?: EventMeta): void =>
  connection.say('system:message', { message, severity: 'info' }, meta)

/** A tab that leads, and others that follow it, all of them let in. */
export async function openedTabs(world: TabWorld, followers = 1): Promise<[TestedTab, ...TestedTab[]]> {
  const leader = world.tab()
  leader.listen()
  const connection = await connectionOf(leader)
  const others = Array.from({ length: followers }, () => world.tab())
  for (const tab of others) tab.listen()
  connection.letIn()
  for (const tab of [leader, ...others]) await becomes(tab, 'open')
  return [leader, ...others]
}
