/** What servers say: refusals for a moment and for good, terms, goodbyes, and what a client makes of them. */
import type { TokenReason } from '@belfry/client'
import { describe, expect, it, vi } from 'vitest'
import { news, posts } from '../protocol/namespaces.ts'
import { until } from '../protocol/until.ts'
import { openWorld } from '../protocol/world.ts'
import { becomes, isOpen, openClient } from './client-world.ts'
import { stockServer } from './stock-server.ts'

describe('with a server that refuses for the moment', () => {
  it.each([
    ['by a code that passes', { code: 'cooling_down' }],
    ['as it says itself', { code: 'forbidden', retry: true }],
  ])('comes again: %s', async (_how, data) => {
    await using stock = await stockServer((times) => (times <= 2 ? data : undefined))
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const { client, clock } = tested
    const live = client.namespace(posts)
    live.onReset(() => {})
    await becomes(live, 'waiting')
    expect(client.state.get()).toMatchObject({ status: 'waiting', reason: data.code, attempt: 1 })
    clock.advance(1_000)
    await until(() => stock.asked() === 2)
    await becomes(live, 'waiting')
    expect(client.state.get()).toMatchObject({ attempt: 2, message: 'Not now.' })
    clock.advance(1_000)
    await isOpen(live)
    expect(client.state.get()).toEqual({ status: 'connected' })
  })

  it.each([
    ['a code that does not pass', { code: 'forbidden' }],
    ['what it says itself', { code: 'cooling_down', retry: false }],
  ])('stays away for %s', async (_what, data) => {
    await using stock = await stockServer(() => data)
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const live = tested.client.namespace(posts)
    live.onReset(() => {})
    await becomes(live, 'refused')
    expect(live.state.get()).toEqual({ status: 'refused', code: data.code, message: 'Not now.' })
    expect(tested.client.state.get()).toEqual({ status: 'idle' })
    expect(tested.clock.timers).toBe(0)
  })

  it('asks once to be let in, also when the token is renewed for another namespace meanwhile', async () => {
    const held: (() => void)[] = []
    await using stock = await stockServer(() => undefined, {
      admit: (next) => held.push(next),
      news: (times) => (times === 1 ? { code: 'token_expired' } : undefined),
    })
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const [live, other] = [tested.client.namespace(posts), tested.client.namespace(news)]
    for (const each of [live, other]) each.onReset(() => {})
    await isOpen(other)
    await until(() => held.length > 0)
    for (const next of held) next()
    await isOpen(live)
    expect(stock.asked()).toBe(1)
  })

  it('leaves a namespace that lets it in after it has gone, and comes again when it is used again', async () => {
    const held: (() => void)[] = []
    let letIn = 0
    await using stock = await stockServer(() => undefined, {
      admit: (next) => held.push(next),
      welcome: () => {
        letIn += 1
      },
    })
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const [live, other] = [tested.client.namespace(posts), tested.client.namespace(news)]
    for (const each of [live, other]) each.onReset(() => {})
    await isOpen(other)
    await until(() => held.length === 1)
    live.close()
    await becomes(live, 'idle')
    held[0]?.()
    await until(() => letIn === 1 && stock.inside() === 0)
    expect(tested.client.state.get()).toEqual({ status: 'connected' })
    live.onReset(() => {})
    await until(() => held.length === 2)
    held[1]?.()
    await isOpen(live)
    expect(stock.inside()).toBe(1)
    live.close()
    await until(() => stock.inside() === 0)
    live.onReset(() => {})
    await until(() => held.length === 3)
    live.close()
    await becomes(live, 'idle')
    other.close()
    await until(() => stock.connections() === 0)
  })

  it('asks again where it gets no answer, and the other namespaces stay', async () => {
    const held: (() => void)[] = []
    await using stock = await stockServer(() => undefined, { admit: (next) => held.push(next) })
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const [live, other] = [tested.client.namespace(posts), tested.client.namespace(news)]
    other.onReset(() => {})
    await isOpen(other)
    live.onReset(() => {})
    await until(() => held.length === 1)
    tested.clock.advance(20_000)
    expect(live.state.get()).toMatchObject({ status: 'waiting', reason: 'timeout' })
    tested.clock.advance(1_000)
    await until(() => held.length === 2)
    held[1]?.()
    await isOpen(live)
    expect(tested.states).toEqual(['idle', 'connecting', 'connected'])
  })

  it('tries a token that was renewed for another namespace before it asks for one more', async () => {
    const held: ((refusal?: object) => void)[] = []
    await using stock = await stockServer(() => undefined, {
      admit: (next) => held.push(next),
      news: (times) => (times === 1 ? { code: 'token_expired' } : undefined),
    })
    await using world = await openWorld()
    const token = vi.fn((reason: TokenReason) => `a token, ${reason}`)
    using tested = openClient(world, { url: stock.url, token })
    const [live, other] = [tested.client.namespace(posts), tested.client.namespace(news)]
    for (const each of [live, other]) each.onReset(() => {})
    await isOpen(other)
    await until(() => held.length === 1)
    held[0]?.({ code: 'token_expired' })
    await until(() => held.length === 2)
    held[1]?.()
    await isOpen(live)
    expect(token.mock.calls).toEqual([['first'], ['expired']])
  })

  it('lets the other namespaces be', async () => {
    await using stock = await stockServer((times) => (times === 1 ? { code: 'cooling_down' } : undefined))
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const [live, other] = [tested.client.namespace(posts), tested.client.namespace(news)]
    other.onReset(() => {})
    await isOpen(other)
    live.onReset(() => {})
    await becomes(live, 'waiting')
    expect([other.state.get().status, tested.client.state.get().status]).toEqual(['open', 'connected'])
    tested.clock.advance(1_000)
    await isOpen(live)
    expect(tested.states).toEqual(['idle', 'connecting', 'connected'])
  })
})

describe('with a server that says how and why', () => {
  const terms = { pid: 'p', cursor: 'a.0', recovered: false, reconnection: { delayMs: 50, maxDelayMs: 60 } }

  it('waits as long as it is told', async () => {
    await using stock = await stockServer(() => undefined, {
      welcome: (socket) => socket.emit('session:started', terms),
    })
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url, random: () => 0.5 })
    const { client, clock } = tested
    const live = client.namespace(posts)
    live.onReset(() => {})
    const started = new Promise((resolve) => live.on('session:started', resolve))
    await isOpen(live)
    await started
    stock.cut()
    await becomes(live, 'waiting')
    expect(client.state.get()).toMatchObject({ retryAt: clock.now() + 55, reason: 'line_lost' })
  })

  it.each([
    ['comes back from a goodbye for now, and names it', true, 'waiting'],
    ['stays away after a goodbye for good, even when the line breaks first', false, 'ended'],
  ])('%s', async (_what, retry, status) => {
    await using stock = await stockServer(() => undefined, {
      welcome: (socket) =>
        socket.emit('session:closing', { code: 'slow_reader', message: 'Too slow.', retry }),
    })
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const live = tested.client.namespace(posts)
    const goodbye = new Promise((resolve) => live.on('session:closing', resolve))
    await goodbye
    expect(live.state.get().status).toBe('open')
    stock.cut()
    await becomes(live, status)
    expect(live.state.get()).toMatchObject({
      [retry ? 'reason' : 'code']: 'slow_reader',
      message: 'Too slow.',
    })
  })

  it('recovers with its pid and its cursor what it missed', async () => {
    await using stock = await stockServer(() => undefined)
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const live = tested.client.namespace(posts)
    const heard: number[] = []
    live.on('post:created', ({ n }) => heard.push(n))
    await isOpen(live)
    for (const n of [1, 2]) stock.emit('post:created', { n })
    await until(() => heard.length === 2)
    stock.cut()
    await becomes(live, 'waiting')
    for (const n of [3, 4]) stock.emit('post:created', { n })
    tested.clock.advance(1_000)
    await isOpen(live)
    expect(live.state.get()).toEqual({ status: 'open', recovered: true })
    await until(() => heard.length >= 4)
    expect(heard).toEqual([1, 2, 3, 4])
  })

  it('is closed and comes again without what it had', async () => {
    await using stock = await stockServer(() => undefined)
    await using world = await openWorld()
    using tested = openClient(world, { url: stock.url })
    const { client } = tested
    const live = client.namespace(posts)
    const heard: number[] = []
    live.on('post:created', ({ n }) => heard.push(n))
    await isOpen(live)
    stock.emit('post:created', { n: 1 })
    await until(() => heard.length === 1)
    client.close()
    client.connect()
    await isOpen(live)
    client.namespace(news).onReset(() => {})
    live.close()
    await becomes(live, 'idle')
    live.onReset(() => {})
    await isOpen(live)
    expect(stock.shown()).toEqual(Array.from({ length: 3 }, () => ({ pid: undefined, offset: undefined })))
  })
})
