/** What compiles and what does not: the contract types everything, and nobody needs a cast. */
import { type Client, CommandError, type Live, type ResetReason } from '@belfry/client'
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
    // @ts-expect-error no such option
    live.command('post:view', { id: 'a' }, { retries: 3 })
  })
})

it('types states, so that each is told from the others', () => {
  neverRuns((live, _other, client) => {
    const state = live.state.get()
    if (state.status === 'open') expectTypeOf(state.recovered).toEqualTypeOf<boolean>()
    if (state.status === 'waiting') expectTypeOf(state.retryAt).toEqualTypeOf<number>()
    // @ts-expect-error a connection is never `open`
    return client.state.get().status === 'open'
  })
})
