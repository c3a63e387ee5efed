/**
 * What every `EventLog` must do, rule by rule (see ports/log.ts). An adapter's tests call this with a world
 * in which several nodes open the same log, time is moved by hand, and everything can be killed.
 */
import { cursorLengthMax, formatCursor, type Position, parseCursor, roomName } from '@belfry/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  defaultLogBounds,
  type EventLog,
  entryBytes,
  type LogBounds,
  type LogEntry,
  type LoggedEntry,
  type LogOptions,
  logTrimPeriodMs,
  type ReadResult,
  TooManyNamespaces,
} from '../ports/log.ts'
import { SeededRandom } from './seeded-random.ts'
import type { TestClock } from './test-clock.ts'
import { until } from './until.ts'

export interface LogWorld extends AsyncDisposable {
  readonly clock: TestClock
  /** The log as a node opens it, with the same options on every node. What one appends, another one reads. */
  open(options?: LogOptions): Promise<EventLog>
  /** Kills every node. What is opened afterwards finds what the next start would find. */
  restart(): Promise<void>
}

const posts = '/posts'
const jobs = '/jobs'

export function describeLogContract(adapter: string, makeWorld: () => Promise<LogWorld>): void {
  describe(`Log contract: ${adapter}`, () => {
    let world: LogWorld

    beforeEach(async () => {
      world = await makeWorld()
    })
    afterEach(async () => world[Symbol.asyncDispose]())

    const openWith = (bounds: Partial<LogBounds>) => world.open({ boundsOf: () => bounds })

    /** Waits until the log was trimmed, as it must be by then, to this offset and no further. */
    const trimmedTo = async (log: EventLog, floor: number, namespace = posts) => {
      world.clock.advance(logTrimPeriodMs)
      const what = `the floor of ${namespace} is ${floor}`
      await until(async () => (await log.floor(namespace)).offset >= floor, { what })
      expect((await log.floor(namespace)).offset).toBe(floor)
    }

    it('[LG1] counts 1, 2, 3 … in one epoch', async () => {
      const log = await world.open()
      const positions = await appendMany(log, posts, 20)
      expect(positions.map(({ offset }) => offset)).toEqual(numbers(1, 20))
      expect(new Set(positions.map(({ epoch }) => epoch)).size).toBe(1)
      expect(await log.head(posts)).toEqual(positions.at(-1))
    })

    it('[LG1] counts each namespace by itself', async () => {
      const log = await world.open()
      await appendMany(log, posts, 3)
      expect((await log.append(jobs, entryOf(1))).offset).toBe(1)
      expect((await log.append(posts, entryOf(4))).offset).toBe(4)
      expect((await log.append(jobs, entryOf(2))).offset).toBe(2)
      expect(dataOf(await readAll(log, jobs, { ...(await log.head(jobs)), offset: 0 }))).toEqual(datas(1, 2))
      expect((await log.head(posts)).offset).toBe(4)
    })

    it('[LG1] gives each offset to one entry, which is read there, when nodes append at once', async () => {
      const nodes = await Promise.all([world.open(), world.open(), world.open()])
      const appended = await Promise.all(
        nodes.flatMap((log, node) =>
          numbers(1, 40).map(async (n) => {
            const entry = entryOf(node * 1000 + n)
            return { position: await log.append(posts, entry), data: entry.data }
          }),
        ),
      )
      const inOrder = appended.sort((one, other) => one.position.offset - other.position.offset)
      expect(inOrder.map(({ position }) => position.offset)).toEqual(numbers(1, 120))
      const [log] = nodes
      if (log === undefined) throw new Error('There is no node.')
      const read = await readAll(log, posts, { ...(await log.head(posts)), offset: 0 })
      expect(dataOf(read)).toEqual(inOrder.map(({ data }) => data))
    })

    it('[LG2] keeps the order of calls that did not wait for each other', async () => {
      const [one, other] = await Promise.all([world.open(), world.open()])
      const calls = numbers(1, 60).map((n) => [
        one.append(posts, entryOf(n)),
        other.append(posts, entryOf(n)),
      ])
      const positions = await Promise.all(calls.map((pair) => Promise.all(pair)))
      for (const caller of [0, 1]) {
        const offsets = positions.map((pair) => pair[caller]?.offset ?? Number.NaN)
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
      }
    })

    it.each(awkwardEntries)('[LG3] gives back exactly what it was given: %s', async (_what, entry) => {
      const [one, other] = await Promise.all([world.open(), world.open()])
      await one.append(posts, entryOf(0))
      const position = await one.append(posts, entry)
      for (const log of [one, other]) {
        const { entries } = whole(await log.read(posts, { after: { ...position, offset: 1 }, limit: 10 }))
        expect(entries.map((logged) => logged.position)).toEqual([position])
        expect(plain(entries[0]?.entry)).toEqual(plain(entry))
      }
    })

    it('[LG3] lets every node read an entry as soon as its append has answered', async () => {
      const [one, other] = await Promise.all([world.open(), world.open()])
      for (const n of numbers(1, 20)) {
        const position = await one.append(posts, entryOf(n))
        const before = { ...position, offset: position.offset - 1 }
        expect(dataOf(whole(await other.read(posts, { after: before, limit: 1 })).entries)).toEqual(
          datas(n, n),
        )
        expect(await other.head(posts)).toEqual(position)
      }
    })

    it('[LG4] gives what follows in order, in pieces of at most the limit, each with the head', async () => {
      const log = await world.open()
      await appendMany(log, posts, 25)
      const head = await log.head(posts)
      for (const limit of [1, 2, 7, 24, 25, 26, 1000]) {
        for (const start of [0, 1, 13, 24]) {
          let after: Position = { ...head, offset: start }
          const found: LoggedEntry[] = []
          while (after.offset < head.offset) {
            const result = whole(await log.read(posts, { after, limit }))
            expect(result.head).toEqual(head)
            expect(result.entries.length).toBeGreaterThan(0)
            expect(result.entries.length).toBeLessThanOrEqual(limit)
            found.push(...result.entries)
            after = found.at(-1)?.position ?? after
          }
          expect(found.map(({ position }) => position.offset)).toEqual(numbers(start + 1, 25))
          expect(dataOf(found)).toEqual(datas(start + 1, 25))
          for (const { position } of found) expect(position.epoch).toBe(head.epoch)
        }
      }
    })

    it('[LG4] gives a reader at the head nothing, and what comes later when it asks again', async () => {
      const log = await world.open()
      await appendMany(log, posts, 3)
      const head = await log.head(posts)
      expect(await log.read(posts, { after: head, limit: 10 })).toEqual({ gap: undefined, entries: [], head })
      await log.append(posts, entryOf(4))
      const result = whole(await log.read(posts, { after: head, limit: 10 }))
      expect(dataOf(result.entries)).toEqual(datas(4, 4))
      expect(result.head.offset).toBe(4)
    })

    it.each([0, -1, Number.NaN])('[LG4] refuses a reader that asks for %d entries', async (limit) => {
      const log = await world.open()
      const after = await log.append(posts, entryOf(1))
      await expect(log.read(posts, { after, limit })).rejects.toThrow(RangeError)
    })

    it('[LG5] is exact at the boundary: from every position it is whole, or trimmed', async () => {
      const log = await openWith({ entriesMax: 5 })
      for (const count of [4, 5, 6, 7, 12]) {
        const { epoch, offset } = await log.head(posts)
        await appendMany(log, posts, count - offset, offset + 1)
        const floor = Math.max(1, count - 4)
        await trimmedTo(log, floor)
        const head = { epoch, offset: count }
        for (const start of numbers(0, count)) {
          const result = await log.read(posts, { after: { epoch, offset: start }, limit: 100 })
          if (start < floor - 1) expect(result).toEqual({ gap: 'trimmed', head })
          else expect(dataOf(whole(result).entries)).toEqual(datas(start + 1, count))
        }
      }
    })

    it('[LG5] misses nothing for who stands at the head of a log whose entries are all gone', async () => {
      const log = await openWith({ ageMsMax: 60_000 })
      await appendMany(log, posts, 3)
      const head = await log.head(posts)
      world.clock.advance(24 * 60 * 60 * 1000)
      await trimmedTo(log, 4)
      expect(await log.head(posts)).toEqual(head)
      expect(await log.read(posts, { after: head, limit: 10 })).toEqual({ gap: undefined, entries: [], head })
      const before = { ...head, offset: 2 }
      expect(await log.read(posts, { after: before, limit: 10 })).toEqual({ gap: 'trimmed', head })
      expect((await log.append(posts, entryOf(4))).offset).toBe(4)
      expect(dataOf(whole(await log.read(posts, { after: head, limit: 10 })).entries)).toEqual(datas(4, 4))
      expect((await log.floor(posts)).offset).toBe(4)
    })

    it('[LG5] gives a reader that is overtaken by the trimming no hole', async () => {
      const [writer, reader] = await Promise.all([openWith({ entriesMax: 8 }), openWith({ entriesMax: 8 })])
      const { epoch } = await writer.head(posts)
      const results: { after: number; result: Promise<ReadResult> }[] = []
      const appends = numbers(1, 200).map(async (n) => {
        await writer.append(posts, entryOf(n))
        const after = Math.max(0, n - (n % 11))
        results.push({ after, result: reader.read(posts, { after: { epoch, offset: after }, limit: 5 }) })
      })
      await Promise.all(appends)
      for (const { after, result } of results) {
        const answer = await result
        if (answer.gap === 'trimmed') continue
        const { entries } = whole(answer)
        expect(dataOf(entries)).toEqual(datas(after + 1, after + entries.length))
      }
    })

    it('[LG6] proves nothing to a reader of another epoch, or from beyond the head', async () => {
      const log = await world.open()
      await appendMany(log, posts, 3)
      const head = await log.head(posts)
      const another = head.epoch === 'a' ? 'b' : 'a'
      const strangers: Position[] = [
        ...[0, 1, 3, 4].map((offset) => ({ epoch: another, offset })),
        { epoch: `${head.epoch}0`, offset: 1 },
        { epoch: head.epoch.slice(0, -1), offset: 1 },
        { epoch: head.epoch, offset: 4 },
        { epoch: head.epoch, offset: Number.MAX_SAFE_INTEGER },
      ]
      for (const after of strangers)
        expect(await log.read(posts, { after, limit: 10 })).toEqual({ gap: 'epoch-changed', head })
    })

    it('[LG6] proves nothing about a log without entries to a reader that has had some', async () => {
      const log = await world.open()
      const head = await log.head(posts)
      for (const after of [{ ...head, offset: 1 }, parsed('a.0'), parsed('zzzzzzz.7')])
        expect(await log.read(posts, { after, limit: 10 })).toEqual({ gap: 'epoch-changed', head })
    })

    it('[LG6] says that the epoch changed, not that something was trimmed, whatever the offset', async () => {
      const log = await openWith({ entriesMax: 2 })
      await appendMany(log, posts, 9)
      await trimmedTo(log, 8)
      expect(await log.read(posts, { after: parsed('0.1'), limit: 1 })).toMatchObject({
        gap: 'epoch-changed',
      })
    })

    it('[LG7] has epochs that fit into a cursor and come back from the wire', async () => {
      const log = await world.open()
      const position = await log.append(posts, entryOf(1))
      expect(position.epoch).toMatch(/^[0-9a-z]{1,7}$/)
      const furthest = { ...position, offset: Number.MAX_SAFE_INTEGER }
      expect(formatCursor(furthest).length).toBeLessThanOrEqual(cursorLengthMax)
      expect(parseCursor(formatCursor(position))).toEqual(position)
    })

    it('[LG7] keeps its epoch while it is trimmed, and for every node', async () => {
      const [one, other] = await Promise.all([openWith({ entriesMax: 1 }), openWith({ entriesMax: 1 })])
      const { epoch } = await one.head(posts)
      await appendMany(one, posts, 5)
      world.clock.advance(defaultLogBounds.ageMsMax)
      await trimmedTo(one, 6)
      for (const log of [one, other]) {
        expect((await log.append(posts, entryOf(0))).epoch).toBe(epoch)
        expect((await log.head(posts)).epoch).toBe(epoch)
        expect((await log.floor(posts)).epoch).toBe(epoch)
      }
    })

    it('[LG7] after a restart, answers a position wholly or with a gap, and gives none twice', async () => {
      const given = new Set<string>()
      const history: { readonly cursor: string; readonly data: string }[] = []
      for (const run of numbers(1, 4)) {
        const log = await world.open()
        for (const n of numbers(1, 5)) {
          const entry = entryOf(run * 100 + n)
          const cursor = formatCursor(await log.append(posts, entry))
          expect(given.has(cursor)).toBe(false)
          given.add(cursor)
          history.push({ cursor, data: entry.data })
        }
        for (const [at, { cursor }] of history.entries()) {
          const result = await log.read(posts, { after: parsed(cursor), limit: 100 })
          if (result.gap !== undefined) continue
          expect(dataOf(result.entries)).toEqual(history.slice(at + 1).map(({ data }) => data))
        }
        const newest = parsed(history.at(-1)?.cursor ?? '')
        expect(whole(await log.read(posts, { after: newest, limit: 1 })).entries).toEqual([])
        await world.restart()
      }
    })

    it('[LG8] keeps the number of entries it may keep, and none more', async () => {
      const log = await openWith({ entriesMax: 10 })
      await appendMany(log, posts, 10)
      await trimmedTo(log, 1)
      await appendMany(log, posts, 1, 11)
      await trimmedTo(log, 2)
      await appendMany(log, posts, 500, 12)
      await trimmedTo(log, 502)
      expect((await log.head(posts)).offset).toBe(511)
    })

    it('[LG8] keeps the bytes it may keep, and none more', async () => {
      const small = entryOf(1)
      const large: LogEntry = { ...small, data: JSON.stringify({ text: 'ü'.repeat(1000) }) }
      const log = await openWith({ bytesMax: 3 * entryBytes(large) + 4 * entryBytes(small) })
      for (const entry of [large, small, small, large, small, small, large]) await log.append(posts, entry)
      await trimmedTo(log, 1)
      await log.append(posts, small)
      await trimmedTo(log, 2)
      await log.append(posts, large)
      await trimmedTo(log, 3)
      await log.append(posts, large)
      await trimmedTo(log, 5)
    })

    it('[LG8] counts attachments and rooms as bytes', async () => {
      const attachments = [new Uint8Array(5_000), new Uint8Array(5_000)]
      const rooms = numbers(1, 200).map((n) => roomName({ kind: 'user', id: `somebody-${n}` }))
      const log = await openWith({ bytesMax: 2 * entryBytes(entryOf(1)) + 2_000 })
      for (const [namespace, more] of Object.entries({
        '/a': { attachments },
        '/b': { rooms },
        '/c': { except: rooms },
      })) {
        await log.append(namespace, entryOf(1))
        await log.append(namespace, entryOf(2))
        await trimmedTo(log, 1, namespace)
        await log.append(namespace, { ...entryOf(3), ...more })
        await trimmedTo(log, 4, namespace)
      }
    })

    it('[LG8] keeps entries for as long as it may, from their append on, and no longer', async () => {
      const log = await openWith({ ageMsMax: 60_000 })
      const longAgo = { ...entryOf(1), atMs: world.clock.now() - 3_600_000 }
      const fromTheFuture = { ...entryOf(2), atMs: world.clock.now() + 3_600_000 }
      await log.append(posts, longAgo)
      await log.append(posts, fromTheFuture)
      world.clock.advance(30_000)
      await log.append(posts, entryOf(3))
      world.clock.advance(29_999)
      await log.append(posts, entryOf(4))
      expect((await log.floor(posts)).offset).toBe(1)
      world.clock.advance(1)
      await trimmedTo(log, 3)
      world.clock.advance(28_999)
      await trimmedTo(log, 4)
    })

    it('[LG8] drops what is too old when something is appended, for all nodes', async () => {
      const [one, other] = await Promise.all([openWith({ ageMsMax: 60_000 }), openWith({ ageMsMax: 60_000 })])
      await appendMany(one, posts, 3)
      world.clock.advance(59_000)
      await other.append(posts, entryOf(4))
      world.clock.advance(1_000)
      await other.append(posts, entryOf(5))
      await trimmedTo(one, 4)
    })

    it('[LG8] with a bound of zero keeps nothing, and still recovers who missed nothing', async () => {
      const policies: Record<string, Partial<LogBounds>> = {
        '/a': { entriesMax: 0 },
        '/b': { bytesMax: 0 },
        '/c': { ageMsMax: 0 },
      }
      const log = await world.open({ boundsOf: (namespace) => policies[namespace] ?? {} })
      for (const namespace of Object.keys(policies)) {
        const start = await log.head(namespace)
        const head = { ...start, offset: 3 }
        await appendMany(log, namespace, 3)
        await trimmedTo(log, 4, namespace)
        expect(await log.read(namespace, { after: start, limit: 9 })).toEqual({ gap: 'trimmed', head })
        expect(whole(await log.read(namespace, { after: head, limit: 9 })).entries).toEqual([])
      }
    })

    it('[LG8] bounds each namespace by its own policy, and else by the default', async () => {
      const log = await world.open({
        boundsOf: (namespace) => (namespace === posts ? { entriesMax: 3 } : { ageMsMax: 20_000 }),
      })
      await appendMany(log, posts, 9)
      await appendMany(log, jobs, 9)
      world.clock.advance(20_000)
      await trimmedTo(log, 10, jobs)
      await trimmedTo(log, 7, posts)
      world.clock.advance(defaultLogBounds.ageMsMax)
      await trimmedTo(log, 10, posts)
    })

    it('[LG9] has an empty log for an unheard namespace, in the epoch of its first entry', async () => {
      const log = await world.open()
      const head = await log.head(posts)
      expect(head.offset).toBe(0)
      expect(await log.floor(posts)).toEqual({ ...head, offset: 1 })
      expect(await log.read(posts, { after: head, limit: 5 })).toEqual({ gap: undefined, entries: [], head })
      expect(await log.append(posts, entryOf(1))).toEqual({ ...head, offset: 1 })
      expect(dataOf(whole(await log.read(posts, { after: head, limit: 5 })).entries)).toEqual(datas(1, 1))
    })

    it('[LG9] refuses one namespace too many, and leaves the others as they are', async () => {
      const log = await world.open({ namespacesMax: 2 })
      await appendMany(log, posts, 2)
      const head = await log.head(jobs)
      const refused = [
        async () => log.append('/more', entryOf(1)),
        async () => log.head('/more'),
        async () => log.floor('/more'),
        async () => log.read('/more', { after: head, limit: 1 }),
      ]
      for (const call of refused) await expect(call()).rejects.toThrow(TooManyNamespaces)
      expect((await log.append(posts, entryOf(3))).offset).toBe(3)
      expect(await log.append(jobs, entryOf(1))).toEqual({ ...head, offset: 1 })
      expect(dataOf(await readAll(log, posts, { ...(await log.head(posts)), offset: 0 }))).toEqual(
        datas(1, 3),
      )
    })

    it.each(numbers(1, 8))('[LG1–LG8] agrees with a plain list, seed %d', async (seed) => {
      const random = new SeededRandom(seed)
      const bounds: LogBounds = {
        entriesMax: random.below(40),
        bytesMax: random.below(40) * 300,
        ageMsMax: random.below(10) * 1_000,
      }
      const nodes = await Promise.all([openWith(bounds), openWith(bounds)])
      const anyNode = () => nodes[random.below(2)] ?? Promise.reject(new Error('There is no such node.'))
      const { epoch } = await (await anyNode()).head(posts)
      const list: (LoggedEntry & { appendedAtMs: number })[] = []
      /** Nothing from here on may be gone; what is before may still be there, until the next trimming. */
      let floor = 1
      let floorSeen = 1
      const trimList = () => {
        let bytes = list.slice(floor - 1).reduce((sum, { entry }) => sum + entryBytes(entry), 0)
        for (const { entry, appendedAtMs } of list.slice(floor - 1)) {
          const isTooOld = world.clock.now() - appendedAtMs >= bounds.ageMsMax
          if (list.length - floor + 1 <= bounds.entriesMax && bytes <= bounds.bytesMax && !isTooOld) break
          bytes -= entryBytes(entry)
          floor += 1
        }
      }
      const steps: Record<string, (log: EventLog) => Promise<void>> = {
        append: async (log) => {
          for (const _ of numbers(1, 1 + random.below(6))) {
            const entry = { ...entryOf(list.length + 1), data: JSON.stringify('x'.repeat(random.below(400))) }
            const position = await log.append(posts, entry)
            expect(position).toEqual({ epoch, offset: list.length + 1 })
            list.push({ position, entry, appendedAtMs: world.clock.now() })
            trimList()
          }
        },
        wait: async () => {
          world.clock.advance(random.below(3_000))
          trimList()
        },
        read: async (log) => {
          const offset = random.below(list.length + 3)
          const limit = 1 + random.below(12)
          const result = await log.read(posts, { after: { epoch, offset }, limit })
          expect(result.head).toEqual({ epoch, offset: list.length })
          if (offset > list.length) return expect(result.gap).toBe('epoch-changed')
          if (result.gap !== undefined) {
            expect(result.gap).toBe('trimmed')
            return expect(offset).toBeLessThan(floor - 1)
          }
          const { entries } = result
          expect(entries.length).toBeLessThanOrEqual(limit)
          if (offset < list.length) expect(entries.length).toBeGreaterThan(0)
          expect(entries.map(({ position }) => position.offset)).toEqual(
            numbers(offset + 1, offset + entries.length),
          )
          expect(dataOf(entries)).toEqual(dataOf(list.slice(offset, offset + entries.length)))
        },
        look: async (log) => {
          const found = await log.floor(posts)
          expect(found.epoch).toBe(epoch)
          expect(found.offset).toBeLessThanOrEqual(floor)
          expect(found.offset).toBeGreaterThanOrEqual(floorSeen)
          floorSeen = found.offset
          expect(await log.head(posts)).toEqual({ epoch, offset: list.length })
        },
      }
      const names = ['append', 'append', 'wait', 'read', 'read', 'look']
      for (const _ of numbers(1, 150)) await steps[names[random.below(names.length)] ?? '']?.(await anyNode())
      // What has passed a bound by now is gone a period later; what passes one meanwhile may be.
      trimList()
      const mustBeGone = floor
      world.clock.advance(logTrimPeriodMs)
      trimList()
      const log = await anyNode()
      const what = `the floor is ${mustBeGone} or more`
      await until(async () => (await log.floor(posts)).offset >= mustBeGone, { what })
      expect((await log.floor(posts)).offset).toBeLessThanOrEqual(floor)
    })
  })
}

/** From the first to the last, both included. */
export function numbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}

export function entryOf(n: number): LogEntry {
  return {
    name: 'post:created',
    rooms: [roomName({ kind: 'workspace', id: 'acme' })],
    except: [],
    data: JSON.stringify({ n }),
    attachments: [],
    atMs: Date.UTC(2030, 0, 1) + n,
  }
}

const awkwardEntries: readonly [string, LogEntry][] = (
  [
    ['text of many scripts', { data: JSON.stringify({ text: '東京 ü 👩‍👩‍👧 \u2028 \uffff' }) }],
    [
      'text with everything that is escaped',
      { data: JSON.stringify({ text: '"\\\n\r\t\0\u001f\ud800 %s $1 {}' }) },
    ],
    ['an object without fields', { data: '{}' }],
    ['a payload of the largest size', { data: JSON.stringify({ text: 'x'.repeat(16 * 1024 - 11) }) }],
    [
      'many rooms, some twice, in their order',
      { rooms: [...rooms(300), ...rooms(2)], except: rooms(20).reverse() },
    ],
    ['no room at all', { rooms: [] }],
    [
      'rooms of many scripts',
      { rooms: [roomName({ kind: 'doc', id: '東京 / ü:"\\, 👩‍👩‍👧' })], except: rooms(1) },
    ],
    [
      'bytes',
      { attachments: [Uint8Array.from(numbers(0, 255)), new Uint8Array(0), Uint8Array.of(0, 0, 13, 10)] },
    ],
    ['a piece of a larger buffer', { attachments: [Uint8Array.from(numbers(0, 99)).subarray(10, 20)] }],
    ['a time long ago', { atMs: 0 }],
    ['a time far away', { atMs: 8_640_000_000_000_000 }],
    ['the name of a seed', { name: 'presence:online:list' }],
  ] satisfies [string, Partial<LogEntry>][]
).map(([what, more]) => [what, { ...entryOf(1), ...more }])

function rooms(count: number) {
  return numbers(1, count).map((n) => roomName({ kind: 'team', id: `${n}` }))
}

/** Bytes as numbers, since one adapter may answer with a Buffer and another with a Uint8Array. */
function plain(entry: LogEntry | undefined) {
  return entry && { ...entry, attachments: entry.attachments.map((bytes) => [...bytes]) }
}

async function appendMany(log: EventLog, namespace: string, count: number, first = 1): Promise<Position[]> {
  const positions: Position[] = []
  for (const n of numbers(first, first + count - 1)) positions.push(await log.append(namespace, entryOf(n)))
  return positions
}

async function readAll(log: EventLog, namespace: string, from: Position): Promise<LoggedEntry[]> {
  const found: LoggedEntry[] = []
  for (let after = from; ; ) {
    const { entries } = whole(await log.read(namespace, { after, limit: 50 }))
    found.push(...entries)
    const last = entries.at(-1)
    if (last === undefined) return found
    after = last.position
  }
}

function whole(result: ReadResult): Extract<ReadResult, { gap: undefined }> {
  if (result.gap !== undefined) throw new Error(`There is a gap: ${result.gap}.`)
  return result
}

function dataOf(entries: readonly LoggedEntry[]): string[] {
  return entries.map(({ entry }) => entry.data)
}

/** Of the entries with these numbers. */
function datas(first: number, last: number): string[] {
  return numbers(first, last).map((n) => entryOf(n).data)
}

function parsed(cursor: string): Position {
  const position = parseCursor(cursor)
  if (position === undefined) throw new Error(`${cursor} is no cursor.`)
  return position
}
