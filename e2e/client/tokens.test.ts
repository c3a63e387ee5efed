/** Tokens: asked for on every connect, renewed when they have expired, and refused for good when that does not help. */
import type { TokenReason } from '@belfry/client'
import { describe, expect, it } from 'vitest'
import { issueToken } from '../../packages/server/src/adapters/tokens/issue-token.ts'
import { createTestClock } from '../../packages/server/src/engine/testing/test-clock.ts'
import { news, posts } from '../protocol/namespaces.ts'
import { ana, openWorld, secret, type World } from '../protocol/world.ts'
import { becomes, isOpen, openClient } from './client-world.ts'

/** Gives the tokens in turn, and the last one from then on; notes why it was asked. */
function tokensInTurn(...tokens: string[]) {
  const reasons: TokenReason[] = []
  const token = async (reason: TokenReason) => {
    reasons.push(reason)
    return tokens[Math.min(reasons.length, tokens.length) - 1] ?? ''
  }
  return { token, reasons }
}

const expired = (world: World) => {
  const now = () => Date.now() - 3_600_000
  return world.keepSecret(issueToken({ secret, claims: ana, expiresInSeconds: 60, now }))
}

describe.each([
  ['token_expired', expired],
  ['token_invalid', () => 'no token of ours'],
] as const)('a token that is refused as %s', (code, make) => {
  it('is renewed once, and nobody notices', async () => {
    await using world = await openWorld()
    const { token, reasons } = tokensInTurn(make(world), world.token())
    using tested = openClient(world, { token })
    const live = tested.client.namespace(posts)
    expect(await live.command('post:view', { id: 'a' })).toMatchObject({ id: 'a' })
    expect(reasons).toEqual(['first', 'expired'])
    expect(tested.states.filter((status) => !['idle', 'connecting', 'connected'].includes(status))).toEqual(
      [],
    )
  })

  it('is the end when the fresh one is refused as well, until connect is called', async () => {
    await using world = await openWorld()
    const { token, reasons } = tokensInTurn(make(world), make(world), world.token())
    using tested = openClient(world, { token })
    const { client, clock } = tested
    const live = client.namespace(posts)
    live.onReset(() => {})
    await becomes(client, 'refused')
    expect(client.state.get()).toEqual({ status: 'refused', code, message: expect.any(String) })
    expect(live.state.get()).toMatchObject({ status: 'refused', code })
    expect(reasons).toEqual(['first', 'expired'])
    expect(clock.timers).toBe(0)
    const other = client.namespace(news)
    await expect(other.command('news:ask')).rejects.toMatchObject({ code: 'disconnected', retry: false })
    expect(other.state.get()).toMatchObject({ status: 'refused', code })
    await world.connections(0)
    client.connect()
    await isOpen(live)
    expect(await other.command('news:ask')).toEqual({ answer: 'nothing' })
    expect(reasons).toEqual(['first', 'expired', 'first'])
  })
})

it('is renewed once for all namespaces that it was refused on', async () => {
  await using world = await openWorld()
  const { token, reasons } = tokensInTurn(expired(world), world.token())
  using tested = openClient(world, { token })
  const lives = [tested.client.namespace(posts), tested.client.namespace(news)]
  for (const live of lives) live.onReset(() => {})
  for (const live of lives) await isOpen(live)
  expect(reasons).toEqual(['first', 'expired'])
  expect(world.realtime.connections.size).toBe(1)
})

it('is renewed for a namespace that comes later, while the others stay', async () => {
  const clock = createTestClock(Date.now())
  await using world = await openWorld({ clock })
  const { token, reasons } = tokensInTurn(world.token(ana, 10), world.token(ana, 1_000))
  using tested = openClient(world, { token })
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await isOpen(live)
  const before = live.state.get()
  clock.advance(16_000)
  const other = tested.client.namespace(news)
  expect(await other.command('news:ask')).toEqual({ answer: 'nothing' })
  // The server said as well that the token ends; nothing came of that before it was refused.
  expect(reasons).toEqual(['first', 'expiring', 'expired'])
  expect(live.state.get()).toBe(before)
  expect(tested.states).toEqual(['idle', 'connecting', 'connected'])
})

it('as a text is not asked for twice', async () => {
  await using world = await openWorld()
  using tested = openClient(world, { token: expired(world) })
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  await becomes(tested.client, 'refused')
  expect(tested.client.state.get()).toMatchObject({ code: 'token_expired' })
  expect(Object.fromEntries(world.realtime.counts.refused)).toEqual({ token_expired: 1 })
})

it('is asked for again when the client comes back', async () => {
  await using world = await openWorld()
  const { token, reasons } = tokensInTurn(world.token())
  using tested = openClient(world, { token })
  const live = tested.client.namespace(posts)
  live.onReset(() => {})
  for (const _ of [1, 2]) {
    await isOpen(live)
    for (const { connection } of world.realtime.connections) connection.close('closed_by_server')
    await becomes(live, 'waiting')
    expect(live.state.get()).toMatchObject({ attempt: 1, reason: 'line_lost' })
    tested.clock.advance(1_000)
  }
  await isOpen(live)
  expect(reasons).toEqual(['first', 'reconnect', 'reconnect'])
})

it('that is missing, is the end at once', async () => {
  await using world = await openWorld()
  const { token, reasons } = tokensInTurn('')
  using tested = openClient(world, { token })
  tested.client.namespace(posts).onReset(() => {})
  await becomes(tested.client, 'refused')
  expect(tested.client.state.get()).toMatchObject({ code: 'token_missing' })
  expect(reasons).toEqual(['first'])
})
