/**
 * The client of an application: one connection, and a session for each namespace that is used over it.
 *
 *   const client = createClient({ url: 'https://app.example.com', token: () => fetchToken() })
 *   using live = client.namespace(posts)
 *   live.on('post:created', (post, meta) => show(post))
 *   const { seen } = await live.command('post:view', { id: '7' })
 *
 * Nothing is connected before something is used, so that a client may be made while a page is rendered on a server.
 */
import type { NamespaceContract } from '@belfry/contract'
import { type Clock, systemClock } from './clock.ts'
import type { SocketOptions } from './connection.ts'
import type { MakeLinks } from './link.ts'
import { createLive, type Live } from './live.ts'
import { createOwnLinks } from './own-links.ts'
import type { Reloads } from './reloads.ts'
import { report } from './report.ts'
import { createSession, type Session } from './session.ts'
import type { ConnectionState } from './states.ts'
import type { Readable } from './store.ts'
import type { TokenSource } from './token.ts'

export interface ClientOptions {
  /** Of the server, without a path. In a browser: the page's own origin if absent. */
  readonly url?: string
  /** Says who the user is. As a function, it is asked whenever the client connects. */
  readonly token: TokenSource
  /** Confines the user to one of the workspaces that the token names. */
  readonly workspaceId?: string
  /** For one attempt, from asking for a token to being let in. 20 seconds if absent. */
  readonly connectTimeoutMs?: number
  /** Such as `path` and `transports`. */
  readonly socket?: SocketOptions
  /** `sharedBetweenTabs(…)`: one connection for all tabs of a user. If absent, each has its own. */
  readonly tabs?: MakeLinks
  /** `keptOverReloads(…)`: sessions outlast a reload of the page. Not together with `tabs`. */
  readonly reloads?: Reloads
  /** Gets what listeners throw. `console.error` if absent. */
  readonly onError?: (error: unknown) => void
  readonly clock?: Clock
  /** Between 0 and 1, as `Math.random`. */
  readonly random?: () => number
}

export interface Client extends Disposable {
  readonly state: Readable<ConnectionState>
  /** Asked for twice, it is the same session. */
  namespace<N extends NamespaceContract>(contract: N): Live<N>
  /** After `close` and after a refusal: begins anew. While it waits for an attempt: tries at once. */
  connect(): void
  /** Nothing stays but who listens: after `connect` they hear what comes for the user who is signed in then. */
  close(): void
}

/** Long for a line, and short for somebody who waits. */
const connectTimeoutMsDefault = 20_000

export function createClient(options: ClientOptions): Client {
  const { clock = systemClock, onError = report, tabs: makeLinks = createOwnLinks } = options
  if (options.tabs !== undefined && options.reloads !== undefined)
    throw new Error(
      'A client has either `tabs` or `reloads`: a page that shares a connection has none to keep.',
    )
  const connectionOptions = {
    url: options.url,
    token: options.token,
    workspaceId: options.workspaceId,
    connectTimeoutMs: options.connectTimeoutMs ?? connectTimeoutMsDefault,
    socket: options.socket ?? {},
    clock,
    random: options.random ?? Math.random,
    onError,
  }
  const places = options.reloads?.places(connectionOptions)
  const links = makeLinks({ ...connectionOptions, places })
  /** As many as the application has contracts. */
  const sessions = new Map<string, Session>()
  const { state, connect, close } = links
  return {
    state,
    namespace({ name }) {
      const session = sessions.get(name) ?? createSession(name, links, { clock, onError })
      sessions.set(name, session)
      return createLive(session)
    },
    connect,
    close,
    [Symbol.dispose]: close,
  }
}
