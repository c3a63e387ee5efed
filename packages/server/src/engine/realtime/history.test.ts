/** Pages of the past: what many readers share, what is read again, and what is not there any more. */
import { describe, expect, it } from 'vitest'
import { createMemoryLog } from '../memory/log.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventLog, LogEntry, ReadFrom } from '../ports/log.ts'
import { createTestClock } from '../testing/test-clock.ts'
import { History, HistoryPage, type PastEvent } from './history.ts'

const namespace = '/posts'
const entry = (n: number, bytes = 10): LogEntry => ({
  name: 'post:created',
  rooms: [],
  except: [],
  data: JSON.stringify({ n, text: 'x'.repeat(bytes) }),
  attachments: [],
  atMs: 0,
})

async function open({ clock = createTestClock(), entriesMax = 100_000 } = {}) {
  const log = createMemoryLog({
    clock,
    randomBytes: (count) => new Uint8Array(count),
    boundsOf: () => ({ entriesMax, bytesMax: 1e9 }),
  })
  const { epoch } = await log.head(namespace)
  const reads: ReadFrom[] = []
  let failure: Error | undefined
  const watched: EventLog = {
    ...log,
    read(name, from) {
      reads.push(from)
      return failure === undefined ? log.read(name, from) : Promise.reject(failure)
    },
  }
  const history = new History({
    namespace,
    log: watched,
    clock: clock as Clock,
    epoch,
    pastEvent: ({ offset }, of): PastEvent => ({
      offset,
      entry: of,
      permission: undefined,
      packet: () => undefined,
    }),
  })
  const append = (count: number, bytes?: number) => {
    for (let n = 0; n < count; n += 1) log.append(namespace, entry(n, bytes))
  }
  /** Everything after an offset, or why there is nothing. */
  const readAll = async (from: number, to: number): Promise<number[] | string> => {
    const offsets: number[] = []
    for (let offset = from; offset < to; ) {
      const page = history.after(offset)
      if (typeof page === 'string') return page
      if (page instanceof HistoryPage) {
        offset += 1
        offsets.push(page.at(offset)?.offset ?? Number.NaN)
      } else {
        const gap = await page
        if (gap !== undefined) return gap
      }
    }
    return offsets
  }
  return {
    clock,
    history,
    reads,
    append,
    readAll,
    fail(error: Error | undefined) {
      failure = error
    },
  }
}

const between = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe('the history of a namespace', () => {
  it('is read once for many readers', async () => {
    const { append, readAll, reads } = await open()
    append(1_000)
    const all = await Promise.all([0, 0, 300, 999, 512].map((from) => readAll(from, 1_000)))
    expect(all).toEqual([0, 0, 300, 999, 512].map((from) => between(from + 1, 1_000)))
    expect(reads.length).toBe(8)
    await readAll(0, 1_000)
    expect(reads.length).toBe(8)
  })

  it('reads on where it ended when more was published', async () => {
    const { append, readAll, reads } = await open()
    append(10)
    expect(await readAll(0, 10)).toEqual(between(1, 10))
    append(300)
    expect(await readAll(9, 310)).toEqual(between(10, 310))
    expect(reads.map(({ after, limit }) => [after.offset, limit])).toEqual([
      [0, 128],
      [10, 118],
      [128, 128],
      [256, 128],
    ])
  })

  it('says what is trimmed, and reads what is left of a page', async () => {
    const { append, readAll } = await open({ entriesMax: 100 })
    append(300)
    expect(await readAll(199, 300)).toBe('trimmed')
    expect(await readAll(200, 300)).toEqual(between(201, 300))
    expect(await readAll(199, 300)).toBe('trimmed')
    expect(await readAll(0, 300)).toBe('trimmed')
    append(1_000)
    // A page that ends before what is left.
    expect(await readAll(260, 300)).toEqual(between(261, 300))
    expect(await readAll(300, 310)).toBe('trimmed')
    expect(await readAll(1_200, 1_300)).toEqual(between(1_201, 1_300))
  })

  it('forgets what nobody reads, and what is too much', async () => {
    const { append, readAll, reads, history, clock } = await open()
    append(500)
    await readAll(0, 500)
    clock.advance(9_999)
    await readAll(400, 401)
    history.forgetUnused()
    await readAll(0, 500)
    expect(reads).toHaveLength(4)
    clock.advance(10_000)
    history.forgetUnused()
    await readAll(0, 500)
    expect(reads).toHaveLength(8)
    // 128 pages of 16 KiB an event are more than may be kept.
    append(128 * 8, 16 * 1024)
    await readAll(500, 500 + 128 * 8)
    const before = reads.length
    await readAll(500 + 128 * 7, 500 + 128 * 8)
    expect(reads).toHaveLength(before)
    await readAll(0, 128)
    expect(reads).toHaveLength(before + 1)
  })

  it('tells everybody who waits that the log cannot be read, and reads it when it can', async () => {
    const { append, readAll, fail } = await open()
    append(10)
    fail(new Error('away'))
    const readers = await Promise.allSettled([readAll(0, 10), readAll(5, 10)])
    expect(readers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    fail(undefined)
    expect(await readAll(0, 10)).toEqual(between(1, 10))
  })
})
