/** Sends to people whose inbox a transaction holds that stays open, and sends to everybody else. */
import { type Notification, sendNotificationRequest } from '@belfry/contract'
import { expect, inject, it } from 'vitest'
import type { DatabaseOptions } from '../../adapters/postgres/database.ts'
import type { Transaction } from '../../engine/ports/database.ts'
import { numbers } from '../../engine/testing/log-contract.ts'
import { until } from '../../engine/testing/until.ts'
import { openNotificationsWorld } from './testing/notifications-world.ts'

const hello = { type: 'greeting', title: 'Hello' }

async function openWorld(options: Partial<DatabaseOptions> = {}) {
  const world = await openNotificationsWorld(inject('postgresUrl'), async () => options)
  return {
    ...world,
    /** A transaction of the host that has sent, and goes on. */
    async hold(users: readonly string[]) {
      const end = Promise.withResolvers<void>()
      const hasSent = Promise.withResolvers<void>()
      const over = world.database.transaction(async (transaction: Transaction) => {
        const request = sendNotificationRequest.parse({ userIds: [...users], ...hello, title: 'held' })
        await world.service.send(request, { transaction })
        hasSent.resolve()
        await end.promise
      })
      await hasSent.promise
      return async () => {
        end.resolve()
        await over
      }
    },
    to: (userIds: readonly string[], title: string) => world.send({ userIds: [...userIds], ...hello, title }),
    async waiting(): Promise<number> {
      const [row] = await world.server.sql(
        "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
      return Number(row?.['n'])
    },
    async titlesOf(userId: string): Promise<string[]> {
      const { notifications } = await world.service.list(userId, { limit: 100 })
      return notifications.map(({ title }: Notification) => title).toSorted()
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

/** Settled ones, of promises that others wait for. */
function settledOf(promises: readonly Promise<unknown>[]): () => number {
  let settled = 0
  const count = () => {
    settled += 1
  }
  for (const each of promises) void each.then(count, count)
  return () => settled
}

it('sends to others go on while a transaction holds an inbox; those to its owner come after it, once', async () => {
  await using world = await openWorld()
  await world.to(['ana', 'bob', 'carl'], 'before')
  const commit = await world.hold(['ana'])
  const toAna = numbers(1, 5).map((n) => world.to(['ana'], `ana ${n}`))
  const toBoth = world.to(['ana', 'carl'], 'both')
  const settled = settledOf([...toAna, toBoth])
  const toBob = numbers(1, 40).map((n) => world.to(['bob'], `bob ${n}`))
  await Promise.all(toBob)
  await until(async () => (await world.waiting()) === 1, { what: 'one transaction waits for ana' })
  const later = numbers(6, 30).map((n) => world.to(['ana'], `ana ${n}`))
  await Promise.all(numbers(41, 80).map((n) => world.to(['bob'], `bob ${n}`)))
  expect(await world.waiting()).toBe(1)
  expect(settled()).toBe(0)
  expect(await world.titlesOf('ana')).toEqual(['before'])
  await commit()
  await Promise.all([...toAna, ...later, toBoth])
  expect(await world.titlesOf('bob')).toEqual(['before', ...numbers(1, 80).map((n) => `bob ${n}`)].toSorted())
  expect(await world.titlesOf('ana')).toEqual(
    ['before', 'held', 'both', ...numbers(1, 30).map((n) => `ana ${n}`)].toSorted(),
  )
  expect(await world.titlesOf('carl')).toEqual(['before', 'both'])
  await world.service.checkCounts()
  expect(world.service.figures).toMatchObject({ sent: 1 + 1 + 80 + 30 + 1, countsWrong: 0 })
  // Nobody is held any more: she shares with others again.
  await Promise.all([world.to(['ana'], 'after'), world.to(['bob'], 'after')])
  expect(await world.waiting()).toBe(0)
})

it('an inbox that somebody is just making is held as well', async () => {
  await using world = await openWorld()
  const commit = await world.hold(['ana'])
  const toAna = world.to(['ana'], 'first')
  await world.to(['bob'], 'first')
  await until(async () => (await world.waiting()) === 1)
  await commit()
  await toAna
  expect(await world.titlesOf('ana')).toEqual(['first', 'held'])
})

it('what waits for longer than a statement may is refused, and was not sent', async () => {
  await using world = await openWorld({ statementTimeoutMs: 700 })
  const commit = await world.hold(['ana'])
  const refused = await Promise.allSettled([world.to(['ana'], 'one'), world.to(['ana', 'bob'], 'two')])
  for (const each of refused)
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'database_unavailable' } })
  await commit()
  await world.to(['ana'], 'three')
  expect(await world.titlesOf('ana')).toEqual(['held', 'three'])
  expect(await world.titlesOf('bob')).toEqual([])
})
