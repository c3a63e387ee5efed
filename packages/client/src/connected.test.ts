import { expect, it } from 'vitest'
import { connectedWith } from './connected.ts'
import { connected, type NamespaceState, opening } from './states.ts'
import { createStore } from './store.ts'

const of = (...states: NamespaceState[]) => states.map((state) => ({ state: createStore(state, () => {}) }))
const recovered = (recoveredEvents: number) => ({ status: 'open', recovered: true, recoveredEvents }) as const

it('counts what all namespaces recovered, once all of them have it', () => {
  expect(connectedWith(of(recovered(3), opening, recovered(4)), connected)).toEqual({
    status: 'connected',
    recoveredEvents: 7,
  })
  for (const state of [
    { status: 'open', recovered: true },
    { status: 'open', recovered: false },
  ] as const)
    expect(connectedWith(of(recovered(3), state), connected)).toBe(connected)
})

it('is the same state until that changes', () => {
  const before = connectedWith(of(recovered(3)), connected)
  expect(connectedWith(of(recovered(1), recovered(2)), before)).toBe(before)
  expect(connectedWith(of(recovered(4)), before)).toEqual({ status: 'connected', recoveredEvents: 4 })
})
