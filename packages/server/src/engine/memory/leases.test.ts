/** The leases in memory: the contract, the exact moment of their end, and the bound on their number. */
import { expect, it } from 'vitest'
import { describeLeasesContract } from '../testing/leases-contract.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { createMemoryLeases } from './leases.ts'

describeLeasesContract('memory', async () => {
  const clock = createTestClock()
  const leases = createMemoryLeases({ clock })
  return {
    open: async () => leases,
    pass: async (ms) => clock.advance(ms),
    async [Symbol.asyncDispose]() {
      expect(clock.timers).toBe(0)
    },
  }
})

it('[LE2] [LE4] end at their time and not before, to the millisecond', async () => {
  const clock = createTestClock(1_000)
  const leases = createMemoryLeases({ clock })
  const lease = await leases.acquire('relay', 'node-1', 100)
  expect(lease).toEqual({ name: 'relay', holder: 'node-1', token: 1, expiresAtMs: 1_100 })
  if (lease === undefined) return
  clock.advance(99)
  expect(await leases.acquire('relay', 'node-2', 100)).toBeUndefined()
  expect(await leases.renew(lease, 50)).toEqual({ ...lease, expiresAtMs: 1_149 })
  clock.advance(49)
  expect(await leases.acquire('relay', 'node-2', 100)).toBeUndefined()
  clock.advance(1)
  expect(await leases.renew(lease, 50)).toBeUndefined()
  expect(await leases.release(lease)).toBe(false)
  expect(await leases.acquire('relay', 'node-2', 100)).toMatchObject({ token: 2 })
})

it('makes room by forgetting what has expired, and refuses when everything is held', async () => {
  const clock = createTestClock()
  const leases = createMemoryLeases({ clock, leasesMax: 3 })
  await leases.acquire('short', 'node-1', 100)
  const long = await leases.acquire('long', 'node-1', 1_000)
  await leases.acquire('longer', 'node-1', 1_000)
  await expect(leases.acquire('one too many', 'node-1', 100)).rejects.toThrow(RangeError)
  clock.advance(100)
  expect(await leases.acquire('short', 'node-2', 100)).toBeDefined()
  await expect(leases.acquire('one too many', 'node-1', 100)).rejects.toThrow(RangeError)
  clock.advance(100)
  expect(await leases.acquire('one more', 'node-1', 100)).toBeDefined()
  if (long === undefined) return
  expect(await leases.renew(long, 100)).toBeDefined()
  expect(await leases.release(long)).toBe(true)
  expect(await leases.acquire('another', 'node-1', 100)).toBeDefined()
})
