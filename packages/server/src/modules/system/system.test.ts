/** What the server says about itself, with a process and a database that say what the test wants. */
import { type DatabaseView, systemOverview, systemTick } from '@belfry/contract'
import { expect, it } from 'vitest'
import { createTestClock } from '../../engine/testing/test-clock.ts'
import { createSystemModule } from './module.ts'
import type { ProcessReading } from './probe.ts'
import { openProcessProbe } from './probe.ts'
import { createRing } from './ring.ts'
import { createSystemService, type SystemOptions } from './service.ts'

const up: DatabaseView = {
  state: 'up',
  kind: 'embedded',
  version: '18.4',
  sizeBytes: 8_000_000,
  connectionsOpen: 2,
  connectionsMax: 10,
  pingMs: 0.2,
}

function createWorld(options: Partial<SystemOptions> = {}) {
  const clock = createTestClock(Date.UTC(2030, 0, 1))
  const requestCounter = { answered: 0 }
  const reading: ProcessReading = {
    elapsedMs: 1_000,
    cpuMs: 250,
    memoryBytes: 90_000_000,
    loopDelayP50Ms: 0.12345,
    loopDelayP99Ms: 2,
  }
  const database = { asked: 0, answer: async (): Promise<DatabaseView> => up }
  let closed = 0
  const onClose = () => {
    closed += 1
  }
  const settings: SystemOptions = {
    clock,
    probe: { read: () => reading, close: onClose },
    requestCounter,
    databaseKind: 'embedded',
    askDatabase: () => {
      database.asked += 1
      return database.answer()
    },
    settings: [],
    listMigrations: async () => [],
    process: { version: '1.2.3', nodeVersion: 'v26.0.0', hostname: 'tower', pid: 7 },
    ...options,
  }
  return {
    clock,
    requestCounter,
    database,
    settings,
    service: createSystemService(settings),
    closed: () => closed,
  }
}

it('takes a sample a second', async () => {
  const { service, clock, requestCounter } = createWorld()
  await service.start()
  requestCounter.answered = 12
  clock.advance(1_000)
  requestCounter.answered = 15
  clock.advance(1_000)
  const overview = service.overview()
  expect(systemOverview.parse(overview)).toEqual(overview)
  expect(overview.samples.map(({ requests }) => requests)).toEqual([0, 12, 3])
  expect(overview.samples[1]).toEqual({
    at: '2030-01-01T00:00:01.000Z',
    memoryBytes: 90_000_000,
    cpuShare: 0.25,
    loopDelayP50Ms: 0.123,
    loopDelayP99Ms: 2,
    requests: 12,
  })
  expect(overview).toMatchObject({
    version: '1.2.3',
    pid: 7,
    startedAt: '2030-01-01T00:00:00.000Z',
    database: up,
  })
})

it('keeps the last fifteen minutes', async () => {
  const { service, clock } = createWorld()
  await service.start()
  clock.advance(2_000 * 1_000)
  const { samples } = service.overview()
  expect(samples).toHaveLength(900)
  expect(samples.at(-1)?.at).toBe('2030-01-01T00:33:20.000Z')
  expect(samples[0]?.at).toBe('2030-01-01T00:18:21.000Z')
  expect(samples.map(({ at }) => at)).toEqual(samples.map(({ at }) => at).toSorted())
})

it('counts the share of a core by the time that really passed', async () => {
  const { service } = createWorld({
    probe: {
      read: () => ({ elapsedMs: 5_000, cpuMs: 5_000, memoryBytes: 1, loopDelayP50Ms: 0, loopDelayP99Ms: 0 }),
      close: () => undefined,
    },
  })
  await service.start()
  expect(service.overview().samples[0]?.cpuShare).toBe(1)
})

it('sends the same ticks to everybody, from one timer', async () => {
  const { service, clock } = createWorld()
  await service.start()
  const watchers = Array.from({ length: 100 }, () =>
    service.ticks(new AbortController().signal)[Symbol.asyncIterator](),
  )
  expect(clock.timers).toBe(1)
  const first = await Promise.all(watchers.map((watcher) => watcher.next()))
  const next = Promise.all(watchers.map((watcher) => watcher.next()))
  clock.advance(1_000)
  const ticks = (await next).map(({ value }) => value)
  expect(new Set(ticks).size).toBe(1)
  expect(first[0]?.value).not.toBe(ticks[0])
  expect(systemTick.parse(ticks[0])).toEqual(ticks[0])
})

it('asks the database every five seconds, whoever watches', async () => {
  const { service, clock, database } = createWorld()
  await service.start()
  expect(database.asked).toBe(1)
  clock.advance(4_000)
  expect(database.asked).toBe(1)
  clock.advance(1_000)
  expect(database.asked).toBe(2)
  await Promise.resolve()
  clock.advance(5_000)
  expect(database.asked).toBe(3)
})

it('shows a database that is away as down, and goes on', async () => {
  const { service, clock, database } = createWorld()
  await service.start()
  database.answer = () => Promise.reject(new Error('away'))
  clock.advance(5_000)
  await expect.poll(() => service.overview().database.state).toBe('down')
  expect(service.overview().database).toEqual({
    state: 'down',
    kind: 'embedded',
    connectionsOpen: 2,
    connectionsMax: 10,
  })
  clock.advance(3_000)
  expect(service.overview().samples).toHaveLength(9)
  database.answer = async () => up
  clock.advance(5_000)
  await expect.poll(() => service.overview().database).toEqual(up)
})

it('waits for nobody: a database that hangs is down, asked once, and believed when it answers', async () => {
  const { service, clock, database } = createWorld()
  await service.start()
  let answer: (view: DatabaseView) => void = () => undefined
  database.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  clock.advance(60_000)
  expect(database.asked).toBe(2)
  expect(service.overview().database.state).toBe('down')
  expect(service.overview().samples).toHaveLength(61)
  answer(up)
  await expect.poll(() => service.overview().database.state).toBe('up')
})

it('is not silenced by a clock that was set back', async () => {
  let offsetMs = 0
  const base = createTestClock()
  const { service, database } = createWorld({
    clock: { now: () => base.now() + offsetMs, every: (periodMs, action) => base.every(periodMs, action) },
  })
  await service.start()
  offsetMs = -24 * 60 * 60 * 1000
  base.advance(1_000)
  expect(database.asked).toBe(2)
})

it('leaves nothing running when it stops', async () => {
  const { settings, clock, closed } = createWorld()
  const module = createSystemModule(settings)
  await module.start?.()
  expect(clock.timers).toBe(1)
  await module.stop?.()
  expect(clock.timers).toBe(0)
  expect(closed()).toBe(1)
})

it('lets its watchers go when it stops', async () => {
  const { service } = createWorld()
  await service.start()
  const watcher = service.ticks(new AbortController().signal)[Symbol.asyncIterator]()
  await watcher.next()
  const waiting = watcher.next()
  service.stop()
  expect((await waiting).done).toBe(true)
})

it('reads the real process, and sees a block that lies across a reading', async () => {
  const probe = openProcessProbe()
  try {
    expect((await nextReading(probe)).memoryBytes).toBeGreaterThan(10_000_000)
    const before = process.cpuUsage()
    let used = before
    while (used.user + used.system < before.user + before.system + 150_000) used = process.cpuUsage()
    // Before the timer that measures has run again, as when both are due at the same time.
    const atOnce = probe.read()
    expect(atOnce.cpuMs).toBeGreaterThanOrEqual(149)
    expect(atOnce.elapsedMs).toBeGreaterThan(100)
    const blocked = await nextReading(probe)
    expect(blocked.loopDelayP99Ms).toBeGreaterThan(100)
    expect(blocked.loopDelayP99Ms).toBeLessThan(30_000)
  } finally {
    probe.close()
  }
})

/** Lets the loop turn until the measurement has something to say. */
async function nextReading(probe: ReturnType<typeof openProcessProbe>): Promise<ProcessReading> {
  for (;;) {
    await new Promise(setImmediate)
    const reading = probe.read()
    if (reading.loopDelayP99Ms > 0) return reading
  }
}

it('keeps so many values and no more', () => {
  const ring = createRing<number>(3)
  expect(ring.list()).toEqual([])
  for (let n = 1; n <= 3; n += 1) ring.push(n)
  expect(ring.list()).toEqual([1, 2, 3])
  ring.push(4)
  ring.push(5)
  expect(ring.list()).toEqual([3, 4, 5])
  for (let n = 6; n <= 1_000; n += 1) ring.push(n)
  expect(ring.list()).toEqual([998, 999, 1_000])
})
