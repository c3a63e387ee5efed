/** Places of sessions that are kept beyond a page: whose they are, when they are written, and who may have them. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createClient } from './client.ts'
import type { Place } from './places.ts'
import { keptOverReloads, lockPatienceMs, type ReloadOptions } from './reloads.ts'
import { sharedBetweenTabs } from './tabs/shared-between-tabs.ts'
import { createMemoryLocks } from './testing/memory-locks.ts'
import { settled } from './testing/namespace-world.ts'
import { createTestClock } from './testing/test-clock.ts'

const tokenOf = (sub: string) => `x.${btoa(JSON.stringify({ sub }))}.x`
const ana = tokenOf('ana')

function openBrowser() {
  const locks = createMemoryLocks()
  const clock = createTestClock()
  const items = new Map<string, string>()
  const errors: unknown[] = []
  let isFull = false
  const storage = (of: Map<string, string>) => ({
    getItem: (key: string) => of.get(key) ?? null,
    setItem(key: string, value: string) {
      if (isFull) throw new Error('The storage is full.')
      of.set(key, value)
    },
    removeItem: (key: string) => void of.delete(key),
  })
  return {
    locks,
    clock,
    items,
    errors,
    fill(now: boolean) {
      isFull = now
    },
    /** A page of the tab, or of its duplicate. */
    page(given: ReloadOptions = {}, { url = 'http://a', of = items } = {}) {
      const reloads = keptOverReloads({ storage: storage(of), locks, ...given })
      const places = reloads.places({
        ...{ url, token: '', workspaceId: undefined, connectTimeoutMs: 1, socket: {}, clock },
        ...{ random: () => 0, onError: (error) => errors.push(error) },
      })
      return { ...places, save: reloads.save }
    },
    stored: () => [...items.values()].map((each) => JSON.parse(each)),
  }
}

/** What becomes of a question, after some time. */
async function taken(asked: Promise<Place | undefined>, browser: ReturnType<typeof openBrowser>) {
  await settled()
  browser.clock.advance(lockPatienceMs)
  return asked
}

const posts = { name: '/posts' }

describe('a place', () => {
  it('is written when the task of the event is over, and read by the page that comes next', async () => {
    const browser = openBrowser()
    const page = browser.page()
    expect(await page.take('/posts', ana)).toBeUndefined()
    page.began('/posts', { pid: 'p1', cursor: undefined }, ana)
    await settled()
    page.heard('/posts', 'e.1')
    page.heard('/posts', 'e.2')
    expect(browser.stored()).toEqual([])
    browser.clock.advance(0)
    expect(browser.stored()).toEqual([{ user: 'ana', pid: 'p1', cursor: 'e.2' }])
    expect(browser.clock.timers).toBe(0)
    // The page goes, and its locks with it.
    const next = browser.page({ locks: createMemoryLocks() })
    expect(await next.take('/posts', ana)).toEqual({ pid: 'p1', cursor: 'e.2' })
    expect(await next.take('/news', ana)).toBeUndefined()
    next.began('/posts', { pid: 'p1', cursor: 'e.2' }, ana)
    next.heard('/posts', 'e.3')
    browser.clock.advance(0)
    expect(browser.stored()).toEqual([{ user: 'ana', pid: 'p1', cursor: 'e.3' }])
  })

  it('is not written before its lock is held, nor of a session that is over', async () => {
    const browser = openBrowser()
    const page = browser.page()
    page.began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
    browser.clock.advance(0)
    expect(browser.stored()).toEqual([])
    await settled()
    expect([browser.stored().length, browser.locks.held()]).toEqual([1, ['belfry session p1']])
    page.began('/posts', { pid: 'p2', cursor: undefined }, ana)
    expect(browser.stored()).toEqual([])
    await settled()
    expect(browser.locks.held()).toEqual(['belfry session p2'])
    page.heard('/posts', 'f.1')
    page.forget('/posts')
    expect(browser.clock.timers).toBe(0)
    await settled()
    expect([browser.stored(), browser.locks.held()]).toEqual([[], []])
    page.heard('/posts', 'f.2')
    browser.clock.advance(0)
    expect(browser.stored()).toEqual([])
  })

  it('by the application is written when it says so, never ahead of that, and never back', async () => {
    const browser = openBrowser()
    const page = browser.page({ when: 'by-application' })
    page.save(posts, 'e.0')
    page.began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
    await settled()
    page.heard('/posts', 'e.7')
    browser.clock.advance(0)
    expect(browser.stored()).toEqual([])
    page.save(posts, 'e.3')
    page.save(posts, 'e.10')
    page.save(posts, 'e.4')
    page.save({ name: '/news' }, 'e.99')
    expect(browser.stored()).toEqual([{ user: 'ana', pid: 'p1', cursor: 'e.10' }])
    const next = browser.page({ when: 'by-application', locks: createMemoryLocks() })
    expect(await next.take('/posts', ana)).toMatchObject({ cursor: 'e.10' })
    next.began('/posts', { pid: 'p1', cursor: 'e.10' }, ana)
    next.save(posts, 'e.9')
    expect(browser.stored()).toMatchObject([{ cursor: 'e.10' }])
    // Another session stands elsewhere; what was saved of the one before is not taken for it.
    next.began('/posts', { pid: 'p2', cursor: undefined }, ana)
    expect(browser.stored()).toEqual([])
  })
})

describe('another page', () => {
  it('that has a copy of the storage gets none, waits no longer than it must, and stays apart', async () => {
    const browser = openBrowser()
    const page = browser.page()
    page.began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
    await settled()
    const copy = new Map(browser.items)
    const duplicate = browser.page({}, { of: copy })
    const asked = duplicate.take('/posts', ana)
    await settled()
    expect(browser.clock.timers).toBe(2)
    expect(await taken(asked, browser)).toBeUndefined()
    expect([browser.clock.timers, browser.locks.waiting('belfry session p1')]).toEqual([0, 0])
    duplicate.began('/posts', { pid: 'p2', cursor: 'e.1' }, ana)
    await settled()
    duplicate.heard('/posts', 'e.2')
    browser.clock.advance(0)
    expect(browser.stored()).toMatchObject([{ pid: 'p1' }])
    expect([...copy.values()].map((each) => JSON.parse(each))).toMatchObject([{ pid: 'p2', cursor: 'e.2' }])
    expect(browser.locks.held().toSorted()).toEqual(['belfry session p1', 'belfry session p2'])
  })

  it('gets it as soon as the page before is gone', async () => {
    const browser = openBrowser()
    const held = Promise.withResolvers<void>()
    void browser.locks.request('belfry session p1', {}, () => held.promise)
    const before = browser.page({ locks: createMemoryLocks() })
    before.began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
    await settled()
    const asked = browser.page().take('/posts', ana)
    await settled()
    browser.clock.advance(lockPatienceMs - 1)
    held.resolve()
    expect(await asked).toEqual({ pid: 'p1', cursor: 'e.1' })
    expect(browser.clock.timers).toBe(0)
  })

  it('that is closed while it waits gets none, and leaves nothing', async () => {
    const browser = openBrowser()
    browser.page().began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
    await settled()
    const page = browser.page()
    browser.clock.advance(0)
    const asked = page.take('/posts', ana)
    page.forget('/posts')
    expect(await asked).toBeUndefined()
    expect([browser.clock.timers, browser.locks.waiting('belfry session p1')]).toEqual([0, 0])
  })

  it.each<readonly [string, ReloadOptions, string, { url?: string }]>([
    ['of another user', {}, tokenOf('bob'), {}],
    ['of somebody of whom nothing is known', {}, 'no token', {}],
    ['of somebody else than its token', { user: 'ana' }, tokenOf('bob'), {}],
    ['of a user whose token is another’s', { user: () => 'bob' }, ana, {}],
    ['of another server', {}, ana, { url: 'http://b' }],
  ])('%s gets none, and finds none to go on from', async (_what, options, token, where) => {
    const browser = openBrowser()
    browser.page({ locks: createMemoryLocks() }).began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
    await settled()
    expect(browser.stored()).toHaveLength(1)
    const page = browser.page(options, where)
    expect(await page.take('/posts', token)).toBeUndefined()
    expect(browser.locks.held()).toEqual([])
    if (where.url === undefined) expect(browser.stored()).toEqual([])
  })

  it.each(['nonsense', '[]', 'null', '{"user":"ana","pid":1,"cursor":"e.1"}', '{"user":"ana","pid":"p"}'])(
    'that finds %s begins anew',
    async (text) => {
      const browser = openBrowser()
      const page = browser.page()
      page.began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
      await settled()
      for (const key of browser.items.keys()) browser.items.set(key, text)
      expect(await browser.page({ locks: createMemoryLocks() }).take('/posts', ana)).toBeUndefined()
    },
  )
})

it('is kept under the name that the application gives, where tokens say nothing', async () => {
  const browser = openBrowser()
  browser
    .page({ user: () => 'ana', locks: createMemoryLocks() })
    .began('/posts', { pid: 'p', cursor: 'e.1' }, 'opaque')
  await settled()
  expect(browser.stored()).toMatchObject([{ user: 'ana' }])
  expect(await browser.page({ user: 'ana' }).take('/posts', 'opaque')).toMatchObject({ pid: 'p' })
})

it('takes nothing away from a page whose storage is full or not to be had', async () => {
  const browser = openBrowser()
  const page = browser.page()
  browser.fill(true)
  page.began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
  await settled()
  expect(browser.errors).toEqual([new Error('The storage is full.')])
  browser.fill(false)
  page.heard('/posts', 'e.2')
  browser.clock.advance(0)
  expect(browser.stored()).toMatchObject([{ cursor: 'e.2' }])
})

it('keeps nothing on a page without locks, which could be a duplicate', async () => {
  vi.stubGlobal('document', {})
  vi.stubGlobal('navigator', {})
  onTestFinished(() => {
    vi.unstubAllGlobals()
  })
  const browser = openBrowser()
  const { storage } = { storage: { getItem: vi.fn(), setItem: vi.fn(), removeItem: vi.fn() } }
  const places = keptOverReloads({ storage }).places({
    ...{ url: undefined, token: '', workspaceId: undefined, connectTimeoutMs: 1, socket: {} },
    ...{ clock: browser.clock, random: () => 0, onError: () => {} },
  })
  expect(await places.take('/posts', ana)).toBeUndefined()
  places.began('/posts', { pid: 'p1', cursor: 'e.1' }, ana)
  places.heard('/posts', 'e.2')
  expect(browser.clock.timers).toBe(0)
  for (const each of Object.values(storage)) expect(each).not.toHaveBeenCalled()
})

it('does not go together with tabs', () => {
  const options = { token: '', tabs: sharedBetweenTabs('ana'), reloads: keptOverReloads() }
  expect(() => createClient(options)).toThrow('either `tabs` or `reloads`')
})
