/** What compiles and what does not: the contract types everything, and nobody needs a cast. */
import {
  type Client,
  type ClientOptions,
  CommandError,
  createSnapshot,
  keptOverReloads,
  type Live,
  type ResetReason,
  type WaitingCommand,
} from '@belfry/client'
import type { EventMeta } from '@belfry/contract'
import { expect, expectTypeOf, it } from 'vitest'
import type { news, posts } from '../protocol/namespaces.ts'

/** For the compiler only: nothing of it runs. */
function neverRuns(_body: (live: Live<typeof posts>, other: Live<typeof news>, client: Client) => unknown) {
  expect(CommandError).toBeTypeOf('function')
}

it('types events by the contract', () => {
  neverRuns((live, other) => {
    const off = live.on('post:created', (post, meta) => {
      expectTypeOf(post).toEqualTypeOf<{ n: number; text?: string | undefined }>()
      expectTypeOf(meta).toEqualTypeOf<EventMeta>()
    })
    expectTypeOf(off).toEqualTypeOf<() => void>()
    live.on('post:drawn', ({ image }) => expectTypeOf(image).toEqualTypeOf<Uint8Array>())
    live.on('session:warning', ({ code }) => expectTypeOf(code).toEqualTypeOf<string>())
    live.onReset((reason) => expectTypeOf(reason).toEqualTypeOf<ResetReason>())
    other.on('news:told', ({ n }) => expectTypeOf(n).toEqualTypeOf<number>())
    // @ts-expect-error no such event
    live.on('post:deleted', () => {})
    // @ts-expect-error an event of another namespace
    live.on('news:told', () => {})
    // @ts-expect-error a command is no event
    live.on('post:view', () => {})
    // @ts-expect-error there is `onReset`
    live.on('sync:reset', () => {})
    // @ts-expect-error no such field
    live.on('post:created', ({ title }) => title)
    // @ts-expect-error its meta is the second argument
    live.on('post:created', ({ _meta }) => _meta)
  })
})

it('types commands by the contract', () => {
  neverRuns((live, other) => {
    expectTypeOf(live.command('post:view', { id: 'a' })).resolves.toEqualTypeOf<{
      id: string
      seen: boolean
    }>()
    expectTypeOf(live.command('post:note', {})).resolves.toEqualTypeOf<undefined>()
    expectTypeOf(other.command('news:ask')).resolves.toEqualTypeOf<{ answer: string }>()
    expectTypeOf(other.command('news:ask', {}, { timeoutMs: 1 })).resolves.toEqualTypeOf<{ answer: string }>()
    expectTypeOf(live.command('room:join', { room: { kind: 'thread', id: 'a' } })).resolves.toEqualTypeOf<{
      position: string
    }>()
    live.command('post:view', { id: 'a' }, { key: 'k', timeoutMs: 1, signal: new AbortController().signal })
    // @ts-expect-error no such command
    live.command('post:remove', { id: 'a' })
    // @ts-expect-error a command of another namespace
    live.command('news:ask')
    // @ts-expect-error an event is no command
    live.command('post:created', { n: 1 })
    // @ts-expect-error it needs an input
    live.command('post:view')
    // @ts-expect-error a field is missing
    live.command('post:view', {})
    // @ts-expect-error a field of another type
    live.command('post:view', { id: 7 })
    // @ts-expect-error a field too many
    live.command('post:view', { id: 'a', name: 'b' })
    // @ts-expect-error it takes no input
    other.command('news:ask', { id: 'a' })
    live.command('post:view', { id: 'a' }, { repeat: true })
    expectTypeOf(live.waiting.get()).toEqualTypeOf<readonly WaitingCommand[]>()
    // @ts-expect-error no such option
    live.command('post:view', { id: 'a' }, { retries: 3 })
  })
})

it('types states, so that each is told from the others', () => {
  neverRuns((live, _other, client) => {
    const state = live.state.get()
    if (state.status === 'open') {
      expectTypeOf(state.recovered).toEqualTypeOf<boolean>()
      expectTypeOf(state.recoveredEvents).toEqualTypeOf<number | undefined>()
    }
    if (state.status === 'waiting') expectTypeOf(state.retryAt).toEqualTypeOf<number>()
    // @ts-expect-error a connection is never `open`
    return client.state.get().status === 'open'
  })
})

it('types data by what loads it, and what events make of it by the contract', () => {
  const contract = {} as typeof posts
  neverRuns((_live, _other, client) => {
    const snapshot = createSnapshot(client, contract, {
      load: async ({ live, position, signal }) => {
        expectTypeOf(position).toEqualTypeOf<string | undefined>()
        const { id } = await live.command('post:view', { id: 'a' }, { signal })
        return { data: [id], position: 'e.1' }
      },
      apply: {
        'post:created': (ids, { n }, meta) => {
          expectTypeOf(ids).toEqualTypeOf<string[]>()
          expectTypeOf(meta).toEqualTypeOf<EventMeta>()
          return [...ids, `${n}`]
        },
      },
    })
    const state = snapshot.state.get()
    expectTypeOf(state.data).toEqualTypeOf<string[] | undefined>()
    if (state.status === 'current' || state.status === 'stale')
      expectTypeOf(state.data).toEqualTypeOf<string[]>()
    if (state.status === 'failed') expectTypeOf(state.error).toEqualTypeOf<Error>()
    const load = async () => ({ data: 1 })
    // @ts-expect-error no such event
    createSnapshot(client, contract, { load, apply: { 'post:deleted': (data) => data } })
    // @ts-expect-error other data than was loaded
    createSnapshot(client, contract, { load, apply: { 'post:created': () => 'a text' } })
    // @ts-expect-error nothing is loaded
    createSnapshot(client, contract, { load: async () => 1, apply: {} })
  })
})

it('types what outlasts a reload', () => {
  expectTypeOf({ token: '', reloads: keptOverReloads({ user: 'ana' }) }).toExtend<ClientOptions>()
  expectTypeOf(keptOverReloads).parameter(0).not.toExtend<{ when?: 'never' } | undefined>()
})
