/**
 * Who is signed in, for everything below it: with `token` it makes a client and closes it, with `client` it hands on one
 * that somebody else looks after.
 *
 *   signed out → signed in      it is mounted with a token, or gets one
 *   signed in → signed in       another `user`, workspace or url, or another text as a token: a new client, nothing of the
 *                               old one
 *   signed in → signed out      the token goes away, or the provider does
 *
 * Nothing is connected while it is rendered, and so nothing on a server.
 */
import { type Client, type ClientOptions, createClient, type TokenSource } from '@belfry/client'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef } from 'react'
import { english, type Labels } from './labels.ts'
import { useNewest } from './newest.ts'

export type BelfryProviderProps = (MadeClient | GivenClient) & {
  readonly children?: ReactNode
  /** Texts instead of the English ones; those that are left out stay. */
  readonly labels?: Partial<Labels> | undefined
  /** For dates and times, such as `de` or `pt-BR`. The browser's own if absent. */
  readonly locale?: string | undefined
}

interface MadeClient extends Omit<ClientOptions, 'token'> {
  /**
   * Nobody is signed in while there is none. Of a function the newest is asked, so that it may be written in place; a text
   * that changes is another token, and so another client.
   */
  readonly token: TokenSource | null | undefined
  /** Who it is, where the token is a function: when that changes, everything begins anew. */
  readonly user?: string | undefined
  readonly client?: undefined
}

interface GivenClient {
  readonly client: Client
}

interface Belfry {
  /** `undefined`: nobody is signed in. */
  readonly client: Client | undefined
  readonly labels: Labels
  readonly locale: string | undefined
}

const BelfryContext = createContext<Belfry | undefined>(undefined)

export function BelfryProvider(props: BelfryProviderProps) {
  const { children, labels, locale, client: given, ...options } = props
  const made = useMadeClient(given === undefined ? (options as MadeClient) : { token: undefined })
  const client = given ?? made
  const belfry = useMemo(
    () => ({ client, labels: { ...english, ...labels }, locale }),
    [client, labels, locale],
  )
  return <BelfryContext.Provider value={belfry}>{children}</BelfryContext.Provider>
}

export function useBelfry(): Belfry {
  const belfry = useContext(BelfryContext)
  if (belfry === undefined)
    throw new Error('There is no <BelfryProvider> above this component: put one around your application.')
  return belfry
}

function useMadeClient(options: MadeClient): Client | undefined {
  const { url, token, user, workspaceId } = options
  const newest = useNewest(options)
  const isSignedIn = token !== undefined && token !== null
  const text = typeof token === 'string' ? token : undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: another user is another client
  const client = useMemo(() => {
    if (!isSignedIn) return undefined
    const { user: _, onError, ...given } = newest.current
    return createClient({
      ...given,
      token: text ?? ((reason) => askNewest(newest.current.token, reason)),
      ...(onError === undefined ? {} : { onError: (error) => newest.current.onError?.(error) }),
    })
  }, [isSignedIn, text, url, user, workspaceId])

  const held = useRef<Client>(undefined)
  useEffect(() => {
    held.current = client
    // It was hidden for a while, and is shown again.
    if (client?.state.get().status === 'closed') client.connect()
    return () => {
      held.current = undefined
      // StrictMode goes and comes again within one task.
      queueMicrotask(() => {
        if (held.current !== client) client?.close()
      })
    }
  }, [client])
  return client
}

function askNewest(
  token: MadeClient['token'],
  reason: Parameters<Exclude<TokenSource, string>>[0],
): string | Promise<string> {
  if (typeof token !== 'function') throw new Error('Nobody is signed in.')
  return token(reason)
}
