/** Rooms that are wanted, against a namespace that opens, answers and goes when the test says so. */
import { realtimeNamespace } from '@belfry/contract'
import { expect, it } from 'vitest'
import type { Client } from './client.ts'
import { CommandError } from './command-error.ts'
import { portion, portionEveryMs } from './commands.ts'
import { enterRoom, type RoomOptions } from './rooms.ts'
import { idle, type NamespaceState } from './states.ts'
import { createStore } from './store.ts'
import { createTestClock } from './testing/test-clock.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))
const open = { status: 'open', recovered: false } as const

function openWorld() {
  const clock = createTestClock()
  const state = createStore<NamespaceState>(idle, () => {})
  const asked: {
    name: string
    id: string
    answer: (at: string) => void
    refuse: (retry: boolean) => void
  }[] = []
  const listeners = new Map<string, (data: never) => void>()
  let watchers = 0
  const live = {
    state: {
      get: state.get,
      subscribe(listener: () => void) {
        watchers += 1
        const end = state.subscribe(listener)
        return () => {
          watchers -= 1
          end()
        }
      },
    },
    onReset: (listener: () => void) => {
      listeners.set('sync:reset', listener)
      state.set({ status: 'opening' })
    },
    on: (event: string, listener: (data: never) => void) => void listeners.set(event, listener),
    command: (name: string, { room }: { room: { id: string } }) =>
      new Promise((resolve, reject) =>
        asked.push({
          name,
          id: room.id,
          answer: (position) => resolve({ position }),
          refuse: (retry) => reject(new CommandError({ code: 'too_many_requests', message: '', retry })),
        }),
      ),
    close: () => state.set(idle),
  }
  const client = { namespace: () => live } as unknown as Client
  return {
    clock,
    state,
    asked,
    watchers: () => watchers,
    reset: () => listeners.get('sync:reset')?.({} as never),
    lose: (...ids: string[]) =>
      listeners.get('room:lost')?.({ rooms: ids.map((id) => ({ kind: 'user', id })) } as never),
    joins: () => asked.filter(({ name }) => name === 'room:join').map(({ id }) => id),
    leaves: () => asked.filter(({ name }) => name === 'room:leave').map(({ id }) => id),
    enter: (id: string, options: RoomOptions = {}) =>
      enterRoom(client, realtimeNamespace, { kind: 'user', id }, { clock, ...options }),
  }
}

it('are entered in portions, and those that nobody wants any more are not', () => {
  const { enter, state, joins, clock } = openWorld()
  const ids = Array.from({ length: 2 * portion + 2 }, (_, n) => `${n}`)
  const leaves = ids.map((id) => enter(id))
  expect(joins()).toEqual([])
  state.set(open)
  expect(joins()).toEqual(ids.slice(0, portion))
  leaves[portion]?.()
  clock.advance(portionEveryMs)
  expect(joins()).toEqual([...ids.slice(0, portion), ...ids.slice(portion + 1, 2 * portion + 1)])
  clock.advance(portionEveryMs)
  expect(joins()).toHaveLength(ids.length - 1)
  expect(clock.timers).toBe(0)
})

it('are not entered while the namespace is away, and all of them when it is back', () => {
  const { enter, state, joins, clock } = openWorld()
  const ids = Array.from({ length: portion + 1 }, (_, n) => `${n}`)
  for (const id of ids) enter(id)
  state.set(open)
  state.set({ status: 'opening' })
  expect(clock.timers).toBe(0)
  expect(joins()).toHaveLength(portion)
  state.set(open)
  clock.advance(portionEveryMs)
  expect(joins().slice(portion)).toEqual(ids)
})

it('are not entered again where nothing was missed', async () => {
  const { enter, state, asked, joins } = openWorld()
  enter('a')
  state.set(open)
  asked[0]?.answer('e.1')
  await settled()
  state.set({ status: 'opening' })
  enter('b')
  state.set({ status: 'open', recovered: true })
  expect(joins()).toEqual(['a', 'b'])
})

it('are not entered again while the session says more of how it recovered', async () => {
  const { enter, state, asked, joins } = openWorld()
  const positions: string[] = []
  enter('a', { onEntered: (at) => positions.push(at) })
  state.set(open)
  state.set({ status: 'open', recovered: true })
  state.set({ status: 'open', recovered: true, recoveredEvents: 3 })
  asked[0]?.answer('e.1')
  await settled()
  state.set({ status: 'open', recovered: false })
  expect([joins(), positions]).toEqual([['a'], ['e.1']])
})

it('are entered again when something was missed on a living line, each once', async () => {
  const { enter, state, asked, joins, reset } = openWorld()
  const positions: string[] = []
  for (const id of ['a', 'b', 'c'])
    enter(id, { onEntered: (at) => positions.push(`${id} ${at}`), onRefused: () => {} })
  state.set(open)
  // As the first event of a session: all of them are asked for already.
  reset()
  expect(joins()).toEqual(['a', 'b', 'c'])
  asked[0]?.answer('e.1')
  asked[2]?.refuse(false)
  await settled()
  reset()
  expect(joins()).toEqual(['a', 'b', 'c', 'a'])
  asked[1]?.answer('e.2')
  asked[3]?.answer('e.3')
  await settled()
  expect(positions).toEqual(['a e.1', 'b e.2', 'a e.3'])
})

it('that were lost say so to everybody who wanted them, and are asked for by the next session', async () => {
  const { enter, state, asked, joins, lose } = openWorld()
  const told: string[] = []
  const options = (who: string): RoomOptions => ({
    onEntered: (at) => told.push(`${who} in at ${at}`),
    onRefused: ({ code, retry }) => told.push(`${who} ${code} ${retry}`),
  })
  enter('a', options('one'))
  state.set(open)
  // On its way in: the answer says whether it may be there.
  lose('a')
  asked[0]?.answer('e.1')
  await settled()
  enter('a', options('another'))
  lose('a', 'unknown')
  lose('a')
  enter('a', options('a third'))
  expect(told).toEqual([
    'one in at e.1',
    'another in at e.1',
    'one forbidden false',
    'another forbidden false',
  ])
  state.set({ status: 'opening' })
  state.set({ status: 'open', recovered: true })
  expect(joins()).toEqual(['a', 'a'])
})

it('are left once, and say nothing to who has left', async () => {
  const { enter, state, asked, leaves } = openWorld()
  const told: string[] = []
  const stay = enter('b')
  const leave = enter('a', { onEntered: (at) => told.push(at) })
  state.set(open)
  leave()
  leave()
  expect(leaves()).toEqual(['a'])
  for (const { answer } of asked) answer('e.1')
  await settled()
  expect(told).toEqual([])
  stay()
  expect(leaves()).toEqual(['a', 'b'])
})

it('are asked for again after a while, unless they were refused for good', async () => {
  const { enter, state, asked, joins, clock } = openWorld()
  const refused: string[] = []
  for (const id of ['a', 'b']) enter(id, { onRefused: ({ code }) => refused.push(`${id} ${code}`) })
  state.set(open)
  asked[0]?.refuse(true)
  asked[1]?.refuse(false)
  await settled()
  expect(refused).toEqual(['b too_many_requests'])
  expect(joins()).toEqual(['a', 'b'])
  clock.advance(portionEveryMs)
  expect(joins()).toEqual(['a', 'b', 'a'])
})

it('leave the namespace with the last one, and open it anew', () => {
  const { enter, state, watchers } = openWorld()
  const leave = enter('a')
  expect([state.get().status, watchers()]).toEqual(['opening', 1])
  leave()
  expect([state.get().status, watchers()]).toEqual(['idle', 0])
  enter('b')
  expect([state.get().status, watchers()]).toEqual(['opening', 1])
})
