/**
 * The log in memory: the contract, and what only this adapter promises: exact trimming, and that it lets go.
 */
import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import {
  type EventLog,
  entryBytes,
  type LogBounds,
  type LogEntry,
  type LogOptions,
  logTrimPeriodMs,
  newEpoch,
} from '../ports/log.ts'
import { describeLogContract, entryOf, numbers } from '../testing/log-contract.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { until } from '../testing/until.ts'
import { createMemoryLog } from './log.ts'

describeLogContract('memory', async () => {
  const clock = createTestClock()
  const opened: { close(): void }[] = []
  // A node that is alone: whoever opens the log gets the same one, until it is killed.
  let log: EventLog | undefined
  return {
    clock,
    async open(options) {
      if (log !== undefined) return log
      const made = createMemoryLog({ clock, randomBytes, ...options })
      opened.push(made)
      log = made
      return made
    },
    async restart() {
      log = undefined
    },
    async [Symbol.asyncDispose]() {
      for (const one of opened) one.close()
      expect(clock.timers).toBe(0)
    },
  }
})

describe('the log in memory', () => {
  const posts = '/posts'

  it('answers an append at once', async () => {
    using world = makeWorld({})
    const position = world.log.append(posts, entryOf(1))
    expect(position).not.toBeInstanceOf(Promise)
    expect(position).toMatchObject({ offset: 1 })
  })

  it('trims as it appends: no bound is passed, not even for a moment', async () => {
    using world = makeWorld({ entriesMax: 7, bytesMax: 10 * entryBytes(entryOf(10)), ageMsMax: 5_000 })
    const { log, clock } = world
    const appendedAt: number[] = []
    for (const n of numbers(1, 300)) {
      await log.append(posts, entryOf(n))
      appendedAt.push(clock.now())
      const { offset: floor } = await log.floor(posts)
      expect(n - floor + 1).toBeLessThanOrEqual(7)
      expect(clock.now() - (appendedAt[floor - 1] ?? 0)).toBeLessThan(5_000)
      // In steps that no trimming by period falls into.
      if (n % 2 === 0) clock.advance(logTrimPeriodMs)
    }
  })

  it.each([1, 1023, 1024, 1025, 2048, 3000])(
    'finds its way over its chunks with %d entries',
    async (entriesMax) => {
      using world = makeWorld({ entriesMax })
      const { log } = world
      const { epoch } = await log.head(posts)
      const entries: LogEntry[] = []
      for (const n of numbers(1, 6_200)) {
        const entry = entryOf(n)
        entries.push(entry)
        await log.append(posts, entry)
        if (n % 257 !== 0 && n % 1024 !== 0) continue
        const floor = Math.max(1, n - entriesMax + 1)
        expect((await log.floor(posts)).offset).toBe(floor)
        for (const offset of [floor - 1, Math.floor((floor + n) / 2), Math.max(floor - 1, n - 1024), n]) {
          const result = await log.read(posts, { after: { epoch, offset }, limit: 10_000 })
          if (result.gap !== undefined) throw new Error(`There is a gap after ${offset}.`)
          expect(result.entries.map(({ entry }) => entry)).toEqual(entries.slice(offset, n))
        }
      }
    },
  )

  it('lets go of what it trimmed, also within a chunk', async () => {
    using world = makeWorld({ entriesMax: 10 })
    const refs: WeakRef<LogEntry>[] = []
    const fill = async (log: EventLog) => {
      for (const n of numbers(1, 1_500)) {
        const entry = entryOf(n)
        refs.push(new WeakRef(entry))
        await log.append(posts, entry)
      }
    }
    await fill(world.log)
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const alive = () => {
      collect()
      return refs.filter((ref) => ref.deref() !== undefined).length
    }
    await until(() => alive() <= 10, { what: 'only the entries that can be read are held' })
    expect(alive()).toBe(10)
  })

  it('trims a quiet namespace by itself, and no more once it was closed', async () => {
    using world = makeWorld({ ageMsMax: 10_000 })
    const { log, clock } = world
    await log.append(posts, entryOf(1))
    clock.advance(10_000)
    expect((await log.floor(posts)).offset).toBe(2)
    await log.append(posts, entryOf(2))
    log.close()
    clock.advance(10_000)
    expect((await log.floor(posts)).offset).toBe(2)
  })

  it('asks for the bounds of a namespace once', async () => {
    const asked: string[] = []
    using world = makeWorld((namespace) => {
      asked.push(namespace)
      return {}
    })
    for (const namespace of [posts, '/jobs', posts, '/jobs']) {
      await world.log.append(namespace, entryOf(1))
      await world.log.head(namespace)
    }
    expect(asked).toEqual([posts, '/jobs'])
  })

  it('makes an epoch of the randomness it is given, for each start another one', () => {
    const given = (...bytes: number[]) =>
      newEpoch((count) => Uint8Array.from({ length: count }, (_, i) => bytes[i] ?? 0))
    expect(given()).toBe('0000000')
    expect(given(0, 0, 0, 0, 0, 35)).toBe('000000z')
    expect(given(0, 0, 0, 0, 1, 0)).toBe('0000074')
    const largest = 2 ** 48 - 1
    expect(given(255, 255, 255, 255, 255, 255)).toBe((largest % 36 ** 7).toString(36).padStart(7, '0'))
    const epochs = numbers(1, 2_000).map(() => newEpoch(randomBytes))
    expect(new Set(epochs).size).toBe(2_000)
    for (const epoch of epochs) expect(epoch).toMatch(/^[0-9a-z]{7}$/)
  })
})

function makeWorld(bounds: Partial<LogBounds> | NonNullable<LogOptions['boundsOf']>) {
  const clock = createTestClock()
  const boundsOf = typeof bounds === 'function' ? bounds : () => bounds
  const log = createMemoryLog({ clock, randomBytes, boundsOf })
  return {
    clock,
    log,
    [Symbol.dispose]() {
      log.close()
      expect(clock.timers).toBe(0)
    },
  }
}
