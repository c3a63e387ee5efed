import { Refusal } from '@belfry/contract'
import { expect, it } from 'vitest'
import { type TogetherRules, together } from './together.ts'

/** Rounds end when the test says so; the answer to an item is its double. */
function makeWorld(rules: Partial<TogetherRules<number, number>> = {}) {
  const rounds: (readonly number[])[] = []
  const ends: ((error?: unknown) => void)[] = []
  const call = together<number, number>({
    run(items) {
      rounds.push(items)
      return new Promise((resolve, reject) => {
        ends.push((error) => (error === undefined ? resolve(items.map((item) => item * 2)) : reject(error)))
      })
    },
    weight: () => 1,
    weightMax: 100,
    roundsMax: 1,
    waitingMax: 1_000,
    ...rules,
  })
  const begun = (count: number) => expect.poll(() => rounds.length).toBe(count)
  return { call, rounds, ends, begun }
}

it('runs the first at once with what the same tick brings, and what comes meanwhile in the next round', async () => {
  const { call, rounds, ends, begun } = makeWorld()
  const answers = [call(1), call(2)]
  await begun(1)
  answers.push(call(3), call(4))
  await Promise.resolve()
  expect(rounds).toEqual([[1, 2]])
  ends[0]?.()
  await begun(2)
  ends[1]?.()
  expect(await Promise.all(answers)).toEqual([2, 4, 6, 8])
  expect(rounds).toEqual([
    [1, 2],
    [3, 4],
  ])
  // It rests, and wakes again.
  const last = call(5)
  await begun(3)
  ends[2]?.()
  expect(await last).toBe(10)
})

it('fills a round up to its weight, in order; what is heavier than a round goes alone', async () => {
  const { call, rounds, ends, begun } = makeWorld({ weight: (item) => item, weightMax: 10 })
  const answers = [4, 6, 1, 12, 10, 3].map(call)
  for (const round of [1, 2, 3, 4, 5]) {
    await begun(round)
    ends[round - 1]?.()
  }
  await Promise.all(answers)
  expect(rounds).toEqual([[4, 6], [1], [12], [10], [3]])
})

it('has so many rounds under way, and not more', async () => {
  const { call, rounds, ends, begun } = makeWorld({ roundsMax: 2, weightMax: 1 })
  const answers = [1, 2, 3, 4].map(call)
  await begun(2)
  await new Promise((resolve) => setImmediate(resolve))
  expect(rounds).toEqual([[1], [2]])
  for (const index of [0, 1, 2, 3]) {
    await begun(Math.min(4, index + 2))
    ends[index]?.()
  }
  expect(await Promise.all(answers)).toEqual([2, 4, 6, 8])
})

it('finds out whose fault it was, each alone and all at once, while the next round goes', async () => {
  const alone: number[] = []
  const ends = new Map<number, (error?: Error) => void>()
  const { call, rounds, ...world } = makeWorld({
    alone(item) {
      alone.push(item)
      return new Promise((resolve, reject) => {
        ends.set(item, (error) => (error === undefined ? resolve(item * 2) : reject(error)))
      })
    },
  })
  const answers = [1, 2, 3].map(call)
  await world.begun(1)
  world.ends[0]?.(new Error('one of them'))
  await expect.poll(() => alone).toEqual([1, 2, 3])
  const next = call(4)
  await world.begun(2)
  world.ends[1]?.()
  expect(await next).toBe(8)
  ends.get(3)?.()
  ends.get(2)?.(new Error('two'))
  ends.get(1)?.()
  expect(
    (await Promise.allSettled(answers)).map((answer) =>
      answer.status === 'fulfilled' ? answer.value : answer.reason.message,
    ),
  ).toEqual([2, 'two', 6])
  expect(rounds).toEqual([[1, 2, 3], [4]])
})

it('rejects all of a round where none can go alone', async () => {
  const { call, ends, begun, rounds } = makeWorld()
  const answers = Promise.allSettled([call(1), call(2)])
  await begun(1)
  ends[0]?.(new Error('all of them'))
  expect(await answers).toMatchObject([1, 2].map(() => ({ reason: { message: 'all of them' } })))
  expect(rounds).toHaveLength(1)
})

it('does nothing twice of which the answer was lost', async () => {
  const { call, rounds, ends, begun } = makeWorld({ alone: async (item) => item })
  const answers = Promise.allSettled([call(1), call(2)])
  await begun(1)
  ends[0]?.(new Refusal('database_unavailable'))
  for (const answer of await answers)
    expect(answer).toMatchObject({ reason: { code: 'database_unavailable' } })
  expect(rounds).toHaveLength(1)
})

it('refuses what would have to wait behind too many', async () => {
  const { call, ends, begun } = makeWorld({ waitingMax: 2 })
  const answers = [call(1)]
  await begun(1)
  answers.push(call(2), call(3))
  await expect(call(4)).rejects.toMatchObject({ code: 'database_unavailable' })
  ends[0]?.()
  await begun(2)
  ends[1]?.()
  expect(await Promise.all(answers)).toEqual([2, 4, 6])
})
