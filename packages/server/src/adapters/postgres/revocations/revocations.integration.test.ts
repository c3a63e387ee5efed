/** Revocations on a real PostgreSQL: the contract, and what only a table can get wrong. */
import { randomBytes } from 'node:crypto'
import type { UserId } from '@belfry/contract'
import { expect, inject, it } from 'vitest'
import { revocationsMax } from '../../../engine/ports/revocations.ts'
import { createRecordingLogger } from '../../../engine/testing/recording-logger.ts'
import { describeRevocationsContract, expectFull } from '../../../engine/testing/revocations-contract.ts'
import { createTestClock } from '../../../engine/testing/test-clock.ts'
import { until } from '../../../engine/testing/until.ts'
import { createDatabase } from '../database.ts'
import { migrateUp } from '../migrations.ts'
import { testDatabase } from '../testing/test-database.ts'
import { createRevocations } from './migrations/0010_create_revocations.ts'
import { createPostgresRevocations, type PostgresRevocations } from './revocations.ts'

async function openWorld() {
  const world = await testDatabase(inject('postgresUrl'))
  const clock = createTestClock()
  const logger = createRecordingLogger()
  const database = createDatabase({ url: world.url, logger })
  await migrateUp(world, [{ name: 'server', migrations: [createRevocations] }])
  const opened: PostgresRevocations[] = []
  return {
    clock,
    logger,
    database,
    world,
    transaction: database.transaction,
    async open() {
      const revocations = createPostgresRevocations({ database, clock, logger })
      opened.push(revocations)
      await revocations.start()
      return revocations
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((revocations) => revocations.close()))
      expect(clock.timers).toBe(0)
      await database.close()
      await world[Symbol.asyncDispose]()
    },
  }
}

describeRevocationsContract('PostgreSQL', openWorld)

const keptUntilMs = Date.UTC(2030, 0, 2)
const token = (tokenId: string) => ({
  userId: 'ana' as UserId,
  tokenId,
  loginId: undefined,
  issuedAtMs: undefined,
})

it('[RV1] misses none whose transaction stayed open while others were committed', async () => {
  await using world = await openWorld()
  const [here, there] = [await world.open(), await world.open()]
  const slow = Promise.withResolvers<void>()
  const isWritten = Promise.withResolvers<void>()
  const first = world.transaction(async (transaction) => {
    await here.revoke({ kind: 'token', id: 'slow', keptUntilMs }, transaction)
    isWritten.resolve()
    await slow.promise
  })
  await isWritten.promise
  const second = here.revoke({ kind: 'token', id: 'fast', keptUntilMs })
  world.clock.advance(500)
  slow.resolve()
  await Promise.all([first, second])
  world.clock.advance(500)
  await until(() => there.isRevoked(token('slow')) && there.isRevoked(token('fast')))
})

it('[RV2] knows more than it reads at once, and deletes what is over', async () => {
  await using world = await openWorld()
  await world.world.sql(`
    insert into revocations select 'token', 'many-' || n, null, '2030-01-02', n from generate_series(1, 12000) n`)
  await world.world.sql('update revocation_numbers set last = 12000')
  const here = await world.open()
  expect(here.size).toBe(12_000)
  expect(here.isRevoked(token('many-1')) && here.isRevoked(token('many-12000'))).toBe(true)
  await here.revoke({ kind: 'token', id: 'longer', keptUntilMs: keptUntilMs + 86_400_000 })
  world.clock.advance(keptUntilMs - world.clock.now() + 3_600_000)
  await expect.poll(async () => (await world.world.sql('select 1 from revocations')).length).toBe(1)
  await until(() => here.size === 1)
})

it('[RV3] answers as before while the database is away, and catches up', async () => {
  await using world = await openWorld()
  const [here, there] = [await world.open(), await world.open()]
  await here.revoke({ kind: 'token', id: 'before', keptUntilMs })
  world.clock.advance(500)
  await until(() => there.isRevoked(token('before')))
  await world.world.sql('alter table revocations rename to elsewhere')
  world.clock.advance(500)
  await expect(here.revoke({ kind: 'token', id: 'refused', keptUntilMs })).rejects.toThrow()
  expect(here.isRevoked(token('refused'))).toBe(false)
  expect(there.isRevoked(token('before'))).toBe(true)
  await world.world.sql('alter table elsewhere rename to revocations')
  await here.revoke({ kind: 'token', id: 'after', keptUntilMs })
  await until(() => {
    world.clock.advance(500)
    return there.isRevoked(token('after'))
  })
})

it('[RV7] says so when it can keep no more, and can take everything back still', async () => {
  await using world = await openWorld()
  await world.world.sql(
    `insert into revocations select 'token', n::text, null, '2030-01-02', n from generate_series(1, ${revocationsMax}) n`,
  )
  await world.world.sql(`update revocation_numbers set last = ${revocationsMax}`)
  await expectFull(await world.open())
})

it('bears ids of every kind', async () => {
  await using world = await openWorld()
  const here = await world.open()
  const ids = [
    "'; drop table revocations; --",
    'Ünïcode 東京 🔑',
    ' ',
    'all',
    randomBytes(64).toString('hex'),
  ]
  for (const id of ids) await here.revoke({ kind: 'token', id, keptUntilMs })
  const later = await world.open()
  expect(ids.every((id) => later.isRevoked(token(id)))).toBe(true)
  expect(later.size).toBe(ids.length)
})
