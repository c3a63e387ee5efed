/** A connection with everything that its namespaces recovered. */
import { type ConnectionState, connected, type NamespaceState } from './states.ts'
import type { Readable } from './store.ts'

interface Stateful {
  readonly state: Readable<NamespaceState>
}

export function connectedWith(entrants: Iterable<Stateful>, before: ConnectionState): ConnectionState {
  const recoveredEvents = recoveredEventsOf(entrants)
  if (recoveredEvents === undefined) return connected
  const isSame = before.status === 'connected' && before.recoveredEvents === recoveredEvents
  return isSame ? before : { status: 'connected', recoveredEvents }
}

/** Of all that are open; `undefined` where one of them is new, has missed something, or has not everything yet. */
function recoveredEventsOf(entrants: Iterable<Stateful>): number | undefined {
  let sum = 0
  for (const { state } of entrants) {
    const now = state.get()
    if (now.status !== 'open') continue
    if (now.recoveredEvents === undefined) return undefined
    sum += now.recoveredEvents
  }
  return sum
}
