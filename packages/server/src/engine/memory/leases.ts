/**
 * The leases of a node that is alone. Tokens are counted over all names, so that no name has to be
 * remembered.
 */
import type { Clock } from '../ports/clock.ts'
import { checkTtl, type Lease, type Leases } from '../ports/leases.ts'

/**
 * Names come from code: a thousand and more of them are made from data. Those that expired make room first.
 */
const defaultLeasesMax = 1_000

export interface MemoryLeasesOptions {
  readonly clock: Clock
  readonly leasesMax?: number
}

export function createMemoryLeases({ clock, leasesMax = defaultLeasesMax }: MemoryLeasesOptions): Leases {
  const leases = new Map<string, Lease>()
  let lastToken = 0

  const held = (name: string): Lease | undefined => {
    const lease = leases.get(name)
    return lease !== undefined && clock.now() < lease.expiresAtMs ? lease : undefined
  }
  const holds = ({ name, token }: Lease) => held(name)?.token === token
  const makeRoom = () => {
    if (leases.size < leasesMax) return
    for (const name of leases.keys()) if (held(name) === undefined) leases.delete(name)
    if (leases.size >= leasesMax)
      throw new RangeError(`There are ${leasesMax} leases, and no room for another.`)
  }

  return {
    async acquire(name, holder, ttlMs) {
      checkTtl(ttlMs)
      if (held(name) !== undefined) return undefined
      leases.delete(name)
      makeRoom()
      lastToken += 1
      const lease = { name, holder, token: lastToken, expiresAtMs: clock.now() + ttlMs }
      leases.set(name, lease)
      return lease
    },
    async renew(lease, ttlMs) {
      checkTtl(ttlMs)
      if (!holds(lease)) return undefined
      const renewed = { ...lease, expiresAtMs: clock.now() + ttlMs }
      leases.set(lease.name, renewed)
      return renewed
    },
    async release(lease) {
      return holds(lease) && leases.delete(lease.name)
    },
  }
}
