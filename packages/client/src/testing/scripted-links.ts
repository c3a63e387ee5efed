/** Links that lead nowhere: the test says what they hear, and sees what is sent over them. */
import type { EventMeta } from '@belfry/contract'
import type { Hear, Links } from '../link.ts'
import { type ConnectionState, closed, idle, type NamespaceState, opening } from '../states.ts'
import { createStore, type Store } from '../store.ts'

export interface Sent {
  readonly name: string
  readonly payload: object
  readonly answer: (answer: unknown) => void
}

export interface ScriptedLinks extends Links {
  readonly state: Store<ConnectionState>
  readonly namespaces: Map<string, { readonly state: Store<NamespaceState>; readonly hear: Hear }>
  readonly sent: Sent[]
  /** How often it was told to connect. */
  connects: number
  /** Everything is let in. */
  letIn(): void
  /** All namespaces hear it. */
  say(event: string, data: object, meta?: EventMeta): void
}

export function createScriptedLinks(): ScriptedLinks {
  const fail = (error: unknown) => {
    throw error
  }
  const state = createStore<ConnectionState>(idle, fail)
  const namespaces: ScriptedLinks['namespaces'] = new Map()
  const sent: Sent[] = []
  return {
    state,
    namespaces,
    sent,
    connects: 0,
    link(namespace, hear) {
      const link = { state: createStore<NamespaceState>(idle, fail), hear }
      return {
        state: link.state,
        open() {
          namespaces.set(namespace, link)
          link.state.set(opening)
          state.set({ status: 'connecting', attempt: 1, reason: 'first' })
        },
        close() {
          namespaces.delete(namespace)
          link.state.set(idle)
          if (namespaces.size === 0) state.set(idle)
        },
        send: (name, payload, answer) => sent.push({ name, payload, answer }),
      }
    },
    connect() {
      this.connects += 1
    },
    close() {
      for (const link of namespaces.values()) link.state.set(closed)
      state.set(closed)
    },
    letIn() {
      for (const link of namespaces.values()) link.state.set({ status: 'open', recovered: false })
      state.set({ status: 'connected' })
    },
    say(event, data, meta) {
      for (const link of [...namespaces.values()]) link.hear(event, data, meta)
    },
  }
}
