/** Answers that are kept for who asks again: for how long, and how many. */
import { describe, expect, it } from 'vitest'
import { createTestClock } from '../testing/test-clock.ts'
import { RepeatedCommands } from './repeated-commands.ts'

const never = () => false

describe('repeated commands', () => {
  it('keeps at most 20,000 answers, and lets the oldest go first', async () => {
    const repeated = new RepeatedCommands<number>(createTestClock())
    let runs = 0
    const once = (id: number) =>
      repeated.once(
        `${id}`,
        async () => {
          runs += 1
          return id
        },
        never,
      )
    for (let id = 1; id <= 20_000; id += 1) await once(id)
    expect(runs).toBe(20_000)
    await once(20_000)
    expect(runs).toBe(20_000)
    await once(20_001)
    await once(20_000)
    expect(runs).toBe(20_001)
    await once(1)
    expect(runs).toBe(20_002)
  })

  it('gives memory back as time passes, with the next command', async () => {
    const clock = createTestClock()
    const repeated = new RepeatedCommands<number>(clock)
    let runs = 0
    const run = async () => {
      runs += 1
      return runs
    }
    expect(await repeated.once('a', run, never)).toBe(1)
    clock.advance(299_999)
    expect(await repeated.once('b', run, never)).toBe(2)
    expect(await repeated.once('a', run, never)).toBe(1)
    clock.advance(1)
    expect(await repeated.once('a', run, never)).toBe(3)
    expect(await repeated.once('b', run, never)).toBe(2)
  })

  it('forgets a run that rejects, and what may change', async () => {
    const repeated = new RepeatedCommands<number>(createTestClock())
    await expect(repeated.once('a', () => Promise.reject(new Error('no')), never)).rejects.toThrow('no')
    expect(
      await repeated.once(
        'a',
        async () => 1,
        (answer) => answer === 1,
      ),
    ).toBe(1)
    expect(await repeated.once('a', async () => 2, never)).toBe(2)
    expect(await repeated.once('a', async () => 3, never)).toBe(2)
  })

  it('does not forget a later run for an earlier one that rejects late', async () => {
    const clock = createTestClock()
    const repeated = new RepeatedCommands<number>(clock)
    const slow = Promise.withResolvers<number>()
    const first = repeated.once('a', () => slow.promise, never)
    clock.advance(300_000)
    expect(await repeated.once('a', async () => 2, never)).toBe(2)
    slow.reject(new Error('late'))
    await expect(first).rejects.toThrow('late')
    expect(await repeated.once('a', async () => 3, never)).toBe(2)
  })
})
