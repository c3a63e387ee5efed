/** What compiles and what does not: contracts type the hooks, and nobody needs a cast. */
import type { EventMeta } from '@belfry/contract'
import { type BelfryProviderProps, useCommand, useEvent, useSnapshot } from '@belfry/react'
import { expect, expectTypeOf, it } from 'vitest'
import type { posts } from '../protocol/namespaces.ts'

/** For the compiler only: nothing of it runs. */
function neverRuns(_component: (contract: typeof posts) => unknown) {
  expect(useEvent).toBeTypeOf('function')
}

it('types events by the contract', () => {
  neverRuns(function Component(contract) {
    useEvent(contract, 'post:created', (post, meta) => {
      expectTypeOf(post).toEqualTypeOf<{ n: number; text?: string | undefined }>()
      expectTypeOf(meta).toEqualTypeOf<EventMeta>()
    })
    // @ts-expect-error no such event
    useEvent(contract, 'post:deleted', () => {})
    // @ts-expect-error a command is no event
    useEvent(contract, 'post:view', () => {})
    // @ts-expect-error no such field
    useEvent(contract, 'post:created', ({ title }) => title)
  })
})

it('types commands by the contract', () => {
  neverRuns(function Component(contract) {
    const view = useCommand(contract, 'post:view')
    expectTypeOf(view.data).toEqualTypeOf<{ id: string; seen: boolean } | undefined>()
    expectTypeOf(view.run({ id: 'a' }, { key: 'k' })).resolves.toEqualTypeOf<{ id: string; seen: boolean }>()
    // @ts-expect-error it needs an input
    view.run()
    // @ts-expect-error a field is missing
    view.run({})
    // @ts-expect-error no such command
    useCommand(contract, 'post:remove')
  })
})

it('types data by what loads it', () => {
  neverRuns(function Component(contract) {
    const { status, data, error, reload } = useSnapshot(contract, {
      room: { kind: 'thread', id: '7' },
      load: async ({ live }) => ({ data: [(await live.command('post:view', { id: 'a' })).id] }),
      apply: { 'post:created': (ids, { n }) => [...ids, `${n}`] },
    })
    expectTypeOf(data).toEqualTypeOf<string[] | undefined>()
    expectTypeOf(error).toEqualTypeOf<Error | undefined>()
    expectTypeOf(status).toEqualTypeOf<'idle' | 'loading' | 'current' | 'stale' | 'failed'>()
    expectTypeOf(reload).toEqualTypeOf<() => void>()
  })
})

it('takes a token or a client, and one of them', () => {
  expectTypeOf({ token: undefined }).toExtend<BelfryProviderProps>()
  expectTypeOf({
    token: () => 'token',
    user: 'ana',
    url: 'https://app.example.com',
  }).toExtend<BelfryProviderProps>()
  expectTypeOf({}).not.toExtend<BelfryProviderProps>()
})
