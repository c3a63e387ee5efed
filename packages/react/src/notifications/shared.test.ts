/** One list for all components of a client: who opens it, who closes it, and who hears what comes in. */
import type { Client } from '@belfry/client'
import { expect, it } from 'vitest'
import { sharedNotifications } from './shared.ts'

/** Everything that follows from what was done so far. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

function fakeClient() {
  const listeners = new Map<string, (data: object, meta: { id: string }) => void>()
  const asked: string[] = []
  let opened = 0
  let closed = 0
  let answer = (_data: object) => {}
  const client = {
    namespace: () => ({
      state: { get: () => ({ status: 'open' }), subscribe: () => () => {} },
      on: (event: string, listener: (data: object, meta: { id: string }) => void) => {
        if (event === 'notification:new') opened += 1
        listeners.set(event, listener)
      },
      onReset: () => {},
      command: (name: string) => {
        asked.push(name)
        return new Promise((resolve) => {
          answer = resolve
        })
      },
      close: () => {
        closed += 1
      },
    }),
  } as unknown as Client
  return {
    client,
    asked,
    counts: () => [opened, closed],
    answer: async (data: object) => {
      answer(data)
      await settled()
    },
    comeIn: (id: string) =>
      listeners.get('notification:new')?.({ id, createdAt: '2030', readAt: null }, { id: 'e.1' }),
  }
}

const list = { notifications: [], nextCursor: null, unread: 0, revision: 1, position: 'e.0' }

it('is one for a client, and another one for another client', () => {
  const { client } = fakeClient()
  expect(sharedNotifications(client)).toBe(sharedNotifications(client))
  expect(sharedNotifications(fakeClient().client)).not.toBe(sharedNotifications(client))
})

it('is opened by the first who looks, read once, and closed by the last who goes', async () => {
  const { client, counts, asked } = fakeClient()
  const { state } = sharedNotifications(client)
  expect(counts()).toEqual([0, 0])
  const ends = [state.subscribe(() => {}), state.subscribe(() => {})]
  expect([counts(), asked]).toEqual([[1, 0], ['notification:getAll']])
  ends[0]?.()
  await settled()
  expect(counts()).toEqual([1, 0])
  ends[1]?.()
  await settled()
  expect(counts()).toEqual([1, 1])
})

it('stays open for who goes and comes again within one task', async () => {
  const { client, counts } = fakeClient()
  const { state } = sharedNotifications(client)
  state.subscribe(() => {})()
  state.subscribe(() => {})
  await settled()
  expect(counts()).toEqual([1, 0])
})

it('stays open until what is being done is done', async () => {
  const { client, counts, answer } = fakeClient()
  const { state, markRead } = sharedNotifications(client)
  const end = state.subscribe(() => {})
  await answer(list)
  const done = markRead('a')
  end()
  await settled()
  expect(counts()).toEqual([1, 0])
  await answer({ changed: 1, unread: 0, revision: 2 })
  await done
  await settled()
  expect(counts()).toEqual([1, 1])
})

it('tells all of what comes in, whatever one of them throws', async () => {
  const { client, answer, comeIn } = fakeClient()
  const { state, onNew } = sharedNotifications(client)
  state.subscribe(() => {})
  await answer(list)
  const thrown: unknown[] = []
  const note = (error: unknown) => thrown.push(error)
  process.once('uncaughtException', note)
  const heard: string[] = []
  onNew(() => {
    throw new Error('of the application')
  })
  const end = onNew(({ id }) => heard.push(id))
  comeIn('a')
  await settled()
  end()
  onNew(({ id }) => heard.push(`later ${id}`))
  expect(heard).toEqual(['a'])
  expect(thrown).toMatchObject([{ message: 'of the application' }])
  expect(state.get().items.map(({ id }) => id)).toEqual(['a'])
})

it('is empty, and refuses, where nobody is signed in', async () => {
  const { state, markRead, reload } = sharedNotifications(undefined)
  expect(state.get()).toMatchObject({ status: 'idle', items: [], unread: 0 })
  await expect(markRead('a')).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(reload()).rejects.toMatchObject({ code: 'unauthenticated' })
})
