/** How the connection is, and how to try again. */
import type { ConnectionState } from '@belfry/client'
import { useMemo } from 'react'
import { useBelfry } from './provider.tsx'
import { constant, useReadable } from './readable.ts'

/** Nobody is signed in: the provider has no token. */
export interface SignedOut {
  readonly status: 'signed-out'
}

export type Connection = (ConnectionState | SignedOut) & {
  /** At once where it waits, and anew where it was refused or closed. */
  retry(): void
}

export const signedOut: SignedOut = { status: 'signed-out' }
const nobody = constant<ConnectionState | SignedOut>(signedOut)
const idle: ConnectionState = { status: 'idle' }

export function useConnection(): Connection {
  const { client } = useBelfry()
  const state = useReadable<ConnectionState | SignedOut>(
    client?.state ?? nobody,
    client === undefined ? signedOut : idle,
  )
  return useMemo(() => ({ ...state, retry: () => client?.connect() }), [client, state])
}
