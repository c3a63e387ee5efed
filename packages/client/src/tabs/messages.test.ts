import { expect, it } from 'vitest'
import { type Message, openChannel } from './messages.ts'

it('hears messages and nothing else, and goes on after one that nobody can do anything with', async () => {
  const heard: Message[] = []
  const errors: unknown[] = []
  const name = 'a channel of messages.test.ts'
  const channel = openChannel(
    name,
    (message) => {
      heard.push(message)
      if (message.kind === 'hello') throw new Error('It cannot be dealt with.')
    },
    (error) => errors.push(error),
  )
  const stranger = new BroadcastChannel(name)
  const leader = 'l'
  const namespace = '/n'
  for (const value of [
    ...[undefined, null, 7, 'hello', [], {}, { kind: 7 }, { kind: 'toString' }, { kind: 'none', leader }],
    ...[{ kind: 'hello' }, { kind: 'hello', tab: 7 }, { kind: 'welcome' }, { kind: 'use', leader }],
    { kind: 'namespace', leader, namespace, state: null },
    { kind: 'connection', leader, state: 'open' },
    { kind: 'event', leader, namespace, event: 'e', data: 'text' },
    { kind: 'command', leader, namespace, id: '1', name: 'c', payload: {} },
    { kind: 'answer', leader, namespace },
  ])
    stranger.postMessage(value)
  const known = [
    { kind: 'hello', tab: 't' },
    { kind: 'answer', leader, namespace, id: 1, answer: undefined },
  ]
  for (const message of known) stranger.postMessage(message)
  await expect.poll(() => heard.length).toBe(known.length)
  expect(heard).toEqual(known)
  expect(errors).toEqual([new Error('It cannot be dealt with.')])
  channel.close()
  stranger.close()
})
