import { expect, it } from 'vitest'
import { createStore } from './store.ts'

function makeStore<Value>(initial: Value) {
  const errors: unknown[] = []
  return { store: createStore(initial, (error) => errors.push(error)), errors }
}

it('returns the same object until it changes', () => {
  const first = { n: 1 }
  const { store } = makeStore(first)
  expect(store.get()).toBe(first)
  expect(store.get()).toBe(store.get())
})

it('tells each subscriber of a change, after it has changed', () => {
  const { store } = makeStore(1)
  const seen: number[] = []
  const end = store.subscribe(() => seen.push(store.get()))
  store.set(2)
  store.set(2)
  store.set(3)
  end()
  end()
  store.set(4)
  expect(seen).toEqual([2, 3])
})

it('keeps subscribers of the same function apart', () => {
  const { store } = makeStore(1)
  let calls = 0
  const listener = () => {
    calls += 1
  }
  const end = store.subscribe(listener)
  store.subscribe(listener)
  end()
  store.set(2)
  expect(calls).toBe(1)
})

it('reports a subscriber that throws, and tells the others', () => {
  const { store, errors } = makeStore(1)
  const seen: number[] = []
  const broken = new Error('broken on purpose')
  store.subscribe(() => {
    throw broken
  })
  store.subscribe(() => seen.push(store.get()))
  store.set(2)
  expect(seen).toEqual([2])
  expect(errors).toEqual([broken])
})

it('does not tell those who ended during the same change', () => {
  const { store } = makeStore(1)
  const seen: string[] = []
  store.subscribe(() => end())
  const end = store.subscribe(() => seen.push('ended'))
  store.set(2)
  expect(seen).toEqual([])
})

it('works without `this`', () => {
  const { get, subscribe } = makeStore(1).store
  expect(get()).toBe(1)
  expect(subscribe(() => {})).toBeTypeOf('function')
})
