/** What a client makes of what a server says when it comes back: in which order, from where, and how much it was. */
import { createServer } from 'node:http'
import { enterRoom, keptOverReloads } from '@belfry/client'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryLocks } from '../../packages/client/src/testing/memory-locks.ts'
import { news, posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { closed, listening, openWorld, thread } from '../protocol/world.ts'
import { becomes, isOpen, openClient, type Tested } from './client-world.ts'
import { type Visitor, wireServer } from './wire-server.ts'

/** Events and states, as the application sees them one after the other. */
function watch({ client }: Tested) {
  const seen: string[] = []
  const live = client.namespace(posts)
  const note = () => {
    const { status, recovered, recoveredEvents } = live.state.get() as Record<string, unknown>
    if (status === 'open') seen.push(`open ${recovered} ${recoveredEvents}`)
  }
  live.state.subscribe(note)
  live.on('post:created', ({ n }) => seen.push(`event ${n}`))
  live.on('sync:recovered', ({ events }) => seen.push(`recovered ${events}`))
  live.onReset((reason) => seen.push(`reset ${reason}`))
  return { seen, live }
}

const made = (visitor: Visitor, n: number) => visitor.say('post:created', { n }, `e.${n}`)

async function comeBack(server: { cut(): void }, tested: Tested): Promise<void> {
  const live = tested.client.namespace(posts)
  server.cut()
  await becomes(live, 'waiting')
  tested.clock.advance(1_000)
  await isOpen(live)
}

it('is open and recovered first, then hears what it missed, and then how much that was', async () => {
  await using world = await openWorld()
  await using server = await wireServer({
    recovers: () => true,
    welcome(visitor) {
      visitor.start(visitor.recovered ? 'e.1' : 'e.0')
      if (!visitor.recovered) made(visitor, 1)
      else {
        for (const n of [2, 3]) made(visitor, n)
        visitor.say('sync:recovered', { events: 2 }, 'e.3')
        made(visitor, 4)
      }
    },
  })
  using tested = openClient(world, { url: server.url })
  const { seen, live } = watch(tested)
  await until(() => seen.includes('event 1'))
  expect(tested.client.state.get()).toEqual({ status: 'connected' })
  await comeBack(server, tested)
  await until(() => seen.includes('event 4'))
  expect(seen).toEqual([
    ...['open false undefined', 'event 1'],
    ...['open true undefined', 'event 2', 'event 3', 'open true 2', 'recovered 2', 'event 4'],
  ])
  expect(server.shown).toEqual([{}, { pid: server.given[0], offset: 'e.1' }])
  expect(live.state.get()).toBe(live.state.get())
  expect(tested.client.state.get()).toEqual({ status: 'connected', recoveredEvents: 2 })
})

it('goes on from what it heard where a replay was cut, and not from where that was to end', async () => {
  await using world = await openWorld()
  await using server = await wireServer({
    recovers: () => true,
    welcome(visitor, times) {
      // The server may say where it stands itself.
      visitor.start(times === 1 ? 'e.0' : 'e.9')
      if (times === 1) made(visitor, 1)
      else if (times === 2) for (const n of [2, 3]) made(visitor, n)
    },
  })
  using tested = openClient(world, { url: server.url })
  const { seen } = watch(tested)
  await until(() => seen.includes('event 1'))
  await comeBack(server, tested)
  await until(() => seen.includes('event 3'))
  for (const _ of [3, 4]) await comeBack(server, tested)
  expect(server.shown.map(({ offset }) => offset)).toEqual([undefined, 'e.1', 'e.3', 'e.3'])
})

it('shows where its session began if nothing has come, and never a cursor of another session', async () => {
  await using world = await openWorld()
  await using server = await wireServer({
    recovers: (_pid, offset) => offset === 'e.0',
    welcome(visitor, times) {
      visitor.start(times === 3 ? 'f.7' : 'e.0')
      if (times === 2) made(visitor, 1)
    },
  })
  using tested = openClient(world, { url: server.url })
  const { seen } = watch(tested)
  await until(() => seen.length === 1)
  for (const times of [2, 3, 4]) {
    await comeBack(server, tested)
    await until(() => server.shown.length === times)
    if (times === 2) await until(() => seen.includes('event 1'))
  }
  const [first, , third] = server.given
  expect(server.shown).toEqual([
    {},
    { pid: first, offset: 'e.0' },
    { pid: first, offset: 'e.1' },
    { pid: third, offset: 'f.7' },
  ])
})

it('shows no cursor of another session to a server that does not say where a session begins', async () => {
  await using world = await openWorld()
  await using server = await wireServer({
    welcome(visitor, times) {
      if (times === 1) made(visitor, 1)
    },
  })
  using tested = openClient(world, { url: server.url })
  const { seen } = watch(tested)
  await until(() => seen.includes('event 1'))
  for (const times of [2, 3]) {
    await comeBack(server, tested)
    await until(() => server.shown.length === times)
  }
  expect(server.shown.map(({ offset }) => offset)).toEqual([undefined, 'e.1', undefined])
})

it('is not recovered any more when the server finds a gap on a living line, and enters its rooms again', async () => {
  await using world = await openWorld()
  let joins = 0
  const left: string[] = []
  await using server = await wireServer({
    recovers: () => true,
    welcome(visitor) {
      visitor.socket.on('room:join', (_input, answer) => {
        joins += 1
        answer({ ok: true, data: { position: `e.${joins}` } })
      })
      visitor.socket.on('room:leave', ({ room }, answer) => {
        left.push(room.id)
        answer({ ok: true })
      })
      visitor.start('e.0')
    },
  })
  using tested = openClient(world, { url: server.url })
  const { seen, live } = watch(tested)
  const told: string[] = []
  const leave = enterRoom(tested.client, posts, thread('a'), {
    clock: tested.clock,
    onEntered: (position) => told.push(position),
    onRefused: ({ code }) => told.push(code),
  })
  await until(() => told.length === 1)
  await comeBack(server, tested)
  const visitor = server.visitors.at(-1) as Visitor
  made(visitor, 1)
  visitor.say('sync:reset', { reason: 'trimmed' }, 'e.1')
  await until(() => told.length === 2)
  visitor.say('sync:reset', { reason: 'trimmed' }, 'e.1')
  await until(() => told.length === 3)
  expect(seen.slice(1)).toEqual([
    ...['open true undefined', 'event 1'],
    ...['open false undefined', 'reset trimmed', 'reset trimmed'],
  ])
  expect(live.state.get()).toEqual({ status: 'open', recovered: false })
  expect(told).toEqual(['e.1', 'e.2', 'e.3'])
  visitor.say('room:lost', { rooms: [thread('a')] }, 'e.1')
  await until(() => told.length === 4)
  expect(told.at(-1)).toBe('forbidden')
  leave()
  await until(() => left.length === 1)
})

it('that is closed by a listener in the middle brings nothing of it to the next session', async () => {
  await using world = await openWorld()
  await using server = await wireServer({
    recovers: () => true,
    welcome(visitor) {
      visitor.start('e.0')
      made(visitor, 1)
    },
  })
  using tested = openClient(world, { url: server.url })
  const { client } = tested
  const live = client.namespace(posts)
  let times = 0
  live.on('post:created', () => {
    times += 1
    if (times === 1) client.close()
  })
  await becomes(client, 'closed')
  client.connect()
  await until(() => times === 2)
  expect(server.shown).toEqual([{}, {}])
})

it.each([
  ['a goodbye', 30_000],
  ['one that names no time', undefined],
])('comes back when %s says', async (_what, afterMs) => {
  await using world = await openWorld()
  await using server = await wireServer({
    welcome: (visitor) => visitor.start('e.0'),
  })
  const browser = new EventTarget()
  for (const name of ['addEventListener', 'removeEventListener'] as const)
    vi.stubGlobal(name, browser[name].bind(browser))
  onTestFinished(() => {
    vi.unstubAllGlobals()
  })
  using tested = openClient(world, { url: server.url })
  const { live } = watch(tested)
  await isOpen(live)
  const closing = { code: 'shutting_down', message: 'It stops.', retry: true, afterMs }
  let isTold = false
  live.on('session:closing', () => {
    isTold = true
  })
  server.visitors[0]?.say('session:closing', closing, 'e.0')
  await until(() => isTold)
  server.cut()
  await becomes(live, 'waiting')
  expect(live.state.get()).toMatchObject({
    reason: 'shutting_down',
    retryAt: tested.clock.now() + (afterMs ?? 1_000),
  })
  // A network that is there again brings no server back that named a time.
  browser.dispatchEvent(new Event('online'))
  expect(live.state.get().status).toBe(afterMs === undefined ? 'opening' : 'waiting')
  // Who is asked to does not wait.
  tested.client.connect()
  await isOpen(live)
  server.cut()
  await becomes(live, 'waiting')
  expect(live.state.get()).toMatchObject({ reason: 'line_lost', retryAt: tested.clock.now() + 1_000 })
})

it.each([
  ['polling', '40', 40_000],
  ['websocket', '40', 40_000],
  ['polling', new Date(Date.UTC(2030, 0, 1, 0, 0, 9)).toUTCString(), 9_000],
  ['websocket', 'soon', 1_000],
  ['polling', '-3', 1_000],
  ['polling', undefined, 1_000],
  ['websocket', '999999999', 3_600_000],
] as const)('comes back when a refusal of %s says: %s', async (transport, retryAfter, waitMs) => {
  await using world = await openWorld()
  const http = createServer((_request, response) => {
    response.writeHead(503, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
    response.end('{"error":"server_full"}')
  })
  http.on('upgrade', (_request, socket) => {
    socket.end(`HTTP/1.1 503 Full\r\nRetry-After: ${retryAfter}\r\nContent-Length: 0\r\n\r\n`)
  })
  const url = await listening(http)
  using tested = openClient(world, { url, socket: { transports: [transport] } })
  const { live } = watch(tested)
  await becomes(live, 'waiting')
  expect(live.state.get()).toMatchObject({
    reason: transport === 'polling' ? 'server_full' : 'unreachable',
    retryAt: tested.clock.now() + waitMs,
  })
  await closed(http)
})

it('waits as usual after a refusal that names no time, whatever the one before said', async () => {
  await using world = await openWorld()
  const http = createServer()
  let times = 0
  http.on('upgrade', (_request, socket) => {
    times += 1
    if (times > 1) socket.destroy()
    else socket.end('HTTP/1.1 503 Full\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n')
  })
  const url = await listening(http)
  using tested = openClient(world, { url })
  const { live } = watch(tested)
  await becomes(live, 'waiting')
  tested.clock.advance(40_000)
  await until(() => times === 2)
  await becomes(live, 'waiting')
  expect(live.state.get()).toMatchObject({ attempt: 2, retryAt: tested.clock.now() + 1_000 })
  await closed(http)
})

describe('the page that comes after a reload', () => {
  /** The storage of one tab, and the locks of its browser. */
  function openTab() {
    const items = new Map<string, string>()
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
      removeItem: (key: string) => void items.delete(key),
    }
    const token = () => `x.${btoa(JSON.stringify({ sub: 'ana' }))}.x`
    return { items, storage, token }
  }
  const page = (tab: ReturnType<typeof openTab>, url: string) => ({
    url,
    token: tab.token,
    // A page that is gone has no locks any more.
    reloads: keptOverReloads({ storage: tab.storage, locks: createMemoryLocks() }),
  })

  it('goes on from what the one before has heard', async () => {
    await using world = await openWorld()
    await using server = await wireServer({
      recovers: () => true,
      welcome(visitor, times) {
        visitor.start('e.0')
        made(visitor, times)
        if (visitor.recovered) visitor.say('sync:recovered', { events: 1 }, `e.${times}`)
      },
    })
    const tab = openTab()
    using before = openClient(world, page(tab, server.url))
    const { seen: seenBefore } = watch(before)
    await until(() => seenBefore.includes('event 1'))
    before.clock.advance(0)
    using after = openClient(world, page(tab, server.url))
    const { seen } = watch(after)
    await until(() => seen.includes('recovered 1'))
    expect(server.shown).toEqual([{}, { pid: server.given[0], offset: 'e.1' }])
    expect(seen).toEqual(['open true undefined', 'event 2', 'open true 1', 'recovered 1'])
    // And so does the line of that page, when it is cut.
    await comeBack(server, after)
    expect(server.shown[2]).toEqual({ pid: server.given[0], offset: 'e.2' })
  })

  it.each<readonly [string, string, (tested: Tested, live: { close(): void }, visitor: Visitor) => void]>([
    ['signed out', 'closed', ({ client }) => client.close()],
    ['left the namespace', 'idle', (_tested, live) => live.close()],
    [
      'was ended by the server',
      'ended',
      (_tested, _live, { say, socket }) => {
        say('session:closing', { code: 'kicked', message: 'Go.', retry: false }, 'e.0')
        socket.disconnect()
      },
    ],
  ])('begins anew after one that %s', async (_what, status, leave) => {
    await using world = await openWorld()
    await using server = await wireServer({
      recovers: () => true,
      welcome: (visitor) => visitor.start('e.0'),
    })
    const tab = openTab()
    using before = openClient(world, page(tab, server.url))
    const { live } = watch(before)
    await until(() => tab.items.size === 1)
    leave(before, live, server.visitors[0] as Visitor)
    await becomes(live, status)
    expect(tab.items.size).toBe(0)
    using after = openClient(world, page(tab, server.url))
    await isOpen(watch(after).live)
    expect(server.shown).toEqual([{}, {}])
  })

  it('asks again with what it found when its line breaks before it was let in, and is closed without a trace', async () => {
    await using world = await openWorld()
    await using server = await wireServer({
      recovers: () => true,
      welcome: (visitor) => visitor.start('e.5'),
    })
    const tab = openTab()
    using before = openClient(world, page(tab, server.url))
    watch(before)
    await until(() => tab.items.size === 1)
    // Another page has the session, and keeps it for a while.
    const locks = createMemoryLocks()
    const held = Promise.withResolvers<void>()
    void locks.request(`belfry session ${server.given[0]}`, {}, () => held.promise)
    const options = { ...page(tab, server.url), reloads: keptOverReloads({ storage: tab.storage, locks }) }
    using after = openClient(world, options)
    const { live } = watch(after)
    await until(() => locks.waiting(`belfry session ${server.given[0]}`) === 1)
    server.cut()
    await becomes(live, 'waiting')
    after.client.connect()
    await until(() => server.lines() === 1)
    held.resolve()
    await isOpen(live)
    await until(() => server.shown.length === 2)
    expect(server.shown.at(-1)).toEqual({ pid: server.given[0], offset: 'e.5' })
    const again = Promise.withResolvers<void>()
    const others = createMemoryLocks()
    void others.request(`belfry session ${server.given[0]}`, {}, () => again.promise)
    const duplicate = { ...options, reloads: keptOverReloads({ storage: tab.storage, locks: others }) }
    using third = openClient(world, duplicate)
    const of = third.client.namespace(posts)
    of.onReset(() => {})
    await until(() => others.waiting(`belfry session ${server.given[0]}`) === 1)
    third.client.close()
    again.resolve()
    await until(() => others.held().length === 0)
    expect(server.shown).toHaveLength(2)
  })

  it('is not on a namespace that was left before its place was known', async () => {
    await using world = await openWorld()
    await using server = await wireServer({
      recovers: () => true,
      welcome: (visitor) => visitor.start('e.0'),
    })
    server.server.of('/news')
    const tab = openTab()
    using before = openClient(world, page(tab, server.url))
    watch(before)
    await until(() => tab.items.size === 1)
    const locks = createMemoryLocks()
    const name = `belfry session ${server.given[0]}`
    void locks.request(name, {}, () => new Promise<void>(() => {}))
    const options = { ...page(tab, server.url), reloads: keptOverReloads({ storage: tab.storage, locks }) }
    using after = openClient(world, options)
    const other = after.client.namespace(news)
    other.onReset(() => {})
    await isOpen(other)
    const { live } = watch(after)
    await until(() => locks.waiting(name) === 1)
    live.close()
    await becomes(live, 'idle')
    expect(locks.waiting(name)).toBe(0)
    server.cut()
    await becomes(other, 'waiting')
    after.clock.advance(1_000)
    await isOpen(other)
    expect(server.shown).toHaveLength(1)
  })
})
