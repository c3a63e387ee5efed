/** A value of the client in a component. */
import type { Readable } from '@belfry/client'
import { useSyncExternalStore } from 'react'

/** `onServer` is shown where nothing is connected: by a server, and by a page until it has taken that over. */
export function useReadable<Value>(readable: Readable<Value>, onServer: Value): Value {
  return useSyncExternalStore(readable.subscribe, readable.get, () => onServer)
}

export function constant<Value>(value: Value): Readable<Value> {
  return { get: () => value, subscribe: () => () => {} }
}
