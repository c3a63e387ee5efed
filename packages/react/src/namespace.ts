/** A namespace for as long as a component is there: its state, its events, and what was missed of them. */
import type { LiveData, LiveEvent, NamespaceState, ResetReason } from '@belfry/client'
import type { EventMeta, NamespaceContract } from '@belfry/contract'
import { useEffect, useMemo } from 'react'
import { type SignedOut, signedOut } from './connection.ts'
import { useNewest } from './newest.ts'
import { useBelfry } from './provider.tsx'
import { constant, useReadable } from './readable.ts'

export interface NamespaceOptions {
  /** Something was missed and will not come: fetch the current state, and enter rooms again. */
  readonly onReset?: ((reason: ResetReason) => unknown) | undefined
}

const nobody = constant<NamespaceState | SignedOut>(signedOut)
const idle: NamespaceState = { status: 'idle' }

/** Opens it. */
export function useNamespace<N extends NamespaceContract>(
  contract: N,
  { onReset }: NamespaceOptions = {},
): NamespaceState | SignedOut {
  const live = useLive(contract)
  const newest = useNewest(onReset)
  useEffect(() => {
    live?.onReset((reason) => newest.current?.(reason))
    return () => live?.close()
  }, [live, newest])
  return useReadable<NamespaceState | SignedOut>(live?.state ?? nobody, live === undefined ? signedOut : idle)
}

/** The newest listener is called: it may be written in place. */
export function useEvent<N extends NamespaceContract, Name extends LiveEvent<N>>(
  contract: N,
  event: Name,
  listener: (data: LiveData<N, Name>, meta: EventMeta) => unknown,
): void {
  const live = useLive(contract)
  const newest = useNewest(listener)
  useEffect(() => {
    live?.on(event, (data, meta) => newest.current(data, meta))
    return () => live?.close()
  }, [live, event, newest])
}

/** One of this component's own; opens nothing by itself, and may be used again after it was closed. */
export function useLive<N extends NamespaceContract>(contract: N) {
  const { client } = useBelfry()
  return useMemo(() => client?.namespace(contract), [client, contract])
}
