import { Refusal } from '@belfry/contract'
import { expect, it } from 'vitest'
import { createPeriods } from './periods.ts'
import { createRecordingLogger } from './testing/recording-logger.ts'
import { createTestClock } from './testing/test-clock.ts'

function makeWorld() {
  const clock = createTestClock()
  const logger = createRecordingLogger()
  return { clock, logger, periods: createPeriods({ clock, logger }) }
}

/** Everything that waits for nothing from outside has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

it('does each work after its own period, and again', async () => {
  const { clock, periods } = makeWorld()
  const done: string[] = []
  periods.every(10, 'no', async () => void done.push('short'))
  periods.every(30, 'no', async () => void done.push('long'))
  clock.advance(9)
  expect(done).toEqual([])
  for (const _ of [1, 2, 3]) {
    clock.advance(10)
    await settled()
  }
  expect(done).toEqual(['short', 'short', 'short', 'long'])
  await periods.stop()
  expect(clock.timers).toBe(0)
})

it('never does the same work twice at a time: what came due meanwhile is done once, afterwards', async () => {
  const { clock, periods } = makeWorld()
  const ends: (() => void)[] = []
  periods.every(10, 'no', () => new Promise((resolve) => ends.push(resolve)))
  clock.advance(50)
  expect(ends).toHaveLength(1)
  ends[0]?.()
  await expect.poll(() => ends.length).toBe(2)
  ends[1]?.()
  await periods.stop()
  expect(ends).toHaveLength(2)
})

it('tells what failed, and tries again', async () => {
  const { clock, logger, periods } = makeWorld()
  const failures = [new Error('broken'), new Refusal('database_unavailable')]
  let runs = 0
  periods.every(10, 'it could not be done', () => {
    runs += 1
    // Also one that is thrown at once.
    if (runs === 1) throw failures[0]
    return runs === 2 ? Promise.reject(failures[1]) : Promise.resolve()
  })
  for (const run of [1, 2, 3]) {
    clock.advance(10)
    await settled()
    expect(runs).toBe(run)
  }
  expect(logger.at('error')).toMatchObject([{ message: 'it could not be done' }])
  expect(logger.at('debug')).toMatchObject([{ message: 'it could not be done' }])
  await periods.stop()
})

it('begins nothing after it was stopped, and waits for what is under way', async () => {
  const { clock, periods } = makeWorld()
  const ends: (() => void)[] = []
  periods.every(10, 'no', () => new Promise((resolve) => ends.push(resolve)))
  clock.advance(20)
  let isStopped = false
  const stopped = periods.stop().then(() => {
    isStopped = true
  })
  await Promise.resolve()
  expect(isStopped).toBe(false)
  ends[0]?.()
  await stopped
  clock.advance(100)
  expect(ends).toHaveLength(1)
})
