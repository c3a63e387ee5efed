/** What a client does without any server: nothing at first, and then what its source of tokens lets it do. */
import { realtimeNamespace } from '@belfry/contract'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createClient } from './client.ts'
import type { TokenReason } from './states.ts'
import { createTestClock } from './testing/test-clock.ts'
import type { TokenSource } from './token.ts'

/** Nobody listens there; no test gets that far. */
const url = 'http://127.0.0.1:9'

function makeClient(token: TokenSource) {
  const clock = createTestClock()
  return { clock, client: createClient({ url, token, clock, random: () => 0.5 }) }
}

it('asks for nothing and connects nowhere before something is used', async () => {
  const token = vi.fn(() => 'a token')
  const { client, clock } = makeClient(token)
  const live = client.namespace(realtimeNamespace)
  const end = live.state.subscribe(() => {})
  client.state.subscribe(() => {})
  end()
  expect(client.state.get()).toEqual({ status: 'idle' })
  expect(live.state.get()).toEqual({ status: 'idle' })
  expect(client.state.get()).toBe(client.state.get())
  client.connect()
  live.close()
  client.close()
  expect(client.state.get()).toEqual({ status: 'closed' })
  expect(token).not.toHaveBeenCalled()
  expect(clock.timers).toBe(0)
})

it('waits and asks again when its source of tokens throws, at once or later', async () => {
  const reasons: TokenReason[] = []
  const { client, clock } = makeClient((reason) => {
    reasons.push(reason)
    if (reasons.length === 1) throw new Error('There is no session.')
    return Promise.reject(new Error('The line is bad.'))
  })
  const live = client.namespace(realtimeNamespace)
  live.on('system:message', () => {})
  expect(client.state.get()).toEqual({ status: 'connecting', attempt: 1, reason: 'first' })
  expect(live.state.get()).toEqual({ status: 'opening' })
  await expect.poll(() => client.state.get().status).toBe('waiting')
  expect(client.state.get()).toEqual({
    status: 'waiting',
    attempt: 1,
    retryAt: clock.now() + 1_500,
    reason: 'token_failed',
    message: 'There is no session.',
  })
  expect(live.state.get()).toBe(client.state.get())
  clock.advance(1_500)
  await expect.poll(() => client.state.get()).toMatchObject({ attempt: 2, message: 'The line is bad.' })
  expect(client.state.get()).toMatchObject({ status: 'waiting', retryAt: clock.now() + 2_500 })
  expect(reasons).toEqual(['first', 'first'])
  client.close()
  expect(clock.timers).toBe(0)
})

it('waits when its source of tokens hangs, and does not listen to it any more', async () => {
  const answers: ((token: string) => void)[] = []
  const { client, clock } = makeClient(() => new Promise((resolve) => answers.push(resolve)))
  using live = client.namespace(realtimeNamespace)
  live.on('system:message', () => {})
  clock.advance(20_000)
  expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'token_timeout', attempt: 1 })
  answers[0]?.('a token')
  await Promise.resolve()
  expect(client.state.get()).toMatchObject({ status: 'waiting', attempt: 1 })
  client.connect()
  expect(client.state.get()).toMatchObject({ status: 'connecting', attempt: 2 })
  expect(answers).toHaveLength(2)
  answers[0]?.('a token')
  await Promise.resolve()
  clock.advance(20_000)
  expect(client.state.get()).toMatchObject({ status: 'waiting', reason: 'token_timeout', attempt: 2 })
  client.close()
  answers[1]?.('a token')
  await Promise.resolve()
  expect(client.state.get()).toEqual({ status: 'closed' })
  expect(clock.timers).toBe(0)
})

it('does not care when a question fails that it does not ask any more', async () => {
  const fail: ((error: Error) => void)[] = []
  const { client, clock } = makeClient(() => new Promise((_resolve, reject) => fail.push(reject)))
  client.namespace(realtimeNamespace).onReset(() => {})
  clock.advance(20_000)
  client.connect()
  fail[0]?.(new Error('Too late.'))
  await new Promise(setImmediate)
  expect(client.state.get()).toMatchObject({ status: 'connecting', attempt: 2 })
  client.close()
})

it('asks once for namespaces that are used together', () => {
  const token = vi.fn(() => new Promise<string>(() => {}))
  const { client } = makeClient(token)
  const other = { ...realtimeNamespace, name: '/other' as const }
  client.namespace(realtimeNamespace).onReset(() => {})
  client.namespace(other).onReset(() => {})
  client.namespace(other).onReset(() => {})
  expect(token).toHaveBeenCalledExactlyOnceWith('first')
  client.close()
})

it('is idle again when nobody needs it', async () => {
  const { client, clock } = makeClient(() => new Promise(() => {}))
  const live = client.namespace(realtimeNamespace)
  live.onReset(() => {})
  live.close()
  await expect.poll(() => client.state.get()).toEqual({ status: 'idle' })
  expect(live.state.get()).toEqual({ status: 'idle' })
  expect(clock.timers).toBe(0)
})

it('opens nothing for whoever comes after it was closed, until it connects', async () => {
  const token = vi.fn(() => new Promise<string>(() => {}))
  const { client } = makeClient(token)
  client.close()
  const live = client.namespace(realtimeNamespace)
  live.onReset(() => {})
  expect(live.state.get()).toEqual({ status: 'closed' })
  await expect(live.command('room:leave', { room: { kind: 'user', id: 'a' } })).rejects.toMatchObject({
    code: 'disconnected',
    retry: false,
  })
  expect(token).not.toHaveBeenCalled()
  client.connect()
  expect(token).toHaveBeenCalledExactlyOnceWith('first')
  expect(live.state.get()).toEqual({ status: 'opening' })
  client.close()
})

it('tries at once when the browser finds a network, and only while it waits', async () => {
  const browser = new EventTarget()
  for (const name of ['addEventListener', 'removeEventListener'] as const)
    vi.stubGlobal(name, browser[name].bind(browser))
  onTestFinished(() => {
    vi.unstubAllGlobals()
  })
  const token = vi.fn(() => Promise.reject(new Error('No network.')))
  const { client, clock } = makeClient(token)
  const online = () => browser.dispatchEvent(new Event('online'))
  online()
  client.namespace(realtimeNamespace).onReset(() => {})
  online()
  await expect.poll(() => client.state.get().status).toBe('waiting')
  online()
  online()
  expect(client.state.get()).toMatchObject({ status: 'connecting', attempt: 2 })
  await expect.poll(() => client.state.get().status).toBe('waiting')
  expect(token).toHaveBeenCalledTimes(2)
  browser.dispatchEvent(new Event('offline'))
  expect(client.state.get().status).toBe('waiting')
  client.close()
  online()
  expect(token).toHaveBeenCalledTimes(2)
  expect(clock.timers).toBe(0)
})
