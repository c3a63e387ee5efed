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
    onReset: () => state.set({ status: 'opening' }),
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
