/**
 * What every `Outbox` must do, rule by rule (see ports/outbox.ts), as far as it can be told without breaking the
 * adapter's own parts. Its log is tested by the suite of logs.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Transaction } from '../ports/database.ts'
import type { DurableLog } from '../ports/outbox.ts'
import { entryOf, numbers } from './log-contract.ts'
import type { RecordingLogger } from './recording-logger.ts'
import { SeededRandom } from './seeded-random.ts'
import type { TestClock } from './test-clock.ts'
import { until } from './until.ts'

export interface OutboxWorld extends AsyncDisposable {
  readonly clock: TestClock
  readonly logger: RecordingLogger
  /** The log as a node opens it. What one hands on, others get too. */
  open(): Promise<DurableLog>
  /** In the database that the nodes share. */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>
}

const posts = '/posts'

export function describeOutboxContract(adapter: string, makeWorld: () => Promise<OutboxWorld>): void {
  describe(`Outbox contract: ${adapter}`, () => {
    let world: OutboxWorld

    beforeEach(async () => {
      world = await makeWorld()
    })
    afterEach(async () => world[Symbol.asyncDispose]())

    const openHearing = async () => {
      const log = await world.open()
      await log.head(posts)
      return { log, heard: hearing(log) }
    }
    /** In the end, and not only before something else would have come. */
    const eventually = async (heard: readonly Heard[], count: number) => {
      await until(
        () => {
          world.clock.advance(1_000)
          return heard.length >= count
        },
        { what: `${count} entries; ${heard.length} were handed on` },
      )
      expect(heard).toHaveLength(count)
    }

    it('[OB1] hands on what was enqueued after the commit, and not before', async () => {
      const { log, heard } = await openHearing()
      await world.transaction(async (transaction) => {
        await log.enqueue(transaction, posts, [entryOf(1)])
        await log.append('/other', entryOf(9))
        expect(dataOf(heard)).toEqual([9])
      })
      await eventually(heard, 2)
      expect(heard[1]).toMatchObject({ namespace: posts, offset: 1, n: 1 })
      const { entries } = read(
        await log.read(posts, { after: { epoch: heard[1]?.epoch ?? '', offset: 0 }, limit: 9 }),
      )
      expect(entries.map(({ entry }) => entry)).toEqual([entryOf(1)])
    })

    it('[OB1] never hands on what was rolled back', async () => {
      const { log, heard } = await openHearing()
      const rolledBack = world.transaction(async (transaction) => {
        await log.enqueue(transaction, posts, [entryOf(1)])
        throw new Error('no')
      })
      await expect(rolledBack).rejects.toThrow('no')
      await log.append(posts, entryOf(2))
      world.clock.advance(5_000)
      await log.append(posts, entryOf(3))
      expect(dataOf(heard)).toEqual([2, 3])
      expect(heard.map(({ offset }) => offset)).toEqual([1, 2])
    })

    it('[OB2] keeps the order of a transaction', async () => {
      const { log, heard } = await openHearing()
      await world.transaction(async (transaction) => {
        for (const n of numbers(1, 30)) await log.enqueue(transaction, posts, [entryOf(n)])
      })
      await eventually(heard, 30)
      expect(dataOf(heard)).toEqual(numbers(1, 30))
    })

    it('[OB2] keeps the order of entries that were enqueued at once, among the others', async () => {
      const { log, heard } = await openHearing()
      await world.transaction(async (transaction) => {
        await log.enqueue(transaction, posts, [entryOf(1)])
        await log.enqueue(transaction, posts, numbers(2, 200).map(entryOf))
        await log.enqueue(transaction, posts, [])
        await log.enqueue(transaction, posts, [entryOf(201)])
      })
      await eventually(heard, 201)
      expect(dataOf(heard)).toEqual(numbers(1, 201))
      const after = { epoch: heard[0]?.epoch ?? '', offset: 0 }
      const { entries } = read(await log.read(posts, { after, limit: 300 }))
      expect(entries.map(({ entry }) => entry)).toEqual(numbers(1, 201).map(entryOf))
    })

    it('[OB2] puts what was committed first before what was enqueued first', async () => {
      const { log, heard } = await openHearing()
      const enqueued = Promise.withResolvers<void>()
      const mayCommit = Promise.withResolvers<void>()
      const slow = world.transaction(async (transaction) => {
        await log.enqueue(transaction, posts, [entryOf(1)])
        enqueued.resolve()
        await mayCommit.promise
      })
      await enqueued.promise
      await world.transaction((transaction) => log.enqueue(transaction, posts, [entryOf(2)]))
      await log.append(posts, entryOf(3))
      mayCommit.resolve()
      await slow
      await log.append(posts, entryOf(4))
      await eventually(heard, 4)
      expect(dataOf(heard)).toEqual([2, 3, 1, 4])
    })

    it.each(numbers(1, 4))(
      '[OB2] [OB3] gives every node the same, in the order of the commits, seed %d',
      async (seed) => {
        const random = new SeededRandom(seed)
        const nodes = [await openHearing(), await openHearing()]
        /** What was committed when an event was enqueued. */
        const before = new Map<number, ReadonlySet<number>>()
        const committed = new Set<number>()
        let rolledBack = 0
        let made = 0
        const write = async () => {
          const node = nodes[random.below(nodes.length)] ?? nodes[0]
          const own = numbers(made + 1, made + 1 + random.below(3))
          made += own.length
          const kind = random.below(4)
          if (kind === 0) {
            for (const n of own) {
              before.set(n, new Set(committed))
              await node?.log.append(posts, entryOf(n))
              committed.add(n)
            }
            return
          }
          const work = world.transaction(async (transaction) => {
            for (const n of own) {
              before.set(n, new Set(committed))
              await node?.log.enqueue(transaction, posts, [entryOf(n)])
            }
            if (kind === 1) throw new Error('rolled back')
          })
          await work.then(
            () => own.forEach((n) => void committed.add(n)),
            () => {
              rolledBack += own.length
            },
          )
        }
        await Promise.all(
          numbers(1, 6).map(async () => {
            for (const _ of numbers(1, 12)) await write()
          }),
        )
        expect(rolledBack).toBeGreaterThan(0)
        for (const { heard } of nodes) {
          await eventually(heard, made - rolledBack)
          expect(heard.map(({ offset }) => offset)).toEqual(numbers(1, heard.length))
          expect(new Set(dataOf(heard))).toEqual(committed)
          const seen = new Set<number>()
          for (const n of dataOf(heard)) {
            for (const earlier of before.get(n) ?? []) expect(seen).toContain(earlier)
            seen.add(n)
          }
        }
      },
    )

    it('[OB6] answers when the handlers have had the entry', async () => {
      const { log, heard } = await openHearing()
      for (const n of numbers(1, 5)) {
        const { offset } = await log.append(posts, entryOf(n))
        expect(heard.at(-1)).toMatchObject({ offset, n })
      }
    })

    it('[OB6] lets no handler disturb the others', async () => {
      const log = await world.open()
      await log.head(posts)
      const stop = log.subscribe({
        entry() {
          throw new Error('a bad handler')
        },
        missed: () => undefined,
      })
      const heard = hearing(log)
      await log.append(posts, entryOf(1))
      await world.transaction((transaction) => log.enqueue(transaction, posts, [entryOf(2)]))
      await eventually(heard, 2)
      expect(world.logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2)
      stop()
      await log.append(posts, entryOf(3))
      expect(dataOf(heard)).toEqual([1, 2, 3])
      expect(world.logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2)
    })
  })
}

export interface Heard {
  readonly namespace: string
  readonly epoch: string
  readonly offset: number
  readonly n: number
}

/** Everything that a handler of this log gets. */
export function hearing(log: DurableLog): Heard[] {
  const heard: Heard[] = []
  log.subscribe({
    entry: (namespace, { epoch, offset }, { data }) =>
      heard.push({ namespace, epoch, offset, n: (JSON.parse(data) as { n: number }).n }),
    missed: (namespace) => heard.push({ namespace, epoch: '', offset: 0, n: Number.NaN }),
  })
  return heard
}

export function dataOf(heard: readonly Heard[]): number[] {
  return heard.map(({ n }) => n)
}

function read<Result extends { readonly gap: unknown }>(result: Result): Extract<Result, { gap: undefined }> {
  if (result.gap !== undefined) throw new Error(`There is a gap: ${String(result.gap)}.`)
  return result as Extract<Result, { gap: undefined }>
}
