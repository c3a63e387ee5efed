/**
 * What every `Leases` must do, rule by rule (see ports/leases.ts). An adapter's tests call this with a world
 * in which nodes share the leases and time passes; where the store has a time of its own, passing it may take
 * that long, and a little more. So leases hold for a second here, and nothing depends on the last two fifths
 * of it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Lease, Leases } from '../ports/leases.ts'

export interface LeasesWorld extends AsyncDisposable {
  /** The leases as a further node sees them. */
  open(): Promise<Leases>
  /** Resolves when this much time has passed for the leases. */
  pass(ms: number): Promise<void>
}

const ttlMs = 1_000

export function describeLeasesContract(adapter: string, makeWorld: () => Promise<LeasesWorld>): void {
  describe(`Leases contract: ${adapter}`, () => {
    let world: LeasesWorld
    let leases: Leases
    let others: Leases

    beforeEach(async () => {
      world = await makeWorld()
      leases = await world.open()
      others = await world.open()
    })
    afterEach(async () => world[Symbol.asyncDispose]())

    const acquire = async (name: string, holder: string, from = leases): Promise<Lease> => {
      const lease = await from.acquire(name, holder, ttlMs)
      if (lease === undefined) throw new Error(`${holder} did not get ${name}.`)
      return lease
    }

    it('[LE1] gives a name to one holder, and refuses everybody else, the holder too', async () => {
      const lease = await acquire('relay', 'node-1')
      expect(lease).toMatchObject({ name: 'relay', holder: 'node-1' })
      for (const from of [leases, others]) {
        for (const holder of ['node-2', 'node-1', ''])
          expect(await from.acquire('relay', holder, ttlMs)).toBeUndefined()
      }
    })

    it('[LE1] gives a name to one of many who ask at once', async () => {
      const asked = Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? leases : others).acquire('relay', `n${n}`, ttlMs),
      )
      const won = (await Promise.all(asked)).filter((lease) => lease !== undefined)
      expect(won).toHaveLength(1)
    })

    it('[LE1] gives an expired name to one of many who ask at once', async () => {
      await acquire('relay', 'node-1')
      await world.pass(ttlMs)
      const asked = Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? leases : others).acquire('relay', `n${n}`, ttlMs),
      )
      expect((await Promise.all(asked)).filter((lease) => lease !== undefined)).toHaveLength(1)
    })

    it('[LE1] refuses others without making the lease shorter or longer', async () => {
      await acquire('relay', 'node-1')
      await world.pass(500)
      expect(await others.acquire('relay', 'node-2', 10 * ttlMs)).toBeUndefined()
      expect(await others.acquire('relay', 'node-2', 1)).toBeUndefined()
      await world.pass(100)
      expect(await others.acquire('relay', 'node-2', ttlMs)).toBeUndefined()
      await world.pass(400)
      await acquire('relay', 'node-2', others)
    })

    it('[LE2] gives a name to the next one when its time is over', async () => {
      const lease = await acquire('relay', 'node-1')
      await world.pass(600)
      expect(await others.acquire('relay', 'node-2', ttlMs)).toBeUndefined()
      await world.pass(400)
      const next = await acquire('relay', 'node-2', others)
      expect(next.holder).toBe('node-2')
      expect(next.expiresAtMs).toBeGreaterThanOrEqual(lease.expiresAtMs + 600)
    })

    it('[LE2] holds each lease for its own time', async () => {
      await leases.acquire('long', 'node-1', 5 * ttlMs)
      await leases.acquire('short', 'node-1', ttlMs)
      await world.pass(ttlMs)
      expect(await others.acquire('long', 'node-2', ttlMs)).toBeUndefined()
      expect(await others.acquire('short', 'node-2', ttlMs)).toBeDefined()
    })

    it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
      '[LE2] refuses a lease of %d milliseconds',
      async (ms) => {
        await expect(leases.acquire('relay', 'node-1', ms)).rejects.toThrow(RangeError)
        const lease = await acquire('relay', 'node-1')
        await expect(leases.renew(lease, ms)).rejects.toThrow(RangeError)
        expect(await others.acquire('relay', 'node-2', ttlMs)).toBeUndefined()
        expect(await leases.renew(lease, ttlMs)).toBeDefined()
      },
    )

    it('[LE3] gives a higher token with every lease of a name, however the last one ended', async () => {
      const tokens: number[] = []
      for (const end of ['release', 'expire', 'release', 'expire', 'renew and release', 'renew and expire']) {
        const lease = await acquire('relay', 'node-1', tokens.length % 2 === 0 ? leases : others)
        tokens.push(lease.token)
        if (end.startsWith('renew')) expect((await leases.renew(lease, ttlMs))?.token).toBe(lease.token)
        if (end.endsWith('release')) await leases.release(lease)
        else await world.pass(ttlMs)
      }
      expect(tokens.every(Number.isSafeInteger)).toBe(true)
      for (const [at, token] of tokens.entries()) expect(token).toBeGreaterThan(tokens[at - 1] ?? 0)
    })

    it('[LE4] makes a lease hold from now on; nobody else gets it while it is renewed', async () => {
      let lease = await acquire('relay', 'node-1')
      for (const _ of Array.from({ length: 5 })) {
        await world.pass(600)
        const renewed = await leases.renew(lease, ttlMs)
        expect(renewed).toMatchObject({ name: 'relay', holder: 'node-1', token: lease.token })
        expect(renewed?.expiresAtMs).toBeGreaterThanOrEqual(lease.expiresAtMs + 600)
        lease = renewed ?? lease
        expect(await others.acquire('relay', 'node-2', ttlMs)).toBeUndefined()
      }
      await world.pass(600)
      expect(await others.acquire('relay', 'node-2', ttlMs)).toBeUndefined()
      await world.pass(400)
      await acquire('relay', 'node-2', others)
    })

    it('[LE4] renews for another time than it was acquired for, longer or shorter', async () => {
      const lease = await acquire('relay', 'node-1')
      await leases.renew(lease, 5 * ttlMs)
      await world.pass(2 * ttlMs)
      expect(await others.acquire('relay', 'node-2', ttlMs)).toBeUndefined()
      await leases.renew(lease, ttlMs)
      await world.pass(ttlMs)
      await acquire('relay', 'node-2', others)
    })

    it('[LE4] renews by the first answer as well as by the last: the token says whose it is', async () => {
      const lease = await acquire('relay', 'node-1')
      const renewed = await leases.renew(lease, ttlMs)
      expect(await leases.renew(lease, ttlMs)).toMatchObject({ token: lease.token })
      if (renewed === undefined) throw new Error('The lease was lost.')
      expect(await leases.release(renewed)).toBe(true)
    })

    it('[LE5] may be had by the next one in the moment it is released', async () => {
      const lease = await acquire('relay', 'node-1')
      expect(await leases.release(lease)).toBe(true)
      await acquire('relay', 'node-2', others)
    })

    it('[LE6] neither renews nor releases what has expired, even when nobody else wants it', async () => {
      const lease = await acquire('relay', 'node-1')
      await world.pass(ttlMs)
      expect(await leases.renew(lease, ttlMs)).toBeUndefined()
      expect(await leases.release(lease)).toBe(false)
      await acquire('relay', 'node-2', others)
    })

    it('[LE6] neither renews nor releases what was released', async () => {
      const lease = await acquire('relay', 'node-1')
      await leases.release(lease)
      expect(await leases.renew(lease, ttlMs)).toBeUndefined()
      expect(await leases.release(lease)).toBe(false)
      await acquire('relay', 'node-2', others)
    })

    it.each(['node-2', 'node-1'])('[LE6] does not touch the lease that %s has by now', async (next) => {
      const lost = await acquire('relay', 'node-1')
      await world.pass(ttlMs)
      const held = await acquire('relay', next, others)
      expect(await leases.renew(lost, 10 * ttlMs)).toBeUndefined()
      expect(await leases.release(lost)).toBe(false)
      expect(await leases.acquire('relay', 'node-3', ttlMs)).toBeUndefined()
      expect(await others.renew(held, ttlMs)).toMatchObject({ token: held.token })
      await world.pass(ttlMs)
      await acquire('relay', 'node-3')
    })

    it('[LE6] takes a lease to be lost when it was of another name', async () => {
      const lease = await acquire('relay', 'node-1')
      expect(await leases.renew({ ...lease, name: 'sweep' }, ttlMs)).toBeUndefined()
      expect(await leases.release({ ...lease, name: 'sweep' })).toBe(false)
      expect(await others.acquire('relay', 'node-2', ttlMs)).toBeUndefined()
    })

    it('[LE7] keeps names apart', async () => {
      const names = [
        'relay',
        'relay ',
        'Relay',
        'relay:/posts',
        'relay:/jobs',
        '',
        '東京',
        '__proto__',
        'a'.repeat(200),
      ]
      const held = await Promise.all(names.map((name) => acquire(name, 'node-1')))
      const [first, ...rest] = held
      if (first === undefined) throw new Error('Nothing was acquired.')
      await leases.release(first)
      for (const { name } of rest) expect(await others.acquire(name, 'node-2', ttlMs)).toBeUndefined()
      for (const lease of rest) expect(await leases.renew(lease, ttlMs)).toMatchObject({ name: lease.name })
      await acquire(first.name, 'node-2', others)
    })
  })
}
