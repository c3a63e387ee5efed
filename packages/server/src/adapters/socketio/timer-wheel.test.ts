/** One wheel for all timers: never early, hardly late, and nothing lost when time stands still or jumps. */
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../engine/ports/clock.ts'
import { SeededRandom } from '../../engine/testing/seeded-random.ts'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { type Timed, TimerWheel } from './timer-wheel.ts'

/** Nobody has to be nearer to the time than this: a tick, and the part of one by which a turn is off. */
const lateMsMax = 100

class Alarm implements Timed {
  previousTimed: Timed | undefined
  nextTimed: Timed | undefined
  dueTick = -1
  rings = 0
  readonly ring: () => void

  constructor(ring: () => void = () => undefined) {
    this.ring = ring
  }

  onDue(): void {
    this.rings += 1
    this.ring()
  }
}

function setUp(startMs?: number) {
  const clock = createTestClock(startMs)
  return { clock, wheel: new TimerWheel(clock) }
}

/** A clock whose timers come late, all at once, as those of a process that was stopped. */
function createSleepyClock(): Clock & { sleep(ms: number): void } {
  let nowMs = 1_000_000
  const actions = new Set<() => void>()
  return {
    now: () => nowMs,
    every(_periodMs, action) {
      actions.add(action)
      return () => actions.delete(action)
    },
    sleep(ms) {
      nowMs += ms
      for (const action of actions) action()
    },
  }
}

describe('the timer wheel', () => {
  it.each([0, 1, 49, 50, 51, 99, 12_345, 51_199, 51_200, 51_201, 25_000, 200_000])(
    'rings after %i milliseconds, not before and not much later',
    (delayMs) => {
      for (const offsetMs of [0, 1, 25, 49]) {
        const { clock, wheel } = setUp()
        clock.advance(offsetMs)
        const alarm = new Alarm()
        wheel.set(alarm, delayMs)
        if (delayMs > 0) clock.advance(delayMs - 1)
        expect(alarm.rings, `offset ${offsetMs}`).toBe(0)
        clock.advance(lateMsMax)
        expect(alarm.rings, `offset ${offsetMs}`).toBe(1)
        clock.advance(300_000)
        expect(alarm.rings).toBe(1)
        expect(wheel.size).toBe(0)
      }
    },
  )

  it('rings in the order of time', () => {
    const { clock, wheel } = setUp()
    const rung: number[] = []
    const delays = [900, 100, 60_000, 500, 51_300, 200, 130_000, 1_000]
    for (const delayMs of delays) wheel.set(new Alarm(() => rung.push(delayMs)), delayMs)
    clock.advance(200_000)
    expect(rung).toEqual(delays.toSorted((a, b) => a - b))
  })

  it('waits for one thing at a time: setting it anew forgets the time before', () => {
    const { clock, wheel } = setUp()
    const alarm = new Alarm()
    wheel.set(alarm, 1_000)
    wheel.set(alarm, 5_000)
    clock.advance(4_900)
    expect(alarm.rings).toBe(0)
    expect(wheel.size).toBe(1)
    wheel.set(alarm, 200)
    clock.advance(300)
    expect(alarm.rings).toBe(1)
    clock.advance(10_000)
    expect(alarm.rings).toBe(1)
  })

  it('clears one in the middle of its slot, the first and the last, and one that waits for nothing', () => {
    const { clock, wheel } = setUp()
    const alarms = Array.from({ length: 5 }, () => new Alarm())
    for (const alarm of alarms) wheel.set(alarm, 1_000)
    for (const index of [2, 4, 0, 0, 2]) {
      const alarm = alarms[index]
      if (alarm !== undefined) wheel.clear(alarm)
    }
    wheel.clear(new Alarm())
    expect(wheel.size).toBe(2)
    clock.advance(2_000)
    expect(alarms.map(({ rings }) => rings)).toEqual([0, 1, 0, 1, 0])
  })

  it('keeps those apart that share a slot in different rounds', () => {
    const { clock, wheel } = setUp()
    const rung: string[] = []
    wheel.set(new Alarm(() => rung.push('third')), 1_000 + 2 * 51_200)
    wheel.set(new Alarm(() => rung.push('first')), 1_000)
    wheel.set(new Alarm(() => rung.push('second')), 1_000 + 51_200)
    clock.advance(2_000)
    expect(rung).toEqual(['first'])
    clock.advance(51_200)
    expect(rung).toEqual(['first', 'second'])
    clock.advance(51_200)
    expect(rung).toEqual(['first', 'second', 'third'])
  })

  describe('while one rings', () => {
    it('others of the same tick may be cleared, or set anew', () => {
      const { clock, wheel } = setUp()
      const alarms: Alarm[] = []
      const others = (own: number) => alarms.filter((_, index) => index !== own)
      // Whoever rings first silences the second of the others, and puts off the third.
      let isFirst = true
      for (let index = 0; index < 3; index += 1) {
        alarms.push(
          new Alarm(() => {
            if (!isFirst) return
            isFirst = false
            const [cleared, later] = others(index)
            if (cleared !== undefined) wheel.clear(cleared)
            if (later !== undefined) wheel.set(later, 1_000)
          }),
        )
      }
      for (const alarm of alarms) wheel.set(alarm, 500)
      clock.advance(700)
      expect(alarms.map(({ rings }) => rings).toSorted()).toEqual([0, 0, 1])
      clock.advance(1_000)
      expect(alarms.map(({ rings }) => rings).toSorted()).toEqual([0, 1, 1])
      expect(wheel.size).toBe(0)
    })

    it('it may be set anew, also when it was the only one, and with no delay at all', () => {
      const { clock, wheel } = setUp()
      const beat: Alarm = new Alarm(() => {
        if (beat.rings < 40) wheel.set(beat, 0)
      })
      wheel.set(beat, 0)
      clock.advance(50)
      expect(beat.rings).toBeLessThanOrEqual(1)
      clock.advance(10_000)
      expect(beat.rings).toBe(40)
      expect(clock.timers).toBe(0)
    })

    it('it beats as often as it should', () => {
      const { clock, wheel } = setUp()
      const beat: Alarm = new Alarm(() => wheel.set(beat, 25_000))
      const other = new Alarm()
      wheel.set(beat, 25_000)
      wheel.set(other, 3_600_000)
      clock.advance(1_000_000)
      expect(beat.rings).toBeGreaterThanOrEqual(39)
      expect(beat.rings).toBeLessThanOrEqual(40)
    })

    it('clearing everything is heard, though more were due', () => {
      const { clock, wheel } = setUp()
      const alarms: Alarm[] = []
      for (let index = 0; index < 10; index += 1)
        alarms.push(
          new Alarm(() => {
            for (const alarm of alarms) wheel.clear(alarm)
          }),
        )
      for (const alarm of alarms) wheel.set(alarm, 1_000)
      clock.advance(5_000)
      expect(alarms.reduce((sum, { rings }) => sum + rings, 0)).toBe(1)
      expect(wheel.size).toBe(0)
      expect(clock.timers).toBe(0)
    })
  })

  it('asks for the time only while something waits', () => {
    const { clock, wheel } = setUp()
    expect(clock.timers).toBe(0)
    const alarm = new Alarm()
    wheel.set(alarm, 1_000)
    expect(clock.timers).toBe(1)
    wheel.set(alarm, 2_000)
    expect(clock.timers).toBe(1)
    wheel.clear(alarm)
    expect(clock.timers).toBe(0)
    clock.advance(1_000_000)
    wheel.set(alarm, 1_000)
    clock.advance(900)
    expect(alarm.rings).toBe(0)
    clock.advance(200)
    expect(alarm.rings).toBe(1)
    wheel.set(alarm, 1_000)
    wheel.close()
    expect(clock.timers).toBe(0)
  })

  describe('after a pause of the process', () => {
    it.each([60, 1_000, 51_200, 51_250, 102_400, 600_000, 86_400_000])(
      'of %i milliseconds, all that was due rings once, and nothing else',
      (pauseMs) => {
        const clock = createSleepyClock()
        const wheel = new TimerWheel(clock)
        const delays = [100, 900, 51_000, 51_250, 60_000, 102_300, 150_000, 599_000, 601_000, 90_000_000]
        const alarms = delays.map((delayMs) => {
          const alarm = new Alarm()
          wheel.set(alarm, delayMs)
          return alarm
        })
        clock.sleep(pauseMs)
        for (const [index, delayMs] of delays.entries()) {
          if (delayMs > pauseMs || delayMs + lateMsMax <= pauseMs)
            expect(alarms[index]?.rings, `${delayMs}`).toBe(delayMs > pauseMs ? 0 : 1)
        }
        for (let ms = 0; ms < 700_000; ms += 50) clock.sleep(50)
        for (const [index, delayMs] of delays.entries())
          expect(alarms[index]?.rings, `${delayMs}`).toBe(delayMs < pauseMs + 699_000 ? 1 : 0)
      },
    )

    it('what rings late and is set anew waits from now on', () => {
      const clock = createSleepyClock()
      const wheel = new TimerWheel(clock)
      const beat: Alarm = new Alarm(() => wheel.set(beat, 25_000))
      wheel.set(beat, 25_000)
      clock.sleep(600_000)
      expect(beat.rings).toBe(1)
      clock.sleep(24_900)
      expect(beat.rings).toBe(1)
      clock.sleep(200)
      expect(beat.rings).toBe(2)
    })
  })

  it('goes on when the clock is set back', () => {
    const clock = createSleepyClock()
    const wheel = new TimerWheel(clock)
    const alarm = new Alarm()
    wheel.set(alarm, 1_000)
    clock.sleep(500)
    clock.sleep(-3_600_000)
    for (let ms = 0; ms < 5_000; ms += 50) clock.sleep(50)
    expect(alarm.rings).toBe(1)
  })

  it.each([1, 2, 3, 4])('does what a list of times would: 5,000 steps of seed %i', (seed) => {
    const { clock, wheel } = setUp()
    const random = new SeededRandom(seed)
    const due = new Map<Alarm, number>()
    const alarms: Alarm[] = Array.from({ length: 60 }, () => {
      const alarm: Alarm = new Alarm(() => {
        const dueMs = due.get(alarm)
        expect(dueMs, 'nothing rings that does not wait').toBeDefined()
        expect(clock.now()).toBeGreaterThanOrEqual(dueMs ?? Number.POSITIVE_INFINITY)
        expect(clock.now()).toBeLessThanOrEqual((dueMs ?? 0) + lateMsMax)
        due.delete(alarm)
        const other = random.oneOf(alarms)
        if (random.chance(20)) set(alarm)
        if (random.chance(10)) set(other)
        if (random.chance(10)) clear(other)
      })
      return alarm
    })
    const set = (alarm: Alarm) => {
      const delayMs = random.below(random.oneOf([10, 100, 2_000, 60_000, 200_000]))
      wheel.set(alarm, delayMs)
      due.set(alarm, clock.now() + delayMs)
    }
    const clear = (alarm: Alarm) => {
      wheel.clear(alarm)
      due.delete(alarm)
    }
    for (let step = 1; step <= 5_000; step += 1) {
      const what = random.below(10)
      if (what < 4) set(random.oneOf(alarms))
      else if (what < 5) clear(random.oneOf(alarms))
      else clock.advance(random.below(random.oneOf([30, 300, 20_000])))
      expect(wheel.size).toBe(due.size)
      for (const dueMs of due.values()) expect(dueMs).toBeGreaterThanOrEqual(clock.now() - lateMsMax)
    }
  })
})
