/** The sessions in memory: the contract, and that what was forgotten does not stay in memory. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Position, SessionId, UserId } from '@belfry/contract'
import { expect, it } from 'vitest'
import {
  type NewSession,
  type NodeId,
  type SessionOwner,
  type SessionStore,
  sessionSweepPeriodMs,
} from '../ports/session-store.ts'
import { numbers } from '../testing/log-contract.ts'
import { describeSessionStoreContract } from '../testing/session-store-contract.ts'
import { createTestClock, type TestClock } from '../testing/test-clock.ts'
import { until } from '../testing/until.ts'
import { createMemorySessionStore } from './session-store.ts'

describeSessionStoreContract('memory', async () => {
  const clock = createTestClock()
  // A node that is alone: whoever opens the store gets the same one.
  let store: (SessionStore & { close(): void }) | undefined
  return {
    clock,
    async open(options) {
      store ??= createMemorySessionStore({ clock, ...options })
      return store
    },
    async [Symbol.asyncDispose]() {
      store?.close()
      expect(clock.timers).toBe(0)
    },
  }
})

const node = 'node-1' as NodeId
const ana: SessionOwner = { userId: 'ana' as UserId, namespace: '/posts' }
const bounds = { detachedMsMax: 60_000, detachedMax: 2 }

it.each<[string, (store: SessionStore, clock: TestClock) => Promise<unknown>]>([
  ['was removed', async (store) => store.remove('p1')],
  [
    'was removed while it was away',
    async (store, clock) => {
      await store.detach('p1', 1, clock.now())
      await store.remove('p1')
    },
  ],
  [
    'expired, without being asked about, behind one that has not',
    async (store, clock) => {
      await store.create(newSession('p2'))
      await store.detach('p2', 1, clock.now())
      await store.detach('p1', 1, clock.now() - 60_000)
      clock.advance(sessionSweepPeriodMs)
    },
  ],
  [
    'gave way to others that are away',
    async (store, clock) => {
      for (const pid of ['p2', 'p3']) await store.create(newSession(pid))
      for (const pid of ['p1', 'p2', 'p3']) await store.detach(pid, 1, clock.now())
    },
  ],
])('lets go of a session that %s', async (_what, end) => {
  const clock = createTestClock()
  const store = createMemorySessionStore({ clock, ...bounds })
  const [ref] = await createWatched(store, ['p1'])
  await end(store, clock)
  await until(() => countAlive([ref]) === 0, { what: 'the session is let go of' })
  expect((await store.findAll(ana)).map(({ pid }) => pid)).not.toContain('p1')
  store.close()
})

it('sweeps many sessions in slices, so that other work comes between', async () => {
  const clock = createTestClock()
  const store = createMemorySessionStore({ clock, ...bounds, detachedMax: 10_000 })
  const pids = numbers(1, 6_000).map((n) => `p${n}`)
  const refs = await createWatched(store, pids)
  await store.detachNode(node, clock.now() - 60_000)
  expect(await store.findAll(ana)).toEqual([])
  clock.advance(sessionSweepPeriodMs)
  await until(() => countAlive(refs) <= 1_000, { what: 'one slice is let go of' })
  expect(countAlive(refs)).toBe(1_000)
  clock.advance(sessionSweepPeriodMs)
  await until(() => countAlive(refs) === 0, { what: 'the rest is let go of' })
  store.close()
})

it('has one timer for all of them, until it is closed', async () => {
  const clock = createTestClock()
  const store = createMemorySessionStore({ clock, ...bounds })
  for (const pid of ['p1', 'p2', 'p3']) await store.create(newSession(pid))
  expect(clock.timers).toBe(1)
  store.close()
  expect(clock.timers).toBe(0)
})

/**
 * A position is what the store holds of the caller's own: when it can be collected, its session was
 * forgotten.
 */
async function createWatched(store: SessionStore, pids: readonly string[]): Promise<WeakRef<Position>[]> {
  const refs: WeakRef<Position>[] = []
  for (const pid of pids) {
    const start = { epoch: 'epoch1', offset: 1 }
    refs.push(new WeakRef(start))
    await store.create({ ...newSession(pid), start })
  }
  return refs
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

function countAlive(refs: readonly (WeakRef<Position> | undefined)[]): number {
  collect()
  return refs.filter((ref) => ref?.deref() !== undefined).length
}

function newSession(pid: string): NewSession {
  return { ...ana, pid, id: pid as SessionId, node, start: { epoch: 'epoch1', offset: 0 }, rooms: [] }
}
