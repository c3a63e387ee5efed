/** What a client stands on: a connection of its own, or one that it has together with other tabs. */
import type { EventData, EventMeta, EveryNamespace } from '@belfry/contract'
import type { ConnectionOptions } from './connection.ts'
import type { ConnectionState, NamespaceState } from './states.ts'
import type { Readable } from './store.ts'

/** The namespaces of a client, and the connection that carries them. */
export interface Links {
  readonly state: Readable<ConnectionState>
  /** Once for each namespace; it is idle until it is opened. */
  link(namespace: string, hear: Hear): SessionLink
  connect(): void
  close(): void
}

export type MakeLinks = (options: ConnectionOptions) => Links

/** What holds one session to the server. */
export interface SessionLink {
  readonly state: Readable<NamespaceState>
  /** Only while it is idle. */
  open(): void
  close(): void
  /** Only while it is open. The answer comes at most once, and never from a line that broke. */
  send(command: string, payload: object, onAnswer: (answer: unknown) => void): void
}

/** Gets every event. What comes from the client itself has no `meta`. */
export type Hear = (event: string, data: unknown, meta?: EventMeta) => void

/**
 * Why events were missed: what the server says; that this client itself was closed for a while; or that the connection is
 * another one than before, because the tab that held it went, or this one was frozen.
 */
export type ResetReason = EventData<EveryNamespace, 'sync:reset'>['reason'] | 'closed' | 'taken-over'
