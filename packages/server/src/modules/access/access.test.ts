/** Access without a database: what is asked of it, and what happens while it is away. */
import { Refusal } from '@belfry/contract'
import { expect, it } from 'vitest'
import type { Database } from '../../engine/ports/database.ts'
import type { Statement } from '../../engine/sql.ts'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { createAccessModule } from './module.ts'

function createWorld(answer: (statement: Statement) => unknown[] = () => []) {
  const statements: Statement[] = []
  const failures: object[] = []
  const database: Database = {
    async query<Row>(statement: Statement<Row>): Promise<Row[]> {
      statements.push(statement)
      return answer(statement) as Row[]
    },
    transaction: () => Promise.reject(new Error('not used')),
    state: () => ({ state: 'up', connectionsOpen: 1, connectionsMax: 1 }),
  }
  const clock = createTestClock()
  const ignore = () => undefined
  const access = createAccessModule({
    database,
    clock,
    logger: { debug: (fields) => failures.push(fields), info: ignore, warn: ignore, error: ignore },
    randomBytes: (count) => Buffer.alloc(count, 7),
  })
  return { access, service: access.service, statements, failures, clock }
}

it('does not ask the database about what cannot be a token', async () => {
  const { service, statements } = createWorld()
  for (const text of [
    '',
    'x',
    'x'.repeat(42),
    'x'.repeat(44),
    `${'x'.repeat(43)}\n`,
    '🔑'.repeat(43),
    'a b'.repeat(15),
  ]) {
    expect(await service.identify(text)).toBeUndefined()
    await expect(service.signIn(text)).rejects.toMatchObject({ code: 'sign_in_link_invalid' })
    await service.signOut(text)
  }
  expect(statements).toEqual([])
})

it('sends the hash of a token, never the token', async () => {
  const { service, statements } = createWorld()
  const link = await service.createSignInLink({ name: 'operator', roles: ['admin'] })
  expect(link).toBe(Buffer.alloc(32, 7).toString('base64url'))
  await service.identify(link)
  await service.signIn(link).catch(() => undefined)
  await service.signOut(link)
  const values = statements.flatMap((statement) => statement.values)
  expect(values.filter((value) => typeof value === 'string')).toEqual(['operator'])
  for (const value of values)
    if (Buffer.isBuffer(value)) expect(value.equals(Buffer.alloc(32, 7))).toBe(false)
})

it('asks about a session every time', async () => {
  const { service, statements } = createWorld()
  const token = 'x'.repeat(43)
  await service.identify(token)
  await service.identify(token)
  expect(statements).toHaveLength(2)
  expect(statements[0]?.name).toBe(statements[1]?.name)
})

it('goes on sweeping after a sweep that failed', async () => {
  let away = true
  const { access, statements, failures, clock } = createWorld(() => {
    if (away) throw new Refusal('database_unavailable')
    return []
  })
  await access.start?.()
  clock.advance(60 * 60 * 1000)
  await expect.poll(() => failures.length).toBe(1)
  away = false
  clock.advance(60 * 60 * 1000)
  await expect.poll(() => statements.length).toBe(3)
  await access.stop?.()
  clock.advance(60 * 60 * 1000)
  expect(statements).toHaveLength(3)
})

it('passes on that the database is away', async () => {
  const { service } = createWorld(() => {
    throw new Refusal('database_unavailable')
  })
  await expect(service.identify('x'.repeat(43))).rejects.toMatchObject({ code: 'database_unavailable' })
  await expect(service.signIn('x'.repeat(43))).rejects.toMatchObject({ code: 'database_unavailable' })
})
