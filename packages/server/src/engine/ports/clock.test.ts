/**
 * The system's clock and the one of tests keep the same contract; the latter also does what tests rely on.
 */
import { expect, it } from 'vitest'
import { describeClockContract } from '../testing/clock-contract.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { systemClock } from './clock.ts'

// Its time passes by itself, while the contract waits.
describeClockContract('system', () => ({ clock: systemClock, pass: () => undefined }))

describeClockContract('test', () => {
  const clock = createTestClock()
  return { clock, pass: () => clock.advance(1) }
})

it('the clock of tests runs what is due at its time and in order, and stands where it was moved to', () => {
  const clock = createTestClock(1_000)
  const ran: string[] = []
  const stop = clock.every(30, () => ran.push(`30 at ${clock.now()}`))
  clock.every(20, () => ran.push(`20 at ${clock.now()}`))
  clock.advance(19)
  expect(ran).toEqual([])
  clock.advance(46)
  expect(ran).toEqual(['20 at 1020', '30 at 1030', '20 at 1040', '30 at 1060', '20 at 1060'])
  expect(clock.now()).toBe(1_065)
  expect(clock.timers).toBe(2)
  stop()
  expect(clock.timers).toBe(1)
})
