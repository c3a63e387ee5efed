/** Requests with keys take effect once: together, at the same time, after a roll-back, and as long as they are known. */
import { expect, inject, it } from 'vitest'
import type { ClaimedKey, KeyClaim } from '../../../engine/ports/request-keys.ts'
import { numbers } from '../../../engine/testing/log-contract.ts'
import { createRecordingLogger } from '../../../engine/testing/recording-logger.ts'
import { SeededRandom } from '../../../engine/testing/seeded-random.ts'
import { createTestClock } from '../../../engine/testing/test-clock.ts'
import { until } from '../../../engine/testing/until.ts'
import { createDatabase } from '../database.ts'
import { testDatabase } from '../testing/test-database.ts'
import { createRequestKeys } from './migrations/0005_create_request_keys.ts'
import { createPostgresRequestKeys } from './request-keys.ts'

type Claim = KeyClaim<{ n: number }>
const base: Claim = {
  purpose: 'posts',
  sender: 'ana',
  key: 'k',
  request: { text: 'Hello' },
  answer: { n: 1 },
}

it('[RK1] [RK2] a key is new once, repeated with its request, and reused with another one', async () => {
  await using world = await openWorld()
  expect(await world.claim(base)).toEqual([{ outcome: 'new' }])
  expect(await world.claim({ ...base, answer: { n: 2 } })).toEqual([
    { outcome: 'repeated', answer: { n: 1 } },
  ])
  expect(await world.claim({ ...base, request: { text: 'Bye' } })).toEqual([{ outcome: 'reused' }])
  // What came after it has changed nothing.
  expect(await world.claim(base)).toEqual([{ outcome: 'repeated', answer: { n: 1 } }])
})

it('[RK1] [RK2] of one call, the first one with a key gets it, and each has an outcome at its place', async () => {
  await using world = await openWorld()
  await world.claim({ ...base, key: 'old' })
  const outcomes = await world.claim(
    { ...base, key: 'z' },
    { ...base, key: 'old', answer: { n: 9 } },
    { ...base, key: 'a', answer: { n: 3 } },
    { ...base, key: 'z', answer: { n: 4 } },
    { ...base, key: 'a', request: 'other' },
  )
  expect(outcomes).toEqual([
    { outcome: 'new' },
    { outcome: 'repeated', answer: { n: 1 } },
    { outcome: 'new' },
    { outcome: 'repeated', answer: { n: 1 } },
    { outcome: 'reused' },
  ])
  expect(await world.claim()).toEqual([])
})

it('[RK1] whoever comes while the first one is under way waits for its answer', async () => {
  await using world = await openWorld()
  const claimed = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const first = world.transaction(async (claim) => {
    const outcomes = await claim(base)
    claimed.resolve()
    await held.promise
    return outcomes
  })
  await claimed.promise
  const others = numbers(2, 6).map((n) => world.claim({ ...base, answer: { n } }))
  let answered = 0
  for (const other of others) void other.then(() => (answered += 1))
  await until(async () => (await world.waiting()) === others.length)
  expect(answered).toBe(0)
  held.resolve()
  expect(await first).toEqual([{ outcome: 'new' }])
  for (const other of others) expect(await other).toEqual([{ outcome: 'repeated', answer: { n: 1 } }])
})

it('[RK1] many at once in any order end, and each key is new to one of them', async () => {
  await using world = await openWorld()
  const random = new SeededRandom(1)
  const keys = numbers(1, 40).map((n) => `key ${n}`)
  const rounds = await Promise.all(
    numbers(1, 8).map(async (n) => {
      const own = keys
        .map((key) => ({ key, at: random.below(1_000) }))
        .sort((one, other) => one.at - other.at)
      const outcomes = await world.claim(...own.map(({ key }) => ({ ...base, key, answer: { n } })))
      return new Map(own.map(({ key }, index) => [key, outcomes[index]?.outcome]))
    }),
  )
  for (const key of keys) {
    const outcomes = rounds.map((round) => round.get(key))
    expect(outcomes.filter((outcome) => outcome === 'new')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'repeated')).toHaveLength(7)
  }
})

it('[RK3] the key of a transaction that was rolled back is free, also for who waited for it', async () => {
  await using world = await openWorld()
  const claimed = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const failing = world.transaction(async (claim) => {
    await claim(base)
    claimed.resolve()
    await held.promise
    throw new Error('no')
  })
  await claimed.promise
  const other = world.claim({ ...base, request: 'other', answer: { n: 2 } })
  await until(async () => (await world.waiting()) === 1)
  held.resolve()
  await expect(failing).rejects.toThrow('no')
  expect(await other).toEqual([{ outcome: 'new' }])
})

it('[RK4] other senders and other purposes have keys of their own', async () => {
  await using world = await openWorld()
  const others = [
    { ...base, sender: 'bob' },
    { ...base, purpose: 'talk' },
    { ...base, sender: '', key: 'ana' },
  ]
  expect(await world.claim(base, ...others)).toEqual([base, ...others].map(() => ({ outcome: 'new' })))
})

it('[RK5] a key is known for a day, and forgotten within the hour after', async () => {
  await using world = await openWorld()
  const hourMs = 60 * 60 * 1_000
  const kept = async () => (await world.server.sql('select key from request_keys')).map(({ key }) => key)
  world.clock.advance(hourMs / 2)
  await world.claim({ ...base, key: 'older' })
  world.clock.advance(hourMs / 2 + 1)
  await world.claim(base)
  // This sweep takes the older one, and is a millisecond too early for the other.
  world.clock.advance(world.keys.keptMs - 1)
  await until(async () => !(await kept()).includes('older'))
  expect(await world.claim(base)).toEqual([{ outcome: 'repeated', answer: { n: 1 } }])
  world.clock.advance(hourMs)
  await until(async () => (await kept()).length === 0)
  expect(await world.claim(base)).toEqual([{ outcome: 'new' }])
  expect(world.logger.at('error')).toEqual([])
})

async function openWorld() {
  const server = await testDatabase(inject('postgresUrl'))
  await server.sql(createRequestKeys.up)
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const database = createDatabase({ url: server.url, logger })
  const keys = createPostgresRequestKeys({ database, clock, logger })
  type ClaimNow = (...claims: Claim[]) => Promise<readonly ClaimedKey<{ n: number }>[]>
  const transaction = <Result>(work: (claim: ClaimNow) => Promise<Result>) =>
    database.transaction((open) => work((...claims) => keys.claim(open, claims)))
  return {
    server,
    clock,
    logger,
    keys,
    transaction,
    claim: (...claims: Claim[]) => transaction((claim) => claim(...claims)),
    /** Sessions that wait for a lock. */
    waiting: async () =>
      (
        await server.sql(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).length,
    async [Symbol.asyncDispose]() {
      await keys.close()
      await database.close()
      await server[Symbol.asyncDispose]()
    },
  }
}
