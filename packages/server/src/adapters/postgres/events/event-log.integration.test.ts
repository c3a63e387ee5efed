/** The durable log keeps the promises of every log and of every outbox, and its own, when parts of it break. */
import { describe, expect, inject, it } from 'vitest'
import { describeLogContract, entryOf, numbers } from '../../../engine/testing/log-contract.ts'
import { dataOf, describeOutboxContract, hearing } from '../../../engine/testing/outbox-contract.ts'
import { createTestClock } from '../../../engine/testing/test-clock.ts'
import { until } from '../../../engine/testing/until.ts'
import { beginNewEpochs } from './epochs.ts'
import { openLogWorld } from './testing/log-world.ts'

const openWorld = () => openLogWorld(inject('postgresUrl'))

describeLogContract('PostgreSQL', openWorld)
describeOutboxContract('PostgreSQL', openWorld)

const posts = '/posts'

describe('the durable log', () => {
  it('[OB3] hands on what was stored though its answer was lost on the way', async () => {
    await using world = await openWorld()
    const log = await world.open()
    const heard = hearing(log)
    await log.append(posts, entryOf(1))
    world.proxy.loseAnswerOf(String.raw`{\"n\":2}`)
    await expect(log.append(posts, entryOf(2))).rejects.toMatchObject({ code: 'database_unavailable' })
    // Nobody says that it is there: only the position of the next one, or whoever looks at the log.
    await log.append(posts, entryOf(3))
    expect(dataOf(heard)).toEqual([1, 2, 3])
    world.proxy.loseAnswerOf(String.raw`{\"n\":4}`)
    await expect(log.append(posts, entryOf(4))).rejects.toMatchObject({ code: 'database_unavailable' })
    await until(() => {
      world.clock.advance(1_000)
      return heard.length === 4
    })
    expect(heard.map(({ offset }) => offset)).toEqual([1, 2, 3, 4])
  })

  it('[OB4] gives what a node left behind to the one that starts next', async () => {
    await using world = await openWorld()
    const dying = await world.open()
    await dying.append(posts, entryOf(1))
    await world.transaction(async (transaction) => {
      await dying.enqueue(transaction, posts, [entryOf(2)])
      await dying.close()
    })
    const next = await world.open()
    const heard = hearing(next)
    await next.head(posts)
    await until(() => heard.length === 1)
    expect(heard).toMatchObject([{ offset: 2, n: 2 }])
  })

  it('[OB5] refuses while the database is away, and hands on what waits when it is back', async () => {
    await using world = await openWorld()
    const log = await world.open()
    const heard = hearing(log)
    await log.append(posts, entryOf(1))
    await world.direct(async (transaction) => {
      await log.enqueue(transaction, posts, [entryOf(2)])
      await world.proxy.goAway()
    })
    await expect(log.append(posts, entryOf(3))).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(dataOf(heard)).toEqual([1])
    await world.proxy.comeBack()
    await until(() => {
      world.clock.advance(1_000)
      return heard.length === 2
    })
    expect(dataOf(heard)).toEqual([1, 2])
    await log.append(posts, entryOf(4))
    expect(dataOf(heard)).toEqual([1, 2, 4])
  })

  it('[OB7] says where entries were trimmed before a handler could have them', async () => {
    await using world = await openWorld()
    const ownTime = createTestClock()
    const sleeping = await world.open({}, ownTime)
    const heard = hearing(sleeping)
    await sleeping.append(posts, entryOf(1))
    const busy = await world.open({ boundsOf: () => ({ entriesMax: 3 }) })
    for (const n of numbers(2, 12)) await busy.append(posts, entryOf(n))
    world.clock.advance(1_000)
    await until(async () => (await busy.floor(posts)).offset === 10)
    await until(() => {
      ownTime.advance(1_000)
      return heard.length === 5
    })
    expect(heard.map(({ offset, n }) => [offset, n])).toEqual([
      [1, 1],
      [0, Number.NaN],
      [10, 10],
      [11, 11],
      [12, 12],
    ])
  })

  it('lets one entry that cannot be stored harm none of those that came with it', async () => {
    await using world = await openWorld()
    const log = await world.open()
    const heard = hearing(log)
    await log.head(posts)
    const bad = { ...entryOf(2), name: 'a\0b' }
    const appended = await Promise.allSettled(
      [entryOf(1), bad, entryOf(3)].map((entry) => log.append(posts, entry)),
    )
    expect(appended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(dataOf(heard)).toEqual([1, 3])
  })

  it('takes many at once in few statements', async () => {
    await using world = await openWorld()
    const log = await world.open()
    const heard = hearing(log)
    await log.head(posts)
    await Promise.all(numbers(1, 2_000).map((n) => log.append(posts, entryOf(n))))
    expect(dataOf(heard)).toEqual(numbers(1, 2_000))
    const rounds = await world.server.sql(
      'select count(distinct xmin::text) as rounds from event_log_entries',
    )
    expect(Number(rounds[0]?.['rounds'])).toBeLessThan(20)
  })

  it('[LG7] has a new epoch after a backup was restored: what came since would share positions with others', async () => {
    await using world = await openWorld()
    const log = await world.open()
    const before = await log.append(posts, entryOf(1))
    await log.close()
    await world.server.sql(beginNewEpochs)
    const restored = await world.open()
    const after = await restored.head(posts)
    expect([after.offset, after.epoch === before.epoch, after.epoch.length]).toEqual([1, false, 7])
    expect(await restored.read(posts, { after: before, limit: 5 })).toEqual({
      gap: 'epoch-changed',
      head: after,
    })
    expect(await restored.append(posts, entryOf(2))).toEqual({ ...after, offset: 2 })
  })

  it('refuses who comes after it was closed, and whoever waited', async () => {
    await using world = await openWorld()
    const log = await world.open()
    await log.head(posts)
    const waiting = numbers(1, 1_200).map((n) => log.append(posts, entryOf(n)))
    const settled = Promise.allSettled(waiting)
    await log.close()
    const refused = (await settled).filter(({ status }) => status === 'rejected')
    for (const each of refused) expect(each).toMatchObject({ reason: { code: 'shutting_down' } })
    await expect(log.append(posts, entryOf(1))).rejects.toMatchObject({ code: 'shutting_down' })
    const [row] = await world.server.sql('select count(*)::int as stored from event_log_entries')
    expect(row?.['stored']).toBe(1_200 - refused.length)
  })
})
