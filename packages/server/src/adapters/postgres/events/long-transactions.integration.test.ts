/** A transaction that stays open for long, while others publish: it holds nobody up, and loses nothing. */
import { describe, expect, inject, it } from 'vitest'
import { entryOf, numbers } from '../../../engine/testing/log-contract.ts'
import { dataOf, hearing } from '../../../engine/testing/outbox-contract.ts'
import { until } from '../../../engine/testing/until.ts'
import { openLogWorld } from './testing/log-world.ts'

const posts = '/posts'
const openWorld = () => openLogWorld(inject('postgresUrl'))
type World = Awaited<ReturnType<typeof openWorld>>
type Log = Awaited<ReturnType<World['open']>>

describe('an event of a transaction that stays open', () => {
  it('[OB2] comes when it is committed, once, after all that others published meanwhile', async () => {
    await using world = await openWorld()
    const nodes = [await world.open(), await world.open()] as const
    const heard = nodes.map((log) => hearing(log))
    for (const log of nodes) await log.head(posts)
    const [log, other] = nodes
    const late = await stayingOpen(world, log, [1, 2])
    for (const n of numbers(101, 200)) await enqueueAlone(world, n % 2 === 0 ? log : other, n)
    // It would come before them, by the order of the outbox.
    for (const each of heard) await eventually(world, () => each.length === 100)
    world.clock.advance(300_000)
    await log.append(posts, entryOf(201))
    await late.commit()
    await log.append(posts, entryOf(202))
    for (const each of heard) {
      await eventually(world, () => each.length === 104)
      expect(dataOf(each).toSorted()).toEqual([1, 2, ...numbers(101, 202)].toSorted())
      expect(dataOf(each).slice(-4)).toEqual([201, 1, 2, 202])
      expect(each.map(({ offset }) => offset)).toEqual(numbers(1, 104))
    }
    expect(await world.server.sql('select * from event_outbox')).toEqual([])
  })

  it('stands in the log behind what was trimmed meanwhile', async () => {
    await using world = await openWorld()
    const log = await world.open({ boundsOf: () => ({ entriesMax: 10 }) })
    const heard = hearing(log)
    const late = await stayingOpen(world, log, [1])
    await Promise.all(numbers(101, 300).map((n) => log.append(posts, entryOf(n))))
    await eventually(world, async () => (await log.floor(posts)).offset === 191)
    await late.commit()
    await eventually(world, () => heard.length === 201)
    const { epoch } = await log.head(posts)
    const page = await log.read(posts, { after: { epoch, offset: 199 }, limit: 10 })
    expect(page).toMatchObject({
      gap: undefined,
      entries: [{}, { position: { offset: 201 }, entry: entryOf(1) }],
    })
  })

  it('[OB4] is not lost with the node that it was committed on, nor with the one that saw it open', async () => {
    await using world = await openWorld()
    const dying = await world.open()
    await dying.append(posts, entryOf(100))
    const late = await stayingOpen(world, dying, [1])
    await enqueueAlone(world, dying, 101)
    await world.restart()
    const next = await world.open()
    const heard = hearing(next)
    await next.append(posts, entryOf(102))
    // Those who wrote it are gone: nothing wakes the node.
    await late.commit()
    await eventually(world, () => dataOf(heard).includes(1))
    expect(dataOf(heard).filter((n) => n !== 101)).toEqual([102, 1])
    const { epoch } = await next.head(posts)
    const page = await next.read(posts, { after: { epoch, offset: 0 }, limit: 10 })
    expect(page).toMatchObject({ gap: undefined, entries: [{}, {}, {}, {}] })
  })

  it('[OB1] is never there when its session was ended, and the others are', async () => {
    await using world = await openWorld()
    const log = await world.open()
    const heard = hearing(log)
    await log.head(posts)
    const late = await stayingOpen(world, log, [1])
    await enqueueAlone(world, log, 2)
    await world.server.endSessions()
    await expect(late.commit()).rejects.toMatchObject({ code: 'database_unavailable' })
    await eventually(world, async () => {
      await enqueueAlone(world, log, 3).catch(() => undefined)
      return dataOf(heard).includes(3)
    })
    expect(dataOf(heard)).not.toContain(1)
    expect(dataOf(heard).filter((n) => n === 2)).toEqual([2])
  })
})

it('what the outbox held while an old transaction was open is cleaned when it has ended', async () => {
  await using world = await openWorld()
  const log = await world.open()
  const heard = hearing(log)
  await log.head(posts)
  const late = await stayingOpen(world, log, [0])
  for (const round of numbers(0, 19)) {
    await world.transaction(async (transaction) => {
      await Promise.all(
        numbers(1, 500).map((n) => log.enqueue(transaction, posts, [entryOf(round * 500 + n)])),
      )
    })
    await until(() => heard.length === (round + 1) * 500)
  }
  await world.server.sql('vacuum event_outbox')
  expect(await deadRows(world)).toBe(10_000)
  await late.commit()
  await until(() => heard.length === 10_001)
  await world.server.sql('vacuum event_outbox')
  expect(await deadRows(world)).toBe(0)
  expect(await world.server.sql("select pg_relation_size('event_outbox')::int as bytes")).toEqual([
    { bytes: 0 },
  ])
})

/** Enqueues in a transaction that stays open until `commit`. */
async function stayingOpen(world: World, log: Log, ns: readonly number[]) {
  const enqueued = Promise.withResolvers<void>()
  const mayCommit = Promise.withResolvers<void>()
  const open = world.direct(async (transaction) => {
    for (const n of ns) await log.enqueue(transaction, posts, [entryOf(n)])
    enqueued.resolve()
    await mayCommit.promise
  })
  // Whoever commits hears of it.
  open.catch(() => undefined)
  await enqueued.promise
  return {
    commit() {
      mayCommit.resolve()
      return open
    },
  }
}

function enqueueAlone(world: World, log: Log, n: number): Promise<void> {
  return world.transaction((transaction) => log.enqueue(transaction, posts, [entryOf(n)]))
}

/** With time that passes. */
function eventually(world: World, condition: () => boolean | Promise<boolean>): Promise<void> {
  return until(
    () => {
      world.clock.advance(1_000)
      return condition()
    },
    { withinMs: 15_000 },
  )
}

/** In the table, whatever the statistics say of it. */
async function deadRows(world: World): Promise<number> {
  await world.server.sql('create extension if not exists pgstattuple')
  const [row] = await world.server.sql(
    "select dead_tuple_count::int as dead from pgstattuple('event_outbox')",
  )
  return Number(row?.['dead'])
}
