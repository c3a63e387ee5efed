/** What every `Clock` must do (see ports/clock.ts). An adapter's tests call this with a clock and a way to let time pass. */
import { describe, expect, it } from 'vitest'
import type { Clock } from '../ports/clock.ts'
import { until } from './until.ts'

export interface ClockWorld {
  readonly clock: Clock
  /** Lets a little time pass; called until what is waited for has happened. */
  pass(): void
}

/** Short, as the time of some clocks cannot be moved. */
const periodMs = 5

export function describeClockContract(adapter: string, makeWorld: () => ClockWorld): void {
  describe(`Clock contract: ${adapter}`, () => {
    const passUntil = ({ pass }: ClockWorld, condition: () => boolean) =>
      until(() => {
        if (condition()) return true
        pass()
        return condition()
      })

    it('[CL1] tells whole milliseconds since 1970', async () => {
      const world = makeWorld()
      const now = world.clock.now()
      expect(Number.isSafeInteger(now)).toBe(true)
      expect(new Date(now).getUTCFullYear()).toBeGreaterThanOrEqual(2025)
      await passUntil(world, () => world.clock.now() > now)
      expect(Number.isSafeInteger(world.clock.now())).toBe(true)
    })

    it('[CL2] runs an action time and again, and not at once', async () => {
      const world = makeWorld()
      let runs = 0
      const stop = world.clock.every(periodMs, () => {
        runs += 1
      })
      expect(runs).toBe(0)
      await passUntil(world, () => runs >= 3)
      stop()
    })

    it('[CL2] runs the shorter of two periods first, and more often', async () => {
      const world = makeWorld()
      const runs = { short: 0, long: 0 }
      let shortRunsBefore = 0
      const stops = [
        world.clock.every(10 * periodMs, () => {
          if (runs.long === 0) shortRunsBefore = runs.short
          runs.long += 1
        }),
        world.clock.every(periodMs, () => {
          runs.short += 1
        }),
      ]
      await passUntil(world, () => runs.long >= 2)
      for (const stop of stops) stop()
      expect(shortRunsBefore).toBeGreaterThan(0)
      expect(runs.short).toBeGreaterThan(runs.long)
    })

    it('[CL3] [CL4] stops the action that was told to stop, and no other', async () => {
      const world = makeWorld()
      const runs = [0, 0, 0]
      const stops = runs.map((_, index) =>
        world.clock.every(periodMs, () => {
          runs[index] = (runs[index] ?? 0) + 1
        }),
      )
      await passUntil(world, () => runs.every((count) => count >= 2))
      stops[1]?.()
      const [, stopped] = runs
      const before = runs[2] ?? 0
      await passUntil(world, () => (runs[2] ?? 0) >= before + 3)
      expect(runs[1]).toBe(stopped)
      stops[1]?.()
      const later = runs[0] ?? 0
      await passUntil(world, () => (runs[0] ?? 0) >= later + 2)
      for (const stop of stops) stop()
    })

    it('[CL3] never runs an action that was stopped before its first time', async () => {
      const world = makeWorld()
      let runs = 0
      let others = 0
      world.clock.every(periodMs, () => {
        runs += 1
      })()
      const stop = world.clock.every(periodMs, () => {
        others += 1
      })
      await passUntil(world, () => others >= 3)
      stop()
      expect(runs).toBe(0)
    })

    it('[CL3] lets an action stop itself', async () => {
      const world = makeWorld()
      let runs = 0
      let others = 0
      const stop = world.clock.every(periodMs, () => {
        runs += 1
        stop()
      })
      const stopOther = world.clock.every(periodMs, () => {
        others += 1
      })
      await passUntil(world, () => others >= 4)
      stopOther()
      expect(runs).toBe(1)
    })

    it('[CL4] runs an action that was given twice twice', async () => {
      const world = makeWorld()
      let runs = 0
      let others = 0
      const action = () => {
        runs += 1
      }
      const stops = [world.clock.every(periodMs, action), world.clock.every(periodMs, action)]
      stops.push(
        world.clock.every(periodMs, () => {
          others += 1
        }),
      )
      await passUntil(world, () => others >= 4 && runs >= 2 * others)
      stops[0]?.()
      const before = runs
      await passUntil(world, () => runs > before)
      for (const stop of stops) stop()
    })

    it('[CL5] keeps no process alive', () => {
      const { clock } = makeWorld()
      const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
      const before = timers()
      const stops = [1, 2, 3].map(() => clock.every(60_000, () => undefined))
      expect(timers()).toBe(before)
      for (const stop of stops) stop()
    })
  })
}
