/** Times of thousands: in their order, changed and taken back, with one timer. */
import { expect, it } from 'vitest'
import { SeededRandom } from '../testing/seeded-random.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { type Due, DueTimes } from './due-times.ts'

interface Item extends Due {
  readonly n: number
}
const itemOf = (n: number): Item => ({ n, dueAtMs: Number.POSITIVE_INFINITY, duePlace: -1 })

function openTimes() {
  const clock = createTestClock(0)
  const due: [number, number][] = []
  const times = new DueTimes<Item>(clock, ({ n }) => due.push([n, clock.now()]))
  return { clock, due, times }
}

it('tells each at its time, to the millisecond, and has a timer only while something waits', () => {
  const { clock, due, times } = openTimes()
  const [a, b] = [itemOf(1), itemOf(2)]
  times.set(a, 1_000)
  times.set(b, 500)
  expect(clock.timers).toBe(1)
  clock.advance(499)
  expect(due).toEqual([])
  clock.advance(10_000)
  expect(due).toEqual([
    [2, 500],
    [1, 1_000],
  ])
  expect([clock.timers, times.size]).toEqual([0, 0])
})

it('moves and takes back, sooner and later', () => {
  const { clock, due, times } = openTimes()
  const items = [1, 2, 3].map(itemOf)
  const [a, b, c] = items as [Item, Item, Item]
  for (const item of items) times.set(item, 1_000)
  times.set(a, 3_000)
  times.set(b, 200)
  times.set(c, Number.POSITIVE_INFINITY)
  times.set(c, Number.POSITIVE_INFINITY)
  clock.advance(5_000)
  expect(due).toEqual([
    [2, 200],
    [1, 3_000],
  ])
  times.set(a, 6_000)
  times.close()
  clock.advance(5_000)
  expect(due).toHaveLength(2)
  expect(clock.timers).toBe(0)
})

it('lets what is due ask for another time', () => {
  const clock = createTestClock(0)
  const due: number[] = []
  const times: DueTimes<Item> = new DueTimes<Item>(clock, (item) => {
    due.push(clock.now())
    if (due.length < 4) times.set(item, clock.now() + 100)
  })
  times.set(itemOf(1), 100)
  clock.advance(1_000)
  expect(due).toEqual([100, 200, 300, 400])
})

it('does not wait for a time that a clock set forward has passed', () => {
  let leap = 0
  const clock = createTestClock(0)
  const due: number[] = []
  const leaping = { now: () => clock.now() + leap, every: clock.every }
  const times = new DueTimes<Item>(leaping, () => due.push(leaping.now()))
  times.set(itemOf(1), 3_600_000)
  leap = 3_600_000
  clock.advance(60_000)
  expect(due).toHaveLength(1)
})

it.each([1, 2, 3, 4, 5])('is as a list that is sorted each time, over 20,000 changes (seed %i)', (seed) => {
  const random = new SeededRandom(seed)
  const { clock, due, times } = openTimes()
  const items = Array.from({ length: 300 }, (_, n) => itemOf(n))
  const expected = new Map<Item, number>()
  const wanted: [number, number][] = []
  for (let step = 0; step < 20_000; step += 1) {
    const item = random.oneOf(items)
    if (random.chance(20)) {
      expected.delete(item)
      times.set(item, Number.POSITIVE_INFINITY)
    } else {
      const at = clock.now() + 1 + random.below(2_000)
      expected.set(item, at)
      times.set(item, at)
    }
    if (!random.chance(5)) continue
    const until = clock.now() + random.below(300)
    for (const [each, at] of [...expected].sort((x, y) => x[1] - y[1])) {
      if (at > until) break
      expected.delete(each)
      wanted.push([each.n, at])
    }
    clock.advance(until - clock.now())
    expect(times.size).toBe(expected.size)
  }
  const byTime = (list: [number, number][]) => list.toSorted((x, y) => x[1] - y[1] || x[0] - y[0])
  expect(due.map(([, at]) => at)).toEqual(wanted.map(([, at]) => at))
  expect(byTime(due)).toEqual(byTime(wanted))
})

it('is there for others between two turns, when ten thousand are due at once', () => {
  const { clock, due, times } = openTimes()
  for (let n = 0; n < 10_000; n += 1) times.set(itemOf(n), 1_000)
  clock.advance(1_000)
  expect(due).toHaveLength(500)
  clock.advance(19)
  expect(due).toHaveLength(10_000)
})
