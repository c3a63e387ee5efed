/** Data that is loaded once and carried on by events, for as long as a component is there. */
import { createSnapshot, type SnapshotOptions, type SnapshotState } from '@belfry/client'
import type { EventName, NamespaceContract } from '@belfry/contract'
import { useEffect, useMemo } from 'react'
import { useNewest } from './newest.ts'
import { useBelfry } from './provider.tsx'
import { constant, useReadable } from './readable.ts'

export interface UseSnapshotOptions<N extends NamespaceContract, Data>
  extends Pick<SnapshotOptions<N, Data>, 'room' | 'load' | 'apply'> {
  /** Names what is loaded, where the room does not: when it changes, everything begins anew. */
  readonly of?: string | undefined
}

export type SnapshotInComponent<Data> = SnapshotState<Data> & { reload(): void }

const idle = { status: 'idle', data: undefined, position: undefined, error: undefined } as const
const nobody = constant(idle)

/** The newest functions are called: they may be written in place. `idle` also while nobody is signed in. */
export function useSnapshot<N extends NamespaceContract, Data>(
  contract: N,
  options: UseSnapshotOptions<N, Data>,
): SnapshotInComponent<Data> {
  const { client } = useBelfry()
  const newest = useNewest(options)
  const room = options.room && JSON.stringify(options.room)
  // biome-ignore lint/correctness/useExhaustiveDependencies: of another name it is other data
  const snapshot = useMemo(() => {
    if (client === undefined) return undefined
    const names = Object.keys(options.apply) as EventName<N>[]
    const apply = names.map((name) => [
      name,
      (data: Data, event: never, meta: never) => newest.current.apply[name]?.(data, event, meta) ?? data,
    ])
    return createSnapshot<N, Data>(client, contract, {
      room: options.room,
      load: (context) => newest.current.load(context),
      apply: Object.fromEntries(apply),
    })
  }, [client, contract, room, options.of, newest])
  useEffect(() => () => snapshot?.close(), [snapshot])
  const state = useReadable<SnapshotState<Data>>(snapshot?.state ?? nobody, idle)
  return useMemo(() => ({ ...state, reload: () => snapshot?.reload() }), [state, snapshot])
}
