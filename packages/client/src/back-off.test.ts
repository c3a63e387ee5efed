import { expect, it } from 'vitest'
import { backOffMs, defaultAdvice } from './back-off.ts'

const half = () => 0.5

it('spreads the first wait over a whole delay', () => {
  expect(backOffMs(1, defaultAdvice, () => 0)).toBe(1_000)
  expect(backOffMs(1, defaultAdvice, half)).toBe(1_500)
  expect(backOffMs(1, defaultAdvice, () => 0.999)).toBeCloseTo(1_999)
})

it('doubles its ceiling with each failure, up to the maximum', () => {
  expect([1, 2, 3, 4, 50, 5_000].map((failures) => backOffMs(failures, defaultAdvice, half))).toEqual([
    1_500, 2_500, 3_000, 3_000, 3_000, 3_000,
  ])
})

it('follows what the server says', () => {
  expect(backOffMs(3, { delayMs: 10, maxDelayMs: 60 }, half)).toBe(35)
})

it('is not there before the time that was told, and spread as much after it', () => {
  const times = [0, 0.5, 0.999].map((value) => backOffMs(1, defaultAdvice, () => value, 30_000))
  expect(times).toEqual([30_000, 30_500, 30_999])
  expect(backOffMs(3, defaultAdvice, () => 0.999, 30_000)).toBe(33_996)
  expect(backOffMs(1, defaultAdvice, half, 10)).toBe(1_500)
})

it('waits the delay where the maximum leaves no room, or is below it', () => {
  expect(backOffMs(9, { delayMs: 700, maxDelayMs: 700 }, half)).toBe(700)
  expect(backOffMs(9, { delayMs: 700, maxDelayMs: 1 }, half)).toBe(700)
})
