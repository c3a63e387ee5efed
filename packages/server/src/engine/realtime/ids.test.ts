/** Ids are made of fresh randomness only, and none shares a byte with another. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createIdSource } from './ids.ts'

describe('ids', () => {
  it('cut the randomness into pieces, and use each byte once', () => {
    const pools: Buffer[] = []
    const ids = createIdSource((count) => {
      const pool = randomBytes(count)
      pools.push(pool)
      return pool
    })
    const made: Buffer[][] = []
    for (let n = 0; n < 2_000; n += 1) {
      const bytes = Buffer.from(n % 3 === 0 ? ids.sessionId() : ids.pid(), 'base64url')
      expect(bytes).toHaveLength(n % 3 === 0 ? 12 : 18)
      const pool = pools.length - 1
      made[pool] ??= []
      made[pool].push(bytes)
    }
    expect(pools).toHaveLength(2)
    for (const [index, pool] of pools.entries()) {
      const joined = Buffer.concat(made[index] ?? [])
      expect(joined.equals(pool.subarray(0, joined.length))).toBe(true)
    }
  })

  it('are short enough to travel, and need no escaping', () => {
    const ids = createIdSource(randomBytes)
    expect(ids.sessionId()).toMatch(/^[\w-]{16}$/)
    expect(ids.pid()).toMatch(/^[\w-]{24}$/)
  })
})
