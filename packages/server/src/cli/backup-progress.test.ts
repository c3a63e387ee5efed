import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { showProgress, size } from './backup-progress.ts'
import type { Terminal } from './terminal.ts'

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 KB'],
    [1_049, '1.0 KB'],
    [1_050, '1.1 KB'],
    [999_949, '999.9 KB'],
    [999_950, '1.0 MB'],
    [999_999, '1.0 MB'],
    [1_500_000, '1.5 MB'],
    [2_000_000_000, '2.0 GB'],
    [3e12, '3.0 TB'],
    [4e15, '4000.0 TB'],
  ])('of %d bytes is %s', (bytes, shown) => expect(size(bytes)).toBe(shown))
})

describe('progress', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
    vi.advanceTimersByTime(5_000)
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('says where it is ten times a second at most', () => {
    const said: string[] = []
    const terminal = { progress: (message: string) => said.push(message) } as unknown as Terminal
    const report = showProgress(terminal, 'Saving')
    const step = (rows: number) =>
      report({ table: 'sessions', tableIndex: 0, tableCount: 2, rows, bytes: rows * 1_000 })
    step(1)
    step(2)
    vi.advanceTimersByTime(99)
    step(3)
    vi.advanceTimersByTime(1)
    step(4)
    step(5)
    expect(said).toEqual([
      'Saving sessions (1 of 2): 1 rows, 1.0 KB',
      'Saving sessions (1 of 2): 4 rows, 4.0 KB',
    ])
  })
})
