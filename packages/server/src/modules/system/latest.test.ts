import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { createLatest } from './latest.ts'

it('gives every watcher every value while they keep up', async () => {
  const latest = createLatest<number>()
  const watchers = [1, 2, 3].map(() => latest.watch(new AbortController().signal))
  const first = watchers.map((watcher) => watcher.next())
  latest.publish(1)
  expect(await Promise.all(first)).toEqual(watchers.map(() => ({ done: false, value: 1 })))
  latest.publish(2)
  expect(await watchers[0]?.next()).toEqual({ done: false, value: 2 })
})

it('gives a slow watcher the newest, and a late one the current', async () => {
  const latest = createLatest<number>()
  const slow = latest.watch(new AbortController().signal)
  for (let n = 1; n <= 1_000; n += 1) latest.publish(n)
  expect(await slow.next()).toEqual({ done: false, value: 1_000 })
  const late = latest.watch(new AbortController().signal)
  expect(await late.next()).toEqual({ done: false, value: 1_000 })
})

it('forgets a watcher who left, however they left', async () => {
  const latest = createLatest<number>()
  const abort = new AbortController()
  const aborted = latest.watch(abort.signal)
  const waiting = aborted.next()
  abort.abort()
  expect(await waiting).toEqual({ done: true, value: undefined })

  const other = new AbortController()
  for await (const value of feed(latest, other.signal)) {
    expect(value).toBe(7)
    break
  }
  expect(getEventListeners(other.signal, 'abort')).toHaveLength(0)

  const gone = latest.watch(AbortSignal.abort())
  expect((await gone.next()).done).toBe(true)
  expect(latest.watchers).toBe(0)
})

function feed(latest: ReturnType<typeof createLatest<number>>, signal: AbortSignal) {
  const watcher = latest.watch(signal)
  latest.publish(7)
  return watcher
}

it('lets everybody go when it closes', async () => {
  const latest = createLatest<number>()
  const watcher = latest.watch(new AbortController().signal)
  const waiting = watcher.next()
  latest.close()
  expect((await waiting).done).toBe(true)
  expect((await watcher.next()).done).toBe(true)
  expect((await latest.watch(new AbortController().signal).next()).done).toBe(true)
})
