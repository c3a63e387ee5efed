import { expect, it } from 'vitest'
import { milliseconds } from './duration.ts'
import { createVirtualClock } from './virtual-clock.ts'

function openClock({ onSettle = () => {} }: { onSettle?: () => void } = {}) {
  const settled: number[] = []
  const settle = async () => {
    settled.push(clock.now())
    await Promise.resolve()
    onSettle()
  }
  const clock = createVirtualClock({ startMs: 1_000, settle, settleSoon: settle })
  return { clock, settled }
}

it('runs what is due in order, each at its time, and stands where it was moved to', async () => {
  const { clock, settled } = openClock()
  const ran: string[] = []
  const note = (name: string) => () => ran.push(`${name} at ${clock.now()}`)
  clock.every(30, note('30'))
  clock.every(20, note('20'))
  clock.after(45, note('45'))
  await clock.advance(19)
  expect(ran).toEqual([])
  expect(clock.now()).toBe(1_019)
  await clock.advance(46)
  expect(ran).toEqual(['20 at 1020', '30 at 1030', '20 at 1040', '45 at 1045', '30 at 1060', '20 at 1060'])
  expect(clock.now()).toBe(1_065)
  expect(clock.timers).toBe(2)
  // Before the first moment, and after each in which something was due.
  expect(settled).toEqual([1_000, 1_019, 1_020, 1_030, 1_040, 1_045, 1_060])
})

it('runs what is set meanwhile, also by what arrives between two moments', async () => {
  const ran: number[] = []
  let isSet = false
  const { clock } = openClock({
    onSettle() {
      if (isSet || clock.now() < 1_010) return
      isSet = true
      clock.after(5, () => ran.push(clock.now()))
    },
  })
  clock.after(10, () => clock.after(0, () => ran.push(clock.now())))
  await clock.advance(100)
  expect(ran).toEqual([1_011, 1_015])
  expect(clock.timers).toBe(0)
})

it('never runs what was stopped, also by what is due at the same moment', async () => {
  const { clock } = openClock()
  const ran: string[] = []
  const stopSecond = () => stop()
  clock.after(10, () => {
    ran.push('first')
    stopSecond()
  })
  const stop = clock.after(10, () => ran.push('second'))
  const stopItself = clock.every(10, () => {
    ran.push('every')
    stopItself()
    stopItself()
  })
  await clock.advance(50)
  expect(ran).toEqual(['first', 'every'])
  expect(clock.timers).toBe(0)
})

it('moves once after the other, and goes on after an action that throws', async () => {
  const { clock } = openClock()
  const ran: number[] = []
  clock.after(10, () => {
    throw new Error('on purpose')
  })
  clock.after(20, () => ran.push(clock.now()))
  const moves = [clock.advance(15), clock.advance(10), clock.advance(0)]
  await expect(moves[0]).rejects.toThrow('on purpose')
  await Promise.all(moves.slice(1))
  // The first one ended at 1010, the second one began there.
  expect(ran).toEqual([1_020])
  expect(clock.now()).toBe(1_020)
})

it('takes durations with units, and nothing else', () => {
  const { clock } = openClock()
  expect(['250ms', '30s', '5m', '1.5h', '2d', 40].map((each) => milliseconds(each as '1s'))).toEqual([
    250, 30_000, 300_000, 5_400_000, 172_800_000, 40,
  ])
  for (const wrong of ['5 m', 'm', '-1s', '', '5w', -1, Number.NaN, Infinity])
    expect(() => milliseconds(wrong as '1s'), `${wrong}`).toThrow('is no duration')
  expect(() => clock.advance('soon' as '1s')).toThrow('is no duration')
})
